"""What a program waits for and what never comes: refused with its line instead of taken as come."""

from collections.abc import Sequence
from pathlib import Path

from hw_models.errors import ConfigError
from hw_models.nvdla.launch import Launch
from hw_models.nvdla.registers import RegisterFile, registers
from workloads.traces.commands import Command, Notify, Poll, Sync, Wait

UNIT_OF = {"RUBIK": "RBK", "CDMA_DAT": "CDMA", "CDMA_WT": "CDMA"}  # by the name of its interrupt


def check_poll(poll: Poll, file: RegisterFile, path: Path) -> None:
    """Raise ConfigError for a value that a register cannot have.

    A setting has what the program wrote; status, counters and op-enables are the hardware's to change.
    """
    register = registers()[poll.unit, poll.register]
    fields = sum(part.mask << part.low_bit for part in register.fields)
    name = f"{poll.unit}.{poll.register}"
    if outside := poll.value & poll.mask & ~fields:
        message = f"waits for bits {outside:#x} of {name}, which has none there"
        raise ConfigError(message, file=path, line=poll.line)
    if not poll.register.startswith("D_") or poll.register == "D_OP_ENABLE":
        return
    if any(part.access != "both" for part in register.fields):
        return
    group = file.groups[file.producer(poll.unit)]
    value = group.get((poll.unit, poll.register), register.reset)
    if (value ^ poll.value) & poll.mask:
        message = f"waits for {poll.value:#x} in {name}, which is {value:#x} and stays so"
        raise ConfigError(message, file=path, line=poll.line)


def check_syncs(commands: Sequence[Command], launches: Sequence[Launch], path: Path) -> None:
    """Raise ConfigError for an interrupt or a sync that is waited for and that nothing gives."""
    given = {command.sync for command in commands if isinstance(command, Notify | Sync)}
    units = {unit for launch in launches for unit in launch.units}
    for command in commands:
        if isinstance(command, Notify) and command.source:
            name = command.source.rpartition("_")[0]
            if UNIT_OF.get(name, name) not in units:
                message = f"waits for {command.source}, and the program enables no {name}"
                raise ConfigError(message, file=path, line=command.line)
        if isinstance(command, Wait) and command.sync not in given:
            message = f"waits for {command.sync!r}; no intr_notify or sync_notify gives it"
            raise ConfigError(message, file=path, line=command.line)
