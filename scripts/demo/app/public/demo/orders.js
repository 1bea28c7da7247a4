// Each order arrives twice. What is shown is the time from broadcast() in PHP to the moment in which Echo hands it over.
import { since } from './clock.js';
import { channel, post } from './connection.js';
import { $, count, duration, element, median, nextFrame } from './dom.js';

const WAYS = ['direct', 'queued'];
const KEEP = 40; // latencies of each way that the median and the race show
const ROWS = 4;
const EVERY = 400; // milliseconds between orders that keep coming
const [FROM, TO] = [-1, 4]; // the race is drawn from 10^-1 ms to 10^4 ms
const NAMES = { direct: 'direct', queued: 'through the queue' };
const waiting = [];
const latencies = { direct: [], queued: [] };
const dots = { direct: [], queued: [] };

const place = (ms) => `${100 * (Math.min(TO, Math.max(FROM, Math.log10(Math.max(ms, 1e-3)))) - FROM) / (TO - FROM)}%`;

function drawOrder({ order, ms }) {
    const { by } = order;
    $(`b-${by}`).prepend(element('li', {},
        element('b', { textContent: `#${order.number}` }),
        element('time', { textContent: duration(ms) }),
        element('span', { textContent: `${order.quantity} × ${order.item}, ${order.city}` })));

    const dot = element('i', { title: duration(ms) });
    dot.style.left = place(ms);
    $(`r-${by}`).append(dot);
    dots[by].push(dot);
    latencies[by].push(ms);
    if (latencies[by].length > KEEP) {
        latencies[by].shift();
        dots[by].shift().remove();
    }
}

/** What has come since the last frame, so that twenty orders at once are drawn at once. */
function draw() {
    const drawn = waiting.splice(0);
    drawn.forEach(drawOrder);

    for (const way of new Set(drawn.map(({ order }) => order.by))) {
        const board = $(`b-${way}`);
        while (board.children.length > ROWS) board.lastChild.remove();
        const middle = median(latencies[way]);
        $(`m-${way}`).textContent = duration(middle);
        $(`r-${way}`).style.setProperty('--median', place(middle));
        $(`r-${way}`).dataset.some = '';
    }
    const told = WAYS.filter((way) => latencies[way].length > 0).map((way) => `${NAMES[way]} ${duration(median(latencies[way]))}`);
    $('race').setAttribute('aria-label', `Median of the last orders: ${told.join(', ')}`);
}

function arrived(order) {
    waiting.push({ order, ms: since(order.dispatched_at) });
    if (waiting.length === 1) nextFrame(draw);
}

async function send(number) {
    try {
        const took = await post('/orders', { count: number });
        for (const way of WAYS) $(`c-${way}`).textContent = duration(took[way]);
    } catch (error) {
        $('race').setAttribute('aria-label', error.message);
        for (const way of WAYS) $(`c-${way}`).textContent = error.message;
    }
}

export function start() {
    $('race').querySelector('.scale').append(...[0.1, 1, 10, 100, 1000, 10_000].map((ms) => {
        const tick = element('span', { textContent: ms < 1000 ? `${ms} ms` : `${count(ms / 1000)} s` });
        tick.style.left = place(ms);
        return tick;
    }));

    channel('orders').listen('OrderPlaced', arrived);

    $('one').addEventListener('click', () => send(1));
    $('twenty').addEventListener('click', () => send(20));
    let timer;
    $('stream').addEventListener('change', ({ target }) => {
        clearInterval(timer);
        if (target.checked) timer = setInterval(() => document.hidden || send(1), EVERY);
    });
}
