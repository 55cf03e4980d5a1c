'use strict';
// Every page: times in UTC, in the reader's own zone or in a named one; the offset is always shown.
{
    const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
    const MINUTE_MS = 60000;
    const two = (number) => String(number).padStart(2, '0');
    const menu = document.querySelector('[data-zone-menu]');
    let clock = null;

    // 'utc', 'local', or a name of the zone database.
    function chosen() {
        return localStorage.getItem('zone') ?? 'utc';
    }

    function formatter(zone) {
        return new Intl.DateTimeFormat('en-GB', {
            timeZone: zone === 'local' ? undefined : zone, hourCycle: 'h23', year: 'numeric', month: 'numeric',
            day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
        });
    }

    function partsOf(date) {
        return Object.fromEntries(clock.formatToParts(date).map(({type, value}) => [type, Number(value)]));
    }

    function minutesAhead(date) {
        const {year, month, day, hour, minute, second} = partsOf(date);
        const shown = Date.UTC(year, month - 1, day, hour, minute, second);
        return Math.round((shown - Math.floor(date / 1000) * 1000) / MINUTE_MS);
    }

    function offsetOf(date) {
        const minutes = minutesAhead(date);
        return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
    }

    // The one place that writes a time in a zone; the server writes the same shape in UTC.
    function textIn(date, utcText) {
        const parts = partsOf(date);
        const year = /, \d{4}/.test(utcText) ? `, ${parts.year}` : '';
        const seconds = /\d\d:\d\d:\d\d/.test(utcText) ? `:${two(parts.second)}` : '';
        const zone = utcText.endsWith('UTC') ? ` ${offsetOf(date)}` : '';
        return `${MONTHS[parts.month - 1]} ${parts.day}${year} ${two(parts.hour)}:${two(parts.minute)}${seconds}${zone}`;
    }

    function inputIn(value) {
        const {year, month, day, hour, minute, second} = partsOf(new Date(`${value}Z`));
        return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
    }

    // Twice, because the offset may be another one where the first guess lands.
    function utcOf(value) {
        const typed = Date.parse(`${value}Z`);
        const guess = typed - minutesAhead(new Date(typed)) * MINUTE_MS;
        return new Date(typed - minutesAhead(new Date(guess)) * MINUTE_MS).toISOString().slice(0, 19);
    }

    function show(root) {
        const zone = chosen();
        const offset = clock ? offsetOf(new Date()) : 'UTC';
        for (const time of root.querySelectorAll('time[datetime], [data-datetime]')) {
            time.dataset.utc ??= time.textContent;
            time.textContent = clock ? textIn(new Date(time.dateTime ?? time.dataset.datetime), time.dataset.utc) : time.dataset.utc;
        }
        for (const note of root.querySelectorAll('[data-zone-name]')) {
            note.textContent = offset;
        }
        for (const input of root.querySelectorAll('[data-times] input[type=datetime-local]')) {
            input.dataset.utc ??= input.value;
            input.value = clock && input.dataset.utc ? inputIn(input.dataset.utc) : input.dataset.utc;
        }
        if (menu) {
            const named = zone === 'utc' || zone === 'local' ? '' : `${zone.split('/').at(-1).replaceAll('_', ' ')} `;
            menu.querySelector('[data-zone]').textContent = named + offset;
            menu.querySelectorAll('[data-pick-zone]').forEach((button) => {
                button.setAttribute('aria-pressed', String(button.dataset.pickZone === zone));
            });
        }
    }

    function choose(zone) {
        localStorage.setItem('zone', zone);
        clock = zone === 'utc' ? null : formatter(zone);
        show(document);
        menu.open = false;
    }

    function chooseTyped(input) {
        try {
            const {timeZone} = new Intl.DateTimeFormat('en', {timeZone: input.value.trim()}).resolvedOptions();
            input.setCustomValidity('');
            choose(timeZone);
        } catch {
            input.setCustomValidity('Write a zone as Europe/Berlin.');
            input.reportValidity();
        }
    }

    // Times typed in another zone go to the server in UTC.
    function sendUtc(event) {
        for (const input of event.target.querySelectorAll('input[type=datetime-local]')) {
            if (clock && input.value) {
                const hidden = document.createElement('input');
                hidden.type = 'hidden';
                hidden.name = input.name;
                hidden.value = utcOf(input.value);
                input.removeAttribute('name');
                event.target.append(hidden);
            } else if (!input.value) {
                input.removeAttribute('name');
            }
        }
    }

    function offer() {
        const input = menu.querySelector('input');
        menu.hidden = false;
        menu.addEventListener('click', (event) => {
            const button = event.target.closest('[data-pick-zone]');
            if (button) {
                choose(button.dataset.pickZone);
            }
        });
        menu.addEventListener('toggle', () => {
            const names = Intl.supportedValuesOf?.('timeZone') ?? [];
            menu.querySelector('datalist').replaceChildren(...names.map((name) => new Option(name, name)));
        }, {once: true});
        menu.querySelector('form').addEventListener('submit', (event) => {
            event.preventDefault();
            chooseTyped(input);
        });
        input.addEventListener('input', () => input.setCustomValidity(''));
    }

    try {
        clock = chosen() === 'utc' ? null : formatter(chosen());
    } catch {
        localStorage.setItem('zone', 'utc');  // a zone that this browser does not know
    }
    document.addEventListener('pane', (event) => show(event.target));
    document.querySelectorAll('[data-times]').forEach((form) => form.addEventListener('submit', sendUtc));
    if (menu) {
        offer();
    }
    show(document);
}
