// The views of a run, as ECharts options. R: the data of `simulator.report.run_data` of one run.

const clip = (inner, outer) => echarts.graphic.clipRectByRect(inner, outer);
const EXACT = 15; // digits behind the point of a line at a value in seconds
const MANY = 1500; // items above which a chart is drawn as pixels

/** Return a bar of the timeline: work, and below it the share of its time that it waited. */
function slice(params, api) {
  const [track, start, end, waited] = [api.value(0), api.value(1), api.value(2), api.value(4)];
  const [x, middle] = api.coord([start, track]);
  const [right] = api.coord([end, track]);
  const tall = Math.min(24, api.size([0, 1])[1] * 0.78);
  const whole = { x, y: middle - tall / 2, width: Math.max(right - x, 1), height: tall };
  const box = params.coordSys;
  const inside = clip(whole, { x: box.x, y: box.y, width: box.width, height: box.height });
  if (!inside) return null;
  const label = inside.width > 34 ? String(api.value(3)) : "";
  const children = [{
    type: "rect", shape: inside, style: { fill: api.visual("color"), opacity: isDark() ? 0.75 : 0.9 },
    textContent: { style: { text: label, fill: isDark() ? "#000" : "#fff", fontSize: 10.5, width: inside.width - 4, overflow: "truncate", ellipsis: ".." } },
    textConfig: { position: "insideLeft", distance: 3 },
  }];
  const waits = clip({ ...whole, y: middle + tall / 2 - 4, height: 4, width: whole.width * waited }, inside);
  if (waits && waited > 0.005) children.push({ type: "rect", shape: waits, style: { fill: isDark() ? "#000" : "#fff", stroke: css("ink"), lineWidth: 0.6 } });
  return { type: "group", children };
}

/** Return a frame's bar, from its release to its end, and its deadline as a post; a late one says so in words. */
function frameBar(params, api) {
  const [track, start, end, late, deadline] = [0, 1, 2, 4, 5].map(i => api.value(i));
  const box = params.coordSys, [x, middle] = api.coord([start, track]), [right] = api.coord([end, track]);
  const tall = Math.min(24, api.size([0, 1])[1] * 0.78);
  const inside = clip({ x, y: middle - tall / 2, width: Math.max(right - x, 1), height: tall }, box);
  const children = [];
  const ink = css(late ? "bad" : "good");
  if (inside) children.push({
    type: "rect", shape: inside, style: { fill: css(late ? "bad-back" : "good-back"), stroke: ink, lineWidth: 1 },
    textContent: { style: { text: inside.width > 26 ? String(api.value(3)) : "", fill: ink, fontSize: 10.5, width: inside.width - 4, overflow: "truncate", ellipsis: ".." } },
    textConfig: { position: "insideLeft", distance: 3 },
  });
  if (deadline > 0) {
    const [post] = api.coord([start + deadline, track]);
    if (post >= box.x && post <= box.x + box.width) children.push({ type: "rect", shape: { x: post - 1, y: middle - tall / 2 - 3, width: 2, height: tall + 6 }, style: { fill: css("ink") } });
  }
  return { type: "group", children };
}

const tall = tracks => 24 * tracks + 10;

/** Return the timeline: frames, operations by unit, co-runners; below, zoomed together, bandwidth by master and queues. */
function timelineOption(R) {
  const { ops, frames, corunners, bandwidth, queues } = R;
  const jobs = unique(frames.job), tracks = [...jobs.map(job => `frames of ${job}`), ...ops.tracks, ...corunners.map(c => c.on)];
  const end = R.end_s, kinds = unique(ops.kind), upper = tall(tracks.length);
  const masters = Object.entries(bandwidth.masters);
  if (!tracks.length && !masters.length) return null;
  const bars = kinds.map((kind, k) => ({
    name: kind, type: "custom", renderItem: slice, itemStyle: { color: color(k) }, encode: { x: [1, 2], y: 0 }, clip: true,
    data: ops.kind.flatMap((each, i) => each === kind ? [[jobs.length + ops.track[i], ops.start_s[i], ops.end_s[i], ops.name[i], ops.waited[i], i]] : []),
    tooltip: { formatter: p => {
      const i = p.value[5];
      return tip(`${ops.name[i]} (${kind})`, [["unit", ops.tracks[ops.track[i]]], ["begins at", text(ops.start_s[i], "s", 6)],
        ["takes", text(ops.end_s[i] - ops.start_s[i], "s")], ["frame", ops.frame[i]], ["waited for", ops.why[i] || "-"]]);
    } },
  }));
  if (jobs.length) bars.unshift({
    name: "frames", type: "custom", renderItem: frameBar, encode: { x: [1, 2], y: 0 }, itemStyle: { color: css("good") }, clip: true,
    data: frames.job.map((job, i) => {
      const slack = frames.deadline_s[i] === null ? null : frames.deadline_s[i] - frames.latency_s[i];
      const words = slack === null ? "" : slack < 0 ? " late" : " in time";
      return [jobs.indexOf(job), frames.end_s[i] - frames.latency_s[i], frames.end_s[i], `${frames.frame[i]}${words}`, slack !== null && slack < 0 ? 1 : 0, frames.deadline_s[i] ?? 0, i];
    }),
    tooltip: { formatter: p => {
      const i = p.value[6], limit = frames.deadline_s[i];
      return tip(`frame ${frames.frame[i]} of ${frames.job[i]}`, [["latency", text(frames.latency_s[i], "s")],
        ...(limit === null ? [] : [["deadline", text(limit, "s")], [limit < frames.latency_s[i] ? "late by" : "in time by", text(Math.abs(limit - frames.latency_s[i]), "s")]])]);
    } },
  });
  if (corunners.length) bars.push({
    name: "co-runners", type: "custom", renderItem: slice, itemStyle: { color: css("dim") }, encode: { x: [1, 2], y: 0 }, clip: true,
    data: corunners.map((c, i) => [jobs.length + ops.tracks.length + i, 0, end, c.what, 0, 0]),
    tooltip: { formatter: p => tip(corunners[p.value[0] - jobs.length - ops.tracks.length].on, [["does", p.value[3]]]) },
  });
  const below = [
    { name: "bandwidth by master", unit: "B/s", time_s: bandwidth.time_s, lines: masters },
    { name: "requests queued, MSHRs in use", unit: "", time_s: queues.time_s, lines: Object.entries(queues.fills) },
  ].filter(each => each.lines.length);
  const lines = below.flatMap((each, g) => each.lines.map(([name, values], i) => seriesLine(name, values, each, i, g + 1)));
  const top = 30, left = 108, right = 16, lower = 150, grids = [0, ...below.map((_, g) => g + 1)];
  const timeAxis = { type: "value", min: 0, max: end };
  return {
    height: top + upper + 30 + below.length * (lower + 30) + 34, many: ops.name.length > MANY,
    grid: [{ top, left, right, height: upper }, ...below.map((_, g) => ({ top: top + upper + 40 + g * (lower + 30), left, right, height: lower - 10, tooltip: { trigger: "axis" } }))],
    xAxis: grids.map(gridIndex => axis({ ...timeAxis, gridIndex }, "s")),
    yAxis: [
      axis({ type: "category", data: tracks, inverse: true, gridIndex: 0, axisLabel: { width: left - 10, overflow: "truncate", interval: 0 }, splitLine: { show: true, lineStyle: { color: css("faint"), opacity: 0.5 } } }),
      ...below.map((each, g) => axis({ type: "value", min: 0, gridIndex: g + 1, name: each.name, nameLocation: "end", nameGap: 8, nameTextStyle: { align: "left" } }, each.unit)),
    ],
    dataZoom: [
      { type: "inside", xAxisIndex: grids, zoomOnMouseWheel: "ctrl", moveOnMouseMove: true, moveOnMouseWheel: false, filterMode: "weakFilter", preventDefaultMouseMove: false },
      { type: "slider", xAxisIndex: grids, height: 18, bottom: 6, left, right, filterMode: "weakFilter", labelFormatter: v => short(v, "s"), borderColor: css("faint"), textStyle: { color: css("dim"), fontSize: 11 } },
    ],
    tooltip: { trigger: "item" },
    series: [...bars, ...lines],
  };
}

function seriesLine(name, values, { time_s: times, unit }, i, grid) {
  return {
    name, type: "line", xAxisIndex: grid, yAxisIndex: grid, showSymbol: false, step: "middle", sampling: "lttb",
    lineStyle: { width: 1.4, type: DASHES[i % DASHES.length], color: color(i) }, itemStyle: { color: color(i) },
    data: times.map((t, k) => [t, values[k]]), tooltip: { valueFormatter: v => text(v, unit) },
  };
}

/** Return seconds by (victim, culprit) of one cause and layer, or of all (""). */
function delays(blame, cause, layer = "") {
  const table = new Map();
  for (const [v, c, k, seconds, l] of blame.cells) {
    if ((cause !== "" && blame.causes[k] !== cause) || (layer !== "" && blame.layers[l] !== layer)) continue;
    const key = `${v},${c}`;
    table.set(key, (table.get(key) ?? 0) + seconds);
  }
  return table;
}

/** Return the causes of one pair as rows of a tooltip, most first. */
function causesOf(blame, v, c, layer) {
  const found = blame.causes.map(cause => [cause.replaceAll("_", " "), delays(blame, cause, layer).get(`${v},${c}`) ?? 0]);
  return found.filter(([, s]) => s).sort((a, b) => b[1] - a[1]).map(([cause, s]) => [cause, text(s, "s")]);
}

/** Return a heat map of victims and culprits; `value(v, c)`: number, label(number): its words. */
function matrixOption(blame, value, label, tooltip, { signed = false } = {}) {
  const cells = blame.victims.flatMap((_, v) => blame.culprits.map((_, c) => [c, v, value(v, c)]));
  const others = cells.filter(([c, v]) => blame.victims[v] !== blame.culprits[c]).map(cell => Math.abs(cell[2]));
  const most = Math.max(...others, 0) || 1;
  return {
    height: 70 + Math.max(38 * blame.victims.length, 90),
    grid: { top: 24, left: 92, right: 8, bottom: 40 },
    xAxis: axis({ type: "category", data: blame.culprits, name: "delayed by", nameLocation: "middle", nameGap: 24, splitArea: { show: false }, axisLabel: { interval: 0, width: 90, overflow: "truncate" } }),
    yAxis: axis({ type: "category", data: blame.victims, inverse: true, name: "who waited", nameLocation: "start", axisLabel: { width: 82, overflow: "truncate", interval: 0 } }),
    visualMap: { show: false, min: signed ? -most : 0, max: most, dimension: 2, inRange: { color: signed ? [css("good"), css("low"), css("bad")] : [css("low"), css("middle"), css("high")] } },
    legend: { show: false },
    tooltip: { formatter: p => tooltip(p.value[1], p.value[0], p.value[2]) },
    series: [{
      type: "heatmap", data: cells.map(cell => {
        const own = blame.victims[cell[1]] === blame.culprits[cell[0]];
        const strong = Math.abs(cell[2]) > 0.7 * most;
        return { value: cell, visualMap: !own, itemStyle: own ? { color: css("back"), borderColor: css("faint"), borderType: "dashed" } : { borderColor: css("back"), borderWidth: 2 },
          label: { color: own ? css("dim") : strong ? (isDark() ? "#000" : "#fff") : css("ink") } };
      }),
      label: { show: true, fontSize: 11.5, formatter: p => label(p.value[2]) },
    }],
  };
}

/** Return the shares of each victim's waits (in a layer, or in all) by culprit, of one cause or all. */
function blameOption(blame, cause, layer = "") {
  if (!blame.cells.length) return null;
  const found = delays(blame, cause, layer), all = delays(blame, "", layer);
  const total = v => sum(blame.culprits.map((_, c) => all.get(`${v},${c}`) ?? 0)) || 1;
  return matrixOption(
    blame, (v, c) => (found.get(`${v},${c}`) ?? 0) / total(v), share => share ? text(share, "%") : "",
    (v, c, share) => tip(`${blame.victims[v]} delayed by ${blame.culprits[c]}`, [["share of its waits", text(share, "%")],
      ["in all requests", text(found.get(`${v},${c}`) ?? 0, "s")],
      ...(blame.requests[v] && layer === "" ? [["per request", text((found.get(`${v},${c}`) ?? 0) / blame.requests[v], "s")]] : []), ...causesOf(blame, v, c, layer)]),
  );
}

const SLOW = 12; // layers of the bars

/** Return the slowest layers, working and waiting by cause, as bars. */
function slowOption(layers) {
  const rows = [...layers].sort((a, b) => b.seconds - a.seconds).slice(0, SLOW).filter(layer => layer.seconds > 0);
  if (!rows.length) return null;
  const causes = unique(rows.flatMap(layer => Object.keys(layer.waits)))
    .map(cause => [cause, sum(rows.map(layer => layer.waits[cause] ?? 0))]).sort((a, b) => b[1] - a[1]).map(([cause]) => cause);
  const series = (name, values, i) => ({
    name, type: "bar", stack: "time", data: values, barCategoryGap: "25%", itemStyle: { color: name === "not measured" ? css("faint") : color(i), decal: i === 0 ? { symbol: "none" } : undefined },
    tooltip: { valueFormatter: v => text(v, "s") },
  });
  return {
    patterns: true, height: 76 + Math.max(24 * rows.length, 150), legend: { type: "plain" },
    grid: { top: 48, left: 8, right: 20, bottom: 24, containLabel: true },
    xAxis: axis({ type: "value" }, "s"),
    yAxis: axis({ type: "category", data: rows.map(layer => layer.name), inverse: true, axisLabel: { width: 150, overflow: "truncate", interval: 0 } }),
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, formatter: items => {
      const layer = rows[items[0].dataIndex];
      return tip(`${layer.name} (${layer.kind})`, [["takes", text(layer.seconds, "s")],
        ...items.filter(item => item.value > 0).map(item => [item.seriesName, `${text(item.value, "s")}, ${text(item.value / layer.seconds, "%")}`])]);
    } },
    series: [series("working", rows.map(layer => layer.working), 0), ...causes.map((cause, i) => series(cause === "not measured" ? cause : `waits: ${cause}`, rows.map(layer => layer.waits[cause] ?? 0), i + 1))],
  };
}

/** Return the share of reads by latency of each master, or the share that takes longer; `lines`: [name, bins, quantiles]. */
function latencyOption(lines, tail) {
  const shown = lines.filter(([, bins]) => bins.length);
  if (!shown.length) return null;
  return {
    height: 300, grid: { top: 54, left: 56, right: 16, bottom: 40 },
    xAxis: axis({ type: "log", name: "read latency", nameLocation: "middle", nameGap: 24, min: Math.min(...shown.map(([, b]) => b[0][0])) * 0.9, max: Math.max(...shown.map(([, b]) => b[b.length - 1][0])) * 1.1 }, "s"),
    yAxis: axis(tail ? { type: "log", name: "share that takes longer", min: 1e-6, max: 1, nameLocation: "end", nameTextStyle: { align: "left", color: css("dim") } } : { type: "value", name: "share of reads", nameLocation: "end", nameTextStyle: { align: "left", color: css("dim") } }, "%"),
    legend: { top: 0 },
    tooltip: { trigger: "axis", formatter: items => tip(text(items[0].value[0], "s"), items.map(item => [item.seriesName, text(item.value[1], "%")])) },
    dataZoom: [{ type: "inside", zoomOnMouseWheel: "ctrl", filterMode: "none" }],
    series: shown.map(([name, bins, p99], i) => {
      let above = 1;
      const points = tail ? bins.map(([low, share]) => { const at = above; above -= share; return [low, Math.max(at, 1e-7)]; }) : bins;
      return {
        name, type: "line", step: "end", showSymbol: false, data: points, itemStyle: { color: color(i) }, lineStyle: { width: 1.5, type: DASHES[i % DASHES.length], color: color(i) },
        markLine: p99 && !tail ? { silent: true, symbol: "none", precision: EXACT, data: [{ xAxis: p99 }], lineStyle: { color: color(i), type: DASHES[i % DASHES.length], opacity: 0.7 }, label: { show: false } } : undefined,
      };
    }),
  };
}

/** Return a job's frames and their deadline as bars. */
function framesOption(frames, job) {
  const mine = frames.job.flatMap((each, i) => each === job ? [i] : []);
  if (mine.length < 2) return null;
  const limit = frames.deadline_s[mine[0]];
  const bar = (name, keep, shade, decal) => ({
    name, type: "bar", stack: "one", barCategoryGap: "25%", itemStyle: { color: css(shade), decal },
    data: mine.map(i => keep(frames.latency_s[i]) ? frames.latency_s[i] : null),
  });
  return {
    height: 300, patterns: true, grid: { top: 54, left: 62, right: 16, bottom: 40 },
    xAxis: axis({ type: "category", data: mine.map(i => frames.frame[i]), name: "frame", nameLocation: "middle", nameGap: 24 }),
    yAxis: axis({ type: "value", min: 0, name: "latency" }, "s"),
    legend: { left: "right" },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, formatter: items => {
      const i = mine[items[0].dataIndex];
      return tip(`frame ${frames.frame[i]}`, [["latency", text(frames.latency_s[i], "s")], ...(limit === null ? [] : [["deadline", text(limit, "s")], ["verdict", frames.latency_s[i] > limit ? "missed" : "met"]])]);
    } },
    series: limit === null ? [bar("frames", () => true, "accent", { symbol: "none" })] : [
      { ...bar("met", s => s <= limit, "good", { symbol: "none" }), markLine: { silent: true, symbol: "none", precision: EXACT, data: [{ yAxis: limit }], lineStyle: { color: css("ink"), type: "dashed" }, label: { formatter: `deadline ${text(limit, "s")}`, position: "insideStartTop", color: css("ink"), backgroundColor: css("back"), padding: [2, 4] } } },
      bar("missed", s => s > limit, "bad"),
    ],
  };
}

const ROOF_SYMBOLS = ["circle", "triangle", "diamond", "rect"];

/** Return the layers of one level of memory under its roof; `lines`: [name, roofline]. */
function rooflineOption(lines) {
  const shown = lines.filter(([, roof]) => roof && roof.points.length);
  if (!shown.length) return null;
  const points = shown.flatMap(([, roof]) => roof.points), xs = points.map(p => p[0]), slowest = Math.max(...points.map(p => p[2]));
  const [low, high] = [Math.min(...xs) / 3, Math.max(...xs) * 3];
  const roofs = shown.flatMap(([name, roof], i) => {
    const slope = roof.bytes_per_s, peak = roof.macs_per_s;
    if (!slope && !peak) return [];
    const ridge = slope && peak ? peak / slope : null;
    const at = x => Math.min(peak || Infinity, slope ? x * slope : Infinity);
    const data = [low, ...(ridge > low && ridge < high ? [ridge] : []), high].map(x => [x, at(x)]);
    const said = [slope ? `${roof.level} ${short(slope, "B/s")}` : "", peak ? short(peak, "MAC/s") : ""].filter(Boolean).join(", ");
    return [{ name: shown.length > 1 ? `${name}: ${said}` : said, type: "line", symbol: "none", silent: true, data, lineStyle: { color: shown.length > 1 ? color(i) : css("ink"), width: 1.4, type: DASHES[i % DASHES.length] }, itemStyle: { color: shown.length > 1 ? color(i) : css("ink") } }];
  });
  const named = new Set([...points].sort((a, b) => b[2] - a[2]).slice(0, 5).map(p => p[3]));
  return {
    height: 320, grid: { top: 54, left: 66, right: 20, bottom: 42 },
    xAxis: axis({ type: "log", min: low, max: high, name: `MAC per byte (${shown[0][1].level})`, nameLocation: "middle", nameGap: 25 }, ""),
    yAxis: axis({ type: "log", name: "MAC/s", nameTextStyle: { align: "left", color: css("dim") } }, ""),
    tooltip: { trigger: "item", formatter: p => p.seriesType !== "scatter" ? escaped(p.seriesName) : tip(p.value[3], [["run or level", p.seriesName], ["MAC per byte", text(p.value[0])], ["speed", text(p.value[1], "MAC/s")], ["takes", text(p.value[2], "s")]]) },
    dataZoom: [{ type: "inside", xAxisIndex: 0, zoomOnMouseWheel: "ctrl", filterMode: "none" }],
    series: [...roofs, ...shown.map(([name, roof], i) => ({
      name: shown.length > 1 ? name : "layers", type: "scatter", data: roof.points, symbol: ROOF_SYMBOLS[i % ROOF_SYMBOLS.length], symbolSize: v => 5 + 20 * Math.sqrt(v[2] / slowest),
      itemStyle: { color: color(i), opacity: 0.65 },
      label: { show: true, position: "bottom", fontSize: 10.5, color: css("ink"), formatter: p => i === 0 && named.has(p.value[3]) ? p.value[3] : "" }, labelLayout: { hideOverlap: true },
    }))],
  };
}

/** Return energy by unit, stacked by cause; rows: [unit, cause, joules]. */
function energyOption(rows) {
  if (!rows.length) return null;
  const units = unique(rows.map(row => row[0])), causes = unique(rows.map(row => row[1]));
  const value = (unit, cause) => sum(rows.filter(row => row[0] === unit && row[1] === cause).map(row => row[2]));
  const total = unit => sum(rows.filter(row => row[0] === unit).map(row => row[2]));
  return {
    patterns: true, height: 110 + 26 * units.length, grid: { top: 44, left: 8, right: 24, bottom: 24, containLabel: true },
    xAxis: axis({ type: "value" }, "J"),
    yAxis: axis({ type: "category", data: units, inverse: true, axisLabel: { width: 150, overflow: "truncate", interval: 0 } }),
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, formatter: items => tip(`${units[items[0].dataIndex]}: ${text(total(units[items[0].dataIndex]), "J")}`, items.filter(i => i.value > 0).map(i => [i.seriesName, text(i.value, "J")])) },
    series: causes.map((cause, i) => ({ name: cause.replaceAll("_", " "), type: "bar", stack: "energy", barCategoryGap: "30%", itemStyle: { color: color(i) }, data: units.map(unit => value(unit, cause)) })),
  };
}
