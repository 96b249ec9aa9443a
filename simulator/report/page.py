"""Parts of a self-contained HTML page: no network, everything inside the one file."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIGITS = 7  # significant ones of a number in a page's data
ROOMY = 12  # columns of a table whose cells are not tight
TIGHT = 16  # of one whose cells do not break within words
LONG = 64  # values of a column that may be packed


class Cell(NamedTuple):
    """A table's cell: what is shown, and the number that it sorts by."""

    text: str
    value: float | None = None
    css: str = ""


def cell(value: float | None, show: Callable[[float | None], str]) -> Cell:
    return Cell(show(value), value)


def page(title: str, parts: Iterable[str], data: Any = None, scripts: Sequence[str] = ()) -> str:
    """Return the page: ``parts`` of HTML, ``data``, and the ``scripts`` of assets/ that draw it, in order."""
    assets = files("simulator.report").joinpath("assets")
    names = ("core.js", "tables.js", *scripts)
    code = [assets.joinpath(name).read_text(encoding="utf-8") for name in ("echarts/echarts.min.js", *names)]
    template = Template(files("simulator.report").joinpath("template.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        css=assets.joinpath("page.css").read_text(encoding="utf-8"),
        body="\n".join(parts),
        data=json_text(data),
        script="\n".join(code),
    )


def json_text(data: Any) -> str:
    """Return ``data`` as JSON that cannot end its <script>; what is no finite number is null."""
    text = json.dumps(_plain(data), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _packed([_plain(item) for item in value])
    if isinstance(value, float):
        short = float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
        return int(short) if short is not None and short.is_integer() else short
    return value


def _packed(values: list[Any]) -> Any:
    """Return a long column of texts that repeat as {of: texts, at: place of each}; the page unpacks it."""
    if len(values) < LONG or not all(isinstance(value, str) for value in values):
        return values
    places: dict[str, int] = {}
    at = [places.setdefault(value, len(places)) for value in values]
    return {"of": list(places), "at": at} if len(places) < len(values) / 2 else values


def cards(items: Iterable[tuple[str, str]]) -> str:
    """Return the row of big numbers: (name, number)."""
    inner = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in items
    )
    return f'<div class="cards">{inner}</div>'


def navigation(sections: Mapping[str, str]) -> str:
    """Return the links to sections, id -> words, and the button that changes the theme."""
    links = "".join(f'<a href="#{key}">{escape(words)}</a>' for key, words in sections.items())
    return f'<nav aria-label="sections">{links}<button type="button" class="theme">theme: auto</button></nav>'


def chart(name: str, title: str, said: str = "") -> str:
    """Return the place of a chart that a script draws; ``said``: how to read it."""
    label = escape(f"{title}. {said}")
    place = f'<div class="plot" tabindex="0" role="img" aria-label="{label}"></div>'
    return (
        f'<figure id="{name}"><figcaption><b>{escape(title)}</b> {escape(said)}</figcaption>'
        f'<div class="controls"></div>{place}</figure>'
    )


def pair(*figures: str) -> str:
    """Return figures side by side."""
    return f'<div class="pair">{"".join(figures)}</div>'


def lines(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="lines">{items}</ul>' if items else ""


def verdict(good: bool, word: str, said: str) -> str:
    """Return a line that says in a word what its colour says."""
    sign = "\u2713" if good else "\u2717"
    style = "met" if good else "missed"
    return f'<div class="verdict {style}"><b>{sign} {escape(word)}</b><span>{escape(said)}</span></div>'


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    left: Sequence[int] = (0,),
    name: str = "",
    tight: bool = False,
) -> str:
    """Return a sortable table; a cell is a `Cell` or text; columns in ``left`` hold words.

    ``name``: of a table that can be filtered too. Columns that are empty in every row are left out; where
    there are many the cells are ``tight``: they wrap.
    """
    cells = [[value if isinstance(value, Cell) else Cell(str(value)) for value in row] for row in rows]
    shown = [
        i for i, _ in enumerate(headings) if not cells or any(row[i].text not in ("", "-") for row in cells)
    ]
    side = {i: ' class="left"' if i in left else "" for i in shown}
    head = "".join(f'<th scope="col"{side[i]}>{escape(headings[i])}</th>' for i in shown)
    body = "".join("<tr>" + "".join(_cell(row[i], side[i]) for i in shown) + "</tr>" for row in cells)
    mark = f' id="{name}"' if name else ""
    css = "sorts tight" if tight or len(shown) > ROOMY else "sorts"
    css = "sorts fits" if len(shown) > TIGHT else css
    inner = f'<table class="{css}"{mark}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'{_filter(name, len(cells)) if name else ""}<div class="wide">{inner}</div>'


def _filter(name: str, count: int) -> str:
    return (
        f'<div class="controls"><input type="search" data-filters="{name}" placeholder="filter" '
        f'aria-label="filter {name}"><output data-counts="{name}">{count} of {count}</output></div>'
    )


def _cell(value: Cell, side: str) -> str:
    css = f' class="{value.css}"' if value.css else side
    sort = "" if value.value is None else f' data-value="{value.value!r}"'
    return f"<td{css}{sort}>{escape(value.text)}</td>"


def details(title: str, inner: str, name: str = "") -> str:
    mark = f' id="{name}"' if name else ""
    return f"<details{mark}><summary>{escape(title)}</summary>{inner}</details>"


def save_plots(figures: "Mapping[str, Figure]", folder: Path, kinds: Sequence[str] = ("png",)) -> None:
    """Write ``folder``/plots/NAME.KIND for each figure; kinds: png, and pdf for a paper."""
    from simulator.report.style import bytes_of  # matplotlib

    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    for name, figure in figures.items():
        for kind in kinds:
            (plots / f"{name}.{kind}").write_bytes(bytes_of(figure, kind))
