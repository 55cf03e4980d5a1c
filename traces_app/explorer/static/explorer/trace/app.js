// The trace page's state and what can be done with it. Widgets draw it; keys, clicks and the address change it.

import {criticalPath, findGroups, keep} from './rows.js';
import {decode} from './model.js';
import {readState, writeState} from './state.js';

const LIST_KEY = 'traces.list';

export class App {
    constructor(root) {
        this.root = root;
        this.base = root.dataset.trace;
        this.traceId = root.dataset.traceId;
        this.skeletonAddress = root.dataset.skeleton;
        this.previewsAddress = root.dataset.previews;
        this.collapsed = new Set();
        this.filters = {errors: false, llm: false, tools: false, minDuration: 0};
        this.zoom = null;
        this.critical = null;
        this.kept = null;
        this.listeners = [];
    }

    take(raw) {
        const id = this.model && this.selectedId();
        const closed = [...this.collapsed].map((i) => this.model.ids[i]);
        const open = new Set((this.grouping?.groups ?? []).filter((group) => group.open).map((group) => this.model.ids[group.first]));
        this.model = decode(raw);
        this.grouping = findGroups(this.model);
        this.grouping.groups.forEach((group) => { group.open = open.has(this.model.ids[group.first]); });
        this.collapsed = new Set(closed.map((one) => this.model.indexOf.get(one)));
        this.critical = this.critical && criticalPath(this.model);
        this.selected = this.model.indexOf.get(id) ?? this.selected ?? 0;
    }

    get window() {
        return {from: this.zoom?.[0] ?? 0, to: this.zoom?.[1] ?? this.model.extent};
    }

    selectedId() {
        return this.model.ids[this.selected];
    }

    spanAddress(id) {
        return `${this.base}/s/${encodeURIComponent(id)}`;
    }

    isNarrow() {
        return matchMedia('(max-width: 760px)').matches;
    }

    isMatch(i) {
        return Boolean(this.search?.found?.has(this.model.ids[i]));
    }

    // -- the list --------------------------------------------------------------------------------
    arrange() {
        this.kept = keep(this.model, this.filters, this.search?.found);
        this.current.arrange();
        this.list.refresh();
        this.showTools();
    }

    setView(name, write = true) {
        this.view = name;
        this.current = this.views[name];
        this.current.arrange();
        this.list.show(this.current);
        this.showHead();
        this.showTools();
        this.reveal(true);
        if (write) {
            this.write(false);
        }
    }

    // Rows that hide the open span are opened, so that it is in the list.
    reveal(toCentre = false) {
        const group = this.grouping.groupOf[this.selected];
        if (this.view === 'tree' && !this.kept) {
            for (let i = this.model.parent[this.selected]; i >= 0; i = this.model.parent[i]) {
                this.collapsed.delete(i);
                this.openGroup(this.grouping.groupOf[i]);
            }
            this.openGroup(group);
            this.current.arrange();
            this.list.resize();
        }
        const index = this.current.indexOf(this.selected);
        if (index >= 0) {
            this.list.scrollTo(index, toCentre);
        }
    }

    openGroup(number) {
        if (number >= 0) {
            this.grouping.groups[number].open = true;
        }
    }

    toggleFilter(name) {
        this.filters[name] = !this.filters[name];
        this.arrange();
    }

    setMinDuration(us) {
        this.filters.minDuration = us;
        this.arrange();
    }

    toggleCritical() {
        this.critical = this.critical ? null : criticalPath(this.model);
        this.list.body.classList.toggle('path-shown', Boolean(this.critical));
        this.list.refresh();
        this.showTools();
    }

    // -- choosing --------------------------------------------------------------------------------
    select(i, {push = true, reveal = true, focus = true} = {}) {
        if (!(i >= 0 && i < this.model.count)) {
            return;
        }
        this.selected = i;
        if (push) {
            this.pane.target = {};
            this.pane.tab = null;  // as it was left for spans of this kind
        }
        if (reveal) {
            this.reveal();
        }
        this.list.draw(true);
        this.markActive();
        this.timeline.showOpen();
        this.pane.show(this.selectedId(), this.neighbour(1));
        this.openSheet(focus);
        if (push) {
            this.write(true);
        }
    }

    markActive() {
        const group = this.view === 'tree' && this.current.indexOf(this.selected) < 0;
        this.list.body.setAttribute('aria-activedescendant', `${group ? 'g' : 'r'}-${this.selectedId()}`);
    }

    neighbour(step) {
        const index = this.current.indexOf(this.selected) + step;
        return index > 0 && index < this.current.count() ? this.model.ids[this.current.spanAt(index)] : null;
    }

    // The head of a closed group stands for its members: moving on it opens it.
    move(step) {
        const at = this.current.indexOf(this.selected);
        let index = Math.max(0, Math.min(this.current.count() - 1, at + step));
        if (this.current.groupAt?.(index)?.open) {
            index = Math.max(0, Math.min(this.current.count() - 1, index + step));
        }
        this.select(this.current.spanAt(index));
    }

    nextError(step) {
        const failed = [];
        this.model.status.forEach((status, i) => status === this.model.errorStatus && failed.push(i));
        const next = step > 0 ? failed.find((i) => i > this.selected) ?? failed[0]
            : failed.findLast((i) => i < this.selected) ?? failed.at(-1);
        this.select(next ?? -1);
    }

    slowest() {
        const group = this.grouping.groups[this.grouping.groupOf[this.selected]];
        if (group) {
            this.select(group.slowest);
        } else {
            this.say('This span is in no group.');
        }
    }

    selectNear(us) {
        const rows = Array.from({length: this.current.count()}, (_, index) => this.current.spanAt(index));
        const distance = (i) => (this.model.start[i] <= us && us <= this.model.end[i]
            ? (this.model.end[i] - this.model.start[i]) / this.model.extent
            : 1 + Math.abs(this.model.start[i] - us));
        this.select(rows.reduce((best, i) => (distance(i) < distance(best) ? i : best), rows[0] ?? 0));
    }

    otherTrace(step) {
        const ids = JSON.parse(sessionStorage.getItem(LIST_KEY) ?? '[]');
        const next = ids[ids.indexOf(this.traceId) + step];
        if (ids.includes(this.traceId) && next) {
            location.assign(this.base.replace(this.traceId, encodeURIComponent(next)));
        } else {
            this.say('No further trace in the list you came from.');
        }
    }

    go(selector) {
        const link = this.root.querySelector(selector);
        if (link) {
            link.click();
        } else {
            this.say('This trace has none.');
        }
    }

    score() {
        const form = this.pane.root.querySelector('[data-score]');
        if (!form) {
            this.say('The key you are logged in with may only read.');
            return;
        }
        form.open = true;
        form.querySelector('[name=value]').focus();
    }

    // -- the tree --------------------------------------------------------------------------------
    collapse() {
        const i = this.selected;
        if (this.model.childCount[i] && !this.collapsed.has(i)) {
            this.collapsed.add(i);
            this.arrange();
        } else if (this.model.parent[i] >= 0) {
            this.select(this.model.parent[i]);
        }
    }

    expand() {
        this.collapsed.delete(this.selected);
        this.arrange();
    }

    toggle(i) {
        if (!this.collapsed.delete(i)) {
            this.collapsed.add(i);
        }
        this.arrange();
    }

    collapseAll(close) {
        this.collapsed.clear();
        this.grouping.groups.forEach((group) => { group.open = !close; });
        for (let i = 0; close && i < this.model.count; i++) {
            if (this.model.childCount[i] && this.model.depth[i]) {
                this.collapsed.add(i);
            }
        }
        this.arrange();
    }

    // -- time ------------------------------------------------------------------------------------
    setZoom(zoom) {
        this.zoom = this.bounded(zoom);
        this.list.refresh();
        this.showHead();
        this.timeline.showWindow();
        this.write(false);
    }

    // Within the trace; null for the whole of it, and for a time that is not in it.
    bounded(zoom) {
        const {extent} = this.model;
        const isWhole = !zoom || zoom[1] - zoom[0] >= extent || zoom[0] >= extent || zoom[1] <= 0;
        return isWhole ? null : [Math.max(0, zoom[0]), Math.min(extent, zoom[1])];
    }

    fit() {
        const {start, end} = this.model;
        const [from, to] = [start[this.selected], end[this.selected]];
        this.setZoom([from, Math.max(to, from + 10)]);
    }

    zoomBy(factor, centre = null) {
        const {from, to} = this.window;
        const middle = centre ?? (from + to) / 2;
        this.setZoom([middle - (middle - from) * factor, middle + (to - middle) * factor]);
    }

    pan(share) {
        if (this.zoom) {
            const by = share * (this.zoom[1] - this.zoom[0]);
            const bounded = Math.max(-this.zoom[0], Math.min(this.model.extent - this.zoom[1], by));
            this.setZoom(this.zoom.map((us) => us + bounded));
        }
    }

    // -- the address -----------------------------------------------------------------------------
    write(push) {
        const {tab, target} = this.pane;
        writeState(this.base, {span: this.selectedId(), view: this.view, tab, zoom: this.zoom, ...target}, push);
    }

    read() {
        const state = readState(this.base);
        this.selected = this.model.indexOf.get(state.span) ?? this.selected;
        this.zoom = this.bounded(state.zoom);
        this.pane.tab = state.tab;
        this.pane.target = {msg: state.msg, path: state.path};
        return state;
    }
}
