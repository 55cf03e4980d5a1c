// Starts the trace page: reads the skeleton and the address, puts the widgets together, listens.

import {App} from './app.js';
import {copy} from './copy.js';
import {listenToKeys, Sheet} from './keys.js';
import {Live} from './live.js';
import {Pane} from './pane.js';
import {Search} from './search.js';
import {makeSplit} from './split.js';
import {TableView} from './table_view.js';
import {Timeline} from './timeline.js';
import {ToldView} from './told_view.js';
import {addTools} from './tools.js';
import {TreeView} from './tree_view.js';
import {WindowedList} from './windowed.js';

const find = (selector) => document.querySelector(selector);

async function start(root) {
    const app = new App(root);
    app.pane = new Pane(app, find('[data-detail]'));
    const response = await fetch(app.skeletonAddress, {redirect: 'error'});
    if (!response.ok) {
        return;
    }
    app.take(await response.json());
    app.selected = app.model.indexOf.get(root.dataset.selected) ?? 0;
    app.list = new WindowedList(find('[data-scroller]'), find('[data-rows]'));
    app.views = {transcript: new ToldView(app), tree: new TreeView(app), table: new TableView(app)};
    app.search = new Search(app, find('[data-trace-search]'), find('[data-search-note]'));
    app.sheet = new Sheet();
    addTools(app);
    app.timeline = new Timeline(app, find('[data-timeline]'));
    app.live = new Live(app, find('[data-follow]'));
    makeSplit(find('[data-divider]'), find('[data-panes]'));
    const state = app.read();
    app.setView(Object.hasOwn(app.views, state.view) ? state.view : root.dataset.view, false);
    app.markActive();
    if (app.selectedId() !== root.dataset.selected) {
        app.pane.show(app.selectedId());
    } else if (state.tab || state.msg || state.path) {
        app.pane.dress(false);
    }
    listen(app);
    if (app.model.pending) {
        app.live.begin();
    }
    root.dataset.ready = '';
}

function listen(app) {
    listenToKeys(app);
    listenToRows(app);
    listenToTime(app);
    document.addEventListener('click', (event) => {
        const link = event.target.closest('a[data-span-link]');
        const span = link && app.model.indexOf.get(link.dataset.spanLink);
        if (span !== undefined && span !== null && isPlain(event)) {
            event.preventDefault();
            app.select(span);
        }
        const button = event.target.closest('[data-copy-as]');
        if (button) {
            copy(app, button.dataset.copyAs);
        }
    });
    addEventListener('popstate', () => {
        const {view} = app.read();
        if (Object.hasOwn(app.views, view) && view !== app.view) {
            app.setView(view, false);
        }
        app.select(app.selected, {push: false, focus: false});
    });
    addEventListener('resize', () => app.list.refresh());
}

function isPlain(event) {
    return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

function listenToRows(app) {
    const {body} = app.list;
    body.tabIndex = 0;
    body.addEventListener('click', (event) => {
        const row = event.target.closest('.row');
        const index = row && app.list.indexOfNode(row);
        if (!row || index < 0 || !isPlain(event)) {
            return;
        }
        event.preventDefault();
        body.focus({preventScroll: true});
        const group = app.current.groupAt?.(index);
        if (group && event.target.closest('.slowest')) {
            app.select(group.slowest);
        } else if (group) {
            group.open = !group.open;
            app.arrange();
        } else if (event.target.closest('.caret.open, .caret.closed')) {
            app.toggle(app.current.spanAt(index));
        } else {
            app.select(app.current.spanAt(index), {reveal: false});
        }
    });
    body.addEventListener('pointerover', (event) => {
        const row = event.target.closest('.row');
        const index = row && event.pointerType === 'mouse' ? app.list.indexOfNode(row) : -1;
        if (index >= 0) {
            app.pane.hover(app.model.ids[app.current.spanAt(index)]);
        }
    });
}

function listenToTime(app) {
    const {scroller} = app.list;
    scroller.addEventListener('wheel', (event) => {
        if (event.ctrlKey) {
            event.preventDefault();
            app.zoomBy(event.deltaY > 0 ? 1.25 : 0.8, timeAt(app, event));
        } else if (event.shiftKey && app.zoom) {
            event.preventDefault();
            app.pan((event.deltaX || event.deltaY) / 1000);
        }
    }, {passive: false});
    let from = null;
    scroller.addEventListener('pointerdown', (event) => { from = event.shiftKey && app.zoom ? event.clientX : null; });
    scroller.addEventListener('pointermove', (event) => {
        if (from !== null) {
            app.pan((from - event.clientX) / 400);
            from = event.clientX;
        }
    });
    scroller.addEventListener('pointerup', () => { from = null; });
}

// What is under the pointer stays there while zooming; null beside the lanes.
function timeAt(app, event) {
    const box = event.target.closest('.row')?.querySelector('.lane')?.getBoundingClientRect();
    const share = box ? (event.clientX - box.left) / box.width : -1;
    const {from, to} = app.window;
    return share >= 0 && share <= 1 ? from + share * (to - from) : null;
}

const root = find('[data-trace]');
if (root) {
    start(root);
}
