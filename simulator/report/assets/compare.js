// The page of a comparison: the views of a run for two runs side by side, or for all in one chart.
const RUNS = D.runs, LABELS = RUNS.map((run, i) => [i, run.label]);
const state = { left: 0, right: RUNS.length - 1, timeLeft: 0, timeRight: RUNS.length - 1, cause: "", changed: RUNS.length - 1 };

/** Let the reader choose something of `state` that the charts `ids` draw. */
function chooses(figure, label, values, key, ids = [figure]) {
  choice(figure, label, values, value => { state[key] = typeof values[0][0] === "number" ? Number(value) : value; ids.forEach(redraw); }, state[key]);
}

/** Return victims, culprits and causes of two runs together. */
function together(a, b) {
  return {
    victims: unique([...a.victims, ...b.victims]), culprits: unique([...a.culprits, ...b.culprits]), causes: unique([...a.causes, ...b.causes]),
  };
}

/** Return the share of a victim's waits that a culprit caused. */
function shareOf(blame, cause) {
  const found = delays(blame, cause), all = delays(blame, "");
  return (victim, culprit) => {
    const v = blame.victims.indexOf(victim), c = blame.culprits.indexOf(culprit);
    const total = sum(blame.culprits.map((_, k) => all.get(`${v},${k}`) ?? 0));
    return total ? (found.get(`${v},${c}`) ?? 0) / total : 0;
  };
}

function differenceOption() {
  const [a, b] = [RUNS[state.left].blame, RUNS[state.right].blame], both = together(a, b);
  if (!both.victims.length) return null;
  const [first, second] = [shareOf(a, state.cause), shareOf(b, state.cause)];
  const moved = (v, c) => second(both.victims[v], both.culprits[c]) - first(both.victims[v], both.culprits[c]);
  const words = share => Math.abs(share) < 5e-5 ? "" : `${share > 0 ? "+" : ""}${text(share, "%")}`;
  return matrixOption(both, moved, words, (v, c, share) => tip(`${both.victims[v]} delayed by ${both.culprits[c]}`, [["difference", words(share) || "none"]]), { signed: true });
}

chart("blame", () => blameOption(RUNS[state.left].blame, state.cause));
chart("blame2", () => state.right === -1 ? null : state.difference ? differenceOption() : blameOption(RUNS[state.right].blame, state.cause));
if (CHARTS.blame?.chart || CHARTS.blame2?.chart) {
  const causes = unique(RUNS.flatMap(run => run.blame.causes));
  chooses("blame", "run", LABELS, "left", ["blame", "blame2"]);
  chooses("blame", "cause", [["", "all causes"], ...causes.map(each => [each, each.replaceAll("_", " ")])], "cause", ["blame", "blame2"]);
  chooses("blame2", "run", LABELS, "right");
  choice("blame2", "show", [["", "the run"], ["1", "the difference"]], value => { state.difference = value; redraw("blame2"); });
}

/** Return the layers whose time changed most against the first run. */
function changedOption() {
  const base = new Map(RUNS[0].layers.map(layer => [layer.name, layer.seconds]));
  const moved = RUNS[state.changed].layers.filter(layer => base.has(layer.name)).map(layer => [layer.name, layer.seconds - base.get(layer.name)])
    .filter(([, by]) => by).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, SLOW);
  if (!moved.length) return null;
  const side = (name, keep, shade, decal) => ({
    name, type: "bar", stack: "one", itemStyle: { color: css(shade), decal }, data: moved.map(([, by]) => keep(by) ? by : null), barCategoryGap: "25%",
    tooltip: { valueFormatter: v => text(v, "s") },
  });
  return {
    patterns: true, height: 56 + Math.max(24 * moved.length, 150), grid: { top: 28, left: 8, right: 24, bottom: 24, containLabel: true },
    xAxis: axis({ type: "value" }, "s"),
    yAxis: axis({ type: "category", inverse: true, data: moved.map(([name]) => name), axisLine: { onZero: false }, axisLabel: { width: 150, overflow: "truncate", interval: 0 } }),
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, formatter: items => { const [name, by] = moved[items[0].dataIndex]; return tip(name, [["against the first run", `${by > 0 ? "+" : ""}${text(by, "s")}`], ["before", text(base.get(name), "s")]]); } },
    series: [side("longer", by => by > 0, "bad"), side("shorter", by => by < 0, "good", { symbol: "none" })],
  };
}
chart("changed", changedOption);
if (CHARTS.changed && RUNS.length > 2) chooses("changed", "run", LABELS.slice(1), "changed");

/** Return the share of frames done within each time, a line a run and job, and the deadlines. */
function framesDoneOption() {
  const lines = RUNS.flatMap(run => unique(run.frames.job).map(job => {
    const mine = run.frames.job.flatMap((each, i) => each === job ? [i] : []);
    return { name: unique(run.frames.job).length > 1 ? `${run.label} ${job}` : run.label, limit: run.frames.deadline_s[mine[0]], times: mine.map(i => run.frames.latency_s[i]).sort((a, b) => a - b) };
  })).filter(line => line.times.length > 1);
  if (!lines.length) return null;
  const limits = unique(lines.map(line => line.limit).filter(limit => limit !== null));
  const all = [...lines.flatMap(line => line.times), ...limits], [low, high] = [Math.min(...all), Math.max(...all)], room = (high - low) * 0.06 || high * 0.1;
  return {
    height: 300, grid: { top: 36, left: 50, right: 20, bottom: 40 },
    xAxis: axis({ type: "value", min: Math.max(0, low - room), max: high + room, name: "latency", nameLocation: "middle", nameGap: 24 }, "s"),
    yAxis: axis({ type: "value", min: 0, max: 1 }, "%"),
    tooltip: { trigger: "item", formatter: p => tip(p.seriesName, [["done within", text(p.value[0], "s")], ["share", text(p.value[1], "%")]]) },
    series: lines.map((line, i) => ({
      name: line.name, type: "line", step: "end", symbol: ROOF_SYMBOLS[i % ROOF_SYMBOLS.length], symbolSize: 6, itemStyle: { color: color(i) }, lineStyle: { type: DASHES[i % DASHES.length], color: color(i), width: 1.5 },
      data: [[line.times[0], 0], ...line.times.map((t, k) => [t, (k + 1) / line.times.length])],
      markLine: i ? undefined : { silent: true, symbol: "none", precision: EXACT, data: limits.map(x => ({ xAxis: x })), lineStyle: { color: css("ink"), type: "dashed" }, label: { formatter: p => `deadline ${text(p.value, "s")}`, color: css("ink"), position: "insideEndTop" } },
    })),
  };
}
chart("frames", framesDoneOption);

chart("times", () => timelineOption(RUNS[state.timeLeft]));
chart("times2", () => timelineOption(RUNS[state.timeRight]));
if (CHARTS.times?.chart) { chooses("times", "run", LABELS, "timeLeft"); chooses("times2", "run", LABELS, "timeRight"); }

const readers = unique(RUNS.flatMap(run => run.latency.map(each => each.master)));
state.master = readers[0];
chart("latency", () => latencyOption(RUNS.flatMap(run => run.latency.filter(each => each.master === state.master).map(each => [run.label, each.bins, each.p99_s])), ""));
if (CHARTS.latency && readers.length > 1) chooses("latency", "master", readers.map(each => [each, each]), "master");

const consumers = unique(RUNS.flatMap(run => run.energy.map(([unit]) => unit)));
chart("energy", () => energyOption(consumers.flatMap(unit => RUNS.flatMap(run => run.energy.filter(row => row[0] === unit).map(([, cause, joules]) => [`${unit}: ${run.label}`, cause, joules])))));

const levels = unique(RUNS.flatMap(run => run.rooflines.map(roof => roof.level)));
state.level = levels[0];
chart("roofline", () => rooflineOption(RUNS.map(run => [run.label, run.rooflines.find(roof => roof.level === state.level)])));
if (CHARTS.roofline?.chart && levels.length > 1) chooses("roofline", "memory", levels.map(level => [level, level]), "level");
