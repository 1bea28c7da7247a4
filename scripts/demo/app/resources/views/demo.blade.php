<!DOCTYPE html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="csrf-token" content="{{ csrf_token() }}">
    <title>Fanfare demo</title>
    <link rel="icon" href="/demo/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/demo/demo.css">
</head>
<body>
<header>
    <div class="brand">
        <img src="/demo/icon.svg" alt="" width="34" height="34">
        <div><strong>Fanfare</strong><span>real-time broadcasting for Laravel</span></div>
    </div>
    <div class="state" data-state="connecting" id="state"><i></i><span>connecting</span></div>
</header>

<main>
    <section class="card feed">
        <h2>Live feed <code>private-feed</code></h2>
        <ol id="feed" aria-live="polite"></ol>
        <p id="typing" class="typing">&nbsp;</p>
        <form id="form" autocomplete="off">
            <input id="text" name="text" maxlength="500" placeholder="Say something to every open tab" aria-label="Message">
            <button>Broadcast</button>
        </form>
    </section>

    <aside>
        <section class="card">
            <h2>Latency</h2>
            <div class="numbers">
                <div><b id="server">–</b><span><code>broadcast()</code> to this tab</span></div>
                <div><b id="trip">–</b><span>click to this tab, Laravel included</span></div>
            </div>
            <div id="bars" class="bars" title="broadcast() to this tab, the last 40 messages"></div>
        </section>
        <section class="card">
            <h2>Here now <code>presence-room</code></h2>
            <ul id="members" class="members"></ul>
            <p class="hint">Open <a id="second" href="#" target="_blank" rel="noopener">a second guest</a> or another tab and watch.</p>
        </section>
        <section class="card wire">
            <h2>On the wire <code id="socket"></code></h2>
            <ol id="wire"></ol>
        </section>
    </aside>
</main>

<footer>
    Laravel → PHP extension → Unix socket → <code>fanfared</code> → WebSocket → Laravel Echo. No HTTP in between, no change to Echo.
</footer>

<script id="settings" type="application/json">@json($settings)</script>
<script src="/demo/pusher.min.js"></script>
<script src="/demo/echo.iife.js"></script>
<script src="/demo/demo.js"></script>
</body>
</html>
