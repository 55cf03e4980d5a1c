'use strict';
// Every page: how long ago things were, copy buttons, menus that close, "/" to search. Hooked by data- attributes only.
{
    const STEPS = [[60, 1, 'second'], [3600, 60, 'minute'], [86400, 3600, 'hour'], [30 * 86400, 86400, 'day']];
    const words = new Intl.RelativeTimeFormat('en', {numeric: 'auto', style: 'short'});

    function relative(iso) {
        const seconds = (Date.parse(iso) - Date.now()) / 1000;
        const step = STEPS.find(([limit]) => Math.abs(seconds) < limit);
        return step ? words.format(Math.round(seconds / step[1]), step[2]) : '';
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
