'use strict';
// A question is answered once: a second press of its button, while the first is under way, is none.
for (const form of document.querySelectorAll('form[data-once]')) {
    form.addEventListener('submit', (event) => {
        if (form.dataset.once === 'sent') {
            event.preventDefault();
        }
        form.dataset.once = 'sent';
    });
}
// Back from the answer, as the browser kept the page: the server says whether it was done already.
window.addEventListener('pageshow', () => {
    document.querySelectorAll('form[data-once]').forEach((form) => { form.dataset.once = ''; });
});
