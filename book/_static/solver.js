/* The theory, for the page: what the library computes with numpy, in plain JavaScript and under the same names.

   Stands beside spectra, theory, asymptotics, allocation, plateaus and resolvent of the Python library, whose comments
   and chapters derive the formulas. Everything is scalar here, and arguments are not checked: the controls do that.
   A test in a browser compares every curve of every explorer with the library. */
"use strict";

const scalingLaws = {};

(() => {
  const N_HEAD = 64; // terms summed one by one before the Euler-Maclaurin formula takes over
  const MAX_DIRECT = 512; // most latents that are all summed one by one
  const NEAR_POLE = 24; // where the formula begins this close to a pole, it begins N_HEAD terms later
  const DIFFERENCES = [1 / 2, 1 / 12, 1 / 24, 19 / 720, 3 / 160, 863 / 60480, 275 / 24192, 33953 / 3628800,
    8183 / 1036800, 3250433 / 479001600]; // what an end adds to the integral, in backward differences (Gregory)
  const NODES = 24, WIDTH = 8; // of a panel of the integral, its width as a change of the logarithm of the eigenvalue
  const MAX_SIZE = 1e15;
  const TOLERANCE = 1e-8, MAX_ITERATIONS = 200; // relative Newton step that is the last, and most steps
  const CAUTIOUS = 1e-4, FAR = 1e3, NEARLY = 1 + 1e-9; // where the search for the best ridge begins and ends: see allocation
  const PEAK = 2; // how far the signal part may exceed the sum of its floors before variance is to blame

  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const clip = (value, low, high) => Math.min(Math.max(value, low), high);
  const geomspace = (low, high, count) =>
    Array.from({ length: count }, (_, k) => low * (high / low) ** (k / (count - 1)));

  // ---------------------------------------------------------------- quadrature and roots

  /** Node k and its weight of the Gauss-Legendre rule on (-1, 1): Newton for a zero of the Legendre polynomial. */
  function legendre(k) {
    let x = Math.cos((Math.PI * (k + 0.75)) / (NODES + 0.5)), slope = 0;
    for (let iteration = 0; iteration < 6; iteration++) {
      let [below, value] = [1, x]; // of the polynomials of degree n - 1 and n
      for (let n = 1; n < NODES; n++) [below, value] = [value, ((2 * n + 1) * x * value - n * below) / (n + 1)];
      slope = (NODES * (x * value - below)) / (x * x - 1);
      x -= value / slope;
    }
    return { x, weight: 2 / ((1 - x * x) * slope * slope) };
  }
  const GAUSS = Array.from({ length: NODES }, (_, k) => legendre(k));

  /** Where a function falls through zero between low and high: see _search.find_root. */
  function find_root(evaluate, low, high, guess = low) {
    let x = guess;
    for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
      const { value, fall } = evaluate(x);
      if (value > 0) low = x;
      if (value < 0) high = x;
      const newton = x * Math.exp(value / fall);
      if (Math.abs(newton - x) <= TOLERANCE * x || low >= high) return clip(newton, low, high);
      x = newton > low && newton < high ? newton : Math.sqrt(low) * Math.sqrt(high);
    }
    return x;
  }

  // ---------------------------------------------------------------- spectra

  /** The spectrum I^-(1 + alpha), I = 1 .. n_latent, as a few hundred weighted levels: a sum over its latents is the
      same sum over the levels, weighted. */
  class PowerLaw {
    constructor(alpha, n_latent) {
      Object.assign(this, { alpha, n_latent, rank: n_latent, a: 1 + alpha, parts: new Map(), heads: {} });
      this.n_head = Math.ceil(N_HEAD / Math.sin(Math.PI / Math.max(this.a, 2))); // all poles are N_HEAD ranks off
      const { terms, integral } = this.split(1, this.n_head);
      this.levels = Float64Array.from([...terms, ...integral], ([level]) => level);
      this.weights = Float64Array.from([...terms, ...integral], ([, weight]) => weight);
      this.trace = this.tail(0);
      this.taught = new Map();
    }

    /** The weights of the levels times those of a teacher with w_I^2 = I^-b. */
    task_weights(b) {
      if (!this.taught.has(b)) this.taught.set(b, this.weights.map((w, k) => w * this.levels[k] ** (b / this.a)));
      return this.taught.get(b);
    }

    eigenvalue(rank) {
      return rank ** -this.a;
    }

    /** Levels and weights of the latents first .. n_latent: of the terms up to lower, and of the integral after them,
        by Euler-Maclaurin.

        The formula's half terms and derivatives are written as differences of terms (Gregory): 1/2 + D/12 + D^2/24
        + .. at each end, with D the backward difference. They only change weights. */
    split(first, lower) {
      const key = `${first} ${lower}`, { n_latent } = this, is_short = n_latent <= lower + MAX_DIRECT;
      if (this.parts.has(key)) return this.parts.get(key);
      const weights = new Map(), add = (rank, weight) => weights.set(rank, (weights.get(rank) ?? 0) + weight);
      for (let rank = first; rank <= (is_short ? n_latent : lower); rank++) add(rank, 1);
      if (!is_short) for (const [end, sign] of [[lower, -1], [n_latent, 1]])
        DIFFERENCES.forEach((factor, order) => {
          for (let k = 0, binomial = 1; k <= order; binomial *= (k - order) / (k + 1), k++)
            add(end - k, sign * factor * binomial);
        });
      const terms = Array.from(weights, ([rank, weight]) => [this.eigenvalue(rank), weight]), integral = [];
      const length = Math.log(n_latent / lower), n_panels = is_short ? 0 : Math.ceil((length * this.a) / WIDTH);
      for (let panel = 0; panel < n_panels; panel++) // in the logarithm of the rank
        for (const { x, weight } of GAUSS) {
          const half = length / n_panels / 2, rank = lower * Math.exp(half * (2 * panel + 1 + x));
          integral.push([this.eigenvalue(rank), weight * half * rank]);
        }
      this.parts.set(key, { terms, integral });
      return this.parts.get(key);
    }

    /** The spectrum of the first n_visible latents. */
    head(n_visible) {
      return (this.heads[n_visible] ??= new PowerLaw(this.alpha, n_visible));
    }

    /** Variance of the latents beyond the first n_visible. */
    tail(n_visible) {
      const { terms, integral } = this.split(n_visible + 1, n_visible + this.n_head);
      return sum([...terms, ...integral].map(([level, weight]) => weight * level));
    }

    /** Sums over modes at a real delta, of f, f^2, g, f g, f^2 g, (f g)^2 with f = lambda / (lambda + delta), g = 1 - f. */
    sums(delta) {
      const { levels, weights } = this;
      let df1 = 0, df2 = 0, unresolved = 0, transition = 0, v = 0, y = 0;
      for (let k = 0; k < levels.length; k++) {
        const inverse = 1 / (levels[k] + delta), f = levels[k] * inverse, g = delta * inverse;
        const resolved = weights[k] * f, partly = f * g;
        df1 += resolved;
        df2 += resolved * f;
        unresolved += weights[k] * g;
        transition += resolved * g;
        v += resolved * partly;
        y += weights[k] * partly * partly;
      }
      return { df1, df2, unresolved, transition, v, y };
    }

    /** The sums of f, f g, f^2 g and (f g)^2 for a task: with the factor I^-b. */
    task_sums(delta, b) {
      const { levels } = this, weights = this.task_weights(b);
      let S = 0, U = 0, V = 0, Y = 0;
      for (let k = 0; k < levels.length; k++) {
        const inverse = 1 / (levels[k] + delta), f = levels[k] * inverse, g = delta * inverse;
        const resolved = weights[k] * f, partly = f * g;
        S += resolved;
        U += resolved * g;
        V += resolved * partly;
        Y += weights[k] * partly * partly;
      }
      return { S, U, V, Y };
    }
  }

  /** k of df1 = k (1 / delta)^(1 / (1 + alpha)). */
  function spectral_constant(alpha) {
    const angle = Math.PI / (1 + alpha);
    return angle / Math.sin(angle);
  }

  const bottleneck_loss = (alpha, size) => size * (spectral_constant(alpha) / size) ** (1 + alpha);

  // ---------------------------------------------------------------- the Delta equation and the losses

  /** Delta, and the margin r = min(N, T) - df1(Delta), of r (r + |N - T|) = ridge M / Delta: see theory._solve. */
  function solve(spectrum, n, t, ridge = 0) {
    const { rank } = spectrum, smaller = Math.min(n, t), gap = Math.abs(n - t), strength = ridge * rank;
    if (strength === 0 && smaller >= rank) return { delta: 0, margin: smaller - rank };
    const index = Math.min(Math.ceil(2 * smaller), rank);
    const by_modes = (spectrum.eigenvalue(index) * Math.max(index - smaller, 0)) / smaller;
    const low = Math.max(by_modes, strength / (smaller * (smaller + gap)), 1e-280);
    const high = Math.max((2 * spectrum.trace) / smaller, (4 * strength) / (smaller * (smaller + 2 * gap)));
    const delta = find_root((delta) => mismatch(spectrum, delta, smaller, gap, strength), low, high);
    return { delta, margin: margin(strength / delta, gap).margin };
  }

  const solve_delta = (spectrum, n, t, ridge = 0) => solve(spectrum, n, t, ridge).delta;

  /** The positive root r of r (r + gap) = product, and -d(log r)/d(log Delta). */
  function margin(product, gap) {
    const root = Math.max(Math.sqrt(gap * gap + 4 * product), 1e-300); // 0 at N = T, ridge 0
    return { margin: (2 * product) / (gap + root), steepness: (gap + root) / (2 * root) };
  }

  /** How far df1 + r exceeds min(N, T), on a log scale, and minus its slope in log Delta. */
  function mismatch(spectrum, delta, smaller, gap, strength) {
    const { rank } = spectrum, at = margin(strength / delta, gap), sums = spectrum.sums(delta);
    if (2 * smaller <= rank) {
      const left = sums.df1 + at.margin;
      return { value: Math.log(left / smaller), fall: (sums.transition + at.steepness * at.margin) / left };
    }
    const left = at.margin + Math.max(rank - smaller, 0), right = sums.unresolved + Math.max(smaller - rank, 0);
    return { value: Math.log(left / right), fall: (at.steepness * at.margin) / left + sums.transition / right };
  }

  /** The test loss in its parts, for a teacher with the task exponent b. */
  function decompose(spectrum, n, t, ridge = 0, noise_var = 0, b = 0) {
    let { delta, margin } = solve(spectrum, n, t, ridge);
    let { df1, df2, transition } = spectrum.sums(delta);
    const interpolates = margin === 0 && t <= n, corner = margin === 0 && delta === 0;
    if (corner) { // min(N, T) = M at zero ridge: see theory._corner
      const tiny = 1e-30 * spectrum.eigenvalue(spectrum.rank);
      margin = transition = spectrum.sums(tiny).unresolved;
      if (n === t) delta = tiny; // else the signal part vanishes with Delta
    }
    const features_left = margin + Math.max(n - t, 0), samples_left = margin + Math.max(t - n, 0);
    const determinant = features_left * samples_left + (2 * margin + Math.abs(n - t)) * transition;
    let bias = delta * transition, inflation = (n * t) / determinant;
    if (b) { // see theory._task
      const at = delta > 0 ? delta : 1e-30 * spectrum.eigenvalue(spectrum.rank), { S, U } = spectrum.task_sums(at, b);
      const turn = transition > 0 ? transition : spectrum.sums(at).transition;
      bias = delta * U;
      inflation = (t / determinant) * (features_left + turn * (S / U));
    }
    const signal = bias > 0 ? bias * inflation : 0;
    const amplification = corner && n === t ? Infinity : (features_left * df2 + df1 * transition) / determinant;
    const noise = noise_var > 0 ? noise_var * amplification : 0, test_loss = signal + noise;
    const train_loss = interpolates ? 0 : (test_loss + noise_var) * (samples_left / t) ** 2;
    return { delta: corner ? 0 : delta, df1, bias, inflation, signal, noise, test_loss, train_loss };
  }

  const test_loss = (...setting) => decompose(...setting).test_loss;

  // ---------------------------------------------------------------- the best ridge

  /** The loss L = a/d at the ridge that belongs to Delta, and its balance 1 - (log a)'/(log d)': see allocation. */
  function at_delta(spectrum, delta, n, t, noise, b = 0) {
    const { df1: s, df2: s2, transition: u, v, y, unresolved } = spectrum.sums(delta);
    const [left_n, left_t] = [n, t].map((size) => (unresolved < s ? size - spectrum.rank + unresolved : size - s));
    const both = left_n + left_t, bend = 2 * (v - 3 * y), scale = n * t * delta;
    let signal = [scale * u, 2 * scale * v, scale * (2 * v + bend)]; // with its derivatives in log Delta
    if (b) {
      const { S, U, V, Y } = spectrum.task_sums(delta, b), tilt = t * delta;
      const third = left_n * (2 * V - 3 * Y) + (2 * v - 3 * y) * S + u * V - v * U;
      signal = [tilt * (left_n * U + u * S), 2 * tilt * (left_n * V + v * S), 2 * tilt * third];
    }
    const a = signal[0] + noise * (left_n * s2 + s * u);
    const a1 = signal[1] + 2 * noise * ((s - left_n) * v - u * u);
    const a2 = signal[2] + noise * ((s - left_n) * bend - 12 * u * v + 4 * u * u);
    const d = left_n * left_t + both * u, d1 = 2 * both * v + 2 * u * u, d2 = both * bend + 12 * u * v - 4 * u * u;
    const slope = a1 / a, width = d / d1;
    const fall = (a2 / a - slope * slope) * width + slope * (1 - (d2 / d1) * width);
    return { loss: left_n > 0 && left_t > 0 ? a / d : Infinity, value: 1 - slope * width, fall };
  }

  /** The test loss with the best ridge, and whether that is positive. */
  function optimum(spectrum, n, t, noise = 0, b = 0) {
    const { delta: floor, test_loss: ridgeless } = decompose(spectrum, n, t, 0, noise, b), { trace, levels } = spectrum;
    if (ridgeless === 0) return { loss: 0, positive: false };
    const smallest = spectrum.eigenvalue(spectrum.rank), signal = Math.max(1, spectrum.rank ** -b);
    const low = floor > 0 ? floor : CAUTIOUS * smallest * clip(noise / (signal * t * smallest), CAUTIOUS ** 2, 1);
    const unknown = b ? trace * (noise + sum(spectrum.task_weights(b).map((weight, k) => weight * levels[k]))) : noise;
    const high = FAR * (floor + trace * (1 + trace) + (unknown / t) * (1 + trace ** 2 / n));
    const guess = low + noise / t, at = (delta) => at_delta(spectrum, delta, n, t, noise, b);
    const best = find_root(at, low, high, guess), { loss } = at(best), positive = loss < ridgeless && best > NEARLY * floor;
    return { loss: positive ? loss : ridgeless, positive };
  }

  const optimal_loss = (...setting) => optimum(...setting).loss;

  // ---------------------------------------------------------------- tasks

  /** The exponent of the loss with compute for a teacher with w_I^2 = I^-b: see tasks.loss_exponents. */
  const compute_exponent = (alpha, b) => alpha < 1 && b > 1
    ? Math.min(alpha + b, 2 * (1 + alpha)) / (1 + Math.min(b, 2 + alpha)) : Math.min(alpha + b, 1 + alpha) / 2;

  /** The best T/N of a large product, 0 where it falls without end: see tasks.split_ratio. */
  function split_ratio(alpha, task_exponent) {
    const b = Math.min(task_exponent, 1), alpha_y = alpha + b;
    if (b >= 1 && alpha <= 1) return 0;
    if (alpha < 1 && b > Math.sqrt(alpha * (2 - alpha))) {
      const linear = 2 - alpha_y * (2 * b - 1), constant = alpha_y * (1 - b);
      return (2 * constant) / (linear + Math.sqrt(linear ** 2 + 4 * alpha_y * b * constant));
    }
    const cubic = alpha * (alpha - 1) * b, square = (alpha - 1) * (alpha + 2) + alpha * b * (1 - 3 * alpha);
    const linear = -alpha * (2 * (1 + alpha) - b * (1 + 3 * alpha)), constant = alpha * (1 + alpha) * (1 - b);
    const p = find_root((p) => ({
      value: ((cubic * p + square) * p + linear) * p + constant,
      fall: -p * ((3 * cubic * p + 2 * square) * p + linear),
    }), 1e-300, 1);
    return (p * (alpha_y + 2) * (alpha + (1 - alpha) * p)) / (alpha_y * (1 + alpha - alpha * p));
  }

  /** The loss with the best ridge in closed form, for b < 1: see tasks.optimal_loss_asymptotic. */
  function optimal_loss_asymptotic(alpha, b, n, t) {
    const most = Math.min(n, t), at = (s) => {
      const p = s / n, q = s / t, taken = 1 - b + b * p, both = (1 - alpha) * p * q;
      const rising = alpha * (p + q) + 2 * both, left = 1 + alpha - alpha * (p + q) - both;
      return { value: alpha + b - (b * p) / taken - rising / left, taken, left,
        fall: (b * (1 - b) * p) / taken ** 2 + (rising + 2 * both) / left + (rising / left) ** 2 };
    };
    const s = find_root(at, 1e-9 * most, most, most / 2), angle = Math.PI / (1 + alpha), { taken, left } = at(s);
    const prefactor = (angle / Math.sin(angle * (alpha + b))) * (spectral_constant(alpha) / s) ** (alpha + b);
    return (prefactor * taken) / left;
  }

  // ---------------------------------------------------------------- plateaus

  /** The floors and parts of the test loss, each with one cause. */
  function plateau_levels(spectrum, n_visible, n, t, ridge, noise_var) {
    const head = spectrum.head(n_visible), unseen = spectrum.tail(n_visible);
    const gamma = (ridge * spectrum.rank) / n_visible; // weights of variance 1/M
    const parts = decompose(head, n, t, gamma, 1), delta = (ridge * spectrum.rank) / (n * t);
    const amplified = (variance, factor) => (variance > 0 ? variance * factor : 0);
    const levels = {
      features: n * solve_delta(head, n, MAX_SIZE),
      samples: t * solve_delta(head, MAX_SIZE, t),
      ridge: delta * head.sums(delta).transition,
      noise: amplified(noise_var, parts.noise),
      unseen: amplified(unseen, 1 + parts.noise),
      signal: parts.signal,
    };
    return { ...levels, test_loss: levels.signal + levels.noise + levels.unseen };
  }

  /** Name what holds the test loss up. */
  function diagnose(spectrum, n_visible, n, t, ridge, noise_var) {
    const levels = plateau_levels(spectrum, n_visible, n, t, ridge, noise_var);
    const half = plateau_levels(spectrum, n_visible, n, t, ridge / 2, noise_var);
    const names = ["features", "samples", "ridge"], floors = names.map((name) => levels[name]);
    const highest = floors.indexOf(Math.max(...floors)), parts = [levels.signal, levels.noise, levels.unseen];
    const largest = parts.indexOf(Math.max(...parts)), variance = levels.signal > PEAK * sum(floors);
    const needed = half.signal < levels.signal && half.test_loss >= levels.test_loss
      && largest === 0 && highest === 2 && !variance;
    if (levels.test_loss === 0) return "resolved";
    if (largest === 1 || (needed && levels.noise >= levels.unseen)) return "label noise";
    if (largest === 2 || needed) return "unseen latents";
    return variance ? "variance" : names[highest];
  }

  // ---------------------------------------------------------------- eigenvalue densities

  function marchenko_pastur_density(eigenvalue, ratio) {
    const root = Math.sqrt(ratio), inside = (eigenvalue - (1 - root) ** 2) * ((1 + root) ** 2 - eigenvalue);
    return inside > 0 ? Math.sqrt(inside) / (2 * Math.PI * ratio * eigenvalue) : 0;
  }

  // Complex numbers are pairs [real, imaginary].
  const add = (u, v) => [u[0] + v[0], u[1] + v[1]];
  const times = (u, v) => [u[0] * v[0] - u[1] * v[1], u[0] * v[1] + u[1] * v[0]];
  const scaled = (u, factor) => [u[0] * factor, u[1] * factor];
  const over = (u, v) => scaled(times(u, [v[0], -v[1]]), 1 / (v[0] * v[0] + v[1] * v[1]));
  const polar = (modulus, angle) => [modulus * Math.cos(angle), modulus * Math.sin(angle)];

  /** Add weight * (f, g, f g) at one complex eigenvalue to the running sums. */
  function accumulate(sums, weight_re, weight_im, level_re, level_im, delta_re, delta_im) {
    const re = level_re + delta_re, im = level_im + delta_im, norm = 1 / (re * re + im * im);
    const f_re = (level_re * re + level_im * im) * norm, f_im = (level_im * re - level_re * im) * norm;
    const g_re = (delta_re * re + delta_im * im) * norm, g_im = (delta_im * re - delta_re * im) * norm;
    const fg_re = f_re * g_re - f_im * g_im, fg_im = f_re * g_im + f_im * g_re;
    sums[0] += weight_re * f_re - weight_im * f_im;
    sums[1] += weight_re * f_im + weight_im * f_re;
    sums[2] += weight_re * g_re - weight_im * g_im;
    sums[3] += weight_re * g_im + weight_im * g_re;
    sums[4] += weight_re * fg_re - weight_im * fg_im;
    sums[5] += weight_re * fg_im + weight_im * fg_re;
  }

  /** The sums of f, g and f g at complex delta in the upper half plane.

      As a function of the rank I, f has a pole at I_*, above the real axis. The integral of the Euler-Maclaurin formula
      keeps away from it: along an arc to the ray on which delta I^a is positive, along the ray, where f is real, and
      back along an arc. What the formula leaves out is known: see _mode_sums.continued_power_law_sums. */
  function continued_sums(spectrum, delta) {
    const { a, n_latent } = spectrum, [re, im] = delta, sums = new Float64Array(6);
    const size = Math.hypot(re, im), angle = Math.atan2(im, re), turn = angle / a;
    const pole = polar(size ** (-1 / a), (Math.PI - angle) / a);
    const lower = Math.hypot(pole[0] - N_HEAD, pole[1]) < NEAR_POLE ? 2 * N_HEAD : N_HEAD;
    const { terms, integral } = spectrum.split(1, lower), [ray_re, ray_im] = polar(1, -turn);
    for (const [level, weight] of terms) accumulate(sums, weight, 0, level, 0, re, im);
    for (const [level, weight] of integral) accumulate(sums, weight * ray_re, weight * ray_im, level, 0, size, 0);
    const is_long = integral.length > 0;
    if (is_long) for (const [end, sign] of [[lower, 1], [n_latent, -1]]) for (let half = 0; half < 2; half++)
      for (const { x, weight } of GAUSS) {
        const theta = (-turn * (half + (1 + x) / 2)) / 2, step = (-turn * weight * sign * end) / 4;
        const level = polar(spectrum.eigenvalue(end), -a * theta);
        accumulate(sums, -step * Math.sin(theta), step * Math.cos(theta), ...level, re, im);
      }
    const totals = [0, 2, 4].map((k) => [sums[k], sums[k + 1]]);
    if (is_long && lower < pole[0] && pole[0] < n_latent) {
      const phase = polar(Math.exp(-2 * Math.PI * pole[1]), 2 * Math.PI * pole[0]), rest = [1 - phase[0], -phase[1]];
      const missing = times([0, (-2 * Math.PI) / a], times(pole, over(phase, rest)));
      const ratio = scaled(add([1, 0], over(times([0, 2 * Math.PI], pole), rest)), 1 / a);
      [missing, scaled(missing, -1), times(missing, ratio)].forEach((rest, k) => (totals[k] = add(totals[k], rest)));
    }
    return im === 0 ? totals.map(([real]) => [real, 0]) : totals;
  }

  /** Newton's method for log Delta at complex strength; null unless it ends at the physical root, of which there is
      one: there Delta and its products with the brackets lie in the upper half plane (chapter 6). */
  function newton(spectrum, n, t, strength, delta) {
    for (let iteration = 0; iteration < 20; iteration++) {
      const [df1, unresolved, transition] = continued_sums(spectrum, delta);
      const few_left = Math.hypot(...unresolved) < Math.hypot(...df1);
      const brackets = [n, t].map((size) =>
        few_left ? add([size - spectrum.rank, 0], unresolved) : add([size, 0], scaled(df1, -1)));
      const product = times(...brackets), jacobian = add(product, times(add(...brackets), transition));
      const step = over(add(over(strength, delta), scaled(product, -1)), jacobian), done = Math.hypot(...step) < 1e-11;
      const above = (bracket) => times(delta, bracket)[1] >= -1e-9 * Math.hypot(...times(delta, bracket));
      const rising = [jacobian, ...brackets.map((bracket) => add(bracket, transition))]; // for a Delta on the real axis
      const physical = delta[1] > 0 ? brackets.every(above) : rising.every(([real]) => real > 0);
      if (done) return physical ? { delta, brackets } : null;
      delta = times(delta, polar(Math.exp(step[0]), step[1]));
      if (!(delta[1] >= -1e-9 * Math.hypot(...delta))) return null;
      delta[1] = Math.max(delta[1], 0);
    }
    return null;
  }

  /** Delta at a real strength, from high over the real axis, where Delta = strength / (N T), down to it. */
  function descend(spectrum, n, t, strength) {
    let height = 10 * Math.max(Math.abs(strength), n * t, Math.max(n, t) * spectrum.trace), step = 0.01, jump = false;
    let found = newton(spectrum, n, t, [strength, height], [strength / (n * t), height / (n * t)]);
    for (let iteration = 0; iteration < 300 && height > 1e-14 * Math.abs(strength); iteration++) {
      const lower = jump ? 0 : height * step, trial = newton(spectrum, n, t, [strength, lower], found.delta);
      if (!jump) step = trial ? Math.max(step * step, 0.01) : Math.sqrt(step);
      jump = trial !== null && lower < Math.abs(strength) / 10; // close to the axis try to reach it; else one more step
      if (trial) [found, height] = [trial, lower];
    }
    return found;
  }

  /** Density of the eigenvalues mu = x N T / M of the features' Gram matrix per unit of log mu: mu times that of the
      library's spectral_density. */
  function density_per_log(places, spectrum, n, t) {
    let found = null;
    return places.map((x) => {
      const strength = -x * n * t, guess = found && newton(spectrum, n, t, [strength, 0], found.delta);
      found = guess ?? descend(spectrum, n, t, strength); // the root at the place before may be across an edge
      const trace = n <= t ? over([strength, 0], times(found.delta, found.brackets[1])) : found.brackets[0];
      return Math.max(0, trace[1]) / (Math.PI * n);
    });
  }

  Object.assign(scalingLaws, {
    PowerLaw, geomspace, spectral_constant, bottleneck_loss, solve_delta, decompose, test_loss, optimal_loss,
    optimum, compute_exponent, split_ratio, optimal_loss_asymptotic, plateau_levels, diagnose, marchenko_pastur_density, density_per_log,
  });
})();
