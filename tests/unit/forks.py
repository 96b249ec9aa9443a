"""Commands in a copy of the test's own process, which has imported and compiled: quick to start and to kill."""

import os
import sys
import warnings

from simulator.cli.main import main


def forked(arguments, said=os.devnull):
    """Return the process of a command; what it prints goes to the file ``said``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which a killed copy does not need
        pid = os.fork()
    if pid:
        return pid
    descriptor = os.open(said, os.O_RDWR | os.O_CREAT)
    for stream in range(3):
        os.dup2(descriptor, stream)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    sys.argv = ["dlasim", *map(str, arguments)]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(pid):
    """Return the exit code of a process once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
