"""What is proven of small RTL, for all inputs and for ever: by induction, in Yosys's SAT solver.

`X_properties.svh`, which `X.sv` includes under FORMAL, says what is asserted, and assumed of the neighbours.
"""

from pathlib import Path
from typing import NamedTuple

from simulator.cosim_blocks.planted import ROOT
from simulator.cosim_blocks.synthesis import yosys

TOLD = 6000  # characters of a proof that fails: the states before and after


class Proof(NamedTuple):
    source: str  # path from hw_models/; the module is called as it is
    parameters: dict[str, int]  # small ones: the solver's time grows fast
    holds: str


PROOFS = {
    "arbiter": Proof(
        "interconnect/rtl/arbiter.sv",
        {"UNITS": 3},
        "one winner, who asked; no cycle is lost; priorities, slots and credits count; "
        "by turns and weights nobody waits for ever",
    ),
    "regulator": Proof(
        "interconnect/rtl/regulator.sv",
        {"UNITS": 3, "B": 6},
        "in no period a master moves more than its budget, or with the pool all more than it has; "
        "nothing is refused that fits",
    ),
    "register_groups": Proof(
        "nvdla/rtl/register_groups.sv",
        {"BITS": 8},
        "launches come in order, none is lost or comes twice, at most two wait",
    ),
}


def prove(name: str, folder: Path | None = None) -> str | None:
    """Return None if all asserts of ``name`` are proven, else what Yosys says: two states, or its error.

    ``folder``: where its source is, with all that it includes; the repository's own if absent.
    """
    proof = PROOFS[name]
    source = ROOT / "hw_models" / proof.source
    if folder is not None:
        source = folder / source.name
    chosen = [f"-G {key}={value}" for key, value in proof.parameters.items()]
    passes = [
        " ".join(["read_slang -D FORMAL=1 --top", name, *chosen, "-I", str(source.parent), str(source)]),
        "proc; flatten; opt -fast; memory_map; opt -fast; chformal -lower",
        "select -assert-min 4 t:$assert",
        "sat -tempinduct -maxsteps 1 -prove-asserts -set-assumes -show-public -verify",
    ]
    done = yosys(passes)
    return (done.stdout + done.stderr)[-TOLD:] if done.returncode else None
