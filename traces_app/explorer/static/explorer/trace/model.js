// The skeleton, decoded to typed arrays: everything rows, bars and sums need, computed once.

const UNKNOWN = -1;

function column(raw, name, Type) {
    const values = raw.columns[name];
    return Array.isArray(values) ? Type.from(values) : new Type(raw.count).fill(values ?? UNKNOWN);
}

function places(up, count) {
    const parent = new Int32Array(count);
    const depth = new Uint16Array(count);
    const childCount = new Int32Array(count);
    for (let i = 0; i < count; i++) {
        parent[i] = up[i] ? i - up[i] : UNKNOWN;
        if (up[i]) {
            depth[i] = depth[parent[i]] + 1;
            childCount[parent[i]]++;
        }
    }
    return {parent, depth, childCount};
}

// What has ended at a time that nobody knows is drawn as a moment; what runs reaches to the end.
function times(raw, parent, status) {
    const count = raw.count;
    const pending = raw.statuses.indexOf('pending');
    const start = column(raw, 'start', Float64Array);
    const duration = column(raw, 'duration', Float64Array);
    const end = new Float64Array(count);
    for (let i = 0; i < count; i++) {
        start[i] += i ? start[i - 1] : 0;
        end[i] = duration[i] >= 0 ? start[i] + duration[i] : status[i] === pending ? raw.extent : start[i];
    }
    return {start, duration, end, self: selfTimes(start, end, duration, parent), tail: tails(end, parent)};
}

// Children come by start: what they cover is a union, clipped to their parent; unknown where a child's time is.
function selfTimes(start, end, duration, parent) {
    const reached = Float64Array.from(start);
    const self = end.map((at, i) => (duration[i] < 0 ? UNKNOWN : at - start[i]));
    for (let i = 0; i < start.length; i++) {
        const p = parent[i];
        if (p >= 0 && duration[i] < 0) {
            self[p] = UNKNOWN;
        }
        if (p < 0 || self[p] < 0) {
            continue;
        }
        const from = Math.max(start[i], reached[p]);
        const to = Math.min(end[i], end[p]);
        if (to > from) {
            self[p] -= to - from;
            reached[p] = to;
        }
    }
    return self;
}

function tails(end, parent) {
    const tail = Float64Array.from(end);
    for (let i = tail.length - 1; i >= 0; i--) {
        if (parent[i] >= 0 && tail[i] > tail[parent[i]]) {
            tail[parent[i]] = tail[i];
        }
    }
    return tail;
}

// A span's own figure counts where no descendant has one: what a wrapper repeats is not added twice.
function subtreeSums(own, parent) {
    const below = new Float64Array(own.length).fill(UNKNOWN);
    const sums = new Float64Array(own.length);
    for (let i = own.length - 1; i >= 0; i--) {
        sums[i] = below[i] >= 0 ? below[i] : own[i];
        if (parent[i] >= 0 && sums[i] >= 0) {
            below[parent[i]] = Math.max(0, below[parent[i]]) + sums[i];
        }
    }
    return sums;
}

function subtrees(model) {
    const {count, parent, status, errorStatus} = model;
    model.last = Int32Array.from({length: count}, (_, i) => i);
    model.errorsBelow = new Int32Array(count);
    for (let i = count - 1; i >= 0; i--) {
        const p = parent[i];
        if (p >= 0) {
            model.last[p] = Math.max(model.last[p], model.last[i]);
            model.errorsBelow[p] += model.errorsBelow[i] + (status[i] === errorStatus ? 1 : 0);
        }
    }
    const counts = new Set(['llm', 'embedding', 'reranker'].map((kind) => model.kinds.indexOf(kind)));
    const tokens = Float64Array.from({length: count}, (_, i) => (
        counts.has(model.kind[i]) ? addKnown(model.in[i], model.out[i]) : UNKNOWN));
    model.tokens = tokens;
    model.sumTokens = subtreeSums(tokens, parent);
    model.sumCost = subtreeSums(model.cost, parent);
}

function addKnown(a, b) {
    return a < 0 && b < 0 ? UNKNOWN : Math.max(0, a) + Math.max(0, b);
}

export function decode(raw) {
    const place = places(column(raw, 'up', Int32Array), raw.count);
    const status = column(raw, 'status', Uint8Array);
    const model = {
        ...place,
        ...times(raw, place.parent, status), status,
        rev: raw.rev, count: raw.count, extent: Math.max(1, raw.extent), pending: raw.pending,
        kinds: raw.kinds, statuses: raw.statuses, names: raw.names, models: raw.models, errors: raw.errors,
        scores: raw.scores,
        errorStatus: raw.statuses.indexOf('error'), pendingStatus: raw.statuses.indexOf('pending'),
        ids: raw.ids ? raw.ids.split(' ') : [],
        kind: column(raw, 'kind', Uint8Array), name: column(raw, 'name', Int32Array),
        orphan: column(raw, 'orphan', Uint8Array),
        model: column(raw, 'model', Int32Array), ttft: column(raw, 'ttft', Float64Array),
        cost: column(raw, 'cost', Float64Array), in: column(raw, 'in', Float64Array),
        out: column(raw, 'out', Float64Array), cached: column(raw, 'cached', Float64Array),
    };
    model.indexOf = new Map(model.ids.map((id, i) => [id, i]));
    subtrees(model);
    return model;
}

export function kindOf(model, i) {
    return model.kinds[model.kind[i]];
}

export function statusOf(model, i) {
    return model.statuses[model.status[i]];
}

export function nameOf(model, i) {
    return model.names[model.name[i]];
}

export function isRunning(model, i) {
    return model.status[i] === model.pendingStatus;
}
