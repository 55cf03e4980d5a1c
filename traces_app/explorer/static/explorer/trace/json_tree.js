// JSON as a tree that is built as it is opened. Numbers keep the digits they came with.

import {el} from './dom.js';
import {bytesText, visible} from './formats.js';
import {countEntries, pathTo, searchBox} from './json_search.js';

const MAX_CHARACTERS = 2_000_000;
const HEAD_CHARACTERS = 20_000;
const PAGE = 100;
const LONG_STRING = 300;
const LONG_LINES = 5;
const SEARCHED_FROM = 25;  // entries: fewer are seen at a glance
const TOKEN = /\s*(?:([{}[\],:])|"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;

class Exact {
    constructor(source) {
        this.source = source;
    }
}

// The value, or undefined for what is no JSON. Without recursion: values may be nested deeper than a stack.
export function parse(text) {
    TOKEN.lastIndex = 0;
    const root = [];
    const open = [root];
    let key = null;
    while (TOKEN.lastIndex < text.length) {
        const match = TOKEN.exec(text);
        if (!match) {
            break;
        }
        const top = open.at(-1);
        if (match[1] === '{' || match[1] === '[') {
            const value = match[1] === '{' ? new Map() : [];
            put(top, key, value);
            open.push(value);
            key = null;
        } else if (match[1] === '}' || match[1] === ']') {
            open.pop();
        } else if (match[1] === undefined) {
            const value = scalar(match);
            if (top instanceof Map && key === null) {
                key = value;
            } else {
                put(top, key, value);
                key = null;
            }
        }
        if (!open.length) {
            return undefined;
        }
    }
    return open.length === 1 && root.length === 1 ? root[0] : undefined;
}

function put(parent, key, value) {
    if (parent instanceof Map) {
        parent.set(key, value);
    } else {
        parent.push(value);
    }
}

function scalar([, , string, number, word]) {
    if (string !== undefined) {
        return string.includes('\\') ? JSON.parse(`"${string.replace(/[\u0000-\u001f]/g, ' ')}"`) : string;
    }
    return number !== undefined ? new Exact(number) : {true: true, false: false, null: null}[word];
}

export function source(value) {
    if (value instanceof Map) {
        return `{${[...value].map(([key, item]) => `${JSON.stringify(key)}: ${source(item)}`).join(', ')}}`;
    }
    if (Array.isArray(value)) {
        return `[${value.map(source).join(', ')}]`;
    }
    return value instanceof Exact ? value.source : JSON.stringify(value);
}

export function tree(value) {
    const root = el('div', 'json-tree');
    if (countEntries(value, SEARCHED_FROM) >= SEARCHED_FROM) {
        root.append(searchBox(value, root));
    }
    root.append(node('', value, '$', true));
    return root;
}

function isBranch(value) {
    return value instanceof Map || Array.isArray(value);
}

function node(key, value, path, open) {
    return isBranch(value) && sizeOf(value) ? branch(key, value, path, open) : leaf(key, value, path);
}

function sizeOf(value) {
    return value instanceof Map ? value.size : value.length;
}

function keyed(key, path) {
    const label = el('span', 'key', visible(key));
    label.title = `${visible(path)} (click copies the path)`;
    label.dataset.copy = path;
    return label;
}

function leaf(key, value, path) {
    const line = el('div', 'json-leaf');
    if (key !== '') {
        line.append(keyed(key, path), ': ');
    }
    line.append(scalarNode(value));
    return line;
}

function scalarNode(value) {
    if (typeof value !== 'string') {
        const kind = value instanceof Exact ? 'number' : 'word';
        return el('span', kind, isBranch(value) ? (value instanceof Map ? '{}' : '[]') : source(value));
    }
    const lines = value.split('\n', LONG_LINES + 1);
    return value.length > LONG_STRING || lines.length > LONG_LINES ? longString(value, lines)
        : el('span', 'string', visible(JSON.stringify(value)));
}

function longString(value, lines) {
    const fold = el('details', 'json-long');
    const head = lines.slice(0, LONG_LINES).join('\n').slice(0, LONG_STRING);
    fold.append(el('summary', 'string', el('span', '', `"${visible(head)}…`), el('small', '', bytesText(value))));
    fold.addEventListener('toggle', () => fold.append(el('pre', 'text', visible(value))), {once: true});
    return fold;
}

function branch(key, value, path, open) {
    const fold = el('details', 'json-branch');
    const [left, right] = value instanceof Map ? '{}' : '[]';
    const head = el('summary');
    if (key !== '') {
        head.append(keyed(key, path), ': ');
    }
    head.append(el('span', 'hint', `${left} ${sizeOf(value).toLocaleString('en-US')} ${right}`));
    const copy = el('button', 'copy', 'copy');
    copy.type = 'button';
    copy.dataset.copySubtree = '';
    copy.addEventListener('click', (event) => {
        event.preventDefault();
        navigator.clipboard.writeText(source(value));
    });
    head.append(copy);
    fold.append(head);
    fold.addEventListener('toggle', () => fill(fold, value, path), {once: true});
    fold.open = open;
    return fold;
}

function fill(fold, value, path) {
    const entries = value instanceof Map ? [...value] : value.map((item, index) => [index, item]);
    const inner = el('div', 'json-inner');
    fold.append(inner);
    addEntries(inner, entries, 0, path, Array.isArray(value));
}

function addEntries(inner, entries, from, path, isList) {
    const some = entries.slice(from, from + PAGE);
    for (const [key, item] of some) {
        inner.append(node(String(key), item, pathTo(path, key, isList), sizeable(item, entries.length)));
    }
    if (from + PAGE < entries.length) {
        const more = el('button', 'quiet', `${(entries.length - from - PAGE).toLocaleString('en-US')} more`);
        more.type = 'button';
        more.addEventListener('click', () => {
            more.remove();
            addEntries(inner, entries, from + PAGE, path, isList);
        });
        inner.append(more);
    }
}

// Small things stand open at once: a click for three numbers is one too many.
function sizeable(item, siblings) {
    return isBranch(item) && sizeOf(item) <= 6 && siblings <= 12;
}

// JSON of the page that is in sight becomes a tree; the span's whole JSON is fetched when its tab is opened.
// Resolves when all of it is there.
export function openTrees(root) {
    for (const block of root.querySelectorAll('[data-json]:not([hidden])')) {
        if (block.closest('[data-panel][hidden], details:not([open])')) {
            continue;
        }
        const value = parse(block.textContent);
        block.removeAttribute('data-json');
        if (value !== undefined && isBranch(value)) {
            block.replaceWith(tree(value));
        }
    }
    const raw = root.querySelector('[data-raw]:not([data-done])');
    if (raw && !raw.closest('[hidden]')) {
        raw.dataset.done = '';
        return fetchRaw(raw);
    }
    return Promise.resolve();
}

async function fetchRaw(raw) {
    try {
        const text = await (await fetch(raw.dataset.raw)).text();
        raw.replaceChildren(text.length > MAX_CHARACTERS ? head(text, raw.dataset.raw) : tree(parse(text)));
    } catch (error) {
        raw.replaceChildren(el('p', 'error-note', `The span could not be read. ${error.message}`));
    }
}

function head(text, address) {
    const link = el('a', 'quiet', `Download all ${(text.length / 1e6).toFixed(1)} MB`);
    link.href = address;
    link.download = '';
    return el('div', '', link, el('pre', 'text json', visible(text.slice(0, HEAD_CHARACTERS))));
}
