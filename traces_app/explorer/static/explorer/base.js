'use strict';
// Every page: how long ago things were, copy buttons, menus that close, "/" to search. Hooked by data- attributes only.
{
    const STEPS = [[60, 1, 's'], [3600, 60, 'min'], [86400, 3600, 'h'], [30 * 86400, 86400, 'd']];

    // Not Intl's words: the first of its formats costs a page 20 ms before anything is painted.
    function relative(iso) {
        const seconds = (Date.now() - Date.parse(iso)) / 1000;
        const [, unit, name] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? [];
        const count = name && `${Math.round(Math.abs(seconds) / unit)} ${name}`;
        return !count ? '' : seconds < 0 ? `in ${count}` : `${count} ago`;
    }

    function showRelativeTimes() {
        for (const note of document.querySelectorAll('[data-relative]')) {
            note.textContent = relative(note.dataset.relative);
        }
    }

    async function copy(button) {
        const text = 'copyAddress' in button.dataset ? new URL(button.dataset.copy, location).href : button.dataset.copy;
        try {
            await navigator.clipboard.writeText(text);
            button.dataset.done = 'copied';
        } catch {
            button.dataset.done = 'not allowed';
        }
        setTimeout(() => delete button.dataset.done, 1200);
    }

    function showCopyButtons(root) {
        for (const button of root.querySelectorAll('[data-copy][hidden]')) {
            button.hidden = false;
        }
        for (const block of root.querySelectorAll('[data-copy-text]:not(:has([data-copy]))')) {
            const button = document.createElement('button');
            button.type = 'button';
            button.className = 'copy';
            button.dataset.copy = block.textContent;
            button.textContent = 'Copy';
            block.append(button);
        }
    }

    document.addEventListener('click', (event) => {
        const button = event.target.closest('[data-copy]');
        if (button) {
            copy(button);
        }
        for (const menu of document.querySelectorAll('[data-menu][open]')) {
            if (!menu.contains(event.target)) {
                menu.open = false;
            }
        }
    });
    document.addEventListener('keydown', (event) => {
        const search = document.querySelector('[data-search]');
        if (event.key === '/' && search && !event.target.closest('input, textarea, select')) {
            event.preventDefault();
            search.focus();
        }
        if (event.key === 'Escape') {
            document.querySelectorAll('[data-menu][open]').forEach((menu) => { menu.open = false; });
        }
    });
    document.addEventListener('pane', (event) => {
        showCopyButtons(event.target);
    });
    showCopyButtons(document);
    showRelativeTimes();
    setInterval(showRelativeTimes, 30000);
}
