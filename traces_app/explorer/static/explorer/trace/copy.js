// Copies of this trace and span: id, link, curl, Markdown.

import {readState} from './state.js';

export function linkTo(app) {
    const {tab, msg, path} = readState(app.base);
    const parts = Object.entries({view: app.view, tab, msg, path}).filter(([, value]) => value);
    const query = new URLSearchParams(parts);
    return `${location.origin}${app.spanAddress(app.selectedId())}?${query}`;
}

async function textOf(app, what) {
    if (what === 'id') {
        return app.traceId;
    }
    if (what === 'link') {
        return linkTo(app);
    }
    if (what === 'curl') {
        return `curl -H "X-API-Key: $LLM_TRACER_KEY" ${location.origin}/api/v1/traces/${app.traceId}`;
    }
    const address = what === 'markdown' ? `${app.base}.md` : `${app.spanAddress(app.selectedId())}.md`;
    return (await fetch(address)).text();
}

export async function copy(app, what) {
    try {
        await navigator.clipboard.writeText(await textOf(app, what));
        app.say({id: 'Id copied', link: 'Link to this span copied', curl: 'Command copied'}[what] ?? 'Markdown copied');
    } catch {
        app.say('The browser did not allow copying.');
    }
}
