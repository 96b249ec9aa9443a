"""A pytest plugin: every file of tests has some seconds of CPU, and no test more than a third of that.

    DLASIM_SECONDS_A_FILE=30 pytest -p short_tests ...

A test whose time is up ends there and counts as failed; when its file's time is up, the others are skipped. So that
one long test does not keep what comes after it from being tried at all.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

FILE_S = float(os.environ.get("DLASIM_SECONDS_A_FILE", "30"))
TEST_S = FILE_S / 3
WALL = 4  # of that time: for a test that waits for a process
USED_S: Counter[str] = Counter()
CUT: set[str] = set()  # files of which a test was cut short or skipped


class TimeUp(BaseException):
    """The test has had its time. No Exception: nothing in the test catches it."""


def _end(number: int, frame: object) -> None:
    raise TimeUp


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    yield from _within(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield from _within(item)


def _within(item: pytest.Item) -> Iterator[None]:
    """Let a step of ``item`` have what remains of its file's time, up to what a test may have."""
    file = str(item.path)
    left_s = FILE_S - USED_S[file]
    if left_s <= 0:
        CUT.add(file)
        pytest.skip("the time of its file is up")
    began_s = time.process_time()
    main = threading.main_thread().ident
    waited = threading.Timer(WALL * TEST_S, signal.pthread_kill, (main, signal.SIGPROF))
    waited.daemon = True
    signal.signal(signal.SIGPROF, _end)
    # once a second again, where it is caught all the same
    signal.setitimer(signal.ITIMER_PROF, min(left_s, TEST_S), 1.0)
    waited.start()
    try:
        return (yield)
    except TimeUp:
        CUT.add(file)
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        waited.cancel()
        USED_S[file] += time.process_time() - began_s


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which files were cut short, a line each."""
    for file in sorted(CUT):
        terminalreporter.write_line(f"cut short: {file}")
