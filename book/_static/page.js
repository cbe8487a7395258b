/* What every page does besides being read. Runs before MathJax and the search start. */
"use strict";
(() => {
  const from_disk = location.protocol === "file:";

  // --- formulas. The menu of a formula keeps its settings for good; one that asks for a part that cannot be had
  // would leave every page without formulas, and without the menu to take it back.
  const STORE = "MathJax-Menu-Settings";
  const forget = () => {
    try {
      if (localStorage.getItem(STORE) === null) return false;
      localStorage.removeItem(STORE);
      return true;
    } catch {
      return false; // no storage, no settings
    }
  };
  if (from_disk) forget(); // from disk the parts for speech cannot be read
  const typeset_again = () => { if (forget()) location.reload(); };
  addEventListener("error", ({ target }) => { // a script of MathJax that is not there
    if (target.tagName === "SCRIPT" && target.src.includes("/mathjax/")) typeset_again();
  }, true);
  const config = window.MathJax ?? {};
  window.MathJax = {
    ...config,
    startup: {
      ...config.startup,
      pageReady: () => MathJax.startup.defaultPageReady().then(() => fit_formulas(), (error) => {
        console.warn(`MathJax: ${error.message}`);
        typeset_again();
      }),
    },
  };

  // --- wide formulas shrink to the column, boxed ones as far as they must; what is wider still scrolls, and shows it
  const SMALLEST = 0.72, SMALLEST_BOXED = 0.5;
  const article = document.querySelector("article") ?? document.body;
  const is_boxed = (math) => math.querySelector('mjx-menclose, mjx-mstyle[style*="border"]') !== null;
  function fit_formulas(part = document) { // first all sizes are read, then all are written: one layout of the page for each
    const blocks = [...part.querySelectorAll("div.math mjx-container")];
    const within = [...part.querySelectorAll("span.math mjx-container")]; // a line
    for (const math of [...blocks, ...within]) math.style.fontSize = "";
    const shrunk = (math, room, smallest) => {
      const width = math.querySelector("mjx-math, svg")?.getBoundingClientRect().width ?? 0;
      const size = parseFloat(getComputedStyle(math).fontSize);
      return room > 0 && width > room ? `${size * Math.max(room / width, smallest)}px` : "";
    };
    const sizes = blocks.map((math) => shrunk(math, math.clientWidth - 2, is_boxed(math) ? SMALLEST_BOXED : SMALLEST));
    sizes.push(...within.map((math) =>
      shrunk(math, math.closest("p, li, td, th, dd, figcaption, div")?.clientWidth, SMALLEST_BOXED)));
    [...blocks, ...within].forEach((math, k) => { math.style.fontSize = sizes[k]; });
    mark(blocks);
    document.documentElement.dataset.fitted = article.clientWidth; // a test waits for it
  }
  function mark(boxes) {
    const wide = boxes.map((box) => box.scrollWidth > box.clientWidth + 1);
    boxes.forEach((box, k) => {
      box.classList.toggle("scrolls", wide[k]);
      if (wide[k]) box.tabIndex = 0; // the arrow keys scroll it
      else if (box.tabIndex === 0 && box.matches(".highlight pre, .cell_output pre, table, mjx-container")) box.removeAttribute("tabindex");
    });
  }
  const mark_all = (part = document) => mark([...part.querySelectorAll(".bd-content pre, .bd-content table")]);
  let width = article.clientWidth, later;
  new ResizeObserver(() => { // not the window's size: the bar at the side slides in, and on a phone bars come and go
    if (article.clientWidth === width) return;
    width = article.clientWidth;
    clearTimeout(later);
    later = setTimeout(() => { mark_all(); fit_formulas(); }, 100);
  }).observe(article);
  addEventListener("load", () => {
    mark_all();
    if (!MathJax.version) fit_formulas(); // it is not loaded where there are none
  });
  document.addEventListener("click", (event) => { // what was folded had no width
    const part = event.target.closest?.(".dropdown, .toggle, details, .tag_hide-input");
    if (part) setTimeout(() => { mark_all(part); fit_formulas(part); }, 50);
  });

  // --- on paper the light theme
  const root = document.documentElement;
  let theme;
  matchMedia("print").addEventListener("change", ({ matches }) => {
    if (matches) [theme, root.dataset.theme] = [root.dataset.theme, "light"];
    else if (theme) root.dataset.theme = theme;
  });

  // --- the search: Greek letters by the names they have in formulas and code; from disk no page can be read for an extract
  const GREEK = {
    α: "alpha", β: "beta", γ: "gamma", δ: "delta", Δ: "delta", ε: "epsilon", ϵ: "epsilon", ζ: "zeta", η: "eta", θ: "theta",
    κ: "kappa", λ: "lambda", Λ: "lambda", μ: "mu", ν: "nu", ξ: "xi", Ξ: "xi", π: "pi", Π: "pi", ρ: "rho", σ: "sigma",
    Σ: "sigma", τ: "tau", φ: "phi", Φ: "phi", χ: "chi", ψ: "psi", ω: "omega", Γ: "gamma",
  };
  const query = new URLSearchParams(location.search), asked = query.get("q");
  const named = asked?.replace(/[\u0370-\u03ff]/g, (letter) => GREEK[letter] ?? letter);
  if (document.querySelector("#search-results") && asked !== null && named !== asked) {
    query.set("q", named);
    history.replaceState(null, "", `?${query}`);
  }
  if (from_disk && typeof DOCUMENTATION_OPTIONS === "object") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // --- a notebook is saved, not shown as text; from disk a browser cannot do that
  for (const link of document.querySelectorAll('a[href$=".ipynb"]')) {
    if (from_disk) link.closest("li")?.remove();
    else link.download = "";
  }
})();
