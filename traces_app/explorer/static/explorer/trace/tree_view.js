// The tree with its waterfall: one line a span, runs of alike siblings as one.

import {drawGroup, drawSpan, makeLane} from './bars.js';
import {el, setAttribute, setText} from './dom.js';
import {costText, durationText, shortCount, tokensText} from './formats.js';
import {nameOf} from './model.js';
import {fillName, fillRow, makeName, makeRow} from './row_parts.js';
import {treeRows} from './rows.js';

export class TreeView {
    role = 'tree';
    heads = ['Span', 'Duration', 'Tokens', 'Cost', 'lane'];

    constructor(app) {
        this.app = app;
        this.rows = [];
    }

    get rowHeight() {
        return this.app.isNarrow() ? 44 : 26;
    }

    arrange() {
        const {app} = this;
        this.rows = treeRows(app.model, {collapsed: app.collapsed, grouping: app.grouping, kept: app.kept});
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
        return makeRow('treeitem', makeName(), el('span', 'c'), el('span', 'c'), el('span', 'c'), makeLane());
    }

    fill(row, index) {
        const group = this.groupAt(index);
        return group ? this.fillGroup(row, group) : this.fillSpan(row, this.rows[index]);
    }

    fillSpan(row, i) {
        const {model, collapsed, window} = this.app;
        const [name, duration, tokens, cost, lane] = row.children;
        const isParent = model.childCount[i] > 0;
        const isClosed = collapsed.has(i);
        const member = this.app.grouping.groupOf[i];
        fillRow(this.app, row, i, member >= 0 && this.app.grouping.groups[member].open ? 'member' : '');
        setAttribute(row, 'aria-expanded', isParent ? String(!isClosed) : null);
        setAttribute(name.firstChild, 'class', isParent ? `caret ${isClosed ? 'closed' : 'open'}` : 'caret');
        fillName(this.app, name, i);
        setText(duration, model.duration[i] < 0 ? 'running' : durationText(model.duration[i]));
        setAttribute(duration, 'title', `self ${durationText(model.self[i])}`);
        setAttribute(duration, 'class', `c heat${heat(model, i)}`);
        this.fillFigures(tokens, cost, i);
        drawSpan(lane, model, i, window);
    }

    // A span's own figures; a branch without any shows the sum of what is below, lighter.
    fillFigures(tokens, cost, i) {
        const {model} = this.app;
        const isSum = model.in[i] < 0 && model.out[i] < 0 && model.sumTokens[i] >= 0;
        setText(tokens, isSum ? `Σ ${shortCount(model.sumTokens[i])}` : tokensText(model.in[i], model.out[i]));
        setAttribute(tokens, 'class', isSum ? 'c sum' : 'c');
        const isCostSum = model.cost[i] < 0 && model.sumCost[i] >= 0;
        setText(cost, (isCostSum ? 'Σ ' : '') + costText(model.sumCost[i]));
        setAttribute(cost, 'class', isCostSum ? 'c sum' : 'c');
    }

    fillGroup(row, group) {
        const {app} = this;
        const [name, duration, tokens, cost, lane] = row.children;
        const count = group.members.length;
        fillRow(app, row, group.first, 'group');
        setAttribute(row, 'id', `g-${app.model.ids[group.first]}`);
        setAttribute(row, 'aria-selected', 'false');
        setAttribute(row, 'aria-current', null);
        setAttribute(row, 'aria-expanded', String(group.open));
        setAttribute(name.firstChild, 'class', `caret ${group.open ? 'open' : 'closed'}`);
        setText(name.children[2], `×${count} ${nameOf(app.model, group.first)}`);
        setText(name.children[3], `avg ${durationText(group.sum / count)} · max ${durationText(group.max)}`);
        setText(duration, `Σ ${durationText(group.sum)}`);
        setText(tokens, group.tokens >= 0 ? `Σ ${shortCount(group.tokens)}` : '');
        setText(cost, group.cost >= 0 ? `Σ ${costText(group.cost)}` : '');
        drawGroup(lane, group, app.window);
    }

    describe() {
        const shown = this.app.kept ? ' of those that match, with what leads to them' : '';
        return `${this.rows.length.toLocaleString('en-US')} rows${shown}`;
    }
}

function heat(model, i) {
    const share = model.duration[i] < 0 ? 0 : model.self[i] / model.extent;
    return share > 0.25 ? 3 : share > 0.1 ? 2 : share > 0.03 ? 1 : 0;
}
