// The open span: fetched on demand, kept, fetched ahead for what is pointed at; one tab at a time.

import {copy} from './copy.js';
import {openPath} from './json_path.js';
import {openTrees} from './json_tree.js';
import {readable} from './messages.js';
import {remember, remembered} from './state.js';

const KEPT = 40;
const HOVER_MS = 120;

export class Pane {
    constructor(app, root) {
        this.app = app;
        this.root = root;
        this.fetched = new Map();
        this.tab = null;
        this.target = {};
        root.addEventListener('click', (event) => this.click(event));
        root.addEventListener('keydown', (event) => this.key(event));
        root.addEventListener('submit', (event) => this.submit(event));
        root.addEventListener('toggle', () => openTrees(root), true);  // JSON in what was folded
        this.dress();
    }

    address(id) {
        return `${this.app.spanAddress(id)}?pane=1`;
    }

    load(id) {
        if (!this.fetched.has(id)) {
            const answer = fetch(this.address(id), {redirect: 'error'}).then((response) => {
                if (!response.ok) {
                    throw new Error(`The server answered ${response.status}.`);
                }
                return response.text();
            });
            answer.catch(() => this.fetched.delete(id));
            this.fetched.set(id, answer);
            if (this.fetched.size > KEPT) {
                this.fetched.delete(this.fetched.keys().next().value);
            }
        }
        return this.fetched.get(id);
    }

    forget() {
        this.fetched.clear();
    }

    hover(id) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.load(id).catch(() => {}), HOVER_MS);
    }

    async show(id, next) {
        this.wanted = id;
        this.root.setAttribute('aria-busy', 'true');
        try {
            const html = await this.load(id);
            if (this.wanted === id) {
                this.root.innerHTML = html;
                this.root.scrollTop = 0;
                this.dress();
            }
        } catch (error) {
            if (this.wanted === id) {
                this.fail(error);
            }
        }
        if (next) {
            this.load(next).catch(() => {});
        }
    }

    fail(error) {
        const note = document.createElement('p');
        note.className = 'error-note';
        note.setAttribute('role', 'alert');
        note.textContent = `This span could not be read. ${error.message} Choose it again to try again.`;
        this.root.replaceChildren(note);
        this.root.removeAttribute('aria-busy');
    }

    dress(isNew = true) {
        this.root.removeAttribute('aria-busy');
        const tabs = this.tabs();
        if (tabs.length) {
            const wanted = this.tab ?? remembered(`tab.${this.kind()}`);
            const tab = tabs.find((one) => one.dataset.tab === wanted) ?? tabs[0];
            this.choose(tab.dataset.tab, false);
        }
        if (isNew) {
            this.root.dispatchEvent(new Event('pane', {bubbles: true}));
            readable(this.root);
        }
        openTrees(this.root).then(() => this.goToTarget());
    }

    // The message or the place in JSON that the address names.
    goToTarget() {
        const {msg, path} = this.target;
        const message = msg && this.root.querySelectorAll('.message')[msg - 1];
        if (message) {
            pointAt(message);
        } else if (path) {
            openPath(this.root, path).then((found) => found && pointAt(found));
        }
    }

    setTarget(target) {
        this.target = target;
        this.root.querySelectorAll('.pointed').forEach((one) => one.classList.remove('pointed'));
        this.app.write(false);
    }

    kind() {
        return this.root.querySelector('[data-kind]')?.dataset.kind ?? '';
    }

    tabs() {
        return [...this.root.querySelectorAll('[data-tab]')];
    }

    choose(name, byHand = true) {
        for (const tab of this.tabs()) {
            const isChosen = tab.dataset.tab === name;
            tab.setAttribute('aria-selected', String(isChosen));
            tab.tabIndex = isChosen ? 0 : -1;
        }
        for (const panel of this.root.querySelectorAll('[data-panel]')) {
            panel.hidden = panel.dataset.panel !== name;
        }
        if (byHand) {
            this.tab = name;
            remember(`tab.${this.kind()}`, name);
            this.app.write(false);
        }
        openTrees(this.root);
    }

    click(event) {
        const tab = event.target.closest('[data-tab]');
        if (tab) {
            event.preventDefault();
            this.choose(tab.dataset.tab);
        }
        const link = event.target.closest('[data-message-link]');
        if (link) {
            const message = link.closest('.message');
            this.setTarget({msg: [...this.root.querySelectorAll('.message')].indexOf(message) + 1});
            pointAt(message);
            copy(this.app, 'link');
        }
        const key = event.target.closest('.json-tree .key');
        if (key) {
            this.setTarget({path: key.dataset.copy});
        }
    }

    // A score is sent once, as the form would, and what the answer says is said; the page stays as it is. What
    // was not saved stays in the open form.
    async submit(event) {
        event.preventDefault();
        if (this.isSending) {
            return;
        }
        this.isSending = true;
        const form = event.target;
        const {isSaved, said} = await sent(form).catch(() => ({}));
        this.isSending = false;
        this.app.say(said || 'The score could not be saved. Try again.');
        if (isSaved) {
            form.closest('details').open = false;
            await this.app.readAgain();
            this.app.list.body.focus({preventScroll: true});
        }
    }

    key(event) {
        const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        const tab = step && event.target.closest('[data-tab]');
        if (tab) {
            event.preventDefault();
            event.stopPropagation();
            const tabs = this.tabs();
            const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
            this.choose(next.dataset.tab);
            next.focus();
        }
    }
}

async function sent(form) {
    const answer = await fetch(form.action, {method: 'POST', body: new FormData(form)});
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const messages = [...page.querySelectorAll('.messagelist li')];
    const isSaved = answer.ok && messages.length > 0 && messages.every((one) => one.classList.contains('success'));
    return {isSaved, said: messages.map((one) => one.textContent).join(' ')};
}

function pointAt(node) {
    for (let fold = node.closest('details:not([open])'); fold; fold = fold.parentNode.closest('details:not([open])')) {
        fold.open = true;
    }
    node.classList.add('pointed');
    node.scrollIntoView({block: 'center'});
}
