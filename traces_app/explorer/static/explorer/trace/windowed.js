// A list of any length with few nodes: fixed row height, rows moved by translateY, nodes used again.

const SPARE_ROWS = 10;
const MAX_NODES = 120;

export class WindowedList {
    constructor(scroller, body) {
        this.scroller = scroller;
        this.body = body;
        this.nodes = new Map();
        this.free = [];
        this.view = null;
        scroller.addEventListener('scroll', () => this.schedule(), {passive: true});
        new ResizeObserver(() => this.schedule()).observe(scroller);
    }

    // A view says how many rows there are, how high, how one is made and how it is filled.
    show(view, keepScroll = false) {
        this.view = view;
        this.body.replaceChildren();
        this.nodes.clear();
        this.free = [];
        this.resize();
        if (!keepScroll) {
            this.scroller.scrollTop = 0;
        }
        this.draw(true);
    }

    resize() {
        this.body.style.height = `${this.view.count() * this.view.rowHeight}px`;
    }

    refresh() {
        if (this.view) {
            this.resize();
            this.draw(true);
        }
    }

    schedule() {
        this.frame ??= requestAnimationFrame(() => {
            this.frame = null;
            this.draw(false);
        });
    }

    range() {
        const {rowHeight} = this.view;
        const top = this.scroller.scrollTop - this.body.offsetTop;
        const visible = Math.ceil(this.scroller.clientHeight / rowHeight) + 1;
        const spare = Math.min(SPARE_ROWS, Math.max(0, (MAX_NODES - visible) / 2));
        const first = Math.max(0, Math.floor(top / rowHeight) - spare);
        return [first, Math.min(this.view.count(), first + visible + 2 * spare, first + MAX_NODES)];
    }

    draw(all) {
        if (!this.view) {
            return;
        }
        this.view.measure?.();
        const [first, end] = this.range();
        for (const [index, node] of this.nodes) {
            if (index < first || index >= end) {
                this.nodes.delete(index);
                this.free.push(node);
            }
        }
        for (let index = first; index < end; index++) {
            const known = this.nodes.get(index);
            if (!known || all) {
                this.place(known ?? this.take(), index);
            }
        }
        this.free.forEach((node) => node.remove());
        this.free.length = 0;
        this.onDraw?.(first, end);
    }

    take() {
        const node = this.free.pop() ?? this.view.make();
        if (!node.isConnected) {
            this.body.append(node);
        }
        return node;
    }

    place(node, index) {
        this.nodes.set(index, node);
        node.style.transform = `translateY(${index * this.view.rowHeight}px)`;
        this.view.fill(node, index);
    }

    indexOfNode(node) {
        for (const [index, known] of this.nodes) {
            if (known === node) {
                return index;
            }
        }
        return -1;
    }

    scrollTo(index, toCentre = false) {
        const {rowHeight} = this.view;
        const top = this.body.offsetTop + index * rowHeight;
        const {scrollTop, clientHeight} = this.scroller;
        if (toCentre && (top < scrollTop || top > scrollTop + clientHeight - 2 * rowHeight)) {
            this.scroller.scrollTop = top - clientHeight / 2;
        } else if (top - this.body.offsetTop < scrollTop) {
            this.scroller.scrollTop = top - this.body.offsetTop;
        } else if (top + rowHeight > scrollTop + clientHeight) {
            this.scroller.scrollTop = top + rowHeight - clientHeight;
        }
        this.draw(false);
    }
}
