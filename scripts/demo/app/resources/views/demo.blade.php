<!DOCTYPE html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="csrf-token" content="{{ csrf_token() }}">
    <meta name="color-scheme" content="light dark">
    <title>Fanfare demo</title>
    <link rel="icon" href="/demo/icon.svg" type="image/svg+xml">
    <link rel="preload" href="/demo/vendor/archivo.woff2" as="font" type="font/woff2" crossorigin>
    <link rel="stylesheet" href="/demo/demo.css">
</head>
<body>
<header class="masthead">
    <img src="/demo/icon.svg" alt="" width="40" height="40">
    <h1>Fanfare</h1>
    <p class="claim">Laravel broadcasting without HTTP in between</p>
    <p class="state" id="state" data-state="connecting" role="status"><i aria-hidden="true"></i><span>connecting</span></p>
</header>

<section class="daemon" id="daemon" aria-labelledby="daemon-title">
    <h2 id="daemon-title"><code>fanfared</code> <small id="daemon-since">is asked</small></h2>
    <dl>
        <div><dt>connections</dt><dd id="d-connections">–</dd></div>
        <div><dt>channels</dt><dd id="d-channels">–</dd></div>
        <div><dt>PHP to daemon and back</dt><dd id="d-trip">–</dd></div>
        <div><dt>memory</dt><dd id="d-memory">–</dd></div>
        <div><dt>CPU, of one core</dt><dd id="d-processor">–</dd></div>
        <div class="wide">
            <dt>messages to browsers, a second</dt>
            <dd><span id="d-messages">–</span><svg id="d-line" viewBox="0 0 120 30" preserveAspectRatio="none" aria-hidden="true"><polyline points=""/></svg></dd>
        </div>
    </dl>
    <p class="told"><code>fanfare:listen</code> <span id="told">tells PHP who comes and goes</span></p>
</section>

<p class="note" id="clocks" hidden></p>

<main>
    <section class="chat" aria-labelledby="chat-title">
        <h2 id="chat-title">Chat <code>presence-room</code></h2>
        <ul id="members" class="members" aria-label="Who is here"></ul>
        <ol id="feed" role="log" aria-label="Messages" tabindex="0"></ol>
        <p id="typing" class="typing" aria-live="polite"></p>
        <form id="form" autocomplete="off">
            <input id="text" name="text" maxlength="500" placeholder="Say something to every open window" aria-label="Message">
            <button>Send</button>
        </form>
        <dl class="pair">
            <div><dt><code>broadcast()</code> to this window</dt><dd id="server">–</dd></div>
            <div><dt>click to this window, Laravel included</dt><dd id="trip">–</dd></div>
        </dl>
        <p class="hint"><a id="second" href="#" target="_blank" rel="noopener">Open a second guest</a> and put the windows side by side.</p>
        <details><summary>The code</summary><x-code :files="$code['chat']" /></details>
    </section>

    <section class="orders" aria-labelledby="orders-title">
        <h2 id="orders-title">Order board <code>private-orders</code></h2>
        <p class="lead">Every order is broadcast twice, by the same event: published by the request itself, and through a queue.</p>
        <div class="actions">
            <button type="button" id="one">Place an order</button>
            <button type="button" id="twenty" class="second">Place 20</button>
            <label><input type="checkbox" id="stream"> keep them coming</label>
        </div>
        <div class="ways">
            <section class="way direct" aria-labelledby="way-direct">
                <h3 id="way-direct">direct</h3>
                <p class="figure"><b id="m-direct">–</b><small>median to this window</small></p>
                <p class="cost"><span id="c-direct">–</span> of the request</p>
            </section>
            <section class="way queued" aria-labelledby="way-queued">
                <h3 id="way-queued">queue</h3>
                <p class="figure"><b id="m-queued">–</b><small>median to this window</small></p>
                <p class="cost"><span id="c-queued">–</span> of the request</p>
            </section>
            <div class="race" role="img" aria-label="No orders yet" id="race">
                <div class="lane" id="r-direct"></div>
                <div class="lane" id="r-queued"></div>
                <div class="scale" aria-hidden="true"></div>
            </div>
            <ol id="b-direct" class="board" aria-label="Orders that came direct"></ol>
            <ol id="b-queued" class="board" aria-label="Orders that came through the queue"></ol>
        </div>
        <p class="hint">From <code>broadcast()</code> to this window, on one machine's clock. Queue: <code>database</code>, one worker, which looks every 0.1 s (Laravel's own default is 3 s).</p>
        <details><summary>The code</summary><x-code :files="$code['orders']" /></details>
    </section>

    <section class="tokens" aria-labelledby="tokens-title">
        <h2 id="tokens-title">Tokens <code>private-tokens</code></h2>
        <p class="lead">An answer as a language model writes it. Every token is a message of its own, sent by <code>broadcast()</code>.</p>
        <form class="actions" id="ask">
            <button>Ask for <span id="amount">3,000</span> tokens</button>
            <fieldset>
                <legend>Rate</legend>
                <label><input type="radio" name="rate" value="60"> 60 a second</label>
                <label><input type="radio" name="rate" value="1000" checked> 1,000 a second</label>
                <label><input type="radio" name="rate" value="0"> as fast as PHP can</label>
            </fieldset>
        </form>
        <div class="paper" id="paper" tabindex="0" role="region" aria-label="The answer"><div id="answer"><p class="empty">Nothing has been asked yet.</p></div></div>
        <canvas id="frames" height="36" role="img" aria-label="Tokens in each frame of the screen"></canvas>
        <dl class="counts">
            <div><dt>tokens</dt><dd><span id="t-received">0</span><small id="t-of"></small></dd></div>
            <div><dt>a second</dt><dd id="t-rate">–</dd></div>
            <div><dt>missing</dt><dd id="t-missing">–</dd></div>
            <div><dt>out of order</dt><dd id="t-disorder">–</dd></div>
            <div><dt>longest frame</dt><dd id="t-frame">–</dd></div>
            <div><dt>one <code>broadcast()</code></dt><dd id="t-cost">–</dd></div>
        </dl>
        <p class="hint" id="said" role="status"></p>
        <details><summary>The code</summary><x-code :files="$code['tokens']" /></details>
    </section>
</main>

<footer>
    <p>Laravel → PHP extension → Unix socket → <code>fanfared</code> → WebSocket → Laravel Echo. Echo and pusher-js are unchanged.</p>
    <details><summary>The code that asks the daemon</summary><x-code :files="$code['daemon']" /></details>
</footer>

<script id="settings" type="application/json">@json($settings)</script>
<script src="/demo/vendor/pusher.min.js"></script>
<script type="module" src="/demo/main.js"></script>
</body>
</html>
