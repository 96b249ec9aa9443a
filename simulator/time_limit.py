"""What ends a command before its end: a signal, or a limit on its wall time.

No `Exception`, so that nothing on the way takes them for an error of its own.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_S = 1.0  # where the exception is lost, as in a callback of the compiler's


class Ended(BaseException):
    """A signal has told the process to end."""

    def __init__(self, number: int):
        self.number = number
        super().__init__(number)


class TimeUp(BaseException):
    """The time is up."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeUp within the block once ``seconds`` of wall time have passed; None: never."""
    if seconds is None:
        yield
        return

    passed = False

    def up(number: int, frame: FrameType | None) -> None:
        nonlocal passed
        passed = True
        raise TimeUp

    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    except Exception:
        if passed:  # and lost: what was to end has failed instead
            raise TimeUp from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
