'use strict';
// Every page: times in the chosen zone, copy buttons, menus that close, "/" to search. Hooked by data- attributes only.
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

    const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
    const two = (number) => String(number).padStart(2, '0');
    const zoneButton = document.querySelector('[data-zone]');

    function isLocal() {
        return localStorage.getItem('zone') === 'local';
    }

    function offsetOf(date) {
        const minutes = -date.getTimezoneOffset();
        const sign = minutes < 0 ? '-' : '+';
        return `${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
    }

    // The one place that writes a time in the reader's zone; the server writes the same shape in UTC.
    function localText(date, utcText) {
        const year = /, \d{4}/.test(utcText) ? `, ${date.getFullYear()}` : '';
        const clock = /\d\d:\d\d:\d\d/.test(utcText) ? `:${two(date.getSeconds())}` : '';
        const zone = utcText.endsWith('UTC') ? ` ${offsetOf(date)}` : '';
        return `${MONTHS[date.getMonth()]} ${date.getDate()}${year} ${two(date.getHours())}:${two(date.getMinutes())}${clock}${zone}`;
    }

    function localInput(value) {
        const date = new Date(`${value}Z`);
        return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    }

    function showZone(root) {
        const local = isLocal();
        const name = local ? offsetOf(new Date()) : 'UTC';
        for (const time of root.querySelectorAll('time[datetime], [data-datetime]')) {
            time.dataset.utc ??= time.textContent;
            time.textContent = local ? localText(new Date(time.dateTime ?? time.dataset.datetime), time.dataset.utc) : time.dataset.utc;
        }
        for (const note of root.querySelectorAll('[data-zone-name]')) {
            note.textContent = name;
        }
        for (const input of root.querySelectorAll('[data-times] input[type=datetime-local]')) {
            input.dataset.utc ??= input.value;
            input.value = local && input.dataset.utc ? localInput(input.dataset.utc) : input.dataset.utc;
        }
        if (zoneButton) {
            zoneButton.textContent = name;
        }
    }

    // Times typed in the reader's zone go to the server in UTC.
    function sendUtc(event) {
        for (const input of event.target.querySelectorAll('input[type=datetime-local]')) {
            if (isLocal() && input.value) {
                const hidden = document.createElement('input');
                hidden.type = 'hidden';
                hidden.name = input.name;
                hidden.value = new Date(input.value).toISOString().slice(0, 19);
                input.removeAttribute('name');
                event.target.append(hidden);
            } else if (!input.value) {
                input.removeAttribute('name');
            }
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
        showZone(event.target);
    });
    document.querySelectorAll('[data-times]').forEach((form) => form.addEventListener('submit', sendUtc));
    if (zoneButton) {
        zoneButton.hidden = false;
        zoneButton.addEventListener('click', () => {
            localStorage.setItem('zone', isLocal() ? 'utc' : 'local');
            showZone(document);
        });
    }
    showCopyButtons(document);
    showZone(document);
    showRelativeTimes();
    setInterval(showRelativeTimes, 30000);
}
