// Small helpers that every part of the page uses.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
    const node = Object.assign(document.createElement(tag), attributes);
    node.append(...children);
    return node;
}

const HIDDEN = 250;

/** Calls back before the next frame is drawn; in a window that nobody sees, which has no frames, without a time, a little later. */
export const nextFrame = (then) => (document.hidden ? setTimeout(then, HIDDEN) : requestAnimationFrame(then));

export const count = (number) => Math.round(number).toLocaleString('en');

/** A duration that was measured, in milliseconds, with as many digits as mean something. */
export function duration(ms) {
    if (ms < 0.1) return '< 0.1 ms';
    if (ms < 100) return `${ms.toFixed(1)} ms`;
    return ms < 10_000 ? `${count(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function median(numbers) {
    const sorted = [...numbers].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
}

/** The mark of a person: the same for everybody who sees the name. */
export function avatar(name) {
    const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
    const node = element('span', { className: 'avatar', textContent: name.split(' ').map((word) => word[0]).join('').slice(0, 2).toUpperCase() });
    node.setAttribute('aria-hidden', 'true');
    node.style.setProperty('--hue', hue);
    return node;
}
