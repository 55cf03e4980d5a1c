// To a place in a JSON tree, which is built as it is opened: branch by branch, each filled a moment after it opens.

const MAX_STEPS = 200;
const STEP_MS = 10;
const MAX_IDLE_STEPS = 10;

export async function openPath(root, path) {
    let idle = 0;
    for (let step = 0; step < MAX_STEPS && idle < MAX_IDLE_STEPS; step++) {
        const keys = [...root.querySelectorAll('.json-tree .key')].filter(isShown);
        const found = keys.find((key) => key.dataset.copy === path);
        if (found) {
            return found.closest('.json-leaf, .json-branch');
        }
        const above = keys.filter((key) => isAbove(key.dataset.copy, path)).at(-1)?.closest('.json-branch');
        idle = (above ? openBranch(above) : openRoot(root)) ? 0 : idle + 1;
        await new Promise((resolve) => { setTimeout(resolve, STEP_MS); });
    }
    return null;
}

function openBranch(branch) {
    const more = branch.open && branch.querySelector(':scope > .json-inner > button');
    const wasOpen = branch.open;
    branch.open = true;
    if (more) {
        more.click();
    }
    return Boolean(more) || !wasOpen;
}

function isShown(node) {
    return !node.closest('[data-panel][hidden]');
}

function isAbove(parent, path) {
    return path.startsWith(parent) && '.['.includes(path[parent.length] ?? ' ');
}

// What may hide it at the top: the further entries of a long list, or a fold round all of it.
function openRoot(root) {
    const more = [...root.querySelectorAll('.json-tree > .json-branch > .json-inner > button')].find(isShown);
    const fold = [...root.querySelectorAll('details.fold:not([open]):has([data-json])')].find(isShown);
    if (fold) {
        fold.open = true;
    } else {
        more?.click();
    }
    return Boolean(fold ?? more);
}
