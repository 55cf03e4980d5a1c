// The address is the state: which span, which view, which part of the time, which tab.

export function readState(base) {
    const hash = new URLSearchParams(location.hash.slice(1));
    const query = new URLSearchParams(location.search);
    const [, inPath] = location.pathname.split(`${base}/s/`);
    const [from, to] = (hash.get('z') ?? '').split('-').map(Number);
    return {
        span: hash.get('s') ?? (inPath ? decodeURIComponent(inPath) : null),
        view: hash.get('view') ?? query.get('view'),
        tab: hash.get('tab') ?? query.get('tab'),
        msg: Number(hash.get('msg') ?? query.get('msg')) || null,
        path: hash.get('path') ?? query.get('path'),
        zoom: Number.isFinite(from) && to > from ? [from * 1000, to * 1000] : null,
    };
}

export function writeState(base, {span, view, tab, zoom, msg, path}, push) {
    const hash = new URLSearchParams();
    const parts = {s: span, view, z: zoom && zoom.map((us) => Math.round(us / 1000)).join('-'), tab, msg, path};
    for (const [name, value] of Object.entries(parts)) {
        if (value) {
            hash.set(name, value);
        }
    }
    const address = `${base}#${hash}`;
    if (address !== location.pathname + location.hash) {
        history[push ? 'pushState' : 'replaceState'](null, '', address);
    }
}

export function remembered(name, fallback = null) {
    try {
        return localStorage.getItem(`trace.${name}`) ?? fallback;
    } catch {
        return fallback;
    }
}

export function remember(name, value) {
    try {
        localStorage.setItem(`trace.${name}`, value);
    } catch {
        // A browser that keeps nothing still shows everything.
    }
}
