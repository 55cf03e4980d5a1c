// Markdown to nodes. There is no markup to be smuggled in: every text becomes a text node, images are named and
// not loaded, and a link is one only when it leads to http, https or mail.

import {el} from './dom.js';

const BLOCK = /^(?:#{1,6} |```|~~~|> ?|\s*(?:[-*+]|\d{1,9}[.)]) |\|.+\||(?:-{3,}|\*{3,}|_{3,})\s*$)/;
const INLINE = /`([^`]+)`|\*\*([^*]+?)\*\*|__([^_]+?)__|(?<![\w*])\*([^*\s][^*]*?)\*(?!\w)|(?<!\w)_([^_\s][^_]*?)_(?!\w)|~~([^~]+)~~|!\[([^\]]*)\]\(([^)\s]+)[^)]*\)|\[([^\]]+)\]\(([^)\s]+)[^)]*\)|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"])/g;
const MAX_DEPTH = 6;

export function looksLikeMarkdown(text) {
    return /^(?:#{1,6} |```|\s*[-*+] |\s*\d+[.)] |> |\|.+\|)/m.test(text) || /\*\*[^*]+\*\*|`[^`]+`/.test(text);
}

export function render(text) {
    const root = el('div', 'md');
    blocks(text.replaceAll('\r\n', '\n').split('\n'), root, 0);
    return root;
}

function blocks(lines, parent, depth) {
    let at = 0;
    while (at < lines.length) {
        const line = lines[at];
        if (!line.trim()) {
            at++;
        } else if (/^(?:```|~~~)/.test(line)) {
            at = code(lines, at, parent);
        } else if (/^#{1,6} /.test(line)) {
            at = heading(line, at, parent);
        } else if (/^(?:-{3,}|\*{3,}|_{3,})\s*$/.test(line)) {
            parent.append(el('hr'));
            at++;
        } else if (/^> ?/.test(line) && depth < MAX_DEPTH) {
            at = quote(lines, at, parent, depth);
        } else if (/^\s*(?:[-*+]|\d{1,9}[.)]) /.test(line) && depth < MAX_DEPTH) {
            at = list(lines, at, parent, depth);
        } else if (/^\|.+\|/.test(line) && /^\|[\s:|-]+\|\s*$/.test(lines[at + 1] ?? '')) {
            at = table(lines, at, parent);
        } else {
            at = paragraph(lines, at, parent);
        }
    }
}

function code(lines, at, parent) {
    const fence = lines[at].slice(0, 3);
    let end = at + 1;
    while (end < lines.length && !lines[end].startsWith(fence)) {
        end++;
    }
    const block = el('pre', 'code-block');
    block.textContent = lines.slice(at + 1, end).join('\n');
    parent.append(block);
    return end + 1;
}

function heading(line, at, parent) {
    const level = line.indexOf(' ');
    const node = el('p', `md-h md-h${Math.min(level, 4)}`);
    node.setAttribute('role', 'heading');
    node.setAttribute('aria-level', '5');
    inline(line.slice(level + 1), node);
    parent.append(node);
    return at + 1;
}

function quote(lines, at, parent, depth) {
    let end = at;
    while (end < lines.length && lines[end].startsWith('>')) {
        end++;
    }
    const node = el('blockquote');
    blocks(lines.slice(at, end).map((line) => line.replace(/^> ?/, '')), node, depth + 1);
    parent.append(node);
    return end;
}

function list(lines, at, parent, depth) {
    const [, indent, mark] = lines[at].match(/^(\s*)([-*+]|\d{1,9}[.)]) /);
    const node = el(/\d/.test(mark) ? 'ol' : 'ul');
    if (/\d/.test(mark)) {
        node.start = parseInt(mark, 10);
    }
    const own = new RegExp(`^\\s{0,${indent.length + 1}}(?:[-*+]|\\d{1,9}[.)]) `);
    while (at < lines.length && own.test(lines[at])) {
        const item = [lines[at].replace(/^\s*(?:[-*+]|\d{1,9}[.)]) /, '')];
        for (at++; at < lines.length && !own.test(lines[at]) && (/^\s{2,}/.test(lines[at]) || (!lines[at].trim() && /^\s{2,}\S/.test(lines[at + 1] ?? ''))); at++) {
            item.push(lines[at].replace(/^\s{1,4}/, ''));
        }
        const entry = el('li');
        blocks(item, entry, depth + 1);
        node.append(entry);
    }
    parent.append(node);
    return at;
}

function table(lines, at, parent) {
    const node = el('table');
    const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|');
    for (let row = at; row < lines.length && /^\|.+\|/.test(lines[row]); row++) {
        if (row === at + 1) {
            continue;
        }
        const line = el('tr');
        for (const cell of cells(lines[row])) {
            const entry = el(row === at ? 'th' : 'td');
            inline(cell.trim(), entry);
            line.append(entry);
        }
        node.append(line);
        if (node.rows.length > 500) {
            break;
        }
    }
    while (/^\|.+\|/.test(lines[at] ?? '')) {
        at++;
    }
    parent.append(node);
    return at;
}

// Line breaks stay: a prompt that is folded into one paragraph cannot be read.
function paragraph(lines, at, parent) {
    let end = at + 1;
    while (end < lines.length && lines[end].trim() && !BLOCK.test(lines[end])) {
        end++;
    }
    const node = el('p');
    lines.slice(at, end).forEach((line, number) => {
        if (number) {
            node.append(el('br'));
        }
        inline(line, node);
    });
    parent.append(node);
    return end;
}

function inline(text, parent) {
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
        parent.append(text.slice(end, match.index), inlineNode(match));
        end = match.index + match[0].length;
    }
    parent.append(text.slice(end));
}

function inlineNode(match) {
    const [whole, code_, strong, strong_, emphasis, emphasis_, struck, alt, image, label, address, bare] = match;
    if (code_ !== undefined) {
        return el('code', '', code_);
    }
    if (strong ?? strong_) {
        return el('strong', '', strong ?? strong_);
    }
    if (emphasis ?? emphasis_) {
        return el('em', '', emphasis ?? emphasis_);
    }
    if (struck) {
        return el('s', '', struck);
    }
    return image ? el('code', '', `[image ${alt}: ${image}]`) : link(address ?? bare, label ?? bare, whole);
}

function link(address, label, whole) {
    if (!/^(?:https?:\/\/|mailto:)/i.test(address)) {
        return document.createTextNode(whole);
    }
    const node = el('a', '', label);
    node.href = address;
    node.title = address;
    node.rel = 'noopener noreferrer nofollow';
    node.target = '_blank';
    return node;
}
