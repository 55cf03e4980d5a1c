// One span's lane: the bar, its self time dark, the time to the first token light, a tail where children outlive.
// Parts are made where they are needed: most bars have one.

import {setAttribute, setText, svg} from './dom.js';
import {durationText} from './formats.js';

const MIN_PERCENT = 0.35;
const LETTER_PX = 6;
const LABEL_GAP_PX = 5;
const PARTS = ['tail', 'bar', 'self', 'first', 'corner', 'label'];  // from the lowest

export function makeLane() {
    const lane = svg('svg', {class: 'lane', 'aria-hidden': 'true'});
    lane.parts = {};
    return lane;
}

function partOf(lane, name) {
    if (!lane.parts[name]) {
        const part = svg(name === 'label' ? 'text' : 'rect', name === 'label' ? {y: 17} : {class: name});
        const above = PARTS.slice(PARTS.indexOf(name) + 1).map((other) => lane.parts[other]).find(Boolean);
        lane.insertBefore(part, above ?? null);
        lane.parts[name] = part;
    }
    return lane.parts[name];
}

function without(lane, name) {
    lane.parts[name]?.remove();
    delete lane.parts[name];
}

// The window is what of the trace's time the lanes show, in microseconds; labels need to know how wide a lane is.
export function drawSpan(lane, model, i, {from, to}, labelledPx) {
    const percent = (us) => 100 * (us - from) / (to - from);
    const start = model.start[i];
    const end = model.end[i];
    const isLeaf = model.last[i] === i;
    place(lane, 'bar', percent(start), percent(end));
    place(lane, 'self', percent(start), percent(start + model.self[i]), isLeaf || model.self[i] <= 0);
    const hasFirst = model.ttft[i] > 0 && percent(end) - percent(start) > 2;
    place(lane, 'first', percent(start), percent(Math.min(end, start + model.ttft[i])), !hasFirst);
    place(lane, 'tail', percent(end), percent(model.tail[i]), model.tail[i] <= end);
    const isCorner = model.errorsBelow[i] > 0 && model.status[i] !== model.errorStatus;
    place(lane, 'corner', percent(end), percent(end), !isCorner);
    if (lane.parts.bar) {
        setAttribute(lane.parts.bar, 'class', model.duration[i] === 0 ? 'bar zero' : isLeaf ? 'bar leaf' : 'bar');
    }
    const text = labelledPx ? durationText(model.duration[i]) : '';
    placeLabel(lane, text, [start, end, model.tail[i]].map(percent), labelledPx, isLeaf);
}

// Inside the bar where it fits, else right of it, else left.
function placeLabel(lane, text, [left, end, right], lanePx, isDark) {
    if (!text || right < 0 || left > 100) {
        return without(lane, 'label');
    }
    const label = partOf(lane, 'label');
    const needed = 100 * (text.length * LETTER_PX + 4 * LABEL_GAP_PX) / lanePx;
    const [from, to] = [Math.max(0, left), Math.min(100, end)];
    const isInside = to - from >= needed;
    const isLeft = isInside || right + needed > 100;
    setText(label, text);
    setAttribute(label, 'x', `${(isInside ? to : isLeft ? from : right).toFixed(2)}%`);
    setAttribute(label, 'dx', isInside ? -2 * LABEL_GAP_PX : isLeft ? -LABEL_GAP_PX : LABEL_GAP_PX);
    setAttribute(label, 'text-anchor', isLeft ? 'end' : 'start');
    setAttribute(label, 'class', isInside ? (isDark ? 'on dark' : 'on') : null);
    return undefined;
}

export function drawGroup(lane, group, {from, to}) {
    const percent = (us) => 100 * (us - from) / (to - from);
    PARTS.filter((name) => name !== 'bar').forEach((name) => without(lane, name));
    place(lane, 'bar', percent(group.start), percent(group.end));
    if (lane.parts.bar) {
        setAttribute(lane.parts.bar, 'class', 'bar many');
    }
}

function place(lane, name, left, right, hide = false) {
    if (hide || right < 0 || left > 100) {
        return without(lane, name);
    }
    const rect = partOf(lane, name);
    const x = Math.max(0, Math.min(left, 100 - MIN_PERCENT));
    setAttribute(rect, 'x', `${x.toFixed(2)}%`);
    setAttribute(rect, 'width', `${Math.max(MIN_PERCENT, Math.min(right, 100) - x).toFixed(2)}%`);
    return undefined;
}
