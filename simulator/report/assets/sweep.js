// The page of a sweep: a scatter and parallel axes under one brush, a map over two axes, effects, all points.
const AXES = D.axes, RESULTS = D.results, COLUMNS = [...AXES, ...RESULTS];
const indices = [...Array(D.count).keys()];
const objectives = RESULTS.filter(each => each.goal);
const isResult = column => RESULTS.includes(column);
const units = new Map(RESULTS.map(each => [each, unitOf(each.path)]));
const unitIn = column => units.get(column) ?? "plain";
const asText = (column, i) => text(column.values[i], unitIn(column));
const named = COLUMNS.map((each, i) => [i, each.label]);
const state = {
  x: COLUMNS.indexOf(objectives.length > 1 ? objectives[0] : AXES[0]), y: COLUMNS.indexOf(objectives[objectives.length > 1 ? 1 : 0]),
  mapX: 0, mapY: 1, mapOf: 0, how: "best", along: 0, alongOf: 0, box: null, lines: null, picked: -1,
};

/** Return whether a point is inside both brushes; without a brush all are. */
const kept = i => (!state.box || state.box.has(i)) && (!state.lines || state.lines.has(i));
const KINDS = [["others", "circle", i => D.feasible[i] && !D.pareto[i]], ["on the front", "diamond", i => D.pareto[i]], ["against a constraint", "triangle", i => !D.feasible[i] && !D.error[i]]];

/** Return an axis of a chart for a column: of numbers, or of the values in their order. */
function axisOf(column, option) {
  if (!isResult(column) && !column.numeric) return axis({ type: "category", data: column.order.map(String), name: column.label, ...option });
  return axis({ type: "value", scale: true, name: column.label, ...option }, unitIn(column));
}
const place = (column, i) => isResult(column) || column.numeric ? column.values[i] : column.order.indexOf(column.values[i]);
const tell = i => tip(`point ${D.point[i]}`, COLUMNS.map(column => [column.label, asText(column, i)]));

function scatterOption() {
  const [x, y] = [COLUMNS[state.x], COLUMNS[state.y]];
  return {
    height: 380, many: D.count > 1500, grid: { top: 40, left: 78, right: 24, bottom: 46 },
    xAxis: axisOf(x, { nameLocation: "middle", nameGap: 28 }),
    yAxis: axisOf(y, { nameLocation: "end", nameTextStyle: { align: "left", color: css("dim") } }),
    legend: { left: "right", right: 0 },
    brush: { toolbox: [], xAxisIndex: 0, brushMode: "single", throttleType: "debounce", throttleDelay: 120, outOfBrush: { colorAlpha: 0.9 }, brushStyle: { color: "rgba(120,140,180,0.15)", borderColor: css("accent") } },
    tooltip: { trigger: "item", formatter: p => tell(p.value[2]) },
    series: KINDS.map(([name, symbol, is], k) => ({
      name, type: "scatter", symbol, symbolSize: k === 1 ? 12 : 8, itemStyle: { color: color([8, 1, 3][k]) }, z: 2 + k,
      data: indices.filter(i => is(i) && place(x, i) !== null && place(y, i) !== null).map(i => ({
        value: [place(x, i), place(y, i), i], itemStyle: { opacity: kept(i) ? 0.85 : 0.12, ...(i === state.picked ? { borderColor: css("ink"), borderWidth: 2 } : {}) },
      })),
    })),
  };
}

/** Let a drag in the scatter choose points. */
function brushes(plot) {
  plot.dispatchAction({ type: "takeGlobalCursor", key: "brush", brushOption: { brushType: "rect", brushMode: "single" } });
}

chart("scatter", scatterOption, plot => {
  brushes(plot);
  plot.on("brushEnd", event => {
    const area = event.areas[0]?.coordRange, [x, y] = [COLUMNS[state.x], COLUMNS[state.y]];
    const inside = (value, [low, high]) => value !== null && value >= low && value <= high;
    state.box = area ? new Set(indices.filter(i => inside(place(x, i), area[0]) && inside(place(y, i), area[1]))) : null;
    showKept();
  });
  plot.on("click", event => { if (event.componentType === "series") pick(event.value[2]); });
});
for (const key of ["x", "y"]) {
  choice("scatter", key === "x" ? "across" : "up", named, value => {
    Object.assign(state, { [key]: Number(value), box: null });
    redraw("scatter");
    brushes(CHARTS.scatter.chart);
    showKept();
  }, state[key]);
}

/** Return the style of a point's line through the parallel axes. */
const lineStyle = i => ({
  color: i === state.picked ? css("ink") : D.pareto[i] ? color(1) : color(8), width: i === state.picked ? 3 : D.pareto[i] ? 2 : 1,
  opacity: kept(i) ? (D.pareto[i] ? 0.9 : 0.45) : 0.03, type: D.pareto[i] ? "solid" : [4, 2],
});
const lineData = () => indices.filter(i => !D.error[i]).map(i => ({ value: COLUMNS.map(column => place(column, i)), lineStyle: lineStyle(i), point: i }));

chart("parallel", () => ({
  height: 340, many: D.count > 1500,
  parallel: { left: 60, right: 70, top: 56, bottom: 26 },
  parallelAxis: COLUMNS.map((column, i) => ({
    ...axisOf(column, {}), dim: i, name: column.label, nameLocation: "end", nameGap: 18, nameTextStyle: { color: css("ink"), fontSize: 11, width: Math.max(80, 1040 / COLUMNS.length), overflow: "break" },
    areaSelectStyle: { width: 18, color: css("accent"), opacity: 0.25 }, axisLine: { lineStyle: { color: css("dim") } },
  })),
  tooltip: { trigger: "item", formatter: p => tell(p.data.point) },
  series: [{ type: "parallel", data: lineData(), inactiveOpacity: 0.03, activeOpacity: 1, smooth: false }],
}), plot => {
  plot.on("axisareaselected", () => {
    const series = plot.getModel().getSeriesByIndex(0), data = lineData();
    const bounded = plot.getOption().parallelAxis.length && plot.getModel().queryComponents({ mainType: "parallelAxis" }).some(each => each.activeIntervals.length);
    state.lines = bounded ? new Set(series.getRawIndicesByActiveState("active").map(k => data[k].point)) : null;
    showKept();
  });
  plot.on("click", event => { if (event.componentType === "series") pick(event.data.point); });
});

/** Show everywhere what both brushes keep. */
function showKept() {
  CHARTS.scatter.chart?.setOption({ series: scatterOption().series.map(({ name, data }) => ({ name, data })) });
  CHARTS.parallel.chart?.setOption({ series: [{ data: lineData() }] });
  points.keep(kept);
  const count = indices.filter(kept).length;
  say(`${count} of ${D.count} points are kept`);
}

/** Show a point's settings and results, and how to get its config. */
function pick(i) {
  state.picked = i;
  const panel = document.getElementById("picked");
  const line = (column, words) => `${column.path}: ${words}`;
  const command = `dlasim sweep show ${D.folder} ${D.point[i]}`;
  panel.replaceChildren(
    element("h3", { textContent: `Point ${D.point[i]}${D.pareto[i] ? ", on the front" : ""}${D.error[i] ? `: ${D.error[i]}` : ""}` }),
    element("div", { className: "dim", textContent: "laid on the base config:" }),
    element("pre", { textContent: AXES.map(column => line(column, column.values[i])).join("\n") }),
    element("div", { className: "dim", textContent: "gives:" }),
    element("pre", { textContent: RESULTS.map(column => line(column, asText(column, i))).join("\n") }),
    element("div", { className: "dim", textContent: "its whole config, ready to run:" }),
    element("pre", { textContent: command }),
    element("button", { type: "button", textContent: "copy the command", onclick: () => navigator.clipboard?.writeText(command) }),
  );
  panel.hidden = false;
  points.pick(i);
  showKept();
}

function mapOption() {
  const [x, y, of] = [AXES[state.mapX], AXES[state.mapY], RESULTS[state.mapOf]];
  if (!x || !y || x.order.length > 80 || y.order.length > 80) return null;
  const cells = new Map();
  for (const i of indices) {
    if (of.values[i] === null || D.error[i]) continue;
    const key = `${x.order.indexOf(x.values[i])},${y.order.indexOf(y.values[i])}`;
    cells.set(key, [...(cells.get(key) ?? []), of.values[i]]);
  }
  const one = values => state.how === "mean" ? sum(values) / values.length : of.goal === "maximize" ? Math.max(...values) : Math.min(...values);
  const data = [...cells].map(([key, values]) => [...key.split(",").map(Number), one(values), values.length]);
  if (!data.length) return null;
  const values = data.map(each => each[2]), [low, high] = [Math.min(...values), Math.max(...values)];
  const few = data.length <= 70;
  const strong = v => high > low && (v - low) / (high - low) > 0.7;
  return {
    height: 380, grid: { top: 30, left: 90, right: 16, bottom: 88 },
    xAxis: axis({ type: "category", data: x.order.map(String), name: x.label, nameLocation: "middle", nameGap: 26 }),
    yAxis: axis({ type: "category", data: y.order.map(String), name: y.label, nameLocation: "end", nameTextStyle: { align: "left", color: css("dim") }, axisLabel: { width: 84, overflow: "truncate" } }),
    legend: { show: false },
    visualMap: { min: low, max: high === low ? low + 1 : high, dimension: 2, orient: "horizontal", left: "center", bottom: 0, itemHeight: 140, itemWidth: 12, calculable: true, formatter: v => short(v, unitIn(of)), textStyle: { color: css("dim"), fontSize: 11 }, inRange: { color: [css("low"), css("middle"), css("high")] } },
    tooltip: { formatter: p => tip(`${x.label} ${x.order[p.value[0]]}, ${y.label} ${y.order[p.value[1]]}`, [[of.label, text(p.value[2], unitIn(of))], ["points", p.value[3]]]) },
    series: [{ type: "heatmap", data: data.map(value => ({ value, label: { color: strong(value[2]) ? (isDark() ? "#000" : "#fff") : css("ink") } })), itemStyle: { borderColor: css("back"), borderWidth: 2 }, label: { show: few, fontSize: 11, formatter: p => text(p.value[2], unitIn(of)) } }],
  };
}

const axesNamed = AXES.map((each, i) => [i, each.label]), resultsNamed = RESULTS.map((each, i) => [i, each.label]);
if (AXES.length > 1) {
  chart("map", mapOption);
  for (const [key, words] of [["mapX", "across"], ["mapY", "up"]]) choice("map", words, axesNamed, value => { state[key] = Number(value); redraw("map"); }, state[key]);
  choice("map", "of", resultsNamed, value => { state.mapOf = Number(value); redraw("map"); }, state.mapOf);
  choice("map", "", [["best", "best"], ["mean", "mean"]], value => { state.how = value; redraw("map"); }, state.how).ariaLabel = "best or mean of the points of a cell";
} else chart("map", () => null);

chart("effects", () => {
  const shares = new Map(D.effects.map(each => [`${each.objective}|${each.axis}`, each.share]));
  if (!shares.size) return null;
  return {
    patterns: true, height: 90 + 34 * AXES.length * Math.max(1, objectives.length / 2), grid: { top: 34, left: 8, right: 24, bottom: 26, containLabel: true },
    xAxis: axis({ type: "value", min: 0, max: 1 }, "%"),
    yAxis: axis({ type: "category", data: AXES.map(each => each.label), inverse: true, axisLabel: { width: 190, overflow: "truncate", interval: 0 } }),
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: v => text(v, "%") },
    series: objectives.map((objective, i) => ({ name: objective.label, type: "bar", barGap: "5%", itemStyle: { color: color(i) }, data: AXES.map(each => shares.get(`${objective.path}|${each.path}`) ?? 0), label: { show: true, position: "right", color: css("ink"), fontSize: 11, formatter: p => text(p.value, "%") } })),
  };
});

chart("along", () => {
  const [along, of] = [AXES[state.along], RESULTS[state.alongOf]];
  const means = along.order.map(value => {
    const found = indices.filter(i => along.values[i] === value && of.values[i] !== null && !D.error[i]).map(i => of.values[i]);
    return found.length ? [along.numeric ? value : along.order.indexOf(value), sum(found) / found.length] : null;
  }).filter(Boolean);
  if (!means.length) return null;
  return {
    height: 300, many: D.count > 1500, grid: { top: 44, left: 78, right: 20, bottom: 44 },
    xAxis: axisOf(along, { nameLocation: "middle", nameGap: 26 }),
    yAxis: axisOf(of, { nameLocation: "end", nameTextStyle: { align: "left", color: css("dim") } }),
    legend: { left: "right", right: 0 },
    tooltip: { trigger: "item", formatter: p => p.seriesType === "scatter" ? tell(p.value[2]) : tip(`${along.label} ${along.numeric ? p.value[0] : along.order[p.value[0]]}`, [["mean", text(p.value[1], unitIn(of))]]) },
    series: [
      { name: "points", type: "scatter", symbolSize: 7, itemStyle: { color: color(8), opacity: 0.5 }, data: indices.filter(i => of.values[i] !== null && !D.error[i]).map(i => [place(along, i), of.values[i], i]) },
      { name: "mean", type: "line", symbol: "rect", symbolSize: 7, itemStyle: { color: color(1) }, data: means },
    ],
  };
}, plot => plot.on("click", event => { if (event.seriesType === "scatter") pick(event.value[2]); }));
choice("along", "axis", axesNamed, value => { state.along = Number(value); redraw("along"); }, state.along);
choice("along", "of", resultsNamed, value => { state.alongOf = Number(value); redraw("along"); }, state.alongOf);

const yes = marks => marks.map(mark => mark ? "yes" : "no");
const points = longTable(document.getElementById("table"), [
  { name: "point", unit: "plain", values: D.point },
  ...COLUMNS.map(column => ({ name: column.label, unit: unitIn(column), values: column.values })),
  { name: "feasible", unit: "plain", values: yes(D.feasible) }, { name: "front", unit: "plain", values: yes(D.pareto) },
  ...(D.error.some(Boolean) ? [{ name: "error", unit: "plain", values: D.error }] : []),
], { pick, label: "all points" });
