"""The command `dlasim`: while Python loads the rest, Ctrl-C ends it without a word."""

import signal


def main() -> None:
    """Load and run the command line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from simulator.cli.main import main as run

    run()
