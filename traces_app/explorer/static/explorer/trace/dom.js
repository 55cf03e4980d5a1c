// Building nodes: text is always text, never markup.

import {visible} from './formats.js';

const SVG = 'http://www.w3.org/2000/svg';

export function el(tag, className = '', ...children) {
    const node = document.createElement(tag);
    if (className) {
        node.className = className;
    }
    node.append(...children);
    return node;
}

export function svg(tag, attributes = {}) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) {
        node.setAttribute(name, value);
    }
    return node;
}

// Touching the page only where something changed keeps scrolling cheap.
export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

export function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) {
        node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
        node.setAttribute(name, value);
    }
}

export function isTyping(event) {
    return Boolean(event.target.closest?.('input, textarea, select, [contenteditable]'));
}

// What was pasted is shown as the page shows it, and found so: nothing acts unseen in a field either.
export function showHidden(input) {
    const shown = visible(input.value);
    if (shown !== input.value) {
        input.value = shown;
    }
}
