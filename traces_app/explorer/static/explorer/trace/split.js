// The line between list and span: dragged or moved by arrow keys, remembered.

import {remember, remembered} from './state.js';

const MIN_PERCENT = 25;
const MAX_PERCENT = 75;

export function makeSplit(divider, panes) {
    const set = (percent) => {
        const bounded = Math.max(MIN_PERCENT, Math.min(MAX_PERCENT, percent));
        panes.style.setProperty('--split', `${bounded}%`);
        divider.setAttribute('aria-valuenow', Math.round(bounded));
        return bounded;
    };
    let percent = set(Number(remembered('split', 50)));
    divider.hidden = false;
    divider.addEventListener('pointerdown', (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener('pointermove', (event) => {
        if (divider.hasPointerCapture(event.pointerId)) {
            const box = panes.getBoundingClientRect();
            percent = set(100 * (event.clientX - box.left) / box.width);
        }
    });
    divider.addEventListener('pointerup', () => remember('split', percent));
    divider.addEventListener('keydown', (event) => {
        const step = {ArrowLeft: -2, ArrowRight: 2}[event.key];
        if (step) {
            event.preventDefault();
            event.stopPropagation();
            percent = set(percent + step);
            remember('split', percent);
        }
    });
}
