// The keyboard, and the sheet that tells of it: both from one table.

import {copy} from './copy.js';
import {el, isTyping} from './dom.js';

const MAP = [
    ['Move', [
        ['j', '↓', 'Next row', (app) => app.move(1)],
        ['k', '↑', 'Previous row', (app) => app.move(-1)],
        ['x', '', 'Next error', (app) => app.nextError(1)],
        ['X', '', 'Previous error', (app) => app.nextError(-1)],
        ['w', '', 'The slowest of its group', (app) => app.slowest()],
        ['n', '', 'Next match', (app) => app.search.step(1)],
        ['N', '', 'Previous match', (app) => app.search.step(-1)],
        ['J', '', 'Next trace of the list', (app) => app.otherTrace(1)],
        ['K', '', 'Previous trace of the list', (app) => app.otherTrace(-1)],
        ['Enter', '', 'To the open span', (app) => app.pane.root.focus()],
    ]],
    ['Tree', [
        ['h', '←', 'Collapse, then to the parent', (app) => app.collapse()],
        ['o', '→', 'Expand', (app) => app.expand()],
        ['[', '', 'Collapse all', (app) => app.collapseAll(true)],
        [']', '', 'Expand all', (app) => app.collapseAll(false)],
    ]],
    ['View', [
        ['1', '', 'Transcript', (app) => app.setView('transcript')],
        ['2', '', 'Tree and waterfall', (app) => app.setView('tree')],
        ['3', '', 'Table of spans', (app) => app.setView('table')],
        ['f', '', 'Fit the time to this span', (app) => app.fit()],
        ['0', '', 'The whole time', (app) => app.setZoom(null)],
        ['+', '', 'Zoom in', (app) => app.zoomBy(0.5)],
        ['-', '', 'Zoom out', (app) => app.zoomBy(2)],
        ['c', '', 'Critical path', (app) => app.toggleCritical()],
    ]],
    ['Filter', [
        ['/', '', 'Search in this trace', (app) => app.search.input.focus()],
        ['e', '', 'Only errors', (app) => app.toggleFilter('errors')],
        ['l', '', 'Only calls of models', (app) => app.toggleFilter('llm')],
        ['t', '', 'Only tools', (app) => app.toggleFilter('tools')],
    ]],
    ['Take away and judge', [
        ['y', '', 'Copy a link to this span', (app) => copy(app, 'link')],
        ['m', '', 'Copy the trace as Markdown', (app) => copy(app, 'markdown')],
        ['s', '', 'Score this span', (app) => app.score()],
        ['d', '', 'Compare with another run', (app) => app.go('[data-compare]')],
        ['p', '', 'Pin: keep for ever, or unpin', (app) => app.go('[data-pin]')],
    ]],
    ['Go', [
        ['g s', '', 'To the session', (app) => app.go('[data-label=session]')],
        ['g u', '', 'To the user', (app) => app.go('[data-label=user]')],
        ['Escape', '', 'Back to the list of spans', (app) => app.backToList()],
        ['?', '', 'This sheet', (app) => app.sheet.toggle()],
    ]],
];
const ALSO = {ArrowDown: 'j', ArrowUp: 'k', ArrowLeft: 'h', ArrowRight: 'o', '=': '+'};
const ACTIONS = new Map(MAP.flatMap(([, entries]) => entries.map(([key, , , action]) => [key, action])));

export function listenToKeys(app) {
    let before = '';
    document.addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || keepsKey(event)
            || (app.sheet.dialog.open && event.key !== '?')) {
            return;
        }
        const key = ALSO[event.key] ?? event.key;
        const action = ACTIONS.get(before === 'g' ? `g ${key}` : key);
        before = key === 'g' ? 'g' : '';
        if (action) {
            event.preventDefault();
            action(app);
        }
    });
}

// Arrows scroll the pane and Enter presses what has the focus, where that is not the list.
function keepsKey({key, target}) {
    const isInList = target.closest('[data-rows]') || target === document.body;
    const opens = key === 'Enter' && !target.closest('[data-rows]');
    return opens || (key.startsWith('Arrow') && !isInList) || (key === ' ');
}

export class Sheet {
    constructor() {
        this.dialog = el('dialog', 'key-sheet');
        this.dialog.setAttribute('aria-label', 'Keyboard');
        const close = el('button', 'quiet', 'Close');
        close.type = 'button';
        close.addEventListener('click', () => this.dialog.close());
        this.dialog.append(el('header', '', el('h2', '', 'Keyboard'), close), this.table());
        document.body.append(this.dialog);
    }

    table() {
        const columns = el('div', 'key-columns');
        for (const [title, entries] of MAP) {
            const list = el('dl');
            for (const [key, also, text] of entries) {
                const keys = el('dt', '', ...key.split(' ').map((one) => el('kbd', '', one)));
                if (also) {
                    keys.append(el('kbd', '', also));
                }
                list.append(keys, el('dd', '', text));
            }
            columns.append(el('section', '', el('h3', '', title), list));
        }
        return columns;
    }

    toggle() {
        if (this.dialog.open) {
            this.dialog.close();
        } else {
            this.dialog.showModal();
        }
    }
}
