"""What pyproject.toml cannot say: `DLASIM_KERNELS=LEVEL pip install .` compiles kernels into the package."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

LEVEL = os.environ.get("DLASIM_KERNELS", "")  # of processors: hw_models/kernel_levels.py
PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]


class Platform(Distribution):
    """A package with machine code: its wheel is for one platform and one version of Python."""

    def has_ext_modules(self) -> bool:
        return True


class WithKernels(build_py):
    """Build the package, then compile its kernels."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            bytecode = Path(self.get_finalized_command("build").build_temp).resolve()
            environment = os.environ | {"PYTHONPYCACHEPREFIX": str(bytecode)}
            command = [sys.executable, "-m", "simulator.soc.ship", LEVEL]
            if code := subprocess.run(command, cwd=self.build_lib, env=environment, check=False).returncode:
                sys.exit(code)


if LEVEL:
    setup(distclass=Platform, cmdclass={"build_py": WithKernels}, setup_requires=PROJECT["dependencies"])
else:
    setup()
