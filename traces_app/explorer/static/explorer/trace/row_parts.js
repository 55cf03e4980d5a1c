// What rows of every view share: their kind and state as classes, their place, their name.

import {el, setAttribute, setText} from './dom.js';
import {isRunning, kindOf, nameOf, statusOf} from './model.js';

const MAX_DEPTH = 24;

export function makeRow(role, ...cells) {
    const row = el('a', 'row', ...cells);
    row.setAttribute('role', role);
    row.tabIndex = -1;
    return row;
}

export function makeName() {
    const name = el('span', 'n', el('i', 'caret'), el('i', 'kind'), el('b'), el('em'));
    name.firstChild.setAttribute('aria-hidden', 'true');
    return name;
}

export function fillRow(app, row, i, extra = '') {
    const {model} = app;
    const status = statusOf(model, i);
    const isBelow = model.errorsBelow[i] && status !== 'error';
    const names = ['row', kindOf(model, i), `d${Math.min(model.depth[i], MAX_DEPTH)}`, status === 'ok' ? '' : status,
        isBelow ? 'broken-below' : '', model.orphan[i] ? 'orphan' : '', extra,
        app.kept?.[i] === 1 ? 'dimmed' : '', app.critical?.[i] ? 'critical' : '', app.isMatch(i) ? 'match' : ''];
    setAttribute(row, 'class', names.filter(Boolean).join(' '));
    setAttribute(row, 'href', app.spanAddress(model.ids[i]));
    setAttribute(row, 'id', `r-${model.ids[i]}`);
    setAttribute(row, 'aria-selected', String(i === app.selected));
    setAttribute(row, 'aria-current', i === app.selected ? 'true' : null);
    setAttribute(row, 'aria-level', model.depth[i] + 1);
}

export function fillName(app, node, i) {
    const {model} = app;
    setText(node.children[2], nameOf(model, i));
    setAttribute(node.children[2], 'title', nameOf(model, i));
    setText(node.children[3], noteOf(model, i));
    showScores(node, model.scores[i]);
}

// Few rows have any: only they have a place for them.
export function showScores(node, scores = null) {
    const place = node.children[4];
    const told = scores && [...scores.chips, scores.more].join('\n');
    if (scores && place?.dataset.told !== told) {
        const chips = el('span', 'scores', ...scores.chips.map((chip) => el('small', '', chip)), scores.more);
        chips.dataset.told = told;
        chips.title = [...scores.chips, scores.more].filter(Boolean).join(', ');
        place ? place.replaceWith(chips) : node.append(chips);
    } else if (!scores) {
        place?.remove();
    }
}

function noteOf(model, i) {
    const notes = [];
    if (model.depth[i] > MAX_DEPTH) {
        notes.push(`depth ${model.depth[i]}`);
    }
    if (model.orphan[i]) {
        notes.push('parent missing');
    }
    if (isRunning(model, i)) {
        notes.push('running');
    }
    return notes.join(' · ') || (model.errors[i] ?? '');
}
