// Numbers and times as people read them, as the server writes them too. Unknown is a dash.

export const UNKNOWN = '–';
const number = new Intl.NumberFormat('en-US');

export function durationText(us) {
    if (us < 0) {
        return UNKNOWN;
    }
    if (us < 1000) {
        return us ? `${Math.round(us)} µs` : '0 ms';
    }
    if (us < 1e6) {
        return us < 1e4 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us / 1000)} ms`;
    }
    const seconds = us / 1e6;
    if (seconds < 60) {
        return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
    }
    const whole = Math.floor(seconds);
    const pad = (value) => String(value).padStart(2, '0');
    if (whole < 3600) {
        return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
    }
    return whole < 86400
        ? `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole % 3600 / 60))} m`
        : `${Math.floor(whole / 86400)} d ${pad(Math.floor(whole % 86400 / 3600))} h`;
}

export function bytesText(text) {
    const bytes = new TextEncoder().encode(text).length;
    return bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// What a reader cannot see is named, as the server does it: controls, bidi, characters of no width.
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u00ad\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e0fff}]/gu;
const CONTROLS = {0: 'NUL', 7: 'BEL', 8: 'BS', 12: 'FF', 13: 'CR', 27: 'ESC', 127: 'DEL'};

export function visible(text) {
    return text.replaceAll('\r\n', '\n').replace(HIDDEN, (hidden) => {
        const code = hidden.codePointAt(0);
        return `⟨${CONTROLS[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}⟩`;
    });
}

export function countText(count) {
    return count < 0 ? UNKNOWN : number.format(count);
}

export function shortCount(count) {
    if (count < 0) {
        return UNKNOWN;
    }
    if (count < 1000) {
        return String(count);
    }
    const [value, unit] = count < 999500 ? [count / 1000, 'k'] : [count / 1e6, 'M'];
    return (value < 10 ? value.toFixed(1) : number.format(Math.round(value))) + unit;
}

export function tokensText(input, output) {
    return input < 0 && output < 0 ? '' : `${shortCount(input)} → ${shortCount(output)}`;
}

export function costText(nano) {
    if (nano < 0) {
        return '';
    }
    const usd = nano / 1e9;
    if (usd === 0) {
        return '$0';
    }
    if (usd >= 1) {
        return '$' + usd.toLocaleString('en-US', {minimumFractionDigits: 2, maximumFractionDigits: 2});
    }
    return usd >= 0.001 ? `$${usd.toFixed(4)}` : usd >= 0.000001 ? `$${usd.toFixed(6)}` : '< $0.000001';
}
