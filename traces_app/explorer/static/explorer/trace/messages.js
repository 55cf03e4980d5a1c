// Each text of a message as Raw, Markdown or JSON; what was chosen for a role stays chosen.

import {el} from './dom.js';
import {parse, tree} from './json_tree.js';
import {looksLikeMarkdown, render} from './markdown.js';
import {remember, remembered} from './state.js';

const WAYS = ['Raw', 'Markdown', 'JSON'];

export function readable(root) {
    for (const message of root.querySelectorAll('.message')) {
        addLink(message);
        const texts = [...message.querySelectorAll('[data-prose]')];
        if (texts.length) {
            addSwitch(message, texts);
        }
    }
    addCopyButtons(root);
}

function addLink(message) {
    const button = el('button', 'quiet message-link', '#');
    button.type = 'button';
    button.title = 'Copy a link to this message';
    button.setAttribute('aria-label', button.title);
    button.dataset.messageLink = '';
    message.querySelector('h4').append(button);
}

function addSwitch(message, texts) {
    const role = message.dataset.role;
    const source = texts.map((text) => text.textContent).join('\n');
    const offered = WAYS.filter((way) => way !== 'JSON' || isJson(texts));
    const wanted = remembered(`way.${role}`, role === 'assistant' && looksLikeMarkdown(source) ? 'Markdown' : 'Raw');
    const bar = el('span', 'ways');
    bar.setAttribute('role', 'group');
    bar.setAttribute('aria-label', 'Show as');
    for (const way of offered) {
        const button = el('button', '', way);
        button.type = 'button';
        button.addEventListener('click', () => {
            remember(`way.${role}`, way);
            show(message, texts, bar, way);
        });
        bar.append(button);
    }
    message.querySelector('h4').append(bar);
    show(message, texts, bar, offered.includes(wanted) ? wanted : 'Raw');
}

function isJson(texts) {
    return texts.some((text) => /^\s*[[{]/.test(text.textContent) && parse(text.textContent) !== undefined);
}

function show(message, texts, bar, way) {
    for (const button of bar.children) {
        button.setAttribute('aria-pressed', String(button.textContent === way));
    }
    for (const text of texts) {
        text.parentNode.querySelector(':scope > .as')?.remove();
        const other = way === 'Markdown' ? render(text.textContent) : way === 'JSON' ? jsonOf(text) : null;
        text.hidden = Boolean(other);
        unfold(text.closest('details.fold'), Boolean(other));
        if (other) {
            other.classList.add('as');
            text.after(other);
        }
    }
    addCopyButtons(message);
}

// Markdown and JSON stand open: only raw text is folded.
function unfold(fold, isOther) {
    if (fold) {
        fold.classList.toggle('shown-other', isOther);
        fold.open = isOther;
    }
}

function jsonOf(text) {
    const value = parse(text.textContent);
    return value === undefined ? null : tree(value);
}

function addCopyButtons(root) {
    for (const code of root.querySelectorAll('pre.code-block:not(:has(.copy))')) {
        const button = el('button', 'copy', 'Copy');
        button.type = 'button';
        button.dataset.copy = code.textContent;
        code.append(button);
    }
}
