// The transcript: who asked what and who said what, in the order of time. Texts are fetched for what is in sight.

import {el, setAttribute, setText} from './dom.js';
import {costText, durationText, tokensText} from './formats.js';
import {isRunning} from './model.js';
import {fillName, fillRow, makeName, makeRow} from './row_parts.js';
import {toldRows} from './rows.js';

const BATCH = 40;

export class ToldView {
    role = 'tree';
    rowHeight = 76;
    heads = [];

    constructor(app) {
        this.app = app;
        this.rows = [];
        this.texts = new Map();
        this.asked = new Set();
    }

    arrange() {
        this.rows = toldRows(this.app.model, {kept: this.app.kept});
        this.places = new Map(this.rows.map((span, index) => [span, index]));
    }

    count() {
        return this.rows.length;
    }

    spanAt(index) {
        return this.rows[index];
    }

    indexOf(span) {
        return this.places.get(span) ?? -1;
    }

    make() {
        return makeRow('treeitem', makeName(), el('span', 'told-facts'), makeLine('asked'), makeLine('said'));
    }

    fill(row, index) {
        const i = this.rows[index];
        const {model} = this.app;
        const [name, facts, asked, said] = row.children;
        fillRow(this.app, row, i, 'told');
        fillName(this.app, name, i);
        const named = model.model[i] >= 0 ? model.models[model.model[i]] : '';
        const duration = isRunning(model, i) ? 'running' : durationText(model.duration[i]);
        const figures = [duration, tokensText(model.in[i], model.out[i]), costText(model.cost[i]), named];
        setText(facts, figures.filter(Boolean).join(' · '));
        const text = this.texts.get(model.ids[i]);
        fillLine(asked, text?.asked, text ? 'no input' : '');
        fillLine(said, text?.said, text ? (isRunning(model, i) ? 'running' : 'no output') : '');
        if (!text && !this.asked.has(model.ids[i])) {
            this.fetchSoon();
        }
    }

    fetchSoon() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.fetchVisible(), 30);
    }

    async fetchVisible() {
        const inSight = [...this.app.list.nodes.keys()].sort((a, b) => a - b).map((index) => this.rows[index]);
        const wanted = inSight.map((i) => this.app.model.ids[i]).filter((id) => !this.texts.has(id) && !this.asked.has(id));
        for (let at = 0; at < wanted.length; at += BATCH) {
            await this.fetchTexts(wanted.slice(at, at + BATCH));
        }
    }

    async fetchTexts(ids) {
        ids.forEach((id) => this.asked.add(id));
        try {
            const response = await fetch(`${this.app.previewsAddress}?spans=${ids.join(',')}`);
            const texts = response.ok ? await response.json() : {};
            ids.forEach((id) => this.texts.set(id, texts[id] ?? {}));
        } catch {
            ids.forEach((id) => this.asked.delete(id));
        }
        if (this.app.list.view === this) {
            this.app.list.draw(true);
        }
    }

    // What was running when it was read may say more now.
    forget() {
        const {model} = this.app;
        for (const id of this.texts.keys()) {
            const i = model.indexOf.get(id);
            if (i === undefined || model.status[i] === model.pendingStatus) {
                this.texts.delete(id);
                this.asked.delete(id);
            }
        }
    }

    describe() {
        return `${this.rows.length.toLocaleString('en-US')} of ${this.app.model.count.toLocaleString('en-US')} spans`;
    }
}

function makeLine(name) {
    return el('span', `line ${name}`, el('i'), el('q'));
}

function fillLine(line, text, nothing) {
    setText(line.firstChild, text?.role ?? '');
    setText(line.lastChild, text?.text ?? nothing);
    setAttribute(line, 'data-role', text?.role || null);
    line.classList.toggle('none', !text);
}
