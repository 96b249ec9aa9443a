"""`dlasim cosim BLOCK`: random traffic through a block and its twin, or through their mutants."""

from importlib.util import find_spec
from pathlib import Path

from hw_models.errors import ConfigError
from simulator.config.errors import not_one_of
from simulator.cosim_blocks.blocks import BLOCKS, Block
from simulator.cosim_blocks.build import check_tools, waves_suffix
from simulator.cosim_blocks.planted import Mutant, mutants_of
from simulator.cosim_blocks.proofs import PROOFS, prove
from simulator.cosim_blocks.report import difference_lines, mutant_lines, run_lines
from simulator.cosim_blocks.run import Outcome, hunt, run_case


def run_cosim(
    name: str, transactions: int, seed: int, seeds: int, *, compiled: bool, mutants: bool, out: Path
) -> bool:
    """Co-simulate a block, each set of parameters with each seed; print tables. Returns whether all is well.

    With ``mutants`` run its planted bugs instead: all is well if each is found out. Logs, coverage and
    waveforms go to ``out``. Raises ConfigError for an unknown block and absent tools.
    """
    if name not in BLOCKS:
        raise ConfigError(not_one_of(name, list(BLOCKS)), key="BLOCK")
    check_tools()
    block = BLOCKS[name]
    try:
        planted = mutants_of(name, block.sources, strict=mutants)
    except ValueError as error:
        raise ConfigError(f"{error}; write the planted bug as its source is now", key="--mutants") from None
    if mutants:
        caught = hunt(block, planted, planted, seed, transactions)
        print("\n".join(mutant_lines(planted, caught)))
        return None not in caught
    outcomes = []
    for parameters in block.sets:
        for one in range(seed, seed + seeds):
            outcome = run_case(
                block, parameters, one, transactions, mutants=planted, compiled=compiled, keep=out
            )
            outcomes.append(outcome)
            if outcome.difference is not None:
                print("\n".join(run_lines(name, outcomes)))
                waves = _waves(block, planted, outcome, transactions, out)
                print("\n".join(difference_lines(outcome, waves)))
                return False
    print("\n".join(run_lines(name, outcomes)))
    return True


def run_proof(name: str) -> bool:
    """Prove what is asserted of a small block, and say what came of it. Returns whether it holds.

    Raises ConfigError for a name without proof, and where Yosys is absent.
    """
    if name not in PROOFS:
        raise ConfigError(not_one_of(name, list(PROOFS)), key="BLOCK")
    if find_spec("pyosys") is None:
        raise ConfigError("needs pyosys; write pip install 'dlasim[test]'", key="cosim")
    said, proof = prove(name), PROOFS[name]
    with_ = " ".join(f"{key}={value}" for key, value in proof.parameters.items())
    print(said if said is not None else f"{name} ({with_}): proven: {proof.holds}")
    return said is None


def _waves(block: Block, planted: list[Mutant], found: Outcome, transactions: int, out: Path) -> Path:
    """Run a case that differs once more, with a waveform. Returns its path."""
    path = (out / f"{block.top}-{found.seed}{waves_suffix()}").resolve()
    run_case(block, found.parameters, found.seed, transactions, mutants=planted, waves=path)
    return path
