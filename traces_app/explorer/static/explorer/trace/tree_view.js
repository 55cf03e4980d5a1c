// The tree with its waterfall: one line a span, runs of alike siblings as one.

import {drawGroup, drawSpan, makeLane} from './bars.js';
import {el, setAttribute, setText} from './dom.js';
import {durationText} from './formats.js';
import {nameOf} from './model.js';
import {fillName, fillRow, makeName, makeRow, showScores} from './row_parts.js';
import {treeRows} from './rows.js';
import {chosenColumns, widthsOf} from './tree_columns.js';

const WIDE_LANE_PX = 240;

export class TreeView {
    role = 'tree';

    constructor(app) {
        this.app = app;
        this.rows = [];
        this.chooseColumns();
    }

    chooseColumns() {
        this.columns = chosenColumns();
        this.app.root.style.setProperty('--figures', widthsOf(this.columns));
    }

    get heads() {
        return ['Span', ...this.columns.map(({label}) => label), 'lane'];
    }

    get rowHeight() {
        return this.app.isNarrow() ? 44 : 26;
    }

    arrange() {
        const {app} = this;
        this.rows = treeRows(app.model, {collapsed: app.collapsed, grouping: app.grouping, kept: app.kept});
    }

    // A duration stands at its bar where there is room, or where no column tells it.
    measure() {
        const px = this.app.root.querySelector('[data-head]').lastElementChild?.clientWidth ?? 0;
        const isTold = this.columns.some(({key}) => key === 'duration');
        this.labelledPx = px && (px >= WIDE_LANE_PX || !isTold) && !this.app.isNarrow() ? px : 0;
    }

    count() {
        return this.rows.length;
    }

    spanAt(index) {
        const row = this.rows[index];
        return row >= 0 ? row : this.app.grouping.groups[-1 - row].first;
    }

    groupAt(index) {
        return this.rows[index] < 0 ? this.app.grouping.groups[-1 - this.rows[index]] : null;
    }

    indexOf(span) {
        return this.rows.indexOf(span);
    }

    make() {
        return makeRow('treeitem', makeName(), ...this.columns.map(() => el('span', 'c')), makeLane());
    }

    fill(row, index) {
        const group = this.groupAt(index);
        return group ? this.fillGroup(row, group) : this.fillSpan(row, this.rows[index]);
    }

    fillSpan(row, i) {
        const {model, collapsed, window} = this.app;
        const name = row.firstChild;
        const isParent = model.childCount[i] > 0;
        const isClosed = collapsed.has(i);
        const member = this.app.grouping.groupOf[i];
        fillRow(this.app, row, i, member >= 0 && this.app.grouping.groups[member].open ? 'member' : '');
        setAttribute(row, 'aria-expanded', isParent ? String(!isClosed) : null);
        setAttribute(name.firstChild, 'class', isParent ? `caret ${isClosed ? 'closed' : 'open'}` : 'caret');
        fillName(this.app, name, i);
        this.columns.forEach((column, number) => {
            const cell = row.children[number + 1];
            setText(cell, column.span(model, i));
            setAttribute(cell, 'class', `c ${column.mark?.(model, i) ?? ''}`);
            setAttribute(cell, 'title', column.title?.(model, i));
        });
        drawSpan(row.lastChild, model, i, window, this.labelledPx);
    }

    fillGroup(row, group) {
        const {app} = this;
        const name = row.firstChild;
        const count = group.members.length;
        fillRow(app, row, group.first, 'group');
        setAttribute(row, 'id', `g-${app.model.ids[group.first]}`);
        setAttribute(row, 'aria-selected', 'false');
        setAttribute(row, 'aria-current', null);
        setAttribute(row, 'aria-expanded', String(group.open));
        setAttribute(name.firstChild, 'class', `caret ${group.open ? 'open' : 'closed'}`);
        setText(name.children[2], `×${count} ${nameOf(app.model, group.first)}`);
        setAttribute(name.children[2], 'title', nameOf(app.model, group.first));
        fillGroupNote(name.children[3], `avg ${durationText(group.sum / count)} · `, `max ${durationText(group.max)}`);
        showScores(name);
        this.columns.forEach((column, number) => {
            const cell = row.children[number + 1];
            setText(cell, column.group?.(group) ?? '');
            setAttribute(cell, 'class', 'c');
            setAttribute(cell, 'title', null);
        });
        drawGroup(row.lastChild, group, app.window);
    }

    describe() {
        const rows = `${this.rows.length.toLocaleString('en-US')} row${this.rows.length === 1 ? '' : 's'}`;
        const matching = this.app.kept?.reduce((count, kept) => count + (kept === 2 ? 1 : 0), 0);
        return matching === undefined ? rows : `${matching.toLocaleString('en-US')} matching in ${rows}`;
    }
}

// Its longest member is one click away, wherever in the group it stands.
function fillGroupNote(note, text, slowest) {
    if (note.textContent !== text + slowest) {
        const link = el('u', 'slowest', slowest);
        link.title = 'Open the slowest (w)';
        note.replaceChildren(text, link);
    }
}
