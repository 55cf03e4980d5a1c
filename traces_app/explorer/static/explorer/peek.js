'use strict';
// The list: a row that is pointed at shows its trace's first spans over time, and its previews whole.
{
    const WAIT_MS = 300;
    const SPANS = 24;
    const LINE = 6;
    const SVG = 'http://www.w3.org/2000/svg';
    const form = document.querySelector('[data-selection]');
    const panel = document.createElement('div');
    const known = new Map();
    let timer = null;

    function rect(x, y, width, name) {
        const node = document.createElementNS(SVG, 'rect');
        const attributes = {x: `${x}%`, y, width: `${Math.max(0.5, width)}%`, height: LINE - 1, class: name};
        Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
        return node;
    }

    // Columns of the skeleton: a list, or one value for all.
    function at(column, index) {
        return Array.isArray(column) ? column[index] : column;
    }

    function draw({count, extent, kinds, statuses, columns}) {
        const lane = document.createElementNS(SVG, 'svg');
        const shown = Math.min(count, SPANS);
        lane.setAttribute('height', shown * LINE);
        let start = 0;
        for (let index = 0; index < shown; index++) {
            start += at(columns.start, index);
            const duration = at(columns.duration, index);
            const wide = (duration < 0 ? extent - start : duration) / extent;
            const name = `${kinds[at(columns.kind, index)]} ${statuses[at(columns.status, index)]}`;
            lane.append(rect(100 * Math.min(0.995, start / extent), index * LINE, 100 * wide, name));
        }
        return lane;
    }

    async function skeletonOf(address) {
        if (!known.has(address)) {
            const response = await fetch(`${new URL(address, location).pathname}/skeleton`);
            known.set(address, response.ok ? await response.json() : null);
        }
        return known.get(address);
    }

    async function show(row) {
        const skeleton = await skeletonOf(row.querySelector('a.name').href).catch(() => null);
        if (!skeleton || !row.matches(':hover')) {
            return;
        }
        const texts = [...row.querySelectorAll('.preview span')].map((span) => {
            const line = document.createElement('p');
            line.textContent = span.title;
            return line;
        });
        const more = document.createElement('small');
        more.textContent = skeleton.count > SPANS ? `the first ${SPANS} of ${skeleton.count.toLocaleString('en-US')} spans` : '';
        panel.replaceChildren(...texts, draw(skeleton), more);
        panel.hidden = false;
        const box = row.getBoundingClientRect();
        const below = box.bottom + panel.offsetHeight < innerHeight;
        panel.style.left = `${row.querySelector('.trace').getBoundingClientRect().left + 16}px`;
        panel.style.top = `${below ? box.bottom - 4 : Math.max(0, box.top - panel.offsetHeight + 4)}px`;
    }

    function hide() {
        clearTimeout(timer);
        panel.hidden = true;
    }

    if (form && matchMedia('(hover: hover) and (min-width: 761px)').matches) {
        panel.className = 'peek';
        panel.hidden = true;
        panel.setAttribute('aria-hidden', 'true');  // what it says stands in the row, and in the trace
        document.body.append(panel);
        for (const cell of form.querySelectorAll('[data-row] .trace')) {
            cell.addEventListener('pointerenter', () => {
                hide();
                timer = setTimeout(show, WAIT_MS, cell.closest('[data-row]'));
            });
            cell.addEventListener('pointerleave', hide);
        }
        addEventListener('scroll', hide, {passive: true, capture: true});
    }
}
