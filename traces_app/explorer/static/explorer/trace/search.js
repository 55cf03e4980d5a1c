// Search within the trace: the server reads every payload, the list keeps what matches and what leads to it.

import {showHidden} from './dom.js';

const WAIT_MS = 250;

export class Search {
    constructor(app, input, note) {
        this.app = app;
        this.input = input;
        this.note = note;
        this.found = null;
        this.matches = [];
        input.addEventListener('input', () => {
            showHidden(input);
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.run(), WAIT_MS);
        });
        input.addEventListener('keydown', (event) => this.key(event));
    }

    key(event) {
        if (event.key === 'Enter') {
            event.preventDefault();
            this.step(event.shiftKey ? -1 : 1);
        } else if (event.key === 'Escape') {
            event.stopPropagation();
            this.input.value = '';
            this.run();
            this.app.list.body.focus();
        }
    }

    async run() {
        const text = this.input.value.trim();
        const asked = this.asked = Symbol(text);
        if (text.length < 2) {
            return this.set(null, text ? 'two letters at least' : '');
        }
        this.note.textContent = 'searching …';
        const response = await fetch(`${this.app.base}/search?q=${encodeURIComponent(text)}`).catch(() => null);
        if (asked !== this.asked) {
            return undefined;
        }
        if (!response?.ok) {
            return this.set(null, 'the search failed; try again');
        }
        const found = await response.json();
        return this.set(new Set(found.matches), describe(found));
    }

    set(found, note) {
        this.found = found;
        this.matches = found ? this.app.model.ids.map((id, i) => (found.has(id) ? i : -1)).filter((i) => i >= 0) : [];
        this.note.textContent = note;
        this.app.arrange();
    }

    step(direction) {
        if (!this.matches.length) {
            return;
        }
        const {selected} = this.app;
        const next = direction > 0
            ? this.matches.find((i) => i > selected) ?? this.matches[0]
            : this.matches.findLast((i) => i < selected) ?? this.matches.at(-1);
        this.app.select(next);
    }
}

function describe({matches, counts, searched, total}) {
    const fields = Object.entries(counts).map(([field, count]) => `${count} in ${field}`).join(', ');
    const part = searched < total ? `; searched ${searched.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}` : '';
    const spans = `${matches.length.toLocaleString('en-US')} span${matches.length === 1 ? '' : 's'}`;
    return matches.length ? `${spans}: ${fields}${part}` : `nothing found${part}`;
}
