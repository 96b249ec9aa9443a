"""The curves as plots and tables: png beside csv."""

from pathlib import Path

from simulator.results.run_folder import write_table
from simulator.validate import llm_curves
from simulator.validate.llm_curves import Columns


def write_curves(folder: Path) -> list[Path]:
    """Compute every curve and write it into ``folder``; return the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    curves = {
        "throughput": (llm_curves.throughput(), _throughput),
        "latency_over_dram": (llm_curves.latency_over_dram(), _latency),
        "aggregated_use": (llm_curves.aggregated_use(), _aggregated),
        "friends": (llm_curves.friends(), _friends),
        "coactivation": (llm_curves.coactivation(), _coactivation),
    }
    plots = []
    for name, (columns, draw) in curves.items():
        write_table(folder / f"{name}.csv", columns)
        plots.append(folder / f"{name}.png")
        _draw(plots[-1], columns, draw)
    return plots


def _draw(path, columns: Columns, draw) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.0), layout="constrained")
    draw(axes, columns)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _throughput(axes, columns: Columns) -> None:
    for threads in sorted(set(columns["threads"])):
        rows = [i for i, t in enumerate(columns["threads"]) if t == threads]
        label = f"{threads} threads" if threads > 1 else "1 thread"
        chunks, rates = ([columns[name][i] for i in rows] for name in ("chunk_kib", "GBps"))
        axes.plot(chunks, rates, marker="o", label=label)
    axes.set_xscale("log", base=2)
    axes.set(xlabel="read size [KiB]", ylabel="throughput [GB/s]", title="Random reads, M1 Max SSD")
    axes.legend(fontsize="small")


def _latency(axes, columns: Columns) -> None:
    shares = [100 * share for share in columns["dram_share"]]
    parts = {"compute": "compute_ms", "memory management": "mem_ms", "I/O": "io_ms"}
    axes.stackplot(shares, [columns[name] for name in parts.values()], labels=list(parts), alpha=0.7)
    axes.plot(shares, columns["overlapped_ms"], "k--", label="overlapped")
    tops = [sum(values) for values in zip(*(columns[name] for name in parts.values()))]
    for share, top, window in zip(shares, tops, columns["window"]):
        axes.annotate(f"k={window}", (share, top), fontsize="x-small", va="bottom", ha="center")
    axes.set(xlabel="weights in DRAM [% of the model]", ylabel="time per token [ms]")
    axes.set_title("OPT 6.7B, M1 Max CPU, by window k")
    axes.legend(fontsize="small", loc="lower left")


def _aggregated(axes, columns: Columns) -> None:
    for model in dict.fromkeys(columns["model"]):
        rows = [i for i, m in enumerate(columns["model"]) if m == model]
        windows, measured, expected = (
            [columns[name][i] for i in rows] for name in ("window", "measured", "expected")
        )
        (line,) = axes.plot(windows, [100 * v for v in measured], ".", label=f"{model}, trace")
        axes.plot(windows, [100 * v for v in expected], color=line.get_color(), label=f"{model}, expected")
    axes.set(xlabel="window [tokens]", ylabel="neurons used [%]", title="Aggregated use of FFN neurons")
    axes.legend(fontsize="small")


def _friends(axes, columns: Columns) -> None:
    axes.bar(columns["friend"], [100 * share for share in columns["coactive_share"]])
    axes.set(xlabel="friend, closest first", ylabel="active together [%]", title="Co-activation, OPT 6.7B")


def _coactivation(axes, columns: Columns) -> None:
    axes.bar(columns["policy"], columns["io_ms"])
    for i, size in enumerate(columns["flash_GB"]):
        axes.annotate(f"{size:.2f} GB", (i, columns["io_ms"][i]), ha="center", va="bottom")
    axes.set(ylabel="I/O per token [ms]", title="Bundling by rows and columns, and by co-activation")
