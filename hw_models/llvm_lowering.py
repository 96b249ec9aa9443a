"""From typed code to LLVM's: numba's way, shorter where kernels spend their lines.

Fields of records, items of arrays and operators are put down at once, where numba builds structures on the
stack and looks again for who can do it; variables that count no references are stored and never cleared. LLVM
makes machine code of it that does the same, from much less text.
"""

import functools
import operator
from typing import Any

from llvmlite import ir as llvm
from numba.core import callconv, cgutils, ir, lowering, types
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.ir_utils import find_const, get_definition, guard
from numba.core.types import BaseTuple, Generator, SliceType, unliteral  # type: ignore[attr-defined]
from numba.core.unsafe import eh

from hw_models import known, likely, llvm_known, llvm_places, llvm_ranges
from hw_models.llvm_builder import Builder, drop_unused

_WORD = cgutils.intp_t
_WHOLE = {operator.floordiv, operator.ifloordiv}
_DIVIDES = _WHOLE | {operator.mod, operator.imod}
_OUTERMOST = {max: ">", min: "<"}
_PLAIN = {types.Integer, types.IntegerLiteral, types.Boolean, types.Float, types.Record, types.NestedArray}


class Lower(lowering.Lower):
    """numba's way to LLVM's code, without asking of every number whether it counts references.

    It puts down the address of each function that is called, which nobody looks at, and which another process
    could not use.
    """

    def init(self) -> None:
        super().init()
        self._arrays: dict = {}  # what is known of arrays within records, by their types
        self._tags: dict = {}  # of fields
        self._data: dict = {}  # where those that were made here begin

    def setup_function(self, described: Any) -> None:
        super().setup_function(described)
        self.builder = Builder(self.entry_block, hands_on=not self._catches())
        self.call_helper = self.call_conv.init_call_helper(self.builder)

    def lower_normal_function(self, described: Any) -> None:
        super().lower_normal_function(described)
        drop_unused(self.function)
        likely.tell(self.function)

    def raises(self) -> bool:
        """Tell whether the function may return anything but that all went well."""
        ends = [block.terminator for block in self.function.blocks]
        said = [end.operands[0] for end in ends if isinstance(end, llvm.Ret)]
        return not all(isinstance(code, llvm.Constant) and code.constant == 0 for code in said)

    def _catches(self) -> bool:
        """Tell whether the function may catch what one that it calls raises, or takes what that yields."""
        if Generator in map(type, self.fndesc.typemap.values()):
            return True
        found = (one.value for block in self.blocks.values() for one in block.find_insts(ir.Assign))
        return any(isinstance(value, ir.Global) and value.value is eh.mark_try_block for value in found)

    def _find_singly_assigned_variable(self) -> None:
        """Find variables that stay what they become at one place, from which every use is reached."""
        if self.func_ir.func_id.is_generator:
            super()._find_singly_assigned_variable()
            return
        made: dict[str, list] = {}
        used: dict[str, list] = {}
        for label, block in self.func_ir.blocks.items():
            for place, statement in enumerate(block.body):
                names = _uses(statement)
                if isinstance(statement, ir.Assign):
                    made.setdefault(statement.target.name, []).append((label, place))
                for name in names:
                    used.setdefault(name, []).append((label, place))
        above = compute_cfg_from_blocks(self.func_ir.blocks).dominators()
        self._blk_local_varmap: dict = {}
        self._singly_assigned_vars = {
            name
            for name, places in made.items()
            if len(places) == 1
            and all(self._reaches(name, places[0], use, above) for use in used.get(name, ()))
        }

    def _reaches(self, name: str, start: tuple, end: tuple, above: dict) -> bool:
        """Tell whether what a variable becomes at one place (block, statement) is sure to be at another.

        One that counts references may end in several blocks, and more than once.
        """
        if start[0] == end[0]:
            return start < end
        return start < end and start[0] in above[end[0]] and not self._counts(self.typeof(name))

    def lower_inst(self, statement: Any) -> Any:
        value = getattr(statement, "value", None)
        if isinstance(statement, ir.Assign) and not isinstance(value, ir.Arg):
            name = statement.target.name
            self.storevar(self.lower_assign(self.typeof(name), statement), name)
        elif isinstance(statement, ir.Return) and self.fndesc.restype == types.none:
            self.builder.ret(callconv.RETCODE_OK)
        elif not (isinstance(statement, ir.StaticSetItem) and self._set_field(statement)):
            super().lower_inst(statement)

    def lower_assign(self, kind: Any, statement: Any) -> Any:
        if isinstance(kind, types.Dispatcher) and isinstance(statement.value, ir.Global | ir.FreeVar):
            return self.context.get_constant_null(kind)
        return super().lower_assign(kind, statement)

    def lower_expr(self, kind: Any, expression: Any) -> Any:
        if expression.op == "static_getitem":
            record = self.typeof(expression.value.name)
            if isinstance(record, types.Record) and isinstance(expression.index, str):
                return self._field(record, self.loadvar(expression.value.name), expression.index)
        made = None if self.func_ir.func_id.is_generator else self._step(kind, expression)
        return super().lower_expr(kind, expression) if made is None else made

    def _step(self, kind: Any, expression: Any) -> Any:
        """Return what a loop over a range does: begin, take a number, look at it. None for all else."""
        build, operation = self.builder, expression.op
        if operation not in ("getiter", "iternext", "pair_first", "pair_second"):
            return None
        given, value = self.typeof(expression.value.name), self.loadvar(expression.value.name)
        if operation == "getiter" and given == types.range_state64_type:
            return llvm_ranges.iterator_of(build, self.context.get_value_type(kind), value)
        if operation == "iternext" and given == types.range_iter64_type:
            return llvm_ranges.next_of(build, self.context.get_value_type(kind), value)
        if operation in ("pair_first", "pair_second") and not self._counts(given):
            return build.extract_value(value, int(operation == "pair_second"))
        return None

    def lower_binop(self, kind: Any, expression: Any, function: Any) -> Any:
        if expression.static_lhs is not ir.UNDEFINED or expression.static_rhs is not ir.UNDEFINED:
            return super().lower_binop(kind, expression, function)
        signature = self.fndesc.calltypes[expression]
        operands = [
            self.context.cast(self.builder, self.loadvar(name), self.typeof(name), wanted)
            for name, wanted in zip((expression.lhs.name, expression.rhs.name), signature.args, strict=True)
        ]
        if function in _DIVIDES and signature.args == (types.int64, types.int64):
            made = self._divide(operands[0], operands[1], function in _WHOLE)
        else:
            known = self.context.typing_context.resolve_value_type(function)
            found = known.get_call_type(self.context.typing_context, signature.args, {})
            made = self.context.get_function(known, found)(self.builder, operands)
        return self.context.cast(self.builder, made, signature.return_type, kind)

    def _divide(self, number: Any, by: Any, whole: bool) -> Any:
        """Return the quotient of two words, rounded down, or its remainder, which has the divisor's sign."""
        build, known = self.builder, by.constant if isinstance(by, llvm.Constant) else 0
        if known > 0 and known & known - 1 == 0:
            shifted = known.bit_length() - 1
            return build.ashr(number, _WORD(shifted)) if whole else build.and_(number, _WORD(known - 1))
        if known <= 0:
            with build.if_then(build.icmp_signed("==", by, _WORD(0)), likely=False):
                told = f"integer {'division' if whole else 'modulo'} by zero"
                self.context.error_model.fp_zero_division(build, (told,), self.loc)
            least = build.icmp_signed("==", number, _WORD(types.int64.minval))
            beyond = build.and_(least, build.icmp_signed("==", by, _WORD(-1)))
            by = build.select(beyond, _WORD(1), by)  # the processor would end the program
        left = build.srem(number, by)
        other = build.icmp_signed("<", build.xor(left, by), _WORD(0))
        lower = build.and_(other, build.icmp_signed("!=", left, _WORD(0)))
        if whole:
            return build.sub(build.sdiv(number, by), build.zext(lower, _WORD))
        return build.add(left, build.select(lower, by, _WORD(0)))

    def lower_call(self, kind: Any, expression: Any) -> Any:
        known = getattr(self.typeof(expression.func.name), "typing_key", None)
        given = [self.typeof(each.name) for each in expression.args]
        plain = {*map(unliteral, given)} == {types.int64} and not expression.kws and not expression.vararg
        made = None
        if plain and (known in _OUTERMOST or known is range):
            words = [
                self.context.cast(self.builder, self.loadvar(each.name), one, types.int64)
                for each, one in zip(expression.args, given, strict=True)
            ]
            if known in _OUTERMOST:
                made = functools.reduce(functools.partial(self._outer, _OUTERMOST[known]), words)
                made = self.context.cast(self.builder, made, types.int64, kind)
            elif kind == types.range_state64_type and not self.func_ir.func_id.is_generator:
                made = llvm_ranges.range_of(self.builder, self.context.get_value_type(kind), words)
        return super().lower_call(kind, expression) if made is None else made

    def _outer(self, sign: str, first: Any, other: Any) -> Any:
        return self.builder.select(self.builder.icmp_signed(sign, other, first), other, first)

    def lower_getitem(self, kind: Any, expression: Any, value: Any, index: Any, signature: Any) -> Any:
        array = self.typeof(value.name)
        place = self._place(array, value, index)
        if place is None:
            self._refuse_negative(array, index)
            return super().lower_getitem(kind, expression, value, index, signature)
        with self.builder.tagged(self._in_array(array)):
            item = self.context.unpack_value(self.builder, array.dtype, place, _alignment(array))
        return self.context.cast(self.builder, item, signature.return_type, kind)

    def lower_setitem(self, target: Any, index: Any, value: Any, signature: Any) -> Any:
        array = self.typeof(target.name)
        given = self.typeof(value.name)
        plain = isinstance(given, types.Number | types.Boolean)
        place = self._place(array, target, index) if plain else None
        if place is None:
            self._refuse_negative(array, index)
            return super().lower_setitem(target, index, value, signature)
        item = self.context.cast(self.builder, self.loadvar(value.name), given, array.dtype)
        with self.builder.tagged(self._in_array(array)):
            return self.context.pack_value(self.builder, array.dtype, item, place, _alignment(array))

    def _field(self, record: Any, value: Any, name: str) -> Any:
        """Return a field of a record: a number, a record within it, or an array of what lies there."""
        kind = record.typeof(name)
        if not isinstance(kind, types.NestedArray):
            place = self._address(record, value, name, kind)
            with self.builder.tagged(self._in_field(record, name, kind)):
                item = self.context.unpack_value(self.builder, kind, place, _alignment(record))
            told = known.name_of(record, name)
            if told is not None:
                llvm_known.mark(self.builder.module, item, told)
            return item
        if kind not in self._arrays:
            self._arrays[kind] = self._array(kind)
        usual, place = self._arrays[kind]
        data = self._address(record, value, name, kind.dtype)
        made = self.builder.insert_value(usual, data, place)
        self._data[made] = data
        return made

    def _array(self, kind: Any) -> tuple[Any, int]:
        """Return an array within a record, without its data, and the place of these."""
        model = self.context.data_model_manager[kind]
        whole = model.get_value_type()
        known = {
            "nitems": _WORD(kind.nitems),
            "itemsize": _WORD(kind.size),
            "shape": _words(kind.shape),
            "strides": _words(kind.strides),
        }
        parts = [llvm.Constant(each, None) for each in whole.elements]
        for key, part in known.items():
            parts[model.get_field_position(key)] = part
        return llvm.Constant(whole, parts), model.get_field_position("data")

    def _set_field(self, statement: Any) -> bool:
        """Put a number into a field of a record. Returns False for whatever else the statement does."""
        record, value = self.typeof(statement.target.name), statement.value.name
        if not isinstance(record, types.Record) or not isinstance(statement.index, str):
            return False
        kind, given = record.typeof(statement.index), self.typeof(value)
        if not isinstance(kind, types.Number | types.Boolean):
            return False
        place = self._address(record, self.loadvar(statement.target.name), statement.index, kind)
        item = self.context.cast(self.builder, self.loadvar(value), given, kind)
        with self.builder.tagged(self._in_field(record, statement.index, kind)):
            self.context.pack_value(self.builder, kind, item, place, _alignment(record))
        return True

    def _in_field(self, record: Any, name: str, kind: Any) -> Any:
        """Return the tag of a field that is a number, None for all else (`llvm_places`)."""
        if not isinstance(kind, types.Number | types.Boolean):
            return None
        if (record, name) not in self._tags:
            self._tags[record, name] = llvm_places.field(self.builder.module, record, name)
        return self._tags[record, name]

    def _in_array(self, array: Any) -> Any:
        """Return the tag of an item of a field that is an array of numbers, None for all else."""
        numbers = isinstance(array.dtype, types.Number | types.Boolean)
        if not numbers or not isinstance(array, types.NestedArray):
            return None
        return llvm_places.item(self.builder.module, array.dtype)

    def _address(self, record: Any, value: Any, name: str, kind: Any) -> Any:
        self.context.sentry_record_alignment(record, name)
        data = self.context.get_data_type(kind)
        return cgutils.get_record_member(self.builder, value, record.offset(name), data)

    def _place(self, array: Any, value: Any, index: Any) -> Any:
        """Return where an item lies, None if that is not one item, or its index is to be checked."""
        given = self.typeof(index.name)
        kinds = tuple(given) if isinstance(given, BaseTuple) else (given,)
        if (
            not isinstance(array, types.Array)
            or array.layout not in "CA"
            or not kinds
            or len(kinds) != array.ndim
            or not all(isinstance(kind, types.Integer) for kind in kinds)
            or self.context.enable_boundscheck
        ):
            return None
        build, held, numbers = self.builder, self.loadvar(value.name), [self.loadvar(index.name)]
        if kinds[0] is not given:
            numbers = [build.extract_value(numbers[0], i) for i in range(len(kinds))]
        sizes = self._sizes(array, held, "shape")
        ends = [self._from_end(part) for part in self._parts(index, len(numbers))]
        wrapped = [self._wrapped(*each) for each in zip(numbers, kinds, sizes, ends, strict=True)]
        data = self._part(array, held, "data")
        if array.layout == "C":
            at = wrapped[0]
            for number, size in zip(wrapped[1:], sizes[1:], strict=True):
                at = build.add(build.mul(at, size), number)
            return build.gep(data, [at])
        steps = self._sizes(array, held, "strides")
        offsets = [build.mul(step, number) for step, number in zip(steps, wrapped, strict=True)]
        return cgutils.pointer_add(build, data, functools.reduce(build.add, offsets))

    def _parts(self, index: Any, count: int) -> list:
        """Return the variables that an index of ``count`` numbers is made of, None for what is not known."""
        made = guard(get_definition, self.func_ir, index)
        if isinstance(made, ir.Expr) and made.op == "build_tuple":
            return made.items
        return [index] if count == 1 else [None] * count

    def _from_end(self, part: Any) -> bool:
        """Tell whether part of an index may count from the end: a constant may, what is computed must not."""
        known = part and guard(find_const, self.func_ir, part)
        return part is None or (isinstance(known, int) and known < 0)

    def _wrapped(self, number: Any, kind: Any, size: Any, from_end: bool) -> Any:
        """Return an index as a word."""
        if not unliteral(kind).signed:
            return self.context.cast(self.builder, number, kind, types.uintp)
        number = self.context.cast(self.builder, number, kind, types.intp)
        if not (from_end or isinstance(number, llvm.Constant)):
            return number
        below = self.builder.icmp_signed("<", number, _WORD(0))
        return self.builder.select(below, self.builder.add(number, size), number)

    def _refuse_negative(self, array: Any, index: Any) -> None:
        """Where indices are checked, refuse a computed one below 0: elsewhere it is taken as it is."""
        given, build = self.typeof(index.name), self.builder
        if not self.context.enable_boundscheck or not isinstance(array, types.Array):
            return
        kinds = tuple(given) if isinstance(given, BaseTuple) else (given,)
        held = self.loadvar(index.name)
        for i, part in enumerate(self._parts(index, len(kinds))):
            if isinstance(kinds[i], types.Integer) and kinds[i].signed and not self._from_end(part):
                number = build.extract_value(held, i) if isinstance(given, BaseTuple) else held
                with build.if_then(build.icmp_signed("<", number, number.type(0)), likely=False):
                    told = ("a computed index is below 0",)
                    self.context.call_conv.return_user_exc(build, IndexError, told, self.loc)

    def _sizes(self, array: Any, value: Any, key: str) -> list:
        """Return the words of an array's shape or strides."""
        if isinstance(array, types.NestedArray):
            return [_WORD(number) for number in getattr(array, key)]
        words = self._part(array, value, key)
        return [self.builder.extract_value(words, i) for i in range(array.ndim)]

    def _part(self, array: Any, value: Any, key: str) -> Any:
        if key == "data" and value in self._data:
            return self._data[value]
        model = self.context.data_model_manager[array]
        return self.builder.extract_value(value, model.get_field_position(key))

    def alloca(self, name: str, type: Any) -> Any:
        if self._counts(type):
            return super().alloca(name, type)
        with self.builder.goto_entry_block():
            return self.builder.alloca(self.context.get_value_type(type), name=name)

    def storevar(self, value: Any, name: str, argidx: int | None = None) -> None:
        kind = self.typeof(name)
        if argidx is not None or self._counts(kind):
            super().storevar(value, name, argidx)
            return
        self._alloca_var(name, kind)
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))

    def delvar(self, name: str) -> None:
        if self._counts(self.typeof(name)):
            super().delvar(name)
        elif name not in self._blk_local_varmap:
            self._singly_assigned_vars.discard(name)

    def incref(self, kind: Any, value: Any) -> None:
        if self._counts(kind):
            super().incref(kind, value)

    def decref(self, kind: Any, value: Any) -> None:
        if self._counts(kind):
            super().decref(kind, value)

    def _counts(self, kind: Any) -> bool:
        return self.context.enable_nrt and counts(self.context, kind)


def counts(context: Any, kind: Any) -> bool:
    """Tell whether a value counts references; an array within a record has no owner of its own."""
    if type(kind) in _PLAIN:
        return False
    return context.data_model_manager[kind].contains_nrt_meminfo()


def owns(state: Any) -> bool:
    """Tell whether a typed function makes or returns what counts references, or may.

    If not, all that it has is its caller's, for as long as it runs: it need not count.
    """
    context, kinds = state.targetctx, state.typemap
    counted = {kind for kind in dict.fromkeys(kinds.values()) if counts(context, kind)}
    if not counted:
        return False
    if counts(context, state.return_type) or not all(map(_is_lent, counted)):
        return True
    for block in state.func_ir.blocks.values():
        for statement in block.body:
            value: Any = getattr(statement, "value", None)
            if isinstance(statement, ir.Assign):
                if kinds[statement.target.name] in counted and not _lends(value, kinds):
                    return True
            elif isinstance(statement, ir.SetItem | ir.StaticSetItem | ir.SetAttr):
                if isinstance(kinds[value.name], types.Array | BaseTuple):
                    return True  # it may copy what it puts somewhere
    return False


def _is_lent(kind: Any) -> bool:
    """Tell whether values of a type are arrays, or tuples of arrays and of what counts nothing."""
    if isinstance(kind, BaseTuple):
        return all(map(_is_lent, kind))
    return isinstance(kind, types.Array | types.Number | types.Boolean | types.Record)


def _lends(value: Any, kinds: dict) -> bool:
    """Tell whether a value that counts references is part of one that is there already."""
    if not isinstance(value, ir.Expr):
        return isinstance(value, ir.Arg | ir.Var)
    if value.op == "getitem":
        index = kinds[value.index.name]
        parts = index if isinstance(index, BaseTuple) else (index,)
        return all(isinstance(kind, types.Integer | SliceType) for kind in parts)
    return value.op in ("static_getitem", "getattr", "build_tuple", "cast")


def _uses(statement: Any) -> list[str]:
    """Return the names of the variables that a statement looks at."""
    if isinstance(statement, ir.Del):
        return [statement.value]
    if isinstance(statement, ir.Assign):
        value = statement.value
        if isinstance(value, ir.Var):
            return [value.name]
        return [each.name for each in value.list_vars()] if isinstance(value, ir.Inst) else []
    return [each.name for each in statement.list_vars()]


def _alignment(kind: Any) -> int | None:
    """Return the alignment [bytes] of what lies in a record or an array, None for the usual one."""
    return None if kind.aligned else 1


def _words(numbers: tuple) -> Any:
    return llvm.Constant(llvm.ArrayType(_WORD, len(numbers)), [_WORD(number) for number in numbers])
