// The whole trace in 56 pixels: all spans by depth, errors red, idle time hatched; a brush chooses the window.

import {el} from './dom.js';
import {kindOf} from './model.js';

const LANES = 12;
const IDLE_SHARE = 0.02;

export class Timeline {
    constructor(app, root) {
        this.app = app;
        this.root = root;
        this.canvas = root.querySelector('canvas');
        this.brush = root.querySelector('[data-brush]');
        this.here = el('i', 'here');
        root.append(this.here);
        root.hidden = false;
        this.listen();
        new ResizeObserver(() => this.draw()).observe(root);
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
        new MutationObserver(() => this.draw()).observe(document.documentElement, {attributeFilter: ['data-theme']});
    }

    listen() {
        this.root.addEventListener('pointerdown', (event) => this.start(event));
        this.root.addEventListener('pointermove', (event) => this.move(event));
        this.root.addEventListener('pointerup', (event) => this.end(event));
        this.root.addEventListener('dblclick', () => this.app.setZoom(null));
    }

    at(event) {
        const box = this.canvas.getBoundingClientRect();
        return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    }

    start(event) {
        this.from = this.at(event);
        this.root.setPointerCapture(event.pointerId);
    }

    move(event) {
        if (this.from !== undefined) {
            this.showBrush(...[this.from, this.at(event)].sort((a, b) => a - b));
        }
    }

    end(event) {
        if (this.from === undefined) {
            return;
        }
        const [from, to] = [this.from, this.at(event)].sort((a, b) => a - b);
        this.from = undefined;
        const {extent} = this.app.model;
        if (to - from > 0.003) {
            this.app.setZoom([from * extent, to * extent]);
        } else {
            this.showWindow();
            this.app.selectNear(from * extent);
        }
    }

    showBrush(from, to) {
        this.brush.hidden = false;
        this.brush.style.left = `${100 * from}%`;
        this.brush.style.width = `${100 * (to - from)}%`;
    }

    showOpen() {
        const {model, selected: i} = this.app;
        this.here.hidden = !model.count;
        this.here.style.left = `min(${100 * model.start[i] / model.extent}%, 100% - 3px)`;
        this.here.style.width = `${100 * (model.end[i] - model.start[i]) / model.extent}%`;
    }

    showWindow() {
        const {zoom, model} = this.app;
        this.brush.hidden = !zoom;
        if (zoom) {
            this.showBrush(zoom[0] / model.extent, zoom[1] / model.extent);
        }
    }

    draw() {
        const {canvas, app: {model}} = this;
        const scale = devicePixelRatio || 1;
        canvas.width = canvas.clientWidth * scale;
        canvas.height = canvas.clientHeight * scale;
        const paint = canvas.getContext('2d');
        paint.scale(scale, scale);
        this.drawIdle(paint, model);
        this.drawSpans(paint, model);
        this.showWindow();
        this.showOpen();
    }

    colours() {
        const probe = document.createElement('i');
        probe.hidden = true;
        this.root.append(probe);
        const found = {};
        for (const kind of this.app.model.kinds) {
            probe.className = `probe ${kind}`;
            found[kind] = getComputedStyle(probe).color;
        }
        probe.className = 'probe error';
        found.error = getComputedStyle(probe).color;
        probe.className = 'probe idle';
        found.idle = getComputedStyle(probe).color;
        probe.remove();
        return found;
    }

    drawSpans(paint, model) {
        const colours = this.colours();
        const {clientWidth: width, clientHeight: height} = this.canvas;
        const deepest = Math.min(LANES, model.depth.reduce((most, depth) => Math.max(most, depth), 0) + 1);
        const step = Math.min(14, (height - 8) / deepest);
        for (let i = 0; i < model.count; i++) {
            const lane = Math.min(model.depth[i], deepest - 1);
            const x = width * model.start[i] / model.extent;
            const wide = Math.max(1, width * (model.end[i] - model.start[i]) / model.extent);
            paint.fillStyle = colours[kindOf(model, i)];
            paint.globalAlpha = model.last[i] > i ? 0.45 : 0.9;
            paint.fillRect(x, 2 + lane * step, wide, Math.max(1.5, step - 1));
        }
        paint.globalAlpha = 1;
        paint.fillStyle = colours.error;
        for (let i = 0; i < model.count; i++) {
            if (model.status[i] === model.errorStatus) {
                paint.fillRect(width * model.start[i] / model.extent, height - 5, 2, 5);
            }
        }
    }

    // Time in which no leaf ran: nobody knows what the program did.
    drawIdle(paint, model) {
        const {clientWidth: width, clientHeight: height} = this.canvas;
        paint.strokeStyle = this.colours().idle;
        let reached = 0;
        for (const [start, end] of leaves(model)) {
            if (start - reached > IDLE_SHARE * model.extent) {
                hatch(paint, width * reached / model.extent, width * start / model.extent, height);
            }
            reached = Math.max(reached, end);
        }
    }
}

function leaves(model) {
    const found = [];
    for (let i = 0; i < model.count; i++) {
        if (model.last[i] === i) {
            found.push([model.start[i], model.end[i]]);
        }
    }
    return found.sort((a, b) => a[0] - b[0]);
}

function hatch(paint, from, to, height) {
    paint.save();
    paint.beginPath();
    paint.rect(from, 0, to - from, height);
    paint.clip();
    paint.beginPath();
    for (let x = from - height; x < to; x += 6) {
        paint.moveTo(x, height);
        paint.lineTo(x + height, 0);
    }
    paint.stroke();
    paint.restore();
}
