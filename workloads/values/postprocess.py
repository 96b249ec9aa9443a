"""SDP's registers and operands for a stage of the network: bias, scale, activation, second operand, output.

Rounding, layer by layer: a bias has 16 bits and a common shift; the factor of each kernel has 16 bits; a
value is rounded once where the output follows directly, twice behind PReLU, an element-wise operand or a
table (with 6 more bits between). Everything saturates at INT8.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.op import Operand
from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES
from workloads.graph import Node
from workloads.lowering.fuse import Step
from workloads.lowering.record import Origin
from workloads.values.numbers import factor_of, factors_of, shifted
from workloads.values.quantisation import Quantisation

SUM, EXTRA_BITS, SLOPE_BITS = 2, 6, 14
TABLE_REACH = 8.0  # a look-up table covers -8 to 8
ONE_BYTE, TWO_BYTES, ONLY_MUL, ONLY_ALU, BOTH = 0, 1, 0, 1, 2


@dataclass
class Post:
    """Fields of SDP and its reader, operands by sub-unit (bytes as stored), tables."""

    sdp: dict[str, int] = field(default_factory=dict)
    reader: dict[str, int] = field(default_factory=dict)
    operands: dict[str, np.ndarray] = field(default_factory=dict)
    tables: tuple[np.ndarray, np.ndarray] | None = None


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "swish": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507 * np.where(x > 0, x, 1.67326 * np.expm1(np.minimum(x, 0))),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))),
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "prelu": lambda x: np.where(x > 0, x, 0.1 * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "clip": lambda x: np.clip(x, 0, 6),
}


class PostMaker:
    """Makes the settings of one stage; ``unit``: what 1 at SDP's input stands for, by kernel."""

    def __init__(self, origin: Origin, quantisation: Quantisation, unit: np.ndarray, output: str):
        self.origin, self.quantisation, self.unit = origin, quantisation, unit
        self.output = quantisation.scale(output)
        self.steps: tuple[Step, ...] = origin.sdp.steps if origin.sdp is not None else ()
        self.node = origin.nodes[0]
        self.post = Post()

    def fault(self, message: str) -> ConfigError:
        return ConfigError(f"layer {self.node.name!r}: {message}", key="values")

    def make(self, bias: np.ndarray | None) -> Post:
        """Return the settings. Raises ConfigError for what the converters cannot do."""
        try:
            for key, step in zip(("x1", "x2"), self.steps):
                if step.mode != Operand.OFF:
                    self._sub_unit(key, step, bias)
            if len(self.steps) == 3 and (self.steps[2].mode != Operand.OFF or self.origin.sdp.lut):
                self._y_unit(self.steps[2])
            scale = factor_of(self._common() / self.output)
        except ValueError as error:
            raise self.fault(str(error)) from None
        self.post.sdp |= {"CVT_OFFSET": 0, "CVT_SCALE": scale.factor, "CVT_SHIFT": scale.shift}
        return self.post

    def _common(self) -> float:
        """Return the unit, which must be one number from here on."""
        first = float(self.unit.flat[0])
        if not np.allclose(self.unit, first, rtol=1e-6):
            raise ValueError("scales differ by kernel, and it has no bias to scale them with")
        return first

    def _between(self) -> float:
        """Return the unit that values have between X1 and the output converter."""
        for step in self.steps:
            if step.mode == Operand.PER_ELEMENT:
                return self.quantisation.scale(step.tensor) / 2**EXTRA_BITS
        later = any(step.mode != Operand.OFF for step in self.steps[1:]) or self.origin.sdp.lut
        return self.output / (2**EXTRA_BITS if later else 1)

    def _sub_unit(self, key: str, step: Step, bias: np.ndarray | None) -> None:
        name, reader = {"x1": ("BS", "BRDMA"), "x2": ("BN", "NRDMA")}[key]
        mode, relu, tensor = step.mode, step.relu, step.tensor
        sdp = {
            f"{name}_ALU_BYPASS": 1,
            f"{name}_MUL_BYPASS": 1,
            f"{name}_MUL_PRELU": 0,
            f"{name}_RELU_BYPASS": int(relu != 1),
        }
        if tensor:
            sdp |= self._element(name, reader, tensor)
        elif relu == 2:
            sdp |= self._slopes(name, reader, key, mode)
        elif mode == Operand.PER_KERNEL:
            sdp |= self._bias_and_scale(name, reader, key, bias)
        self.post.sdp |= sdp

    def _bias_and_scale(self, name: str, reader: str, key: str, bias: np.ndarray | None) -> dict[str, int]:
        count = len(self.unit)
        numbers = np.zeros(count) if bias is None else np.rint(bias / self.unit)
        between = self._between()
        alu, left = shifted(numbers)
        mul, right = factors_of(self.unit / between)
        self.unit = np.full(count, between)
        self.post.operands[key] = (
            np.stack([alu, mul], axis=1).astype(np.int16).view(np.uint8).reshape(count, 4)
        )
        self.post.reader |= {f"{reader}_DATA_USE": BOTH, f"{reader}_DATA_SIZE": TWO_BYTES}
        return {
            f"{name}_ALU_BYPASS": 0,
            f"{name}_ALU_ALGO": SUM,
            f"{name}_ALU_SRC": 1,
            f"{name}_ALU_SHIFT_VALUE": left,
            f"{name}_MUL_BYPASS": 0,
            f"{name}_MUL_SRC": 1,
            f"{name}_MUL_SHIFT_VALUE": right,
        }

    def _slopes(self, name: str, reader: str, key: str, mode: Operand) -> dict[str, int]:
        node = next(n for n in self.origin.nodes if n.function in ("leaky", "prelu"))
        slope = round(self.quantisation.slope(node) * 2**SLOPE_BITS)
        fields = {
            f"{name}_MUL_BYPASS": 0,
            f"{name}_MUL_PRELU": 1,
            f"{name}_MUL_SRC": int(mode == Operand.PER_KERNEL),
            f"{name}_MUL_SHIFT_VALUE": SLOPE_BITS,
            f"{name}_MUL_OPERAND": slope,
        }
        if mode == Operand.PER_KERNEL:
            slopes = np.full((len(self.unit), 1), slope, np.int16)
            self.post.operands[key] = slopes.view(np.uint8).reshape(len(self.unit), 2)
            self.post.reader |= {f"{reader}_DATA_USE": ONLY_MUL, f"{reader}_DATA_SIZE": TWO_BYTES}
        return fields

    def _element(self, name: str, reader: str, tensor: str) -> dict[str, int]:
        """Return the fields of an operation with another tensor."""
        node = next(n for n in self.origin.nodes if n.kind == "eltwise")
        other = self.quantisation.scale(tensor)
        self.post.reader |= {f"{reader}_DATA_SIZE": ONE_BYTE}
        if node.function == "mul":
            self.unit = self.unit * other
            self.post.reader[f"{reader}_DATA_USE"] = ONLY_MUL
            return {f"{name}_MUL_BYPASS": 0, f"{name}_MUL_SRC": 1, f"{name}_MUL_SHIFT_VALUE": 0}
        left = np.log2(other / self._common())
        if abs(left - round(left)) > 1e-6 or not 0 <= round(left) <= 16:
            raise ValueError("operands of an addition have unequal scales; quantise them alike")
        self.post.reader[f"{reader}_DATA_USE"] = ONLY_ALU
        algorithm = {"max": 0, "min": 1}.get(node.function, SUM)
        return {
            f"{name}_ALU_BYPASS": 0,
            f"{name}_ALU_ALGO": algorithm,
            f"{name}_ALU_SRC": 1,
            f"{name}_ALU_SHIFT_VALUE": round(left),
        }

    def _y_unit(self, step: Step) -> None:
        fields = {"EW_ALU_BYPASS": 1, "EW_MUL_BYPASS": 1, "EW_MUL_PRELU": 0}
        tensor = step.tensor
        if tensor:
            fields |= self._y_operand(tensor)
        if self.origin.sdp.lut:
            fields |= self._table()
        self.post.sdp |= fields

    def _y_operand(self, tensor: str) -> dict[str, int]:
        node = next(n for n in self.origin.nodes if n.kind == "eltwise")
        other = self.quantisation.scale(tensor)
        self.post.reader["ERDMA_DATA_SIZE"] = ONE_BYTE
        if node.function == "mul":
            self.unit = self.unit * other
            self.post.reader["ERDMA_DATA_USE"] = ONLY_MUL
            return {"EW_MUL_BYPASS": 0, "EW_MUL_SRC": 1, "EW_TRUNCATE": 0}
        self.post.reader["ERDMA_DATA_USE"] = ONLY_ALU
        factor = factor_of(other / self._common())
        return {
            "EW_ALU_BYPASS": 0,
            "EW_ALU_ALGO": {"max": 0, "min": 1}.get(node.function, SUM),
            "EW_ALU_SRC": 1,
            "EW_ALU_CVT_BYPASS": 0,
            "EW_ALU_CVT_SCALE": factor.factor,
            "EW_ALU_CVT_TRUNCATE": factor.shift,
        }

    def _table(self) -> dict[str, int]:
        """Return the fields of the look-up; both tables cover -8 to 8, LO with 256 steps."""
        node = next(n for n in reversed(self.origin.nodes) if n.kind == "activation")
        function = FUNCTIONS.get(node.function)
        if function is None:
            raise ValueError(f"values of {node.function} are not computed")
        unit = self._common()
        select = max(0, round(np.log2(2 * TABLE_REACH / unit / (LO_ENTRIES - 1))))
        reach = (LO_ENTRIES - 1) << select
        start = -(reach // 2)
        out_unit = self.output / 2**EXTRA_BITS
        points = (start + np.arange(LO_ENTRIES) * (1 << select)) * unit
        lo = np.clip(np.rint(function(points) / out_unit), -32768, 32767).astype(np.int64)
        le = lo[:: (LO_ENTRIES - 1) // (LE_ENTRIES - 1)]
        slope = factor_of(float(lo[-1] - lo[-2]) / (1 << select))
        self.post.tables = le, lo
        self.unit = np.full(len(self.unit), out_unit)
        return {
            "LUT_LE_FUNCTION": 1,
            "LUT_UFLOW_PRIORITY": 1,
            "LUT_OFLOW_PRIORITY": 1,
            "LUT_HYBRID_PRIORITY": 1,
            "LUT_LE_INDEX_SELECT": select + 2,
            "LUT_LO_INDEX_SELECT": select,
            "LUT_LE_START": start,
            "LUT_LE_END": start + reach,
            "LUT_LO_START": start,
            "LUT_LO_END": start + reach,
            "LUT_LO_SLOPE_OFLOW_SCALE": slope.factor,
            "LUT_LO_SLOPE_OFLOW_SHIFT": min(slope.shift, 15),
        }


def activation(node: Node, values: np.ndarray) -> np.ndarray:
    """Return an activation of real numbers, as a core computes it. Raises ConfigError."""
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise ConfigError(f"layer {node.name!r}: values of {node.function!r} are not computed", key="values")
    return function(values)
