// The bar above the list: views, filters, search; the head of the columns with the axis; short messages.

import {el, setAttribute, setText, svg} from './dom.js';
import {durationText} from './formats.js';
import {fillMenu} from './tree_columns.js';

const SAY_MS = 2500;
const AXIS_MARKS = 3;

export function addTools(app) {
    const {root} = app;
    const bar = root.querySelector('[data-tools]');
    bar.querySelectorAll('[hidden]').forEach((part) => { part.hidden = 'follow' in part.dataset; });
    root.querySelectorAll('[data-needs-script]').forEach((part) => { part.hidden = false; });
    const actions = {
        view: (value) => app.setView(value),
        filter: (value) => app.toggleFilter(value),
        critical: () => app.toggleCritical(),
        grouping: () => group(app),
        sheet: () => app.sheet.toggle(),
        closeSpan: () => closeSheet(app),
    };
    root.addEventListener('click', (event) => {
        const button = event.target.closest('[data-act]');
        if (button) {
            event.preventDefault();
            actions[button.dataset.act](button.dataset.value);
        }
        const head = event.target.closest('[data-sort]');
        if (head) {
            sort(app, head.dataset.sort);
        }
    });
    bar.querySelector('[data-min-duration]').addEventListener('input', (event) => shortest(app, event.target));
    fillMenu(bar.querySelector('[data-columns]'), () => changeColumns(app));
    app.showTools = () => showTools(app, bar);
    app.showHead = () => showHead(app, root.querySelector('[data-head]'));
    app.say = (text) => say(root.querySelector('[data-say]'), text);
    app.openSheet = () => root.toggleAttribute('data-span-open', app.isNarrow());
    app.backToList = () => (closeSheet(app), app.list.body.focus());
    app.renew = (raw, isFollowing) => renew(app, raw, isFollowing);
    app.readAgain = () => readAgain(app);
}

// Ten steps are ten times as long: from a millisecond to a hundred seconds.
function shortest(app, slider) {
    const us = Number(slider.value) ? Math.round(10 ** (2.9 + slider.value / 10)) : 0;
    const text = us ? `≥ ${durationText(us)}` : '≥ 0 ms';
    slider.nextElementSibling.textContent = text;
    slider.setAttribute('aria-valuetext', text);
    app.setMinDuration(us);
}

function closeSheet(app) {
    app.root.removeAttribute('data-span-open');
}

function group(app) {
    app.views.table.toggleGrouping();
    app.setView('table');
}

function changeColumns(app) {
    app.views.tree.chooseColumns();
    app.list.show(app.current, true);
    app.showHead();
}

function sort(app, key) {
    app.views.table.sortBy(key);
    app.current.arrange();
    app.list.show(app.current);
    app.showHead();
}

function showTools(app, bar) {
    for (const button of bar.querySelectorAll('[data-act]')) {
        const {act, value} = button.dataset;
        const on = {view: app.view === value, filter: app.filters[value], critical: Boolean(app.critical),
            grouping: app.views.table.isGrouped}[act];
        setAttribute(button, act === 'view' ? 'aria-current' : 'aria-pressed', act === 'view' && !on ? null : String(Boolean(on)));
    }
    bar.querySelector('[data-act=grouping]').hidden = app.view !== 'table';
    bar.querySelector('[data-act=critical]').hidden = app.view !== 'tree';
    bar.querySelector('[data-columns-menu]').hidden = app.view !== 'tree';
    setText(bar.querySelector('[data-count]'), app.current.describe());
    const nothing = app.root.querySelector('[data-nothing]');
    nothing.hidden = app.current.count() > 0;
}

function showHead(app, head) {
    const {view} = app;
    const table = view === 'table';
    app.list.body.setAttribute('role', app.current.role);
    setAttribute(app.list.body, 'aria-rowcount', table ? app.current.count() + 1 : null);
    head.hidden = view === 'transcript';
    head.className = `row head ${table ? 'table' : ''}${table && app.current.isGrouped ? ' grouped' : ''}`;
    head.replaceChildren(...app.current.heads.map((column, number) => (
        table ? sortable(app, column, number) : column === 'lane' ? axis(app.window) : el('span', '', column))));
}

function sortable(app, {key, label}, number) {
    const button = el('button', 'quiet', label);
    button.type = 'button';
    button.dataset.sort = key;
    const {sort: chosen} = app.current;
    if (number && chosen.key === key) {
        button.append(chosen.down ? ' ↓' : ' ↑');
        button.setAttribute('aria-label', `${label}, sorted ${chosen.down ? 'descending' : 'ascending'}`);
    }
    return el('span', '', button);
}

function axis({from, to}) {
    const lane = svg('svg', {class: 'axis'});
    for (let mark = 0; mark <= AXIS_MARKS; mark++) {
        const anchor = mark === 0 ? 'start' : mark === AXIS_MARKS ? 'end' : 'middle';
        const text = svg('text', {x: `${100 * mark / AXIS_MARKS}%`, y: 11, 'text-anchor': anchor});
        text.textContent = durationText(from + (to - from) * mark / AXIS_MARKS);
        lane.append(text);
    }
    return lane;
}

function say(place, text) {
    place.textContent = text;
    clearTimeout(place.timer);
    place.timer = setTimeout(() => { place.textContent = ''; }, SAY_MS);
}

// After something was changed by hand: rows, totals and the open span, wherever the list stands.
async function readAgain(app) {
    const response = await fetch(app.skeletonAddress);
    if (response.ok) {
        await renew(app, await response.json(), false);
        await app.pane.show(app.selectedId());
    }
}

// What arrived since: totals, rows, and the open span, where that was still running.
async function renew(app, raw, isFollowing) {
    const known = app.model.indexOf;
    const wasRunning = app.model.status[app.selected] === app.model.pendingStatus;
    app.take(raw);
    app.views.transcript.forget();
    app.pane.forget();
    app.arrange();
    app.showHead();
    app.timeline.draw();
    showFresh(app, known, isFollowing);
    if (wasRunning) {
        app.pane.show(app.selectedId());
    }
    const response = await fetch(`${app.base}?header`);
    if (response.ok) {
        const header = app.root.querySelector('[data-header]');
        header.innerHTML = await response.text();
        header.dispatchEvent(new Event('pane', {bubbles: true}));
        app.root.querySelectorAll('[data-needs-script]').forEach((part) => { part.hidden = false; });
    }
}

// New rows stand wherever the tree has them; what is followed is the one that began last.
function showFresh(app, known, isFollowing) {
    const fresh = app.model.ids.flatMap((id, i) => (known.has(id) ? [] : [i]));
    if (isFollowing && fresh.length) {
        const latest = fresh.reduce((last, i) => (app.model.start[i] >= app.model.start[last] ? i : last));
        const index = app.current.indexOf(latest);
        app.list.scrollTo(index < 0 ? app.current.count() - 1 : index);
    }
    const isFresh = new Set(fresh);
    for (const [index, node] of app.list.nodes) {
        node.classList.toggle('fresh', isFresh.has(app.current.spanAt(index)));
    }
}
