/* The interactive figures. Each element with the class "explorer" holds the design of one, as the Python module
   `explorers` wrote it; the functions below compute what its controls ask for, under the same names. */
"use strict";

(() => {
  const { PowerLaw, bottleneck_loss, decompose, geomspace, optimal_loss, plateau_levels } = scalingLaws;
  const { append, draw_panel, say } = scalingLaws;

  // ---------------------------------------------------------------- what is drawn

  const with_place = (places, place) => [...places, place].sort((a, b) => a - b);
  const first_minimum = (losses) => losses.findIndex((loss) => loss <= Math.min(...losses) * (1 + 1e-9));

  const explorers = {
    spectrum({ alpha, n_latent, delta }) {
      const law = new PowerLaw(alpha, n_latent);
      const ranks = geomspace(1, n_latent, 120), levels = ranks.map((rank) => law.eigenvalue(rank));
      const scales = geomspace(Math.min(law.eigenvalue(n_latent), delta) / 10, 10, 160);
      const sums = scales.map((scale) => law.sums(scale));
      const here = law.sums(delta), k = scalingLaws.spectral_constant(alpha);
      return {
        curves: {
          eigenvalues: [ranks, levels],
          resolved: [ranks, levels.map((level) => level ** 2 / (level + delta))],
          delta: [[], [delta]],
          rank: [[here.df1], []],
          df1: [scales, sums.map(({ df1 }) => df1)],
          df2: [scales, sums.map(({ df2 }) => df2)],
          law: [scales, scales.map((scale) => k * scale ** (-1 / (1 + alpha)))],
          here: [[delta, delta], [here.df1, here.df2]],
        },
        ranges: [[1, n_latent], [scales[0], 10]],
        readings: { ...here, share: 1 - (delta * here.df1) / law.trace },
      };
    },

    density({ alpha, n_latent, n_features: n, n_samples: t }) {
      const law = new PowerLaw(alpha, n_latent), upper = (1 + Math.sqrt(n / t)) ** 2, modes = Math.min(n, t, n_latent);
      const lower = Math.max((1 - Math.sqrt(n / t)) ** 2, 1e-6 * upper);
      const shares = Array.from({ length: 200 }, (_, k) => (1 - Math.cos((Math.PI * k) / 199)) / 2);
      const white = shares.map((share) => lower * (upper / lower) ** share);
      const high = 4 * (1 + law.trace / n) * (1 + law.trace / t);
      const places = geomspace(high, law.eigenvalue(Math.min(3 * modes, n_latent)) / 30, 240);
      const levels = Array.from({ length: Math.min(modes, 10) }, (_, k) => law.eigenvalue(k + 1));
      return {
        curves: {
          white: [white, white.map((x) => x * scalingLaws.marchenko_pastur_density(x, n / t))],
          ridge: [places, scalingLaws.density_per_log(places, law, n, t)],
          levels: [levels, levels.map(() => 0)],
        },
        ranges: [[upper / 1e4, 2 * upper], [places.at(-1), high]],
        readings: { ratio: n / t, zeros_white: Math.max(0, 1 - t / n), zeros: 1 - modes / n },
      };
    },

    test_loss({ alpha, n_latent, n_features, n_samples: t, ridge, noise_var }) {
      const law = new PowerLaw(alpha, n_latent);
      const range = [Math.min(Math.max(1, t / 1e3), n_features), Math.max(t * 1e3, n_features)];
      const n = with_place(geomspace(...range, 240), n_features);
      const at = (size) => decompose(law, size, t, ridge, noise_var), parts = n.map(at), here = at(n_features);
      return {
        curves: {
          test_loss: [n, parts.map(({ test_loss }) => test_loss)],
          train_loss: [n, parts.map(({ train_loss }) => train_loss)],
          features: [n, n.map((size) => bottleneck_loss(alpha, size))],
          samples: [[], [bottleneck_loss(alpha, t)]],
          equal: [[t], []],
          here: [[n_features], [here.test_loss]],
        },
        ranges: [range],
        readings: here,
      };
    },

    loss_surface({ alpha, n_latent, compute, split, tuning, ridge, noise_var }) {
      const law = new PowerLaw(alpha, n_latent);
      const fixed = (n, t) => scalingLaws.test_loss(law, n, t, ridge, noise_var);
      const best = (n, t) => optimal_loss(law, n, t, noise_var);
      const loss = tuning === "best ridge" ? best : fixed, root = Math.sqrt(compute);
      const side = geomspace(root / 100, root * 100, 25), ratios = geomspace(1e-4, 1e4, 161);
      const surface = side.map((t) => side.map((n) => Math.log10(loss(n, t))));
      const of_n = ratios.map((ratio) => Math.sqrt(compute * ratio));
      const of_t = ratios.map((ratio) => Math.sqrt(compute / ratio));
      const losses = { best: of_n.map((n, k) => best(n, of_t[k])), fixed: of_n.map((n, k) => fixed(n, of_t[k])) };
      const here = [Math.sqrt(compute * split), Math.sqrt(compute / split)], at_here = loss(...here);
      return {
        curves: {
          surface: [side, side, surface],
          isocompute: [of_n, of_t],
          here: [[here[0]], [here[1]]],
          best: [ratios, losses.best],
          fixed: [ratios, losses.fixed],
          equal: [[1], []],
          split: [[split], [at_here]],
        },
        ranges: [[side[0], side.at(-1)], [1e-4, 1e4]],
        readings: { test_loss: at_here, least: Math.min(...losses.best), best_split: ratios[first_minimum(losses.best)],
          fixed_split: ratios[first_minimum(losses.fixed)] },
      };
    },

    tasks({ alpha, task_exponent, split, compute, n_latent }) {
      const law = new PowerLaw(alpha, n_latent), b = Math.max(task_exponent, -0.9 * alpha);
      const { optimum, optimal_loss_asymptotic, split_ratio } = scalingLaws, ratios = geomspace(1e-3, 1e3, 117);
      const sizes = (ratio) => [Math.sqrt(compute * ratio), Math.sqrt(compute / ratio)];
      const best = ratios.map((ratio) => optimum(law, ...sizes(ratio), 0, b).loss);
      const covered = b < 1 ? ratios : [], closed = covered.map((ratio) => optimal_loss_asymptotic(alpha, b, ...sizes(ratio)));
      const linspace = (low, high, count) => Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));
      const alphas = linspace(0.1, 2, 24), exponents = linspace(-1.5, 4, 24), flat = linspace(0.1, 1, 40);
      const limit_of = (a, c) => (c > -a ? -Math.log10(split_ratio(a, c)) : NaN), limit = 1 / split_ratio(alpha, b);
      const map = exponents.map((c) => alphas.map((a) => limit_of(a, c)).map((x) => (Number.isFinite(x) ? x : NaN)));
      const here = optimum(law, ...sizes(split), 0, b), easy = "easy: a constant N/T > 1";
      const task = b < 0 ? "hard: N < T" : b === 0 ? "isotropic: N = T" : b < 1 ? easy
        : alpha <= 1 ? "very easy: N/T grows without end" : `very ${easy}`;
      return {
        curves: {
          best: [ratios, best],
          closed: [covered, closed],
          equal: [[1], []],
          limit: [Number.isFinite(limit) ? [limit] : [], []],
          dot: [[split], [here.loss]],
          map: [alphas, exponents, map],
          isotropic: [[], [0]],
          finite: [[], [1]],
          ridgeless: [flat, flat.map((a) => Math.sqrt(a * (2 - a)))],
          saturated: [alphas, alphas.map((a) => 2 + a)],
          edge: [alphas, alphas.map((a) => -a)],
          place: [[alpha], [b]],
        },
        ranges: [[ratios[0], ratios.at(-1)], [0.1, 2]],
        readings: { b, task, best_split: ratios[first_minimum(best)], limit, test_loss: here.loss,
          compute: scalingLaws.compute_exponent(alpha, b), ridge: here.positive ? "positive" : "zero" },
      };
    },

    plateaus({ alpha, n_latent, n_visible, n_features: n, n_samples, ridge_per_sample, noise_var }) {
      const law = new PowerLaw(alpha, n_latent), visible = Math.min(n_visible, n_latent);
      const range = [Math.min(Math.max(1, n / 1e3), n_samples), Math.max(Math.min(n * 1e5, 1e15), n_samples)];
      const t = with_place(geomspace(...range, 240), n_samples);
      const setting = (size) => [law, visible, n, size, ridge_per_sample * size, noise_var];
      const levels = t.map((size) => plateau_levels(...setting(size))), here = plateau_levels(...setting(n_samples));
      const curve = (name) => [name, [t, levels.map((level) => level[name])]];
      return {
        curves: { ...Object.fromEntries(Object.keys(here).map(curve)), here: [[n_samples], [here.test_loss]] },
        ranges: [range],
        readings: { ...here, regime: scalingLaws.diagnose(...setting(n_samples)) },
      };
    },

    scaling_law({ alpha, n_latent, noise_var }) {
      const law = new PowerLaw(alpha, n_latent), n = geomspace(10, 1e6, 90), curves = {};
      const loss = (size, t) => optimal_loss(law, size, t, noise_var);
      for (const power of [2, 3, 4, 5]) curves[`T${power}`] = [n, n.map((size) => loss(size, 10 ** power))];
      curves.law = [n, n.map((size) => bottleneck_loss(alpha, size))];
      const exponent = Math.log(loss(1e3 * Math.exp(-0.05), 1e5) / loss(1e3 * Math.exp(0.05), 1e5)) / 0.1;
      return { curves, ranges: [[10, 1e6]], readings: { alpha, exponent } };
    },
  };

  // ---------------------------------------------------------------- controls

  /** The value at a position of a control's slider, and the position of a value: as Control.at and Control.position. */
  function value_at(control, position) {
    const { low, high, kind, steps, whole } = control, first = kind === "zero" ? 1 : 0;
    if (position < first) return 0;
    const share = (position - first) / (steps - first);
    const value = Number((kind === "linear" ? low + (high - low) * share : low * (high / low) ** share).toPrecision(3));
    return Math.min(Math.max(whole ? Math.round(value) : value, low), high);
  }

  function position_of({ low, high, kind, steps }, value) {
    const first = kind === "zero" ? 1 : 0, of = kind === "linear" ? (x) => x : Math.log;
    return value < low ? 0 : first + Math.round(((steps - first) * (of(value) - of(low))) / (of(high) - of(low)));
  }

  const number = (text) => (text.trim() === "" ? NaN : Number(text));

  /** How to write a number that was typed with commas or spaces, or nothing. */
  const misspelled = (text) => (/\d[\s,']+\d/.test(text) ? "a point for decimals and no commas or spaces, " : "");

  /** What is wrong with a value, or nothing. */
  function complaint({ low, high, kind, whole, options }, value) {
    if (kind === "choice") return options.includes(value) ? "" : `one of ${options.join(", ")}`;
    const is_in_range = (value >= low && value <= high) || (kind === "zero" && value === 0);
    if (!is_in_range) return `${kind === "zero" ? "0, or " : ""}from ${say(low)} to ${say(high)}`;
    return whole && !Number.isInteger(value) ? "a whole number" : "";
  }

  /** One figure of the page. */
  class Explorer {
    constructor(root) {
      this.root = root;
      this.design = JSON.parse(root.dataset.explorer);
      this.initial = this.design.values;
      this.values = { ...this.initial };
      this.hidden = new Set();
      this.rows = {};
      root.explorer = this;
      const picture = root.closest("figure")?.querySelector("img");
      if (picture) (picture.closest("a") ?? picture).style.display = "none";

      root.setAttribute("role", "group");
      root.setAttribute("aria-label", [this.design.title, picture?.alt].filter(Boolean).join(". "));
      const panels = append(root, "div", { class: "explorer-panels" });
      this.panels = this.design.panels.map(({ x, y }) =>
        append(panels, "svg", { role: "img", "aria-label": `${y}, against ${x}` }));
      this.add_legend(append(root, "div", { class: "explorer-legend" }));
      this.readings = append(root, "output", { class: "explorer-readings" });
      const controls = append(root, "div", { class: "explorer-controls" });
      for (const control of this.design.controls)
        this.add_control(append(controls, "div", { class: "explorer-row" }), control);
      append(root, "button", { type: "button", class: "explorer-button" }, "reset")
        .addEventListener("click", () => {
          this.set(this.initial);
          this.write_fragment();
        });
      // not while a slider is moving: Safari throws after a hundred changes of the address
      root.addEventListener("change", () => this.write_fragment());

      this.read_fragment();
      this.set({});
      addEventListener("hashchange", () => this.read_fragment());
      new ResizeObserver(() => this.draw()).observe(panels);
    }

    add_legend(box) {
      for (const { name, label, color, style } of this.design.curves.filter((curve) => curve.label)) {
        const button = append(box, "button", { type: "button", class: "explorer-key", "aria-pressed": "true" });
        const swatch = append(button, "svg", { width: 26, height: 12, "aria-hidden": "true" });
        const look = { class: `explorer-${style} explorer-${color}` };
        if (style === "heat") for (let k = 0; k < 13; k++)
          append(swatch, "rect", { x: 2 * k, y: 0, width: 2.5, height: 12, fill: scalingLaws.viridis(k / 12) });
        else if (style === "dots") append(swatch, "circle", { ...look, cx: 13, cy: 6, r: 4 });
        else append(swatch, "path", { ...look, d: "M0 6H26" });
        const text = append(button, "span", {}, label);
        if (style === "heat") this.say_range = ([low, high]) => { // there is no range where all losses are zero
          text.textContent = low <= high ? `${label}, ${say(low, 2)} to ${say(high, 2)}` : label;
        };
        button.addEventListener("click", () => {
          if (!this.hidden.delete(name)) this.hidden.add(name);
          button.setAttribute("aria-pressed", String(!this.hidden.has(name)));
          this.draw();
        });
      }
    }

    add_control(row, control) {
      const id = `explorer-${this.design.name}-${control.name}`, { name, label, unit, options } = control;
      append(row, "label", { for: id }, label);
      if (control.kind === "choice") {
        const list = append(row, "select", { id });
        options.forEach((option) => append(list, "option", {}, option));
        list.addEventListener("change", () => this.set({ [name]: list.value }));
        this.rows[name] = (value) => (list.value = value);
        return;
      }
      const slider = append(row, "input", { id, type: "range", min: 0, max: control.steps, step: 1 });
      const field = append(row, "input", {
        type: "text", "aria-label": `${label}, typed`, "aria-describedby": `${id}-note` });
      const note = append(row, "span", { class: "explorer-unit", id: `${id}-note`, "aria-live": "polite" }, unit);
      slider.addEventListener("input", () => this.set({ [name]: value_at(control, Number(slider.value)) }));
      field.addEventListener("change", () => {
        const value = number(field.value), wrong = complaint(control, value) && misspelled(field.value) + complaint(control, value);
        field.setAttribute("aria-invalid", String(wrong !== ""));
        note.textContent = wrong || unit;
        if (!wrong) this.set({ [name]: value });
      });
      this.rows[name] = (value) => {
        // several positions may have the same small whole number: stay, else an arrow key would never get past it
        if (value_at(control, Number(slider.value)) !== value) slider.value = position_of(control, value);
        slider.setAttribute("aria-valuetext", `${say(value)} ${unit}`.trim());
        field.value = say(value, 12);
        field.setAttribute("aria-invalid", "false");
        if (note.textContent !== unit) note.textContent = unit; // else a screen reader would say it again
      };
    }

    /** Set some of the controls; the picture follows with the next frame. */
    set(values) {
      Object.assign(this.values, values);
      for (const name in this.rows) this.rows[name](this.values[name]);
      this.frame ??= requestAnimationFrame(() => this.update());
    }

    update() {
      this.frame = null;
      this.picture = explorers[this.design.name](this.values);
      this.readings.replaceChildren();
      Object.entries(this.design.readings).forEach(([name, label], k) => {
        if (k > 0) this.readings.append("\u2003");
        append(this.readings, "span", {}, `${label} ${say(this.picture.readings[name])}`);
      });
      this.draw();
    }

    draw() {
      if (this.picture) this.panels.forEach((svg, index) => {
        const size = { width: svg.clientWidth, height: svg.clientHeight };
        if (!size.width) return; // not laid out yet: the observer of its size will draw it
        const range = draw_panel(svg, size, this.design, index, this.picture, this.hidden);
        if (range) this.say_range(range);
      });
    }

    /** The setting as part of the page's address: "#test_loss?alpha=0.5&ridge=0", the values that are not the first. */
    write_fragment() {
      const changed = Object.entries(this.values).filter(([name, value]) => value !== this.initial[name]);
      const fragment = changed.length ? `#${this.design.name}?${new URLSearchParams(changed)}` : "";
      if (fragment || location.hash.startsWith(`#${this.design.name}?`))
        history.replaceState(null, "", location.pathname + location.search + fragment);
    }

    /** Take the setting from the page's address, if it holds one of this figure. */
    read_fragment() {
      const [name, setting] = location.hash.slice(1).split("?"), values = { ...this.initial };
      if (name !== this.design.name || setting === undefined) return;
      const given = new URLSearchParams(setting);
      for (const control of this.design.controls) {
        const text = given.get(control.name) ?? "", value = control.kind === "choice" ? text : number(text);
        if (!complaint(control, value)) values[control.name] = value;
      }
      this.set(values);
      this.scroll_here();
    }

    /** Scroll to the figure, and again when the formulas and pictures above it have found their size. */
    scroll_here() {
      const scroll = () => (this.root.closest("figure") ?? this.root).scrollIntoView({ behavior: "instant" });
      scroll();
      globalThis.MathJax?.startup?.promise?.then(scroll);
      if (document.readyState !== "complete") addEventListener("load", scroll, { once: true });
    }
  }

  Object.assign(scalingLaws, { explorers, value_at, position_of });
  addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll(".explorer[data-explorer]").forEach((root) => new Explorer(root)));
})();
