// A chart in the page: drawn once, then only brought up to date, so that it keeps what its reader did to it.
//
//     const remove = show(component, Plotly)    // again for every new figure; `remove` when the chart leaves the page
//
// plotly keeps the hidden curves and the chosen tool (uirevision). The axes are kept here: plotly gives a zoom up
// as soon as a new figure names another range, and its double click would lead back to the range of the first figure.

const charts = new WeakMap();
const FIRST_MS = 500; // what is out of sight is drawn once, after what is in sight, so that it is there when it comes

export function show(component, Plotly) {
  const place = component.parentElement;
  if (!charts.has(place)) charts.set(place, new Chart(place.querySelector(".plot"), component.data, Plotly));
  const chart = charts.get(place);
  chart.tell = component.setTriggerValue;
  chart.update(component.data);
  return () => {
    charts.delete(place);
    chart.remove();
  };
}

class Chart {
  constructor(box, data, Plotly) {
    this.box = box;
    this.Plotly = Plotly;
    this.ranges = {}; // of the axes that the reader has moved
    this.marked = null; // {curve: [indices]}, as the reader or the page has chosen them
    this.outlines = []; // the lassos that chose them
    this.config = config(data.config, this.buttons());
    this.sizes = new ResizeObserver(() => this.box.clientWidth !== this.width && this.outOfDate());
    this.sight = new IntersectionObserver((looks) => this.inSight(looks.at(-1).isIntersecting));
    this.shown = () => this.catchUp();
  }

  update(data) {
    const first = !this.data;
    const chosen = JSON.stringify(data.selected ?? null);
    if (data.selected && chosen !== JSON.stringify(this.marked)) {
      this.marked = Object.keys(data.selected).length ? data.selected : null;
      this.outlines = [];
    }
    this.data = data;
    this.box.setAttribute("aria-label", data.alt);
    this.box.classList.toggle("clickable", data.clicks);
    const looks = JSON.stringify([data.figure, data.height, this.marked, template(getComputedStyle(this.box))]);
    if (looks !== this.looks) this.outOfDate(); // of what changes on a page, most charts stay as they are
    this.looks = looks;
    if (first) this.watch();
  }

  // What nobody sees is not drawn again: a page of charts in five tabs would take half a core from what trains.
  watch() {
    this.sizes.observe(this.box);
    this.sight.observe(this.box);
    document.addEventListener("visibilitychange", this.shown);
    this.first = setTimeout(() => this.stale && this.draw(), FIRST_MS);
  }

  inSight(seen) {
    this.seen = seen;
    this.catchUp();
  }

  outOfDate() {
    this.stale = true;
    this.catchUp();
  }

  catchUp() {
    if (this.stale && this.seen && !document.hidden) this.draw();
  }

  draw() {
    const { box, data } = this;
    this.width = box.clientWidth;
    if (!box.isConnected || !this.width) return; // in a closed tab; the observer sees it open
    this.stale = false;
    const { data: traces, layout } = structuredClone(data.figure);
    const own = {
      template: template(getComputedStyle(box)),
      width: this.width,
      height: document.fullscreenElement === box ? box.clientHeight : data.height,
      uirevision: "kept",
      selectionrevision: false,
      selections: this.outlines,
    };
    Object.assign(layout, own);
    for (const axis of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
      layout[axis].uirevision = false;
      if (this.ranges[axis]) Object.assign(layout[axis], { range: [...this.ranges[axis]], autorange: false });
    }
    name(traces);
    if (this.marked) for (const trace of traces) trace.selectedpoints = this.marked[trace.name] ?? [];
    this.drawing = this.Plotly.react(box, traces, layout, this.config);
    this.drawing.then(() => this.untab());
    if (!this.listening) this.listen();
  }

  listen() {
    this.listening = true;
    this.box.on("plotly_afterplot", () => this.untab());
    this.box.on("plotly_relayout", (change) => this.moved(change));
    this.box.on("plotly_doubleclick", () => /^(select|lasso)$/.test(this.box.layout.dragmode) || this.reset());
    this.box.on("plotly_click", (event) => this.data.clicks && this.clicked(event));
    this.box.on("plotly_selected", (event) => this.data.selects && this.selected(event));
    this.box.on("plotly_deselect", () => this.data.selects && this.selected(null));
    this.box.addEventListener("fullscreenchange", () => this.draw());
  }

  // Ten buttons in each of five charts would stand between the keyboard and everything below them.
  untab() {
    for (const button of this.box.querySelectorAll(".modebar-btn")) button.tabIndex = -1;
  }

  moved(change) {
    for (const key of Object.keys(change)) {
      const axis = /^([xy]axis\d*)\.(auto)?range/.exec(key)?.[1];
      if (axis && change[`${axis}.autorange`]) delete this.ranges[axis];
      else if (axis) this.ranges[axis] = [...this.box.layout[axis].range];
    }
  }

  reset() {
    this.ranges = {};
    this.draw();
  }

  clicked({ points: [{ x, y, data: { name: curve = "" }, pointNumber: index, customdata: custom = null }] }) {
    this.tell("click", { x, y, curve, index, custom });
  }

  selected(event) {
    const marked = {};
    for (const point of event?.points ?? []) (marked[point.data.name ?? ""] ??= []).push(point.pointNumber);
    const some = Object.keys(marked).length > 0;
    if (!some && !this.marked) return; // a click beside all points
    this.marked = some ? marked : null;
    this.outlines = some ? structuredClone(this.box.layout.selections ?? []) : [];
    this.tell("select", Object.entries(marked));
    if (!some) this.draw();
  }

  // plotly's own way back leads to the ranges of the first figure; a way to see more of it, plotly has none.
  buttons() {
    const { home } = this.Plotly.Icons;
    const back = { name: "Reset axes", title: "Reset axes", icon: home, click: () => this.reset() };
    const full = { name: "Full screen", title: "Full screen", icon: CORNERS, click: () => this.fill() };
    return document.fullscreenEnabled ? [back, full] : [back];
  }

  fill() {
    return document.fullscreenElement ? document.exitFullscreen() : this.box.requestFullscreen();
  }

  async remove() {
    clearTimeout(this.first);
    document.removeEventListener("visibilitychange", this.shown);
    this.sizes.disconnect();
    this.sight.disconnect();
    await this.drawing; // plotly does not bear to be taken away while it draws
    this.Plotly.purge(this.box);
  }
}

const CORNERS = {
  width: 24,
  height: 24,
  path: "M4 10V4h6v2H6v4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
};

function config(given, buttons) {
  const removed = [...given.modeBarButtonsToRemove, "resetScale2d"];
  const shown = matchMedia("(hover: none)").matches ? { displayModeBar: false } : {}; // a finger would hit it by chance
  return { ...given, ...shown, modeBarButtonsToRemove: removed, modeBarButtonsToAdd: buttons, doubleClick: false };
}

// A curve is known by its name, so that one that is hidden stays hidden when others appear before it. plotly looks
// for it by a class of that name, where only letters and digits are safe.
function name(traces) {
  const safe = (text) => text.replace(/[^a-zA-Z0-9]/g, (sign) => `-${sign.codePointAt(0).toString(16)}-`);
  const names = new Set(traces.map((trace) => trace.uid ?? trace.name));
  if (names.size !== traces.length || names.has(undefined)) return;
  for (const trace of traces) trace.uid = safe(trace.uid ?? trace.name);
}

// What a figure leaves open, in the colours and letters of the page as it is now.
function template(style) {
  const value = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const scale = (name) => {
    const colours = value(name).split(",");
    return colours.map((colour, i) => [i / (colours.length - 1), colour]);
  };
  const rem = parseFloat(value("base-font-size")) / 16 || 1;
  const [paper, text, quiet, line] = ["background-color", "text-color", "gray-text-color", "border-color"].map(value);
  const font = { family: value("font"), size: 12 * rem, color: quiet };
  const axis = { gridcolor: line, zerolinecolor: line, tickcolor: line, automargin: true };
  const title = (standoff) => ({ font: { size: 14 * rem, color: quiet }, standoff });
  return {
    data: { scatter: [{ marker: { line: { width: 0 } } }] },
    layout: {
      font,
      colorway: value("chart-categorical-colors").split(","),
      colorscale: {
        sequential: scale("chart-sequential-colors"),
        sequentialminus: scale("chart-sequential-colors"),
        diverging: scale("chart-diverging-colors"),
      },
      paper_bgcolor: paper,
      plot_bgcolor: paper,
      margin: { l: 0, r: 0, pad: 8 },
      legend: { valign: "top", font: { size: 12 * rem, color: text } },
      hoverlabel: { bgcolor: paper, bordercolor: line, font: { ...font, color: text } },
      modebar: { bgcolor: paper, color: quiet, activecolor: text },
      xaxis: { ...axis, showgrid: false, zeroline: false, title: title(20) },
      yaxis: { ...axis, title: title(24) },
    },
  };
}
