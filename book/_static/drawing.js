/* Scales, axes, curves and surfaces in SVG. Colours are classes of explorers.css, which knows the theme. */
"use strict";

(() => {
  const MARGIN = { left: 58, right: 12, top: 12, bottom: 42 }, DECADES = 8;
  const VIRIDIS = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129],
    [92, 200, 99], [170, 220, 50], [253, 231, 37]];

  /** A new element, of HTML or of SVG, appended to its parent. */
  function append(parent, name, attributes = {}, text = "") {
    const space = name === "svg" || parent.namespaceURI.endsWith("svg") ? "http://www.w3.org/2000/svg" : null;
    const made = space ? document.createElementNS(space, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return parent.appendChild(made);
  }

  /** A number as text, with a power of ten outside of 1e-3 .. 1e5. */
  function say(value, digits = 4) {
    if (typeof value === "string") return value;
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "–";
    const size = Math.abs(value), rounded = Number(value.toPrecision(digits));
    return value !== 0 && (size < 1e-3 || size >= 1e5) ? rounded.toExponential().replace("e+", "e") : String(rounded);
  }

  /** From values to pixels, on a linear or a logarithmic axis, with its ticks. */
  function scale([low, high], log, from, to) {
    const of = log ? Math.log10 : (value) => value, length = of(high) - of(low);
    const at = (value) => from + ((to - from) * (of(value) - of(low))) / length, ticks = [];
    if (log) {
      const step = Math.ceil(length / Math.max(2, Math.abs(to - from) / 55));
      for (let power = Math.ceil(of(low) / step - 1e-9) * step; power <= of(high) + 1e-9; power += step)
        ticks.push({ place: at(10 ** power), label: "10", power: String(power).replace("-", "−") });
    } else {
      const rough = length / 6, unit = 10 ** Math.floor(Math.log10(rough));
      const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
      for (let k = Math.ceil(low / step); k * step <= high; k++)
        ticks.push({ place: at(k * step), label: say(k * step) });
    }
    return { at, ticks };
  }

  /** Range of the ordinate, as the library chooses it: whole decades, or from zero. */
  function ordinates(curves, picture, panel) {
    const heat = curves.find(({ style }) => style === "heat");
    if (heat) return [picture.curves[heat.name][1][0], picture.curves[heat.name][1].at(-1)];
    const lines = curves.filter(({ style }) => style === "line" || style === "dots");
    const values = lines.flatMap(({ name }) => [...picture.curves[name][1]]).filter((y) => Number.isFinite(y) && y > 0);
    if (values.length === 0) return [1e-9, 1]; // nothing that can be drawn
    const most = Math.max(...values), least = Math.min(...values);
    if (!panel.y_log) return [0, 1.08 * most];
    const top = Math.ceil(Math.log10(most)), bottom = Math.max(Math.floor(Math.log10(0.3 * least)), top - DECADES);
    const dots = curves.filter(({ style }) => style === "dots").flatMap(({ name }) => picture.curves[name][1]);
    return [Math.min(10 ** bottom, ...dots.filter((y) => y > 0).map((y) => y / 3)), 10 ** top]; // no dot is out of view
  }

  /** A polyline through the points that can be drawn, broken where one cannot. */
  function path(x, y, xs, ys) {
    let text = "", pen = "M";
    for (let k = 0; k < x.length; k++) {
      const across = xs.at(x[k]), up = ys.at(y[k]);
      const is_drawn = Number.isFinite(across) && Number.isFinite(up);
      if (is_drawn) text += `${pen}${across.toFixed(1)} ${Math.min(Math.max(up, -2000), 4000).toFixed(1)}`;
      pen = is_drawn ? "L" : "M";
    }
    return text;
  }

  function viridis(share) {
    const last = VIRIDIS.length - 1, place = Math.min(Math.max(share, 0), 1) * last;
    const k = Math.min(Math.floor(place), last - 1);
    return `rgb(${VIRIDIS[k].map((value, i) => Math.round(value + (VIRIDIS[k + 1][i] - value) * (place - k))).join()})`;
  }

  /** A table of values as coloured cells; their range. */
  function draw_surface(group, [x, y, table], xs, ys) {
    const values = table.flat().filter(Number.isFinite), low = Math.min(...values), high = Math.max(...values);
    const edges = (places) => [places[0], ...places.slice(1).map((place, k) => (place + places[k]) / 2), places.at(-1)];
    const columns = edges(x.map(xs.at)), rows = edges(y.map(ys.at));
    table.forEach((row, i) => row.forEach((value, j) => {
      if (Number.isFinite(value)) append(group, "rect", {
        x: columns[j], width: columns[j + 1] - columns[j] + 0.5, y: rows[i + 1], height: rows[i] - rows[i + 1] + 0.5,
        fill: viridis(high > low ? (value - low) / (high - low) : 0) });
    }));
    return [low, high];
  }

  /** Draw one panel of a picture into an SVG element of the given size; the range of values of a surface. */
  function draw_panel(svg, size, design, index, picture, hidden) {
    const panel = design.panels[index], curves = design.curves.filter((curve) => curve.panel === index);
    const { width, height } = size;
    const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    const xs = scale(picture.ranges[index], panel.x_log, left, right);
    const ys = scale(ordinates(curves, picture, panel), panel.y_log, bottom, top);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const clip = `explorer-clip-${design.name}-${index}`;
    const frame = { x: left, y: top, width: right - left, height: bottom - top };
    append(append(svg, "clipPath", { id: clip }), "rect", frame);

    const axis = append(svg, "g", { class: "explorer-axis" });
    const label = (tick, attributes) => {
      const text = append(axis, "text", attributes, tick.label);
      if (tick.power) append(text, "tspan", { dy: -5, "font-size": "75%" }, tick.power);
    };
    for (const tick of xs.ticks) {
      append(axis, "path", { d: `M${tick.place} ${top}V${bottom}` });
      label(tick, { x: tick.place, y: bottom + 18, "text-anchor": "middle" });
    }
    for (const tick of ys.ticks) {
      append(axis, "path", { d: `M${left} ${tick.place}H${right}` });
      label(tick, { x: left - 7, y: tick.place + 4, "text-anchor": "end" });
    }
    append(axis, "path", { class: "explorer-frame", d: `M${left} ${top}V${bottom}H${right}` });
    append(axis, "text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, panel.x);
    const beside = `translate(13 ${(top + bottom) / 2}) rotate(-90)`;
    append(axis, "text", { transform: beside, "text-anchor": "middle" }, panel.y);

    const group = append(svg, "g", { "clip-path": `url(#${clip})` });
    const upright = (x) => `M${xs.at(x)} ${top}V${bottom}`, across = (y) => `M${left} ${ys.at(y)}H${right}`;
    let range = null;
    for (const { name, color, style } of curves) {
      if (hidden.has(name)) continue;
      const [x, y] = picture.curves[name], line = { class: `explorer-${style} explorer-${color}`, "data-curve": name };
      if (style === "heat") range = draw_surface(group, picture.curves[name], xs, ys);
      else if (style === "dots") x.forEach((at, k) => {
        if (Number.isFinite(ys.at(y[k]))) append(group, "circle", { ...line, cx: xs.at(at), cy: ys.at(y[k]), r: 5 });
      });
      else if (style === "vertical") append(group, "path", { ...line, d: x.map(upright).join("") });
      else if (style === "horizontal") append(group, "path", { ...line, d: y.map(across).join("") });
      else append(group, "path", { ...line, d: path(x, y, xs, ys) });
    }
    return range;
  }

  Object.assign(scalingLaws, { append, say, draw_panel, viridis });
})();
