"""A command that is told to end, or whose time is up, ends within a second and leaves nothing half-written.

A signal reaches Python between two of its instructions. Where that takes long, as in the compiler, a second
thread ends the process: the interpreter writes each signal's number to a pipe that it reads. Where what a
signal raises is lost, as in a function that the compiler calls back, the process ends there.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from simulator.progress import Progress
from simulator.results.numbers import time_text
from simulator.time_limit import Ended, TimeUp, time_limit
from simulator.under_way import clean_up

GRACE_S = 0.5  # for the main thread to end by itself
OUT_OF_TIME = 124  # exit code, as that of timeout(1)
ENDING = (signal.SIGINT, signal.SIGTERM)


class _Reached:
    """How far the command is, for what is said when it is ended."""

    def __init__(self) -> None:
        self.text, self.limit = "", ""
        self.told = False

    def said(self, number: int) -> tuple[str, int]:
        """Return the line to print and the exit code."""
        if number == signal.SIGALRM:
            advice = "write a longer --timeout, or shorten the run"
            return f"error: --timeout: {self.limit} passed{self.text}; {advice}", OUT_OF_TIME
        return f"error: ended by {signal.Signals(number).name}{self.text}", 128 + number


REACHED = _Reached()


def listen() -> None:
    """From now on, SIGINT and SIGTERM end the process within a second."""
    for number in ENDING:
        signal.signal(number, _tell)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    sys.unraisablehook = _lost


def _tell(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # what is being cleaned up need not be told again
    raise Ended(number)


def _watch(reader: int) -> None:
    """End the process if the main thread does not do so itself."""
    while True:
        number = os.read(reader, 1)[0]
        if number in ENDING or (number == signal.SIGALRM and REACHED.limit):
            time.sleep(GRACE_S)
            _leave(number)


def _lost(lost: Any) -> None:
    """What an exception would have ended goes on without it, and may fail for that."""
    if isinstance(lost.exc_value, Ended):
        _leave(lost.exc_value.number)
    if not isinstance(lost.exc_value, TimeUp):  # it is raised again
        sys.__unraisablehook__(lost)


def _leave(number: int) -> NoReturn:
    clean_up()
    line, code = REACHED.said(number)
    if not REACHED.told:
        print(line, file=sys.stderr, flush=True)
    os._exit(code)


def end(number: int, notes: Iterable[str] = ()) -> None:
    """End the command for a signal, from the main thread. ``notes``: what else is to be known."""
    line, code = REACHED.said(number)
    REACHED.told = True
    print("; ".join([line, *notes]), file=sys.stderr, flush=True)
    sys.exit(code)


@contextmanager
def limited(seconds: float | None, limit: str | None) -> Iterator[None]:
    """End the command after ``seconds``, written as ``limit``."""
    REACHED.limit = limit or ""
    try:
        with time_limit(seconds):
            yield
    except TimeUp:
        end(signal.SIGALRM)
    finally:
        REACHED.limit = ""


def noting(progress: Progress | None) -> Progress:
    """Return ``progress`` that also notes how far the simulation is."""

    def note(fraction: float, simulated_s: float, requests: int) -> None:
        REACHED.text = f" with {100 * fraction:.0f} % done, {time_text(simulated_s)} simulated"
        if progress is not None:
            progress(fraction, simulated_s, requests)

    return note
