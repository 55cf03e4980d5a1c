// All spans as a table: sorted by a column, or grouped by kind and name with count, p50, p95 and total.

import {el, setAttribute, setText} from './dom.js';
import {costText, countText, durationText} from './formats.js';
import {kindOf, nameOf} from './model.js';
import {fillName, fillRow, makeName, makeRow, showScores} from './row_parts.js';
import {allRows} from './rows.js';

const COLUMNS = [
    {key: 'start', label: 'Span'},
    {key: 'start', label: 'Start', text: durationText},
    {key: 'duration', label: 'Duration', text: durationText},
    {key: 'self', label: 'Self', text: durationText},
    {key: 'ttft', label: 'TTFT', text: durationText},
    {key: 'in', label: 'In', text: countText},
    {key: 'out', label: 'Out', text: countText},
    {key: 'cost', label: 'Cost', text: (value) => costText(value) || '–'},
];
const GROUP_COLUMNS = [
    {key: 'first', label: 'Kind and name'},
    {key: 'count', label: 'Count', text: countText},
    {key: 'p50', label: 'p50', text: durationText},
    {key: 'p95', label: 'p95', text: durationText},
    {key: 'total', label: 'Total', text: durationText},
    {key: 'self', label: 'Self', text: durationText},
    {key: 'tokens', label: 'Tokens', text: countText},
    {key: 'cost', label: 'Cost', text: (value) => costText(value) || '–'},
];

export class TableView {
    role = 'grid';
    rowHeight = 28;

    constructor(app) {
        this.app = app;
        this.rows = [];
        this.sort = {key: 'duration', down: true};
        this.isGrouped = false;
    }

    get heads() {
        return this.isGrouped ? GROUP_COLUMNS : COLUMNS;
    }

    arrange() {
        const spans = allRows(this.app.model, {kept: this.app.kept});
        const {key, down} = this.sort;
        const sign = down ? -1 : 1;
        if (this.isGrouped) {
            this.rows = groupsOf(this.app.model, spans).sort((a, b) => sign * (a[key] - b[key]) || a.first - b.first);
        } else {
            const values = this.app.model[key];
            this.rows = spans.sort((a, b) => sign * (values[a] - values[b]) || a - b);
        }
        this.places = new Map(this.rows.map((row, index) => [this.isGrouped ? row.first : row, index]));
    }

    sortBy(key) {
        this.sort = {key, down: this.sort.key === key ? !this.sort.down : key !== 'start'};
    }

    toggleGrouping() {
        this.isGrouped = !this.isGrouped;
        this.sort = {key: this.isGrouped ? 'total' : 'duration', down: true};
    }

    count() {
        return this.rows.length;
    }

    spanAt(index) {
        return this.isGrouped ? this.rows[index].slowest : this.rows[index];
    }

    indexOf(span) {
        return this.places.get(span) ?? -1;
    }

    make() {
        const row = makeRow('row', makeName(), ...this.heads.slice(1).map(() => el('span', 'c')));
        [...row.children].forEach((cell) => cell.setAttribute('role', 'gridcell'));
        return row;
    }

    fill(row, index) {
        const {model} = this.app;
        const entry = this.rows[index];
        const span = this.isGrouped ? entry.first : entry;
        fillRow(this.app, row, span, this.isGrouped ? 'table grouped' : 'table');
        setAttribute(row, 'aria-level', null);
        setAttribute(row, 'aria-rowindex', index + 2);
        fillName(this.app, row.firstChild, span);
        if (this.isGrouped) {
            setText(row.firstChild.children[3], entry.errors ? `${entry.errors} failed` : '');
            showScores(row.firstChild);
        }
        this.heads.slice(1).forEach((column, number) => {
            const value = this.isGrouped ? entry[column.key] : model[column.key][span];
            setText(row.children[number + 1], column.text(value));
        });
    }

    describe() {
        const count = this.rows.length.toLocaleString('en-US');
        return this.isGrouped ? `${count} groups` : `${count} spans`;
    }
}

function groupsOf(model, spans) {
    const groups = new Map();
    for (const i of spans) {
        const key = `${kindOf(model, i)} ${nameOf(model, i)}`;
        const members = groups.get(key);
        members ? members.push(i) : groups.set(key, [i]);
    }
    return [...groups.values()].map((members) => groupRow(model, members));
}

function groupRow(model, members) {
    const byDuration = [...members].sort((a, b) => model.duration[a] - model.duration[b]);
    const at = (share) => model.duration[byDuration[Math.ceil(share * members.length) - 1]];
    const sum = (values) => members.reduce((total, i) => total + Math.max(0, values[i]), 0);
    const known = (values) => (members.some((i) => values[i] >= 0) ? sum(values) : -1);
    return {
        first: members[0], slowest: byDuration.at(-1), count: members.length, p50: at(0.5), p95: at(0.95),
        total: sum(model.duration), self: known(model.self), tokens: known(model.tokens), cost: known(model.cost),
        errors: members.filter((i) => model.status[i] === model.errorStatus).length,
    };
}
