// The columns of figures in the tree: which there are, which are chosen, and the menu that chooses them.

import {el} from './dom.js';
import {costText, durationText, shortCount, tokensText} from './formats.js';
import {isRunning} from './model.js';
import {remember, remembered} from './state.js';

const KEY = 'columns';
const FIRST_CHOICE = 'duration tokens cost';

// `span` and `group` give a cell's text; `mark` gives its class, `title` what it says on hover.
const COLUMNS = [
    {
        key: 'duration', label: 'Duration', width: 68, mark: (model, i) => `heat${heat(model, i)}`,
        span: (model, i) => (isRunning(model, i) ? 'running' : durationText(model.duration[i])),
        group: (group) => `Σ ${durationText(group.sum)}`, title: (model, i) => `self ${durationText(model.self[i])}`,
    },
    {key: 'self', label: 'Self', width: 60, span: (model, i) => durationText(model.self[i])},
    {key: 'ttft', label: 'TTFT', width: 60, span: (model, i) => (model.ttft[i] < 0 ? '' : durationText(model.ttft[i]))},
    {
        key: 'tokens', label: 'Tokens', width: 92, mark: (model, i) => (isTokenSum(model, i) ? 'sum' : ''),
        span: (model, i) => (isTokenSum(model, i) ? `Σ ${shortCount(model.sumTokens[i])}` : tokensText(model.in[i], model.out[i])),
        group: (group) => (group.tokens >= 0 ? `Σ ${shortCount(group.tokens)}` : ''),
    },
    {
        key: 'cost', label: 'Cost', width: 84, mark: (model, i) => (isCostSum(model, i) ? 'sum' : ''),
        span: (model, i) => (isCostSum(model, i) ? 'Σ ' : '') + costText(model.sumCost[i]),
        group: (group) => (group.cost >= 0 ? `Σ ${costText(group.cost)}` : ''),
    },
];

// A span's own figures; a branch without any shows the sum of what is below, lighter.
function isTokenSum(model, i) {
    return model.in[i] < 0 && model.out[i] < 0 && model.sumTokens[i] >= 0;
}

function isCostSum(model, i) {
    return model.cost[i] < 0 && model.sumCost[i] >= 0;
}

function heat(model, i) {
    const share = model.duration[i] < 0 ? 0 : model.self[i] / model.extent;
    return share > 0.25 ? 3 : share > 0.1 ? 2 : share > 0.03 ? 1 : 0;
}

export function chosenColumns() {
    const keys = remembered(KEY, FIRST_CHOICE).split(' ');
    return COLUMNS.filter(({key}) => keys.includes(key));
}

// A blank for none at all: an empty property would be none, and the first choice's widths would hold.
export function widthsOf(columns) {
    return columns.map(({width}) => `${width}px`).join(' ') || ' ';
}

export function fillMenu(place, onChange) {
    const chosen = chosenColumns().map(({key}) => key);
    place.replaceChildren(...COLUMNS.map(({key, label}) => {
        const box = el('input');
        box.type = 'checkbox';
        box.value = key;
        box.checked = chosen.includes(key);
        return el('label', '', box, label);
    }));
    place.addEventListener('change', () => {
        remember(KEY, [...place.querySelectorAll(':checked')].map((box) => box.value).join(' '));
        onChange();
    });
}
