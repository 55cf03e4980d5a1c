'use strict';
// The list: select all, count the selected, whole rows as links, "/" to search.
{
    const form = document.querySelector('[data-selection]');
    const search = document.querySelector('[data-search]');
    const filters = document.querySelector('[data-narrow-closed]');

    function countSelected(all, boxes, label) {
        const count = boxes.filter((box) => box.checked).length;
        label.textContent = count ? `${count} selected` : '';
        all.checked = count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
    }

    if (form) {
        const all = form.querySelector('[data-select-all]');
        const label = form.querySelector('[data-selected-count]');
        const boxes = [...form.querySelectorAll('input[name=selected]')];
        all.hidden = false;
        all.addEventListener('change', () => {
            boxes.forEach((box) => { box.checked = all.checked; });
            countSelected(all, boxes, label);
        });
        form.addEventListener('change', () => countSelected(all, boxes, label));
        form.addEventListener('click', (event) => {
            const row = event.target.closest('[data-row]');
            if (row && !event.target.closest('a, input, label, button') && !getSelection().toString()) {
                row.querySelector('a.name').click();
            }
        });
        countSelected(all, boxes, label);
    }
    document.addEventListener('keydown', (event) => {
        if (event.key === '/' && search && !event.target.closest('input, textarea, select')) {
            event.preventDefault();
            search.focus();
        }
    });
    if (filters && matchMedia('(max-width: 1100px)').matches) {
        filters.open = false;
    }
}
