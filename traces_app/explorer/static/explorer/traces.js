'use strict';
// The list: selection and its bar, rows as links, keys, and the pill that tells of newer traces.
{
    const form = document.querySelector('[data-selection]');
    const filters = document.querySelector('[data-narrow-closed]');
    const pill = document.querySelector('[data-newer]');
    const rows = form ? [...form.querySelectorAll('[data-row]')] : [];
    const POLL_MS = 10000;
    const MAX_POLLS = 180;
    let at = -1;

    function countSelected(all, boxes, bar) {
        const count = boxes.filter((box) => box.checked).length;
        bar.querySelector('[data-selected-count]').textContent = `${count} selected`;
        bar.hidden = count === 0;
        const [least, most] = bar.querySelector('[data-needs]').dataset.needs.split('-').map(Number);
        bar.querySelector('[data-needs]').disabled = count < least || count > most;
        all.checked = count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
    }

    function moveTo(index) {
        rows[at]?.classList.remove('at');
        at = Math.max(0, Math.min(rows.length - 1, index));
        rows[at].classList.add('at');
        rows[at].querySelector('a.name').focus({preventScroll: true});
        rows[at].scrollIntoView({block: 'nearest'});
    }

    const KEYS = {
        j: () => moveTo(at + 1),
        k: () => moveTo(at - 1),
        o: () => rows[at]?.querySelector('a.name').click(),
        x: () => rows[at]?.querySelector('input[name=selected]').click(),
    };

    async function poll(left) {
        if (!document.hidden) {
            try {
                const response = await fetch(pill.dataset.newer, {headers: {Accept: 'application/json'}});
                const {newer} = response.ok ? await response.json() : {newer: 0};
                pill.hidden = newer === 0;
                pill.textContent = newer > 98 ? '99 or more new traces' : `${newer} new trace${newer === 1 ? '' : 's'}`;
            } catch {
                // the server is away: asked again with the next turn
            }
        }
        if (left > 0) {
            setTimeout(poll, POLL_MS, left - 1);
        }
    }

    if (form) {
        const all = form.querySelector('[data-select-all]');
        const bar = form.querySelector('[data-selection-bar]');
        const boxes = [...form.querySelectorAll('input[name=selected]')];
        const update = () => countSelected(all, boxes, bar);
        all.hidden = false;
        all.addEventListener('change', () => {
            boxes.forEach((box) => { box.checked = all.checked; });
            update();
        });
        form.addEventListener('change', update);
        form.addEventListener('click', (event) => {
            const row = event.target.closest('[data-row]');
            if (row && !event.target.closest('a, input, label, button') && !getSelection().toString()) {
                row.querySelector('a.name').click();
            }
        });
        window.addEventListener('pageshow', update);
        update();
        sessionStorage.setItem('traces.list', JSON.stringify(boxes.map((box) => box.value)));  // for J and K on a trace
    }
    document.addEventListener('keydown', (event) => {
        const isTyping = event.target.closest('input:not([type=checkbox]), textarea, select');
        if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && rows.length && KEYS[event.key]) {
            event.preventDefault();
            KEYS[event.key]();
        }
    });
    if (filters && matchMedia('(max-width: 1100px)').matches) {
        filters.open = false;
    }
    if (pill) {
        setTimeout(poll, POLL_MS, MAX_POLLS);
    }
}
