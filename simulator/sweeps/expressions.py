"""Safe expressions over a summary's paths, or over the values of a point's axes. Nothing is `eval`-ed.

``dram.*.energy_j * workloads.detect.latency_s`` is the energy-delay product,
``max(masters.*.read_latency_s.p99)`` the slowest master's tail. A ``*`` outside a function adds up what it
finds, where adding means something.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from statistics import fmean
from typing import Any

# names of masters and jobs may have hyphens, the last part never: ``a.b -c.d`` needs the space
_PATH = re.compile(r"[A-Za-z_][\w-]*\.(?:(?:\*|[\w-]+)\.)*(?:\*|\w+)")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"")
# leaves of which a sum over masters, channels or jobs means nothing
_NOT_ADDITIVE = re.compile(r"mean|min|max|p\d+|.*_rate|.*utilization|.*latency\w*_s|frames_per_s|s_per_token")
OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
LARGEST_POWER = 64


def percentile(values: list[float], share: float) -> float:
    """Return the value that ``share`` percent of ``values`` stay within (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


GATHER: dict[str, Callable[[list[float]], float]] = {  # many values -> one
    "sum": sum,
    "max": max,
    "min": min,
    "mean": fmean,
    "count": len,
    **{f"p{share}": partial(percentile, share=share) for share in (50, 90, 95, 99)},
}
PLAIN: dict[str, Callable[..., float]] = {"abs": abs, "sqrt": math.sqrt, "log": math.log, "exp": math.exp}


class Expression:
    """An expression that has been read and found safe. Raises ValueError saying what would be right."""

    def __init__(self, text: str, *, names: Mapping[str, Any] | None = None):
        """``names``: what may be named beside paths of the summary (a sweep's axes)."""
        self.text = text
        self.paths: list[str] = []
        self.tree = self._parse(text, names or {}).body
        self._check(self.tree, inside=False)

    def _parse(self, text: str, names: Mapping[str, Any]) -> ast.Expression:
        def placeholder(match: re.Match[str]) -> str:
            if match[0] not in self.paths:
                self.paths.append(match[0])
            return f"_{self.paths.index(match[0])}_"

        known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        pattern = re.compile(rf"{known}|{_PATH.pattern}") if known else _PATH
        pieces = [part if _WORD.fullmatch(part) else pattern.sub(placeholder, part) for part in _split(text)]
        try:
            return ast.parse("".join(pieces).strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(
                f"{text!r} is no expression; write paths, numbers, + - * / ** and {_FUNCTIONS}"
            ) from None

    def _check(self, node: ast.AST, inside: bool) -> None:
        """Refuse all but arithmetic; ``inside``: a function gathers what ``*`` finds."""
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else "?"
            if name not in GATHER and name not in PLAIN:
                raise ValueError(f"{name!r} in {self.text!r} is no function; write one of {_FUNCTIONS}")
            if node.keywords or not node.args:
                raise ValueError(f"{name} in {self.text!r} takes values in brackets, such as {name}(a.b)")
            for argument in node.args:
                self._check(argument, inside=name in GATHER)
        elif isinstance(node, ast.Name):
            self._check_path(self._path(node), inside)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            return
        elif isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self._check(child, inside=False)
                elif type(child) not in OPERATORS and not isinstance(child, ast.And | ast.Or):
                    raise ValueError(f"{self.text!r} has an operator that is not known; write + - * / **")
        else:
            raise ValueError(
                f"{self.text!r} is not arithmetic; write paths, numbers, + - * / ** and {_FUNCTIONS}"
            )

    def _path(self, node: ast.Name) -> str:
        match = re.fullmatch(r"_(\d+)_", node.id)
        if match is None:
            raise ValueError(f"{node.id!r} in {self.text!r} is no path of summary.json; write one with dots")
        return self.paths[int(match[1])]

    def _check_path(self, path: str, inside: bool) -> None:
        leaf = path.rpartition(".")[2]
        if "*" in path and not inside and _NOT_ADDITIVE.fullmatch(leaf):
            raise ValueError(
                f"{path} would add up {leaf}, which means nothing; write max({path}) or mean({path})"
            )

    def value(self, found: Callable[[str], Any]) -> Any:
        """Return the value, None if a part of it is missing.

        ``found`` of a path: a number, a list of numbers, or None. It is asked for quoted words too, quotes
        and all.
        """
        try:
            return self._value(self.tree, found)
        except (_Missing, ZeroDivisionError, OverflowError):
            return None

    def _value(self, node: ast.AST, found: Callable[[str], Any]) -> Any:
        if isinstance(node, ast.Constant):
            return found(repr(node.value)) if isinstance(node.value, str) else node.value
        if isinstance(node, ast.Name):
            value = _present(found(self._path(node)))
            return sum(value) if isinstance(value, list) else value
        if isinstance(node, ast.Call):
            return self._call(node, found)
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](self._value(node.operand, found))
        if isinstance(node, ast.BoolOp):
            values = [self._value(v, found) for v in node.values]
            return all(values) if isinstance(node.op, ast.And) else any(values)
        if isinstance(node, ast.Compare):
            sides = [self._value(side, found) for side in (node.left, *node.comparators)]
            return all(_compare(op, a, b) for op, a, b in zip(node.ops, sides, sides[1:]))
        assert isinstance(node, ast.BinOp)
        left, right = self._value(node.left, found), self._value(node.right, found)
        if isinstance(node.op, ast.Pow) and abs(right) > LARGEST_POWER:
            raise OverflowError
        return OPERATORS[type(node.op)](left, right)

    def _call(self, node: ast.Call, found: Callable[[str], Any]) -> Any:
        assert isinstance(node.func, ast.Name)
        values: list[Any] = []
        for argument in node.args:
            if isinstance(argument, ast.Name):  # all that is there, not its sum
                value = _present(found(self._path(argument)))
            else:
                value = self._value(argument, found)
            values += value if isinstance(value, list) else [value]
        if node.func.id in GATHER:
            return GATHER[node.func.id](_present(values or None))
        try:
            return PLAIN[node.func.id](*values)
        except (ValueError, TypeError):
            raise _Missing from None


class _Missing(Exception):
    """A path at which there is no number."""


_FUNCTIONS = ", ".join([*GATHER, *PLAIN])


def _present(value: Any) -> Any:
    if value is None or value == []:
        raise _Missing
    return value


def _compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(left, str) is not isinstance(right, str):
        return isinstance(op, ast.NotEq)
    return bool(OPERATORS[type(op)](left, right))


def _split(text: str) -> Iterator[str]:
    """Yield the quoted words of ``text`` and what stands between them."""
    start = 0
    for match in _WORD.finditer(text):
        yield text[start : match.start()]
        yield match[0]
        start = match.end()
    yield text[start:]


def numbers_at(summary: Any, path: str) -> float | list[float] | None:
    """Return the number at a dotted path, all numbers where it has a ``*`` or ends at a list, else None.

    An item of a list is named by its index.
    """
    first, _, rest = path.partition(".")
    if first == "*":
        items = (
            summary.values() if isinstance(summary, dict) else summary if isinstance(summary, list) else ()
        )
        found = [_at(value, rest) for value in items]
        numbers = [n for each in found for n in (each if isinstance(each, list) else [each]) if n is not None]
        return numbers or None
    if isinstance(summary, list):
        inside = first.isdigit() and int(first) < len(summary)
        return _at(summary[int(first)], rest) if inside else None
    return _at(summary[first], rest) if isinstance(summary, dict) and first in summary else None


def _at(value: Any, rest: str) -> float | list[float] | None:
    if rest:
        return numbers_at(value, rest)
    if isinstance(value, list) and all(_is_number(item) for item in value):
        return list(value)
    return value if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def lookup(summary: Any, expression: str | Expression) -> float | None:
    """Return the value of a path, or of an expression over paths, None if something of it is missing."""
    read = expression if isinstance(expression, Expression) else Expression(expression)
    value = read.value(lambda path: numbers_at(summary, path))
    return value if _is_number(value) and math.isfinite(value) else None


def paths_of(summary: Any, prefix: str = "") -> Iterator[str]:
    """Yield the path of every number, for suggestions."""
    if isinstance(summary, dict):
        for key, value in summary.items():
            yield from paths_of(value, f"{prefix}.{key}" if prefix else str(key))
    elif _is_number(summary) or isinstance(summary, list):
        yield prefix
