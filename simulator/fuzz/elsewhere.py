"""`python -m simulator.fuzz.elsewhere`: a process that runs a config from stdin and prints its digest.

`relations` starts it with other hashes, another locale and another time zone than those here.
"""

import json
import locale
import sys
from contextlib import suppress


def main() -> None:
    """Run the config on stdin, in the locale of the environment where the machine has it."""
    from simulator.config.model import load
    from simulator.fuzz.digest import digest_of
    from simulator.simulate import simulate

    with suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    print(digest_of(simulate(load(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
