// What every page has: numbers as text, colours of the theme, charts that follow it, the keyboard.
"use strict";
const unpacked = (_, value) => Array.isArray(value?.of) && Array.isArray(value?.at) ? value.at.map(i => value.of[i]) : value;
const D = JSON.parse(document.getElementById("data").textContent, unpacked);

const UNITS = {
  s: [[1, "s"], [1e-3, "ms"], [1e-6, "us"], [1e-9, "ns"], [1e-12, "ps"]],
  B: [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]],
  "B/s": [[1e12, "TB/s"], [1e9, "GB/s"], [1e6, "MB/s"], [1e3, "kB/s"], [1, "B/s"]],
  J: [[1, "J"], [1e-3, "mJ"], [1e-6, "uJ"], [1e-9, "nJ"], [1e-12, "pJ"]],
  "MAC/s": [[1e12, "TMAC/s"], [1e9, "GMAC/s"], [1e6, "MMAC/s"], [1e3, "kMAC/s"], [1, "MAC/s"]],
  "": [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]],
};

/** Return "133.2 ms" of 0.1332 and "s"; "%" takes a share of 1, an unknown unit is written behind. */
function text(value, unit = "", digits = 4) {
  if (value === null || value === undefined || value === "") return "-";
  if (typeof value !== "number") return String(value);
  if (unit === "%") return `${Number((100 * value).toPrecision(3))} %`;
  if (unit === "plain") return String(Number(value.toPrecision(6)));
  const steps = UNITS[unit];
  if (!steps) return `${Number(value.toPrecision(digits))} ${unit}`;
  if (value === 0) return `0 ${unit}`.trim();
  const [factor, name] = steps.find(([f]) => Math.abs(value) >= f * (1 - 1e-9)) ?? steps[steps.length - 1];
  return `${Number((value / factor).toPrecision(digits))} ${name}`.trim();
}

const OF_ONE_PATH = /^(?:(?:max|min|mean|sum|p\d+)\(\s*)?([A-Za-z_][\w-]*(?:\.(?:\*|[\w-]+))*)\s*\)?$/;

/** Return the unit that a dotted path's last part names; of an expression, that of what it gathers from one path. */
function unitOf(expression) {
  const path = OF_ONE_PATH.exec(expression)?.[1] ?? "";
  if (/_bytes_per_s$/.test(path)) return "B/s";
  if (/(^|[._])j(\.(\d+|\*))?$/.test(path)) return "J";
  if (/(utilization|_rate|share)$/.test(path)) return "%";
  if (/bytes$/.test(path)) return "B";
  if (/(^|[._])s_per_token$/.test(path)) return "s";
  if (/_per_s$/.test(path)) return "";
  return /(^|[._])s$|_s\.(mean|p\d+|min|max|\d+|\*)$/.test(path) ? "s" : "plain";
}

const short = (value, unit) => text(value, unit, 3);
const escaped = value => String(value).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
const tip = (title, rows) => `<b>${escaped(title)}</b><br>` + rows.map(([n, v]) => `${escaped(n)}: ${escaped(v)}`).join("<br>");
const css = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const unique = values => [...new Set(values)];
const sum = values => values.reduce((a, b) => a + b, 0);
const say = words => { document.getElementById("said").textContent = words; };

/** Return a new element with properties and children. */
function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(properties)) if (name.includes("-")) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Return a labelled <select> put among a figure's controls; values: text, or [value, text]. */
function choice(figure, label, values, change, chosen) {
  const select = element("select");
  for (const each of values) {
    const [value, words] = Array.isArray(each) ? each : [each, each];
    select.append(element("option", { value, textContent: words, selected: value === chosen }));
  }
  select.addEventListener("change", () => change(select.value));
  document.querySelector(`#${figure} .controls`).append(element("label", {}, `${label} `, select));
  return select;
}

// Colours that people with any colour vision tell apart (Okabe and Ito, 2008), dark ones first; a pattern, a dash or a
// label beside them always says the same.
const COLORS = {
  light: ["#0072b2", "#d55e00", "#00815c", "#b3568f", "#7a6a00", "#3d8fc4", "#8a4b2a", "#5c5c9e", "#6b6f76", "#a8860b"],
  dark: ["#5ab4e6", "#f0925a", "#4cc9a0", "#e39ac4", "#d8cc5a", "#9cc9ea", "#d19a78", "#a9a9e6", "#b4b9c2", "#e6c45a"],
};
const DASHES = ["solid", [8, 3], [2, 3], [10, 3, 2, 3], [5, 5], [1, 2]];
const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark";
const palette = () => COLORS[isDark() ? "dark" : "light"];
const color = i => palette()[i % palette().length];

/** Return options laid on what all charts share. */
function styled(option) {
  const words = { color: css("ink"), fontFamily: "system-ui, 'DejaVu Sans', sans-serif", fontSize: 12 };
  return {
    ...option,
    animation: false,
    color: palette(),
    textStyle: words,
    aria: { enabled: true, decal: { show: option.patterns ?? false } },
    legend: { top: 0, left: 0, type: "scroll", textStyle: { ...words, fontSize: 11.5 }, itemWidth: 18, itemHeight: 10, ...option.legend },
    tooltip: {
      confine: true, backgroundColor: css("back"), borderColor: css("faint"), textStyle: { ...words, fontSize: 12 },
      ...option.tooltip,
    },
  };
}

/** Return an axis in the page's style. */
function axis(option, unit) {
  const dim = css("dim");
  return {
    axisLine: { lineStyle: { color: css("faint") } }, axisTick: { lineStyle: { color: css("faint") } },
    splitLine: { lineStyle: { color: css("faint"), opacity: 0.6 } },
    nameTextStyle: { color: dim, fontSize: 11.5 },
    ...option,
    axisLabel: { color: dim, fontSize: 11, hideOverlap: true, ...(unit === undefined ? {} : { formatter: v => text(v, unit, option.type === "log" ? 3 : 6) }), ...option.axisLabel },
    axisPointer: { label: { formatter: unit === undefined ? undefined : p => text(p.value, unit), backgroundColor: dim } },
  };
}

const CHARTS = {}; // figure id -> {plot, make, chart}
window.dlasim = { charts: CHARTS, data: D };

/** Draw `make()` (an ECharts option, or null: the figure is hidden) into the figure, again when the theme changes. */
function chart(id, make, ready) {
  const figure = document.getElementById(id);
  if (!figure) return null;
  const entry = { plot: figure.querySelector(".plot"), make, ready, chart: null };
  CHARTS[id] = entry;
  draw(entry);
  if (entry.chart) keys(entry);
  return entry;
}

function draw(entry) {
  const option = entry.make();
  const figure = entry.plot.closest("figure");
  figure.hidden = !option;
  for (const link of document.querySelectorAll(`nav a[href="#${figure.id}"]`)) link.hidden = !option;
  if (!option) return;
  const { height, patterns, ...rest } = styled(option);
  if (height) entry.plot.style.height = `${height}px`;
  if (!entry.chart) {
    entry.chart = echarts.init(entry.plot, null, { renderer: option.many ? "canvas" : "svg" });
    entry.chart.on("rendered", () => scalable(entry.plot.querySelector("svg")));
  }
  entry.chart.resize();
  entry.chart.setOption(rest, { notMerge: true });
  entry.ready?.(entry.chart);
  entry.ready = null;
}

/** Let a drawing be shown in another size than it was made for, as on paper. */
function scalable(svg) {
  svg?.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
}

const redraw = id => CHARTS[id] && draw(CHARTS[id]);

/** Zoom to [start, end], shares of 100, of all axes that zoom together. */
function zoom(entry, start, end) {
  const width = Math.min(100, Math.max(0.01, end - start));
  const low = Math.min(100 - width, Math.max(0, start));
  entry.chart.dispatchAction({ type: "dataZoom", dataZoomIndex: 0, start: low, end: low + width });
  say(`from ${low.toFixed(1)} % to ${(low + width).toFixed(1)} % of the whole`);
}

const STEPS = {
  "+": [0.25, -0.25], "=": [0.25, -0.25], "-": [-0.5, 0.5], ArrowLeft: [-0.2, -0.2], ArrowRight: [0.2, 0.2],
};

function zoomBy(entry, key) {
  const { start, end } = entry.chart.getOption().dataZoom[0];
  const [first, last] = STEPS[key], width = end - start;
  zoom(entry, start + first * width, end + last * width);
}

/** Keys of a chart: + - 0 and arrows where it zooms, arrows from one item to the next where it does not. */
function keys(entry) {
  let item = -1;
  entry.plot.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const option = entry.chart.getOption();
    const zooms = option.dataZoom?.length > 0;
    if (zooms && event.key === "0") zoom(entry, 0, 100);
    else if (zooms && STEPS[event.key]) zoomBy(entry, event.key);
    else if (option.parallel?.length) return;
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const count = option.series[0]?.data?.length ?? 0;
      if (!count) return;
      item = (item + (event.key === "ArrowRight" ? 1 : count - 1) + (item < 0 ? (event.key === "ArrowRight" ? 0 : 1) : 0)) % count;
      entry.chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: item });
      setTimeout(() => say(entry.plot.lastElementChild?.innerText ?? ""), 60);
    } else return;
    event.preventDefault();
  });
  if (!entry.chart.getOption().dataZoom?.length) return;
  const controls = entry.plot.closest("figure").querySelector(".controls");
  for (const [sign, name, key] of [["+", "zoom in", "+"], ["\u2212", "zoom out", "-"], ["\u25c0", "earlier", "ArrowLeft"], ["\u25b6", "later", "ArrowRight"]])
    controls?.append(element("button", { type: "button", textContent: sign, "aria-label": name, title: name, onclick: () => zoomBy(entry, key) }));
  controls?.append(element("button", { type: "button", textContent: "all", onclick: () => zoom(entry, 0, 100) }));
}

const THEMES = ["auto", "light", "dark"];

/** Show the page in a theme: the system's, light or dark. */
function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  for (const button of document.querySelectorAll("nav .theme")) button.textContent = `theme: ${name}`;
  Object.values(CHARTS).forEach(draw);
}

for (const button of document.querySelectorAll("nav .theme")) {
  let now = 0;
  button.addEventListener("click", () => theme(THEMES[now = (now + 1) % THEMES.length]));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => Object.values(CHARTS).forEach(draw));
addEventListener("resize", () => Object.values(CHARTS).forEach(each => each.chart?.resize()));
// Paper is light; its style scales the charts.
let before = "auto";
addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.theme ?? "auto";
  if (isDark()) theme("light");
});
addEventListener("afterprint", () => { if (before !== (document.documentElement.dataset.theme ?? "auto")) theme(before); });
