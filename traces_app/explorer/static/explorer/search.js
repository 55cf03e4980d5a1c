'use strict';
// The search field: completions of keys and of values that were seen, as a combobox.
{
    const form = document.querySelector('[data-search-form]');
    const input = form?.querySelector('[data-search]');
    const list = form?.querySelector('[data-offers]');
    const known = form ? [...form.querySelectorAll('[data-completions] option')].map((option) => option.value) : [];
    const MAX_OFFERS = 12;
    let chosen = -1;

    // The condition under the cursor: from the last space outside of quotes.
    function wordAt(text, end) {
        let start = 0;
        let isQuoted = false;
        for (let place = 0; place < end; place += 1) {
            if (text[place] === '"' && text[place - 1] !== '\\') {
                isQuoted = !isQuoted;
            } else if (text[place] === ' ' && !isQuoted) {
                start = place + 1;
            }
        }
        return {start, word: text.slice(start, end)};
    }

    function matching(word) {
        const bare = word.replace(/^-/, '').toLowerCase();
        if (!bare) {
            return [];
        }
        const found = known.filter((offer) => offer.toLowerCase().startsWith(bare) && offer.toLowerCase() !== bare);
        const within = known.filter((offer) => !offer.toLowerCase().startsWith(bare) && bare.length > 1
            && offer.toLowerCase().includes(bare));
        return [...found, ...within].slice(0, MAX_OFFERS);
    }

    function close() {
        list.hidden = true;
        chosen = -1;
        input.setAttribute('aria-expanded', 'false');
        input.removeAttribute('aria-activedescendant');
    }

    function choose(index) {
        const offers = [...list.children];
        chosen = (index + offers.length) % offers.length;
        offers.forEach((offer, place) => offer.setAttribute('aria-selected', String(place === chosen)));
        offers[chosen].scrollIntoView({block: 'nearest'});
        input.setAttribute('aria-activedescendant', offers[chosen].id);
    }

    function show() {
        const offers = matching(wordAt(input.value, input.selectionStart).word);
        list.replaceChildren(...offers.map((offer, place) => {
            const item = document.createElement('li');
            item.role = 'option';
            item.id = `offer-${place}`;
            item.textContent = offer;
            item.setAttribute('aria-selected', 'false');
            return item;
        }));
        if (!offers.length) {
            close();
            return;
        }
        chosen = -1;
        list.hidden = false;
        input.setAttribute('aria-expanded', 'true');
    }

    function take(offer) {
        const {start, word} = wordAt(input.value, input.selectionStart);
        const sign = word.startsWith('-') ? '-' : '';
        const space = offer.endsWith(':') ? '' : ' ';
        const rest = input.value.slice(input.selectionStart).trimStart();
        input.value = input.value.slice(0, start) + sign + offer + space + rest;
        const end = start + sign.length + offer.length + space.length;
        input.setSelectionRange(end, end);
        input.focus();
        show();
    }

    function onKey(event) {
        if (event.key === 'Escape' && !list.hidden) {
            event.preventDefault();
            close();
        } else if (!list.hidden && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
            event.preventDefault();
            choose(event.key === 'ArrowDown' ? chosen + 1 : Math.max(chosen, 0) - 1);
        } else if (!list.hidden && chosen >= 0 && (event.key === 'Enter' || event.key === 'Tab')) {
            event.preventDefault();
            take(list.children[chosen].textContent);
        }
    }

    if (input) {
        input.role = 'combobox';
        input.setAttribute('aria-autocomplete', 'list');
        input.setAttribute('aria-controls', 'offers');
        input.setAttribute('aria-expanded', 'false');
        input.addEventListener('input', show);
        input.addEventListener('keydown', onKey);
        input.addEventListener('blur', () => setTimeout(close, 150));
        list.addEventListener('mousedown', (event) => {
            event.preventDefault();
            take(event.target.closest('li').textContent);
        });
    }
}
