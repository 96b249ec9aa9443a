"""The DRAM that an operating system shares out: pages of files that were read, and pages of programs.

What has been there longest leaves first, whichever it is. Reading a file's page again renews it; what a GPU
touches the system does not see. A program's page that leaves is swapped out, and back in when it is used.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple


class Traffic(NamedTuple):
    """Units that one request moves."""

    read: list[int]  # from the file's home
    copied: int = 0  # into the program's cache
    swapped: int = 0  # out of DRAM and back in


class PageCache:
    """``room``: units that DRAM holds of both kinds."""

    def __init__(self, room: int):
        self.room = room
        self.pages: OrderedDict[tuple[bool, int], None] = OrderedDict()  # (of a file, unit), oldest first
        self.swapped = 0

    def ask(
        self, units: Sequence[int], missing: Sequence[int], left: Sequence[int], *, kept: bool
    ) -> Traffic:
        """Return what moves when ``units`` are used of which a program's cache lacks ``missing``.

        ``left``: what that cache throws out; ``kept``: what is read stays in it, a copy of the file's page.
        """
        before, lacking = self.swapped, set(missing)
        for unit in left:
            self.pages.pop((False, unit), None)
        for unit in units:
            if unit not in lacking and (False, unit) not in self.pages:
                self.swapped += 1
                self._bring((False, unit))
        read = []
        for unit in missing:
            if (True, unit) not in self.pages:
                read.append(unit)
            self._bring((True, unit))
            if kept:
                self._bring((False, unit))
        return Traffic(read, len(missing) if kept else 0, self.swapped - before)

    def _bring(self, page: tuple[bool, int]) -> None:
        self.pages[page] = None
        self.pages.move_to_end(page)
        while len(self.pages) > self.room:
            (of_file, _), _ = self.pages.popitem(last=False)
            self.swapped += not of_file
