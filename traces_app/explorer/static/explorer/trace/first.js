// The page can be read as the server wrote it: everything else is fetched once that was painted.

requestAnimationFrame(() => setTimeout(() => {
    document.head.append(document.querySelector('[data-modules]').content);
    import('./main.js');
}));
