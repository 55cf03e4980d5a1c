// Which rows a list has: the tree flattened, less what is collapsed, grouped or filtered away.

import {kindOf} from './model.js';

const GROUP_FROM = 5;
const TOLD = new Set(['llm', 'tool', 'agent', 'retrieval', 'guardrail', 'evaluator']);

// Runs of siblings of one kind and name; those that failed, or hold a failure, stay outside.
export function findGroups(model) {
    const groups = [];
    const groupOf = new Int32Array(model.count).fill(-1);
    let i = 0;
    const stack = [[0, model.count]];
    while (stack.length) {
        const [from, end] = stack.pop();
        let run = [];
        for (i = from; i < end; i = model.last[i] + 1) {
            if (run.length && !isAlike(model, run[0], i)) {
                closeRun(model, run, groups, groupOf);
                run = [];
            }
            run.push(i);
            if (model.last[i] > i) {
                stack.push([i + 1, model.last[i] + 1]);
            }
        }
        closeRun(model, run, groups, groupOf);
    }
    return {groups, groupOf};
}

function isAlike(model, a, b) {
    return model.kind[a] === model.kind[b] && model.name[a] === model.name[b];
}

function closeRun(model, run, groups, groupOf) {
    const members = run.filter((i) => model.status[i] !== model.errorStatus && !model.errorsBelow[i]);
    if (members.length < GROUP_FROM) {
        return;
    }
    const durations = members.map((i) => model.end[i] - model.start[i]);
    const most = Math.max(...durations);
    for (const i of members) {
        groupOf[i] = groups.length;
    }
    groups.push({
        first: members[0], members, open: false, max: most, slowest: members[durations.indexOf(most)],
        sum: durations.reduce((total, one) => total + one, 0),
        start: Math.min(...members.map((i) => model.start[i])), end: Math.max(...members.map((i) => model.end[i])),
        tokens: sumKnown(members.map((i) => model.sumTokens[i])), cost: sumKnown(members.map((i) => model.sumCost[i])),
    });
}

function sumKnown(values) {
    const known = values.filter((value) => value >= 0);
    return known.length ? known.reduce((total, one) => total + one, 0) : -1;
}

// A row is a span's index, or for the head of a group -1 less the group's number.
export function treeRows(model, {collapsed, grouping, kept}) {
    const rows = [];
    const {groups, groupOf} = grouping;
    for (let i = 0; i < model.count;) {
        const group = kept ? -1 : groupOf[i];
        if (group >= 0 && groups[group].first === i) {
            rows.push(-1 - group);
        }
        if (group >= 0 && !groups[group].open) {
            i = model.last[i] + 1;
            continue;
        }
        if (!kept || kept[i]) {
            rows.push(i);
        }
        i = !kept && collapsed.has(i) ? model.last[i] + 1 : i + 1;
    }
    return rows;
}

export function toldRows(model, {kept}) {
    const rows = [];
    for (let i = 0; i < model.count; i++) {
        const told = TOLD.has(kindOf(model, i)) || model.status[i] === model.errorStatus || model.depth[i] === 0;
        if (told && (!kept || kept[i] === 2)) {
            rows.push(i);
        }
    }
    return rows;
}

export function allRows(model, {kept}) {
    return Array.from({length: model.count}, (_, i) => i).filter((i) => !kept || kept[i] === 2);
}

// 2 for what matches, 1 for the ancestors that lead to it; null when nothing is filtered.
export function keep(model, filters, found) {
    if (!filters.errors && !filters.llm && !filters.tools && !filters.minDuration && !found) {
        return null;
    }
    const kept = new Uint8Array(model.count);
    for (let i = model.count - 1; i >= 0; i--) {
        if (matches(model, filters, found, i)) {
            kept[i] = 2;
        }
        if (kept[i] && model.parent[i] >= 0) {
            kept[model.parent[i]] ||= 1;
        }
    }
    return kept;
}

function matches(model, filters, found, i) {
    const kind = kindOf(model, i);
    const kinds = filters.llm || filters.tools;
    return (!filters.errors || model.status[i] === model.errorStatus)
        && (!kinds || (filters.llm && kind === 'llm') || (filters.tools && kind === 'tool'))
        && model.end[i] - model.start[i] >= filters.minDuration
        && (!found || found.has(model.ids[i]));
}

// From the end backwards: the child that ended last before the moment is what was waited for.
export function criticalPath(model) {
    const onPath = new Uint8Array(model.count);
    const roots = [];
    for (let i = 0; i < model.count; i = model.last[i] + 1) {
        roots.push(i);
    }
    const walk = [[roots, model.extent]];
    while (walk.length) {
        const [siblings, until] = walk.pop();
        let moment = until;
        const byEnd = [...siblings].sort((a, b) => model.end[b] - model.end[a]);
        for (const i of byEnd) {
            if (Math.min(model.end[i], until) <= moment) {
                onPath[i] = 1;
                walk.push([childrenOf(model, i), Math.min(model.end[i], moment)]);
                moment = model.start[i];
            }
        }
    }
    return onPath;
}

export function childrenOf(model, i) {
    const found = [];
    for (let child = i + 1; child <= model.last[i]; child = model.last[child] + 1) {
        found.push(child);
    }
    return found;
}
