"""Parts of a self-contained HTML page: no network, everything inside the one file."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Cell(NamedTuple):
    """A table's cell: what is shown, and the number that it sorts by."""

    text: str
    value: float | None = None
    css: str = ""


def cell(value: float | None, show: Callable[[float | None], str]) -> Cell:
    return Cell(show(value), value)


def page(title: str, parts: Iterable[str]) -> str:
    template = Template(files("simulator.report").joinpath("template.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body="\n".join(parts))


def cards(items: Iterable[tuple[str, str]]) -> str:
    """Return the row of big numbers: (name, number)."""
    inner = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in items
    )
    return f'<div class="cards">{inner}</div>'


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], left: Sequence[int] = (0,)) -> str:
    """Return a sortable table; a cell is a `Cell` or text; columns in ``left`` hold words."""
    side = [' class="left"' if i in left else "" for i in range(len(headings))]
    head = "".join(f"<th{side[i]}>{escape(name)}</th>" for i, name in enumerate(headings))
    body = "".join(
        "<tr>" + "".join(_cell(value, side[i]) for i, value in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any, side: str) -> str:
    if not isinstance(value, Cell):
        value = Cell(str(value))
    css = f' class="{value.css}"' if value.css else side
    sort = "" if value.value is None else f' data-value="{value.value!r}"'
    return f"<td{css}{sort}>{escape(value.text)}</td>"


def details(title: str, inner: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def save_plots(figures: "Mapping[str, Figure]", folder: Path) -> dict[str, str]:
    """Write ``folder``/plots/NAME.png for each figure; return NAME -> the same picture as an <img>."""
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    images = {}
    for name, figure in figures.items():
        png = _png(figure)
        (plots / f"{name}.png").write_bytes(png)
        images[name] = _image(name, png)
    return images


def image_of(name: str, figure: "Figure") -> str:
    """Return the figure as an <img> that needs no file."""
    return _image(name, _png(figure))


def _image(name: str, png: bytes) -> str:
    return f'<img alt="{escape(name)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _png(figure: "Figure") -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
