// The page of one run: its charts, and the table of every operation.
const R = D.run;
let cause = "", blamed = "", tail = "", roof = 0, job = R.frames.job[0];

chart("blame", () => blameOption(R.blame, cause, blamed));
if (CHARTS.blame && R.blame.causes.length > 1) {
  choice("blame", "cause", [["", "all causes"], ...R.blame.causes.map(each => [each, each.replaceAll("_", " ")])], value => { cause = value; redraw("blame"); });
}
const layersBlamed = R.blame.layers.filter(Boolean);
if (CHARTS.blame && layersBlamed.length > 1) {
  choice("blame", "layer", [["", "all layers"], ...layersBlamed], value => { blamed = value; redraw("blame"); });
}
chart("slow", () => slowOption(R.layers));
chart("timeline", () => timelineOption(R));
chart("latency", () => latencyOption(R.latency.map(each => [each.master, each.bins, each.p99_s]), tail));
if (CHARTS.latency) choice("latency", "show", [["", "share of reads"], ["tail", "share that takes longer"]], value => { tail = value; redraw("latency"); });
chart("frames", () => framesOption(R.frames, job));
const jobs = unique(R.frames.job);
if (CHARTS.frames && jobs.length > 1) choice("frames", "job", jobs, value => { job = value; redraw("frames"); });
chart("roofline", () => rooflineOption(R.rooflines.length ? [[R.rooflines[roof].level, R.rooflines[roof]]] : []));
if (CHARTS.roofline && R.rooflines.length > 1) choice("roofline", "memory", R.rooflines.map((each, i) => [i, each.level]), value => { roof = Number(value); redraw("roofline"); });
chart("energy", () => energyOption(R.energy));

const operations = document.getElementById("operations");
operations?.addEventListener("toggle", () => {
  if (operations.open && !operations.dataset.made) {
    operations.dataset.made = "1";
    longTable(operations, R.operations, { label: "operations" });
  }
});
