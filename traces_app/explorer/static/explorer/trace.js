'use strict';
// One trace: rows open their span in the pane without loading the page again; keys move; JSON is coloured.
{
    const rows = document.querySelector('[data-rows]');
    const pane = document.querySelector('[data-detail]');
    const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
    let pending = null;

    function colour(block) {
        const text = block.textContent;
        const pieces = document.createDocumentFragment();
        let end = 0;
        for (const match of text.matchAll(TOKEN)) {
            const span = document.createElement('span');
            span.className = match[1] ? (match[2] ? 'key' : 'string') : (match[3] ? 'word' : 'number');
            span.textContent = match[1] ?? match[0];
            pieces.append(text.slice(end, match.index), span, match[2] ?? '');
            end = match.index + match[0].length;
        }
        pieces.append(text.slice(end));
        block.replaceChildren(pieces);
    }

    function selected() {
        return rows.querySelector('[aria-current]');
    }

    function mark(row) {
        selected()?.removeAttribute('aria-current');
        row?.setAttribute('aria-current', 'true');
        row?.scrollIntoView({block: 'nearest'});
    }

    async function show(address) {
        pending?.abort();
        pending = new AbortController();
        const url = new URL(address, location);
        url.searchParams.set('pane', '1');
        const response = await fetch(url, {signal: pending.signal, redirect: 'error'});
        if (!response.ok) {
            throw new Error(response.statusText);
        }
        pane.innerHTML = await response.text();
        pane.scrollTop = 0;
        pane.dispatchEvent(new Event('pane', {bubbles: true}));
        pane.querySelectorAll('[data-json]').forEach(colour);
    }

    async function open(row, {push = true, follow = false} = {}) {
        mark(row);
        try {
            await show(row.href);
        } catch (error) {
            if (error.name !== 'AbortError') {
                location.assign(row.href);
            }
            return;
        }
        if (push) {
            history.pushState({span: row.id}, '', row.href);
        }
        if (follow && matchMedia('(max-width: 1000px)').matches) {
            pane.scrollIntoView({block: 'start'});
        }
    }

    function move(event) {
        const step = {j: 1, ArrowDown: 1, k: -1, ArrowUp: -1}[event.key];
        const busy = event.target.closest('input, textarea, select, summary, [data-detail]');
        if (!step || busy || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        const row = selected();
        const next = row ? (step > 0 ? row.nextElementSibling : row.previousElementSibling) : rows.firstElementChild;
        if (next) {
            event.preventDefault();
            open(next);
            next.focus({preventScroll: true});
        }
    }

    function plainClick(event) {
        return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    }

    document.addEventListener('click', (event) => {
        const link = event.target.closest('[data-rows] a, a[data-span-link]');
        const row = link && document.getElementById(new URL(link.href).hash.slice(1));
        if (row && plainClick(event)) {
            event.preventDefault();
            open(row, {follow: true});
        }
    });
    document.addEventListener('keydown', move);
    addEventListener('popstate', () => {
        const row = document.getElementById(location.hash.slice(1));
        if (row) {
            open(row, {push: false});
        } else {
            location.reload();
        }
    });
    document.querySelectorAll('[data-json]').forEach(colour);
    selected()?.scrollIntoView({block: 'nearest'});
}
