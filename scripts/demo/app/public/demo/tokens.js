// Tokens are counted when they arrive and drawn once a frame, however many have come since the last one.
import { channel, post } from './connection.js';
import { $, count, element, nextFrame } from './dom.js';

const AMOUNTS = { 60: 300, 1000: 3000, 0: 10_000 };
const PARAGRAPH = 320; // characters after which the next sentence begins a new one: a frame lays out the last one only
const KEPT = 40; // paragraphs on the paper
let answer = null;

class Answer {
    received = 0;
    twice = 0;
    disorder = 0;
    highest = -1;
    waiting = [];
    frames = [];
    longest = 0;

    constructor(id, of) {
        this.id = id;
        this.of = of;
        this.seen = new Uint8Array(of);
    }

    take({ number, text }) {
        const at = performance.now();
        this.first ??= at;
        this.last = at;
        if (this.seen[number]) {
            this.twice++;
            return;
        }
        this.seen[number] = 1;
        this.received++;
        if (number < this.highest) this.disorder++;
        this.highest = Math.max(this.highest, number);
        this.waiting.push(text);
    }

    get ended() {
        return this.highest === this.of - 1;
    }

    /** Of those that had to be here by now. */
    get missing() {
        return this.highest + 1 - this.received;
    }

    get rate() {
        return this.last > this.first ? (this.received - 1) * 1000 / (this.last - this.first) : null;
    }
}

/** A bar for each frame, as high as the tokens in it; one that came late is marked. */
function drawFrames({ frames }) {
    const canvas = $('frames');
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * scale)) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext('2d');
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const bars = frames.slice(-Math.floor(width / 3));
    const most = Math.max(24, ...bars.map((bar) => bar.tokens));
    bars.forEach(({ tokens, late }, index) => {
        pen.fillStyle = style.getPropertyValue(late ? '--late' : '--accent');
        const high = Math.max(1, (height - 2) * tokens / most);
        pen.fillRect(index * 3, height - high, 2, high);
    });
}

function drawFigures() {
    $('t-received').textContent = count(answer.received);
    $('t-of').textContent = ` of ${count(answer.of)}`;
    $('t-rate').textContent = answer.rate === null ? '–' : count(answer.rate);
    $('t-missing').textContent = count(answer.missing);
    $('t-disorder').textContent = count(answer.disorder + answer.twice);
    $('t-frame').textContent = answer.longest ? `${answer.longest.toFixed(0)} ms` : '–';
}

function write(tokens) {
    const answer = $('answer');
    let text = '';
    for (const token of tokens) {
        text += token;
        if (token.endsWith('.') && (answer.lastChild?.textContent.length ?? 0) + text.length > PARAGRAPH) {
            append(text);
            answer.append(element('p'));
            text = '';
        }
    }
    append(text);
    while (answer.children.length > KEPT) answer.firstChild.remove();

    function append(more) {
        if (!answer.lastChild) answer.append(element('p'));
        answer.lastChild.append(more);
    }
}

function draw(now) {
    const current = answer;
    if (current.drawn !== undefined && now !== undefined) {
        const took = now - current.drawn;
        current.longest = Math.max(current.longest, took);
        // Three frames of a screen with 60 a second: seen as a stutter.
        current.frames.push({ tokens: current.waiting.length, late: took > 50 });
    }
    // A window that was hidden has had no frames to be late.
    current.drawn = now;

    if (current.waiting.length > 0) {
        write(current.waiting);
        current.waiting.length = 0;
    }
    drawFigures();
    drawFrames(current);
    if (!current.ended) return nextFrame(draw);
    current.running = false;
    const faults = [
        current.missing && `${count(current.missing)} missing`,
        current.disorder && `${count(current.disorder)} out of order`,
        current.twice && `${count(current.twice)} twice`,
    ].filter(Boolean).join(', ');
    $('paper').removeAttribute('aria-busy');
    $('said').textContent = `${count(current.received)} tokens, ${faults || 'all of them and in order'}, ${count(current.rate ?? 0)} a second.`;
}

function arrived(token) {
    if (answer?.id !== token.answer) {
        // What was not drawn of the last one is not lost, but nobody wants it any more.
        const running = answer?.running;
        answer = new Answer(token.answer, token.of);
        answer.running = true;
        $('answer').replaceChildren();
        $('said').textContent = '';
        $('t-cost').textContent = '–';
        $('paper').setAttribute('aria-busy', 'true');
        if (!running) nextFrame(draw);
    }
    answer.take(token);
}

export function start() {
    channel('tokens').listen('TokenWritten', arrived);

    const rate = () => Number(new FormData($('ask')).get('rate'));
    const amount = () => { $('amount').textContent = count(AMOUNTS[rate()]); };
    $('ask').addEventListener('change', amount);
    amount();
    $('ask').addEventListener('submit', async (event) => {
        event.preventDefault();
        const button = $('ask').querySelector('button');
        button.setAttribute('aria-disabled', 'true');
        try {
            const { broadcast } = await post('/tokens', { tokens: AMOUNTS[rate()], rate: rate() });
            $('t-cost').textContent = `${broadcast.toFixed(0)} µs`;
        } catch (error) {
            $('said').textContent = error.message;
        } finally {
            button.removeAttribute('aria-disabled');
        }
    });
}
