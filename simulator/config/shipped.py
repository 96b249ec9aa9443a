"""The configs that come with dlasim: found by name wherever one works."""

from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[2] / "configs"  # of the tree, or beside the installed packages


def shipped() -> list[str]:
    """Return the names of all shipped configs and sweeps: firesim_yolov3, dram/firesim_fased, sweeps/llc."""
    paths = (path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.yaml"))
    return sorted(path.with_suffix("").as_posix() for path in paths)


def located(path: Path) -> Path:
    """Return ``path`` if it exists or names nothing, else the shipped config of that name.

    A name may be written as the tree has it: configs/sweeps/llc.yaml is sweeps/llc.
    """
    if path.exists() or path.is_absolute():
        return path
    name = path.with_suffix("") if path.suffix == ".yaml" else path
    if name.parts[:1] == ("configs",):
        name = name.relative_to("configs")
    return CONFIGS / f"{name.as_posix()}.yaml" if name.as_posix() in shipped() else path
