// One span's lane: the bar, its self time dark, the time to the first token light, a tail where children outlive.

import {setAttribute, svg} from './dom.js';

const MIN_PERCENT = 0.35;
const PARTS = ['tail', 'bar', 'self', 'first', 'corner'];

export function makeLane() {
    const lane = svg('svg', {class: 'lane', 'aria-hidden': 'true'});
    for (const part of PARTS) {
        lane.append(svg('rect', {class: part}));
    }
    return lane;
}

// The window is what of the trace's time the lanes show, in microseconds.
export function drawSpan(lane, model, i, {from, to}) {
    const [tail, bar, self, first, corner] = lane.children;
    const percent = (us) => 100 * (us - from) / (to - from);
    const start = model.start[i];
    const end = model.end[i];
    place(bar, percent(start), percent(end));
    place(self, percent(start), percent(start + model.self[i]), model.last[i] === i || !model.self[i]);
    const hasFirst = model.ttft[i] > 0 && percent(end) - percent(start) > 2;
    place(first, percent(start), percent(Math.min(end, start + model.ttft[i])), !hasFirst);
    place(tail, percent(end), percent(model.tail[i]), model.tail[i] <= end);
    const isCorner = model.errorsBelow[i] > 0 && model.status[i] !== model.errorStatus;
    place(corner, percent(end), percent(end), !isCorner);
    setAttribute(bar, 'class', model.duration[i] === 0 ? 'bar zero' : model.last[i] === i ? 'bar leaf' : 'bar');
}

export function drawGroup(lane, group, {from, to}) {
    const [tail, bar, ...others] = lane.children;
    const percent = (us) => 100 * (us - from) / (to - from);
    place(bar, percent(group.start), percent(group.end));
    setAttribute(bar, 'class', 'bar many');
    [tail, ...others].forEach((part) => place(part, 0, 0, true));
}

function place(rect, left, right, hide = false) {
    const isOutside = right < 0 || left > 100;
    setAttribute(rect, 'visibility', hide || isOutside ? 'hidden' : null);
    if (!hide && !isOutside) {
        const x = Math.max(0, Math.min(left, 100 - MIN_PERCENT));
        setAttribute(rect, 'x', `${x.toFixed(2)}%`);
        setAttribute(rect, 'width', `${Math.max(MIN_PERCENT, Math.min(right, 100) - x).toFixed(2)}%`);
    }
}
