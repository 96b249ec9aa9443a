"""Kernels that are programs of their own, called through a pointer: compiled apart, when they are needed.

A caller knows a unit's types, not its code. So units are compiled at the same time by several processes, and
those that a run does not need are not compiled; who runs what calls them makes them `ready` before.
"""

from typing import Any

import llvmlite.binding as ll
import numpy as np
from llvmlite import ir
from numba.core import funcdesc, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.types import unliteral  # type: ignore[attr-defined]  # numba's partial annotations
from numba.core.typing import make_concrete_template, signature

from hw_models.kernel_files import KernelFiles
from hw_models.known import digest
from hw_models.parts import UNIT, Called, kinds_of, mangled
from hw_models.whole import WholeLibrary


class Thunk:
    """The code that a caller of a unit links: it calls what the pointer points to."""

    has_dynamic_globals = False

    def __init__(self, module: str, name: str, args: tuple, code: Any):
        self.home, self._code = (module, name, (UNIT, *args)), code

    def _ensure_finalized(self) -> None:
        """It is."""

    def _get_module_for_linking(self) -> Any:
        return self._code


class Unit:
    """A unit, of the types that it is first called with."""

    def __init__(self, dispatcher: Any, returns: str, files: Any):
        function = dispatcher.py_func
        self._dispatcher, self._returns = dispatcher, getattr(types, returns)
        self._files = files and KernelFiles(files.folder, f"unit.{files.name}")
        self._name = function.__module__, function.__qualname__
        self._args: Any = None
        self._key = Called(".".join(self._name))
        self._place = np.zeros(1, np.uintp)  # the pointer
        self._made: dict[tuple, tuple] = {}  # library and address, by the parameters' values
        self._symbol = ".".join((UNIT, *self._name))
        ll.add_symbol(self._symbol, self._place.ctypes.data)

    def get_call_template(self, args: tuple, kws: dict) -> tuple:
        """Answer numba, which types a call of the function."""
        spelt, folded = self._dispatcher._compiler.fold_argument_types(*kinds_of(args, kws))
        self._take(tuple(folded))
        name, made = self._name[1], signature(self._returns, *folded)
        return make_concrete_template(f"CallTemplate({name})", name, [made]), spelt, folded, {}

    def get_overload(self, args: tuple) -> Any:
        """Answer numba, which lowers a call of the function."""
        return self._key

    def _take(self, args: tuple) -> None:
        """Let callers know the unit by these types, and by no others."""
        if self._args is None:
            self._args = args
            self._dispatcher.targetctx.insert_user_function(self._key, self._described(), [self.thunk(args)])
        if args != self._args:
            raise TypeError(f"{self._symbol} is called with other types: {args}, not {self._args}")

    def _described(self) -> Any:
        names = self._dispatcher._compiler.pysig.parameters
        return funcdesc.FunctionDescriptor(
            True,
            *self._name,
            self._symbol,
            "",
            None,
            self._returns,
            None,
            tuple(names),
            (),
            mangler=_named,
            argtypes=self._args,
        )

    def thunk(self, args: tuple) -> Thunk:
        """Return the code that a caller links."""
        self._take(args)
        context = self._dispatcher.targetctx
        context.refresh()
        module = context.codegen()._create_empty_module(self._symbol)
        kind = context.call_conv.get_function_type(self._returns, self._args)
        function = ir.Function(module, kind, self._described().mangled_name)
        function.linkage = "linkonce_odr"
        function.attributes.add("alwaysinline")
        place = ir.GlobalVariable(module, kind.as_pointer(), self._symbol)
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(builder.call(builder.load(place), function.args))
        return Thunk(*self._name, args, ll.parse_assembly(str(module)))

    def ready(self, args: tuple, tuned: tuple[tuple[str, int], ...] = (), only_kept: bool = False) -> bool:
        """Have the code for ``args`` in place: found on disk or, unless ``only_kept``, compiled.

        ``tuned``: values of parameters that it is for (`hw_models.known`). Returns whether it is there.
        """
        with global_compiler_lock:
            self._take(args)
            if tuned not in self._made:
                library = self._library(args, tuned, only_kept)
                if library is None:
                    return False
                self._made[tuned] = library, library.codegen._engine.get_function_address(library.entered)
            self._place[0] = self._made[tuned][1]
        return True

    def _library(self, args: tuple, tuned: tuple, only_kept: bool) -> Any:
        context = self._dispatcher.targetctx
        context.refresh()
        key = self._dispatcher._cache._index_key(args, context.codegen()) if self._files else None
        key = (key, tuned) if tuned else key
        kept = self._files.load(key) if self._files else None
        if kept is None and only_kept:
            return None
        name = f"{self._symbol}.{digest(tuned)}" if tuned else self._symbol
        library = WholeLibrary(context.codegen(), name)
        library.enable_object_caching()
        if kept is not None:
            library.entered, library.defined, code = kept
            library.fill(code)
            return library
        part = self._dispatcher.part.compile(args)
        found = unliteral(part.signature.return_type)
        assert found == self._returns, f"{self._symbol} returns {found}, not {self._returns}"
        library.entered, library.tuned = part.fndesc.mangled_name, tuned
        library.add_linking_library(part.library)
        library.finalize()
        if self._files and not library.has_dynamic_globals:
            code = library._get_compiled_object()
            self._files.save(key, (library.entered, library.defined, code))
        return library


def _named(name: str, args: tuple, *, abi_tags: Any = (), uid: Any = None) -> str:
    return mangled(f"{name}.{UNIT}", args)
