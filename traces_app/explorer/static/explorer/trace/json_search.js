// Search in a JSON tree: names and values of the whole of it, opened or not.

import {el, showHidden} from './dom.js';
import {visible} from './formats.js';
import {openPath} from './json_path.js';

const MAX_FOUND = 50;
const MAX_LOOKED_AT = 200_000;
const MAX_TEXT = 80;

export function pathTo(path, key, isList) {
    return isList ? `${path}[${key}]` : /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

// Of the whole tree, counted up to ``enough``.
export function countEntries(value, enough) {
    let count = 0;
    for (const entry of entries(value)) {
        count += entry ? 1 : 0;
        if (count >= enough) {
            break;
        }
    }
    return count;
}

export function searchBox(value, root) {
    const input = el('input');
    input.type = 'search';
    input.placeholder = 'Search in this JSON';
    input.setAttribute('aria-label', input.placeholder);
    const list = el('ul', 'json-found');
    input.addEventListener('input', () => {
        showHidden(input);
        list.replaceChildren(...found(value, input.value.trim(), root));
    });
    return el('div', 'json-search', input, list);
}

function found(value, text, root) {
    if (text.length < 2) {
        return [];
    }
    const matches = [];
    let looked = 0;
    for (const {key, item, path} of entries(value)) {
        looked++;
        if (matches.length === MAX_FOUND || looked > MAX_LOOKED_AT) {
            matches.push(el('li', '', `The first ${matches.length} in ${looked.toLocaleString('en-US')} entries.`));
            return matches;
        }
        const told = visible(`${key}: ${scalarText(item)}`);
        const at = told.toLowerCase().indexOf(text.toLowerCase());
        if (at >= 0) {
            matches.push(el('li', '', matchButton(root, path, told.slice(Math.max(0, at - 20), at + MAX_TEXT))));
        }
    }
    return matches.length ? matches : [el('li', '', 'nothing found')];
}

function matchButton(root, path, text) {
    const button = el('button', 'quiet', el('code', '', visible(path)), ` ${text}`);
    button.type = 'button';
    button.addEventListener('click', async () => {
        const node = await openPath(root.parentNode, path);
        root.querySelectorAll('.pointed').forEach((one) => one.classList.remove('pointed'));
        node?.classList.add('pointed');
        node?.scrollIntoView({block: 'center'});
    });
    return button;
}

function scalarText(item) {
    return typeof item === 'string' ? item : item?.source ?? (typeof item === 'object' && item !== null ? '' : String(item));
}

// Without recursion: values may be nested deeper than a stack.
function* entries(value) {
    const open = [[value, '$']];
    while (open.length) {
        const [parent, path] = open.pop();
        const isList = Array.isArray(parent);
        const own = isList ? parent.map((item, index) => [index, item]) : parent instanceof Map ? [...parent] : [];
        for (const [key, item] of own) {
            const at = pathTo(path, key, isList);
            yield {key, item, path: at};
            if (Array.isArray(item) || item instanceof Map) {
                open.push([item, at]);
            }
        }
    }
}
