// Each order arrives twice. What is shown is the time from broadcast() in PHP to the moment in which Echo hands it over.
import { since } from './clock.js';
import { channel, post } from './connection.js';
import { $, count, duration, element, median } from './dom.js';

const WAYS = ['direct', 'queued'];
const KEEP = 40; // latencies of each way that the median and the race show
const ROWS = 4;
const EVERY = 400; // milliseconds between orders that keep coming
const [FROM, TO] = [-1, 4]; // the race is drawn from 10^-1 ms to 10^4 ms
const latencies = { direct: [], queued: [] };
const dots = { direct: [], queued: [] };

const place = (ms) => `${100 * (Math.min(TO, Math.max(FROM, Math.log10(Math.max(ms, 1e-3)))) - FROM) / (TO - FROM)}%`;

function draw(way, ms) {
    const all = latencies[way];
    all.push(ms);
    const dot = element('i', { title: duration(ms) });
    dot.style.left = place(ms);
    $(`r-${way}`).append(dot);
    dots[way].push(dot);
    if (all.length > KEEP) {
        all.shift();
        dots[way].shift().remove();
    }
    const middle = median(all);
    $(`m-${way}`).textContent = duration(middle);
    $(`r-${way}`).style.setProperty('--median', place(middle));
    $(`r-${way}`).dataset.some = '';

    const [direct, queued] = WAYS.map((each) => latencies[each].length && median(latencies[each]));
    $('race').setAttribute('aria-label', direct && queued
        ? `Median of the last ${all.length} orders: direct ${duration(direct)}, through the queue ${duration(queued)}`
        : `Median of the last ${all.length} orders by this way: ${duration(middle)}`);
}

function arrived(order) {
    const ms = since(order.dispatched_at);
    const board = $(`b-${order.by}`);
    board.prepend(element('li', {},
        element('b', { textContent: `#${order.number}` }),
        element('time', { textContent: duration(ms) }),
        element('span', { textContent: `${order.quantity} × ${order.item}, ${order.city}` })));
    while (board.children.length > ROWS) board.lastChild.remove();
    draw(order.by, ms);
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
