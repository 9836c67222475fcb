"use strict";
// Draws the charts, and moves through the steps. Every text is set as text, never as markup.
const drawn = JSON.parse(document.getElementById("drawn").textContent);
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 62, RIGHT = 12, TOP = 8, BOTTOM = 26, HEIGHT = 240;

function make(name, attributes = {}, parent = null, text = null) {
  const svg = ["svg", "path", "rect", "line", "text", "g"].includes(name);
  const made = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

const spoken = (value) => (value === null ? "—" : String(Number(value.toPrecision(4))));
const short = (value) => (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? value.toExponential(0) : String(Number(value.toPrecision(3))));

function ticks(low, high, most) {
  const rough = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((k) => k * power).find((step) => step >= rough);
  const found = [];
  for (let at = Math.ceil(low / size) * size; at <= high + size * 1e-9; at += size) found.push(Number(at.toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const factors = Math.log10(high / low) > 2 ? [1] : [1, 2, 5], found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const factor of factors) if (factor * 10 ** power >= low && factor * 10 ** power <= high) found.push(factor * 10 ** power);
  return found;
}

function styleOf(line, place) {
  return "curve c-" + (line.role === "run" ? "run" + (place % 5) : line.role);
}

function drawChart(parent, chart) {
  const box = make("div", { class: "chart" }, parent);
  make("h4", {}, box, chart.title + (chart.unit ? " (" + chart.unit + (chart.logarithmic ? ", log)" : ")") : chart.logarithmic ? " (log)" : ""));
  const svg = make("svg", { tabindex: "0", role: "img", "aria-label": chart.title + " over steps: " + chart.lines.map((l) => l.name + " ends at " + spoken(l.values.at(-1))).join(", ") }, box);
  const legend = make("div", { class: "legend" }, box);
  chart.lines.forEach((line, place) => {
    const item = make("span", {}, legend);
    make("path", { class: styleOf(line, place), d: "M0 5H26" }, make("svg", { "aria-hidden": "true" }, item));
    item.append(line.name);
  });
  if (chart.band) make("span", {}, legend, "band: real vs real, ± 2 sd");
  const told = make("p", { class: "told", "aria-live": "polite" }, box);
  const whole = make("button", { type: "button", hidden: "" }, box, "All steps");
  if (chart.about) make("p", {}, box, chart.about);
  const every = chart.lines.flatMap((line) => line.steps);
  const first = Math.min(...every), last = Math.max(...every, first + 1);
  let from = first, to = last, width = 0;
  const x = (step) => LEFT + ((step - from) / (to - from)) * (width - LEFT - RIGHT);
  const back = (px) => from + ((px - LEFT) / (width - LEFT - RIGHT)) * (to - from);

  function draw() {
    width = svg.clientWidth || 480;
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren();
    const seen = chart.lines.flatMap((line) => line.values.filter((v, i) => v !== null && line.steps[i] >= from && line.steps[i] <= to));
    let values = chart.band ? [...seen, ...chart.band] : [...seen];
    let low, high, y;
    if (chart.logarithmic) {
      const positive = values.filter((v) => v > 0);
      low = Math.min(...positive) / 1.3; high = Math.max(...positive) * 1.3;
      if (!Number.isFinite(low)) { low = 0.1; high = 1; }
      y = (v) => HEIGHT - BOTTOM - (Math.log(Math.max(v, low) / low) / Math.log(high / low)) * (HEIGHT - TOP - BOTTOM);
    } else {
      low = Math.min(...values); high = Math.max(...values);
      if (!Number.isFinite(low)) { low = 0; high = 1; }
      const spare = (high - low || Math.abs(high) || 1) * 0.06;
      low -= spare; high += spare;
      y = (v) => HEIGHT - BOTTOM - ((v - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    }
    for (const value of chart.logarithmic ? logTicks(low, high) : ticks(low, high, 5)) {
      make("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }, svg);
      make("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, svg, short(value));
    }
    for (const step of ticks(from, to, Math.max(2, Math.floor(width / 110)))) {
      make("text", { class: "tick", x: x(step), y: HEIGHT - 8, "text-anchor": "middle" }, svg, step.toLocaleString("en"));
    }
    if (chart.band) {
      const top = y(chart.band[1]), bottom = y(chart.logarithmic ? Math.max(chart.band[0], low) : chart.band[0]);
      make("rect", { class: "band", x: LEFT, y: top, width: width - LEFT - RIGHT, height: Math.max(1, bottom - top) }, svg);
    }
    chart.lines.forEach((line, place) => {
      let path = "", pen = "M";
      line.steps.forEach((step, i) => {
        const near = step >= from && step <= to || (line.steps[i + 1] > from && step < from) || (line.steps[i - 1] < to && step > to);
        if (!near || line.values[i] === null) { pen = "M"; return; }
        path += pen + Math.max(LEFT - 200, Math.min(width + 200, x(step))).toFixed(1) + " " + y(line.values[i]).toFixed(1);
        pen = "L";
      });
      const clip = make("svg", { x: LEFT, y: 0, width: width - LEFT - RIGHT, height: HEIGHT, viewBox: `${LEFT} 0 ${width - LEFT - RIGHT} ${HEIGHT}` }, svg);
      make("path", { class: styleOf(line, place), d: path }, clip);
    });
    whole.hidden = from === first && to === last;
    svg.dataset.from = from; svg.dataset.to = to;
  }

  function zoom(low, high) {
    low = Math.max(first, low); high = Math.min(last, high);
    if (high - low < 1) return;
    from = low; to = high; draw();
  }

  function tell(px) {
    const step = Math.max(first, Math.min(last, back(px))), words = [];
    let at = null;
    for (const line of chart.lines) {
      let near = 0;
      line.steps.forEach((s, i) => { if (Math.abs(s - step) < Math.abs(line.steps[near] - step)) near = i; });
      at ??= line.steps[near];
      words.push(line.name + " " + spoken(line.values[near]));
    }
    told.textContent = "step " + at.toLocaleString("en") + ": " + words.join(", ");
    svg.querySelector(".at")?.remove();
    make("line", { class: "at", x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM }, svg);
  }

  let began = null, mark = null;
  const place = (event) => Math.max(LEFT, Math.min(width - RIGHT, event.clientX - svg.getBoundingClientRect().left));
  svg.addEventListener("pointerdown", (event) => {
    began = place(event); svg.setPointerCapture(event.pointerId);
    mark = make("rect", { class: "pick", x: began, y: TOP, width: 0, height: HEIGHT - TOP - BOTTOM }, svg);
  });
  svg.addEventListener("pointermove", (event) => {
    const now = place(event);
    if (began === null) { tell(now); return; }
    mark.setAttribute("x", Math.min(began, now)); mark.setAttribute("width", Math.abs(now - began));
  });
  svg.addEventListener("pointerup", (event) => {
    const now = place(event), start = began;
    began = null; mark?.remove();
    if (start !== null && Math.abs(now - start) > 8) zoom(back(Math.min(start, now)), back(Math.max(start, now)));
    else tell(now);
  });
  svg.addEventListener("pointercancel", () => { began = null; mark?.remove(); });
  svg.addEventListener("dblclick", () => zoom(first, last));
  whole.addEventListener("click", () => zoom(first, last));
  svg.addEventListener("keydown", (event) => {
    const span = to - from, middle = (from + to) / 2;
    const act = {
      "+": () => zoom(middle - span / 4, middle + span / 4),
      "-": () => zoom(middle - span, middle + span),
      0: () => zoom(first, last),
      ArrowLeft: () => { const by = Math.min(span / 4, from - first); zoom(from - by, to - by); },
      ArrowRight: () => { const by = Math.min(span / 4, last - to); zoom(from + by, to + by); },
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  new ResizeObserver(() => { if (svg.clientWidth && svg.clientWidth !== width) draw(); }).observe(svg);
  draw();
}

for (const room of document.querySelectorAll("[data-charts]")) {
  const charts = room.dataset.charts === "together" ? drawn.charts : drawn.runs[Number(room.dataset.charts)].charts;
  const grid = make("div", { class: "charts" }, room);
  charts.slice(0, 4).forEach((chart) => drawChart(grid, chart));
  if (charts.length > 4) {
    const more = make("details", {}, room);
    make("summary", {}, more, "All other metrics (" + (charts.length - 4) + ")");
    const others = make("div", { class: "charts" }, more);
    more.addEventListener("toggle", () => { if (!others.childElementCount) charts.slice(4).forEach((chart) => drawChart(others, chart)); });
  }
  if (!charts.length) make("p", {}, room, "No curves have been recorded yet.");
}

for (const box of document.querySelectorAll(".samples")) {
  const pictures = drawn.runs[Number(box.dataset.run)].pictures, slider = box.querySelector("input");
  slider?.addEventListener("input", () => {
    const [step, url] = pictures[Number(slider.value)];
    box.querySelector(".generated").src = url;
    box.querySelector("output").textContent = step.toLocaleString("en");
    slider.setAttribute("aria-valuetext", "step " + step.toLocaleString("en"));
  });
}
