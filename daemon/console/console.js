// The operator's page: what the daemon tells once a second over a WebSocket, lists and orders by /api/. Whatever comes from
// outside is put into the page as text, never as HTML.
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const number = new Intl.NumberFormat();
const SECONDS = 120, FEED = 100;

function make(name, props = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
        if (key === 'class') node.className = value;
        else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
        else if (key in node) node[key] = value;
        else node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
    return node;
}
const cell = (text, numeric) => make('td', numeric ? { class: 'n' } : {}, text);
const row = (...cells) => make('tr', {}, ...cells);

function facts(list, entries) {
    list.replaceChildren(...entries.filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
}
function duration(seconds) {
    const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
    const at = parts.findIndex(([size]) => seconds >= size);
    if (at < 0) return '0 s';
    const [size, unit] = parts[at];
    const next = parts[at + 1];
    const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
    return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${next[1]}` : ''}`;
}
function bytes(n) {
    for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
        if (n < 1024 || unit === 'GiB') return `${n < 10 && unit !== 'B' ? n.toFixed(1) : Math.round(n)} ${unit}`;
        n /= 1024;
    }
    return '';
}
const clock = (ms) => new Date(ms).toLocaleTimeString();
const milliseconds = (ms) => (ms < 10 ? `${ms.toFixed(2)} ms` : `${Math.round(ms)} ms`);

let noticeTimer;
function notice(text, bad = false) {
    const node = $('#notice');
    node.textContent = text;
    node.classList.toggle('bad', bad);
    clearTimeout(noticeTimer);
    if (!bad) noticeTimer = setTimeout(() => (node.textContent = ''), 15_000);
}

// ---- requests ----

async function call(path, body) {
    const options = { credentials: 'same-origin', headers: {} };
    if (body !== undefined) {
        options.method = 'POST';
        options.headers['Content-Type'] = 'application/json';
        options.body = JSON.stringify(body);
    }
    let response;
    try {
        response = await fetch(path, options);
    } catch {
        throw new Error('The daemon does not answer');
    }
    const answer = await response.json().catch(() => ({}));
    if (response.status === 401 && path !== 'login') begin();
    if (!response.ok) throw new Error(answer.error ?? `The daemon answered ${response.status}`);
    return answer;
}
const api = (name, query = {}) => {
    const given = Object.entries(query).filter(([, value]) => value !== '' && value !== undefined && value !== null);
    return call(`../api/${name}${given.length ? `?${new URLSearchParams(given)}` : ''}`);
};
const order = (name, body) => call(`../api/${name}`, body);

function sure(question) {
    const dialog = $('#sure');
    $('#sure-text').textContent = question;
    dialog.returnValue = 'no';
    dialog.showModal();
    return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
}
async function attempt(work) {
    try {
        await work();
    } catch (error) {
        notice(error.message, true);
    }
}

// ---- plots ----

/** What was so in each of the last seconds: one line, or several with a name each, of which the first is filled. */
class Plot {
    constructor(name, show, lines = ['']) {
        const svg = (tag, attributes) => {
            const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
            for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
            return node;
        };
        Object.assign(this, { name, show, past: [] });
        this.area = svg('path', { class: 'area' });
        this.lines = lines.map((one, i) => ({ name: one, path: svg('path', { class: `line line-${i}` }), value: make('b', {}, '–') }));
        this.svg = svg('svg', { viewBox: `0 0 ${SECONDS - 1} 64`, preserveAspectRatio: 'none', role: 'img', 'aria-label': name });
        this.svg.append(this.area, ...this.lines.map((one) => one.path).reverse());
        this.most = make('small', {}, '');
        const values = make('span', { class: 'values' }, ...this.lines.map((one, i) => make('span', {}, one.name ? make('i', { class: `key key-${i}` }, one.name) : null, one.name ? ' ' : null, one.value)));
        $('#plots').append(make('figure', { 'data-plot': name }, make('figcaption', {}, make('span', {}, name), values), this.svg, this.most));
    }
    add(...values) {
        this.past.push(values.map((value) => Math.max(0, value)));
        if (this.past.length > SECONDS) this.past.shift();
        this.lines.forEach((one, i) => (one.value.textContent = this.show(values[i])));
        if (document.hidden) return;
        const most = Math.max(...this.past.flat());
        const first = SECONDS - this.past.length;
        const points = (i) => this.past.map((one, at) => `${first + at},${(61 - (most > 0 ? (one[i] / most) * 58 : 0)).toFixed(1)}`).join('L');
        this.lines.forEach((one, i) => one.path.setAttribute('d', `M${points(i)}`));
        this.area.setAttribute('d', `M${first},64L${points(0)}L${SECONDS - 1},64Z`);
        this.most.textContent = `at most ${this.show(most)}`;
        const now = this.lines.map((one, i) => [one.name, this.show(values[i])].filter(Boolean).join(' ')).join(', ');
        this.svg.setAttribute('aria-label', `${this.name}: ${now} now, at most ${this.show(most)} in the last ${duration(this.past.length)}`);
    }
}
const rate = (n) => `${number.format(Math.round(n))}/s`;
const plots = {
    connections: new Plot('Connections', (n) => number.format(n)),
    published: new Plot('Published', rate),
    sent: new Plot('Sent to clients', rate),
    received: new Plot('Received from clients', rate),
    bytes: new Plot('Traffic to clients', (n) => `${bytes(n)}/s`),
    opened: new Plot('New connections', rate),
    delivery: new Plot('Publish to last write', milliseconds, ['p50', 'p99']),
    answer: new Plot('Answer to PHP', milliseconds, ['p50', 'p99']),
    turn: new Plot('Turn of a loop', milliseconds, ['p50', 'p99']),
    late: new Plot('Delay of the daemon\u2019s main loop', milliseconds),
    trip: new Plot('Round trip of this console', milliseconds),
};

// ---- once a second ----

const history = [];
let trip;
const REFUSALS = {
    handshakes_refused_total: 'Handshake', limits_reached_total: 'Limit', bad_input_total: 'Malformed input', subscriptions_refused_total: 'Subscription', client_events_refused_total: 'Client event',
    publish_rejected_total: 'Publish', api_refused_total: 'HTTP API', ipc_refused_total: 'Publisher', ipc_queries_refused_total: 'Publisher\u2019s query', tls_failed_total: 'TLS', timeouts_total: 'Time-out',
    flow_held_total: 'Held back', admin_refused_total: 'Operator\u2019s interface', accept_rests_total: 'Out of descriptors', reload_closed_total: 'Closed by a reload', config_reloads_total: 'Reload',
    ipc_unconfirmed_total: 'Not confirmed by the cluster in time', webhook_requests_failed_total: 'Webhook request', webhook_events_dropped_total: 'Webhook event dropped', listen_lost_total: 'Listener\u2019s event lost',
    traceparent_invalid_total: 'Invalid traceparent', trace_spans_dropped_total: 'Span dropped', console_skipped_total: 'Console that does not read',
};
const GOOD = new Set(['ok']); // labels that are no refusal
function sumOf(counters, name) {
    let sum = 0;
    for (const [key, value] of Object.entries(counters)) if (key === name || key.startsWith(`${name}{`)) sum += value;
    return sum;
}
function reasonsOf(counters, past, names) {
    const found = [];
    for (const [key, value] of Object.entries(counters)) {
        const [, name, label] = /^([a-z_]+)(?:\{[a-z]+="(.*)"\})?$/.exec(key) ?? [];
        if (name in names && !GOOD.has(label)) found.push({ name, label: label ?? '', total: value, minute: value - (past[key] ?? 0) });
    }
    return found;
}
function onSecond(second) {
    const { status } = second;
    const { counters } = status;
    const last = history.at(-1);
    history.push({ at: second.at, counters, latency: second.latency });
    if (history.length > 61) history.shift();
    const past = history[0].counters;

    showState(status.state);
    $('#node').textContent = status.node ?? '';
    facts($('#facts'), [
        ['Connections', number.format(status.connections)], ['Channels', number.format(status.channels)], ['Applications', number.format(status.apps)], ['Nodes', status.nodes],
        ['Workers', status.workers], ['Up', duration(status.uptime)], ['Version', status.version], ['Process', status.pid], ['Log level', status.log_level],
        ['Log lines dropped', status.log_dropped || undefined], ['Consoles', second.viewers],
    ]);
    plots.connections.add(status.connections);
    if (last) {
        const seconds = Math.max(0.001, (second.at - last.at) / 1000);
        const per = (name) => Math.max(0, sumOf(counters, name) - sumOf(last.counters, name)) / seconds;
        plots.published.add(per('published_total'));
        plots.sent.add(per('messages_sent_total'));
        plots.received.add(per('messages_received_total'));
        plots.bytes.add(per('bytes_sent_total'));
        plots.opened.add(per('connections_opened_total'));
    }
    if (last) {
        const { bounds, ...kinds } = second.latency;
        for (const [kind, counts] of Object.entries(kinds)) {
            const fresh = counts.map((count, i) => count - last.latency[kind][i]);
            if (fresh.some((count) => count > 0)) plots[kind].add(quantile(bounds, fresh, 0.5), quantile(bounds, fresh, 0.99));
            else plots[kind].add(0, 0);
        }
    }
    plots.late.add(second.late_us / 1000);
    if (trip !== undefined) plots.trip.add(trip);

    $('#slow tbody').replaceChildren(...reasonsOf(counters, past, { slow_consumers_total: 1 }).map((one) => row(cell(one.label), cell(number.format(one.minute), true), cell(number.format(one.total), true))));
    const refusals = reasonsOf(counters, past, REFUSALS).filter((one) => one.total > 0);
    $('#refusals tbody').replaceChildren(...(refusals.length ? refusals.map((one) => row(cell(REFUSALS[one.name]), cell(one.label), cell(number.format(one.minute), true), cell(number.format(one.total), true)))
        : [row(make('td', { colSpan: 4 }, 'None since the start.'))]));
    onFlow(second);
    say({ ping: Math.round(performance.now() * 1000) });
}
function showState(state) {
    const texts = { ready: 'ready', joining: 'joining the cluster', redis: 'Redis is away', draining: 'draining', off: 'not connected' };
    const node = $('#state');
    const text = texts[state] ?? state;
    if (node.textContent !== text) node.textContent = text;
    node.dataset.state = state === 'ready' || state === 'off' ? state : 'warn';
}

/** What so many of the durations took at most, in ms: counts by bound (in seconds), the last of what is beyond all bounds. */
function quantile(bounds, counts, share) {
    const wanted = counts.reduce((sum, count) => sum + count, 0) * share;
    let below = 0;
    for (const [i, count] of counts.entries()) {
        if (count > 0 && below + count >= wanted) {
            const low = i > 0 ? bounds[i - 1] : 0;
            return (i < bounds.length ? low + ((bounds[i] - low) * (wanted - below)) / count : low) * 1000;
        }
        below += count;
    }
    return 0;
}

// ---- messages as they flow ----

const flow = { paused: false, app: '', channel: '', payloads: false };
const event = (one) => make('li', {},
    make('time', {}, clock(one.at)), ' ', make('strong', {}, one.event ?? ''), ' on ', one.channel, ' ',
    make('small', {}, `${one.app} · ${one.kind === 'event' ? 'published' : one.kind} · ${bytes(one.bytes)} · to ${number.format(one.here)} here`),
    one.traceparent === undefined ? null : make('small', { class: 'trace' }, ` · traceparent ${one.traceparent}`),
    one.data === undefined ? null : make('pre', {}, one.data));
const WHAT = { occupied: 'channel occupied', vacated: 'channel vacated', joined: 'joined', left: 'left', opened: 'connected', closed: 'disconnected', online: 'signed in', offline: 'signed out' };
const coming = (one) => make('li', {}, make('time', {}, clock(one.at)), ' ', make('strong', {}, WHAT[one.what] ?? one.what), ' ', [one.user, one.channel, one.socket].filter(Boolean).join(' · '), ' ', make('small', {}, one.app));
function feed(list, items, show) {
    list.prepend(...items.map(show).reverse());
    while (list.childElementCount > FEED) list.lastElementChild.remove();
}
function onFlow({ messages, activity }) {
    if (current !== 'flow' || flow.paused) return;
    feed($('#messages'), messages.items, event);
    feed($('#activity'), activity.items, coming);
    $('#flow-seen').textContent = `Last second: ${number.format(messages.seen)} messages, ${number.format(messages.items.length)} shown; ${number.format(activity.seen)} comings and goings, ${number.format(activity.items.length)} shown.`;
}
function setFlow() {
    say({ flow: current === 'flow' && !flow.paused && !document.hidden, payloads: flow.payloads, app: flow.app, channel: flow.channel });
}
$('#flow-form').addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    Object.assign(flow, { app: $('#flow-app').value, channel: $('#flow-channel').value.trim(), payloads: $('#flow-payloads').checked });
    for (const list of ['#messages', '#activity']) $(list).replaceChildren();
    setFlow();
});
$('#flow-pause').addEventListener('click', ({ currentTarget }) => {
    flow.paused = !flow.paused;
    currentTarget.setAttribute('aria-pressed', flow.paused);
    currentTarget.textContent = flow.paused ? 'Go on' : 'Pause';
    setFlow();
});
document.addEventListener('visibilitychange', setFlow);

// ---- the stream ----

const FULL = 'As many consoles as the daemon serves at a time are open: close one of them.';
let socket, retry = 500, wanted = false;
function say(message) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
function connect() {
    wanted = true;
    const address = new URL('live', location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.hash = '';
    const mine = new WebSocket(address);
    socket = mine;
    mine.onopen = () => {
        retry = 500;
        if ($('#notice').textContent === FULL) notice('');
        history.length = 0;
        setFlow();
        say({ ping: Math.round(performance.now() * 1000) });
    };
    mine.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === 'second') onSecond(message);
        else if (message.type === 'pong') trip = performance.now() - message.ping / 1000;
    };
    mine.onclose = () => {
        if (socket !== mine || !wanted) return;
        showState('off');
        setTimeout(() => wanted && socket === mine && begin(), retry);
        retry = Math.min(retry * 2, 10_000);
    };
}
function disconnect() {
    wanted = false;
    socket?.close();
}

// ---- lists ----

function more(section, next, load) {
    $('.more', section).replaceChildren(...(next ? [make('button', { class: 'plain', type: 'button', onclick: () => attempt(() => load(next)) }, 'More')] : []));
}
function fill(section, rows, append, empty) {
    const body = $('tbody', section);
    if (!append) body.replaceChildren();
    $('.none', body)?.remove();
    body.append(...rows);
    if (!body.childElementCount) body.append(make('tr', { class: 'none' }, make('td', { colSpan: 9 }, empty)));
}
const valueOf = (form, name) => form.elements[name]?.value.trim() ?? '';
const appOf = (form) => $('.apps', form).value;

async function endConnection(app, id) {
    if (!(await sure(`End connection ${id} of application ${app}?`))) return false;
    const { ended } = await order('kick', { app, socket: id });
    notice(ended ? `Connection ${id} was ended.` : `There is no connection ${id}.`, !ended);
    return ended > 0;
}
async function endUser(app, id) {
    if (!(await sure(`End all connections of user ${id} of application ${app}?`))) return false;
    const { ended } = await order('terminate', { app, user: id });
    notice(`${number.format(ended)} connection${ended === 1 ? ' was' : 's were'} ended.`, !ended);
    return ended > 0;
}

/** The next page that has something. The daemon looks at so many names for one; what is looked for may be far behind. */
async function pageOf(what, query) {
    for (let pages = 1; ; pages++) {
        const page = await api(what, query);
        if (page[what].length || !page.next || pages >= 200) return page;
        query = { ...query, after: page.next };
    }
}

const lists = {
    async channels(section, form, after) {
        const app = appOf(form);
        const page = await pageOf('channels', { app, prefix: valueOf(form, 'prefix'), after });
        fill(section, page.channels.map((one) => row(
            make('td', {}, make('button', { class: 'link', type: 'button', onclick: () => attempt(() => showChannel(app, one.name)) }, one.name)),
            cell(one.type), cell(number.format(one.subscriptions), true), cell(one.users === undefined ? '' : number.format(one.users), true))), after, 'No occupied channel of that name.');
        more(section, page.next, (next) => lists.channels(section, form, next));
    },
    async connections(section, form, after) {
        const app = appOf(form);
        const match = valueOf(form, 'match').toLowerCase();
        const slow = form.elements.slow.checked;
        // The daemon lists in pages; what is looked for may be far behind.
        for (let pages = 0; pages < (match || slow ? 200 : 1); pages++) {
            const page = await api('connections', { app, after, limit: match || slow ? 1000 : 100 });
            const found = page.connections.filter((one) => (!slow || one.unread > 0) && (!match || [one.id, one.user ?? '', one.address].some((text) => text.toLowerCase().includes(match))));
            fill(section, found.map((one) => {
                const line = row(cell(one.id), cell(one.user ?? ''), cell(one.address), cell(new Date(one.opened * 1000).toLocaleString()), cell(number.format(one.subscriptions), true), cell(one.unread ? bytes(one.unread) : '', true));
                line.append(make('td', {}, make('button', { class: 'danger', type: 'button', 'aria-label': `End ${one.id}`, onclick: () => attempt(async () => (await endConnection(app, one.id)) && line.remove()) }, 'End')));
                return line;
            }), after !== undefined || pages > 0, 'No such connection on this node.');
            after = page.next ?? undefined;
            if (!after || found.length) break;
        }
        more(section, after, (next) => lists.connections(section, form, next));
    },
    async users(section, form, after) {
        const app = appOf(form);
        const page = await pageOf('users', { app, prefix: valueOf(form, 'prefix'), after });
        fill(section, page.users.map((one) => {
            const line = row(cell(one.id), cell(number.format(one.connections), true));
            line.append(make('td', {}, make('button', { class: 'danger', type: 'button', 'aria-label': `End ${one.id}`, onclick: () => attempt(async () => (await endUser(app, one.id)) && line.remove()) }, 'End')));
            return line;
        }), after, 'No such user has signed in.');
        more(section, page.next, (next) => lists.users(section, form, next));
    },
};
$('#lagging').addEventListener('click', () => ($('#connections form').elements.slow.checked = true));
for (const form of all('form.find')) {
    form.addEventListener('submit', (submitted) => {
        submitted.preventDefault();
        attempt(() => lists[form.dataset.list](form.closest('section'), form));
    });
}
async function showChannel(app, name) {
    const box = $('#channel');
    const { channel, cached, partial } = await api('channel', { app, name });
    $('#channel-name').textContent = name;
    facts($('dl', box), [['Type', channel.type + (channel.cache ? ', cache' : '')], ['Subscriptions', number.format(channel.subscriptions)], ['Users', channel.users],
        ['Last event kept', cached && bytes(cached.bytes)], ['Counted', partial ? 'as far as this node knows' : undefined]]);
    const presence = channel.type === 'presence';
    $('h4', box).hidden = $('#members').hidden = !presence;
    $('#members').replaceChildren();
    const load = async (after) => {
        const page = await api('users', { app, name, after });
        $('#members .more')?.remove();
        $('#members').append(...page.members.map((one) => make('li', {}, one.id, one.info ? make('small', {}, ` ${JSON.stringify(one.info)}`) : null, ' ',
            make('button', { class: 'link', type: 'button', onclick: () => attempt(() => endUser(app, one.id)) }, 'end'))));
        if (page.next) $('#members').append(make('li', { class: 'more' }, make('button', { class: 'link', type: 'button', onclick: () => attempt(() => load(page.next)) }, 'more')));
    };
    if (presence) await load();
    box.hidden = false;
    $('#channel-name').focus();
}
async function showApps() {
    const { apps } = await api('apps');
    fill($('#apps'), apps.map((one) => row(cell(one.id), cell(one.state), cell(number.format(one.connections), true), cell(one.max_connections ? number.format(one.max_connections) : 'any', true), cell(number.format(one.channels), true))), false, 'No application.');
}
async function showNodes() {
    const { cluster } = await api('nodes');
    const section = $('#nodes');
    $('#nodes-hint').textContent = cluster ? '' : 'This node stands alone: [redis] url connects several.';
    facts($('dl', section), cluster ? [['Redis', cluster.redis.up ? 'up' : `away: ${cluster.redis.why}`], ['Reconnects', cluster.redis.reconnects], ['Lag', `${cluster.lag_ms} ms`], ['Log covers', duration(cluster.log_ms / 1000)],
        ['Kept to send again', bytes(cluster.kept_bytes)], ['Sent again', number.format(cluster.resent)], ['Dropped', number.format(cluster.dropped)]] : []);
    fill(section, (cluster?.nodes ?? []).map((one) => row(cell(one.node), cell(one.self ? 'this one' : one.known ? 'known' : 'joining'), cell(one.self ? '' : `${one.age_ms} ms`, true), cell(one.self ? '' : number.format(one.lost), true))), false, 'No other node.');
}

// ---- orders ----

function on(id, work) {
    $(id).addEventListener('submit', (submitted) => {
        submitted.preventDefault();
        attempt(() => work(submitted.currentTarget));
    });
}
on('#send', async (form) => {
    const text = form.elements.data.value;
    let data = text;
    try {
        data = JSON.parse(text);
    } catch {
        // Text that is no JSON is sent as text.
    }
    const { recipients } = await order('publish', { app: appOf(form), channels: [valueOf(form, 'channel')], event: valueOf(form, 'event'), data });
    notice(`Sent to ${number.format(recipients)} subscriber${recipients === 1 ? '' : 's'} of this node.`);
});
on('#kick', (form) => endConnection(appOf(form), valueOf(form, 'socket')));
on('#terminate', (form) => endUser(appOf(form), valueOf(form, 'user')));
on('#level', async (form) => {
    const { level, before } = await order('log-level', { level: form.elements.level.value });
    notice(`The log level is ${level}, and was ${before}.`);
});
on('#reload', async () => {
    await order('reload', {});
    notice('The configuration was reloaded.');
    await listApps();
});
on('#drain', async () => {
    if (!(await sure('Drain this node? It takes no new client, sends away those that it has, and ends.'))) return;
    await order('drain', {});
    notice('The node is draining.');
});

// ---- parts ----

let current = 'overview', refresh;
function show() {
    const name = location.hash.slice(1);
    const sections = all('#main > section');
    current = sections.some((section) => section.id === name) ? name : 'overview';
    for (const section of sections) section.hidden = section.id !== current;
    for (const link of all('nav a')) {
        if (link.hash === `#${current}`) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
    }
    document.title = `${$(`#h-${current}`).textContent} · Fanfare console`;
    setFlow();
    clearInterval(refresh);
    const now = { apps: showApps, nodes: showNodes }[current];
    if (now) {
        attempt(now);
        refresh = setInterval(() => document.hidden || attempt(now), 2000);
    }
    if (lists[current]) attempt(() => lists[current]($(`#${current}`), $(`#${current} form`)));
}
addEventListener('hashchange', () => {
    if ($('#app').hidden) return;
    show();
    $('#main').focus({ preventScroll: true });
});

async function listApps() {
    const { apps } = await api('apps');
    for (const select of all('select.apps')) {
        const before = select.value;
        select.replaceChildren(...apps.map((one) => make('option', { value: one.id }, one.id)));
        if (apps.some((one) => one.id === before)) select.value = before;
    }
    const before = $('#flow-app').value;
    $('#flow-app').replaceChildren(make('option', { value: '' }, 'all'), ...apps.map((one) => make('option', { value: one.id }, one.id)));
    $('#flow-app').value = before;
}

// ---- signing in ----

const WHY = {
    login: 'The token is in the daemon\u2019s configuration: [admin] token.',
    'no-token': 'No token is set. Without one this page is for root and for the daemon\u2019s own user on this machine: set token in [admin] (FANFARE_ADMIN_TOKEN), reload, and sign in with it.',
    off: 'The console is switched off: [admin] token is none. Set a token, or use fanfared ctl.',
    proxy: 'Without a token nobody is let in through a proxy: set token in [admin] (FANFARE_ADMIN_TOKEN), reload, and sign in with it.',
    busy: 'Too many wrong tokens have come from your address: load the page again in a second.',
    host: 'Without a token this page is reached as http://localhost or http://127.0.0.1 only: set token in [admin] to use another name.',
};
async function begin() {
    let session;
    try {
        session = await call('session');
    } catch {
        showState('off');
        setTimeout(begin, retry);
        retry = Math.min(retry * 2, 10_000);
        return;
    }
    const inside = session.session === 'in';
    $('#login').hidden = inside;
    $('#app').hidden = !inside;
    $('#logout').hidden = !inside || !session.token;
    if (inside) {
        if (session.full) notice(FULL, true);
        await attempt(listApps);
        connect();
        show();
    } else {
        disconnect();
        showState('off');
        $('#login-why').textContent = WHY[session.session] ?? '';
        $('#login-field').hidden = $('#login-button').hidden = session.session !== 'login';
        if (session.session === 'login') $('#token').focus();
    }
}
$('#login-form').addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    $('#login-error').textContent = '';
    try {
        await call('login', { token: $('#token').value });
        $('#token').value = '';
        await begin();
    } catch (error) {
        $('#login-error').textContent = error.message;
    }
});
$('#logout').addEventListener('click', () => attempt(async () => {
    await call('logout', {});
    disconnect();
    await begin();
}));
begin();
