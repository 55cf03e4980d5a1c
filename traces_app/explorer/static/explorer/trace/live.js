// A running trace is followed by asking again: after one second, then later and later while nothing comes.

const FIRST_MS = 1000;
const SLOWEST_MS = 5000;
const GIVE_UP_MS = 10 * 60 * 1000;

export class Live {
    constructor(app, pill) {
        this.app = app;
        this.pill = pill;
        this.title = document.title;
        this.wait = FIRST_MS;
        pill.addEventListener('click', () => this.follow(!this.isFollowing));
        for (const byHand of ['wheel', 'touchmove', 'pointerdown', 'keydown']) {
            app.list.scroller.addEventListener(byHand, () => this.follow(false), {passive: true});
        }
        document.addEventListener('visibilitychange', () => !document.hidden && this.timer && this.poll());
    }

    begin() {
        this.lastChange = Date.now();
        document.title = `● ${this.title}`;
        this.pill.hidden = false;
        this.follow(true);
        this.again();
    }

    follow(on) {
        this.isFollowing = on;
        this.pill.setAttribute('aria-pressed', String(on));
        this.pill.textContent = on ? 'Following' : 'Follow';
    }

    again() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.poll(), this.wait);
    }

    async poll() {
        if (document.hidden) {
            return this.again();
        }
        try {
            const response = await fetch(`${this.app.skeletonAddress}?since=${encodeURIComponent(this.app.model.rev)}`);
            this.take(response.ok ? await response.json() : null);
        } catch {
            this.take(null);
        }
    }

    take(raw) {
        const isNew = raw?.columns !== undefined;
        if (isNew) {
            this.lastChange = Date.now();
            this.app.renew(raw, this.isFollowing);
        }
        this.wait = isNew ? FIRST_MS : Math.min(SLOWEST_MS, this.wait * 1.5);
        if ((raw && !raw.pending) || Date.now() - this.lastChange > GIVE_UP_MS) {
            this.stop();
        } else {
            this.again();
        }
    }

    stop() {
        clearTimeout(this.timer);
        this.timer = null;
        document.title = this.title;
        this.pill.hidden = true;
    }
}
