// Runs before the page is painted: the reader's choice of light or dark, else the system's.
(() => {
  const root = document.documentElement;
  root.classList.add('js');
  try {
    const chosen = localStorage.getItem('theme');
    if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen;
  } catch { /* storage is forbidden: the system's choice stays */ }
})();
