"""Hypothesis draws new examples on a developer's machine and always the same ones in CI; it times none of them.

Tests run in a process with kernels for few masters, whatever a config among them needs.
"""

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("DLASIM_MASTERS", "16")
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
os.environ.setdefault("DLASIM_TUNE", "0")  # tests have the cores for themselves
