"""Kernels compiled as parts: what one kernel calls of another is typed and lowered, and no more.

numba makes machine code of every function, wraps it for Python and for C, and optimises it anew in each
caller, and in theirs. Here a function that a kernel calls is a part: LLVM's code as it was lowered. Who is
called from Python links all parts that it reaches, once, and LLVM sees one program (`hw_models.whole`).
"""

import hashlib
import importlib
import sys
import uuid
from functools import cache
from typing import Any

import llvmlite.binding as ll
from numba.core import compiler, compiler_machinery, event, funcdesc, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.imputils import user_function
from numba.core.itanium_mangler import PREFIX, mangle_identifier
from numba.core.runtime import rtsys
from numba.core.transforms import canonicalize_cfg
from numba.core.types import Optional, unliteral  # type: ignore[attr-defined]  # numba's partial annotations
from numba.core.typing import make_concrete_template

from hw_models.llvm_lowering import Lower, owns
from hw_models.shortcuts import shortcuts, works_on_arrays

UNIT = "unit"  # before the types of a unit, where a part's calls are kept
_PROCESS = uuid.uuid4().hex[:16]
ENVIRONMENT = "_ZN08NumbaEnv"  # how numba names what a wrapper needs of Python


class PartLibrary(JITCodeLibrary):
    """The code of one part, and the libraries of what it calls. It never becomes machine code by itself."""

    raises = True  # perhaps
    home: Any = None  # (module, qualified name, argument types) where another process finds it
    _shared_module: Any = None

    def _optimize_functions(self, ll_module: Any) -> None:
        """Leave all of it to who links the part."""
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Let others define the part too: whoever links it keeps one copy, or none."""
        self._finalize_dynamic_globals()
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == ll.Linkage.external:
                function.linkage = "linkonce_odr"
        for variable in self._final_module.global_variables:
            if variable.name.startswith(ENVIRONMENT):
                variable.linkage = "linkonce_odr"
        self._finalized = True

    @property
    def own_module(self) -> Any:
        self._ensure_finalized()
        return self._final_module

    @property
    def calls(self) -> list:
        """Return the libraries that it calls."""
        return [find(call) if isinstance(call, tuple) else call for call in self._linking_libraries]

    def _get_module_for_linking(self) -> Any:
        """Return a module of all that the part reaches, for callers that numba itself compiles."""
        if self._shared_module is None:
            module = self.own_module.clone()
            for library in reached(self):
                if library is not self:
                    module.link_in(code_of(library), preserve=True)
            self._shared_module = module
        return self._shared_module


def code_of(library: Any) -> Any:
    """Return the module of a library to be linked."""
    return library.own_module if isinstance(library, PartLibrary) else library._get_module_for_linking()


def reached(library: Any) -> list:
    """Return ``library`` and all libraries whose code its code can reach, each once."""
    found, todo = {id(library): library}, [library]
    while todo:
        one = todo.pop()
        for called in one.calls if isinstance(one, PartLibrary) else []:
            if id(called) not in found:
                found[id(called)] = called
                todo.append(called)
    return list(found.values())


def is_unit(library: Any) -> bool:
    """Tell whether a library is a unit's pointer (`hw_models.apart`)."""
    home = getattr(library, "home", None)
    return home is not None and home[2][:1] == (UNIT,)


def find(home: tuple) -> Any:
    """Return the library of a part, or of a unit's pointer, that lies in a module."""
    module, name, args = home
    kernel: Any = importlib.import_module(module)
    for word in name.split("."):
        kernel = getattr(kernel, word)
    return kernel.unit.thunk(args[1:]) if args[:1] == (UNIT,) else kernel.part.compile(args).library


def home_of(dispatcher: Any, args: tuple) -> tuple | None:
    """Return where another process finds a part, None if it does not: a function within a function."""
    function = dispatcher.py_func
    if getattr(sys.modules.get(function.__module__), function.__qualname__, None) is dispatcher:
        return function.__module__, function.__qualname__, args
    return None


def mangled(name: str, args: tuple, *, abi_tags: Any = (), uid: Any = None) -> str:
    """Return a short name in LLVM's code: numba's spells all fields of all records."""
    spelt = "|".join(arg.name for arg in args)
    tags = [hashlib.sha256(spelt.encode()).hexdigest()[:16]]
    if "<locals>" in name:  # one of many of that name, perhaps
        tags += [str(uid), _PROCESS]
    return PREFIX + mangle_identifier(name, abi_tags=tags)


class _Code:
    """Code that numba compiled for a part that another process has kept."""

    home, has_dynamic_globals = None, False

    def __init__(self, bitcode: bytes):
        self._bitcode = bitcode

    def _get_module_for_linking(self) -> Any:
        return ll.parse_bitcode(self._bitcode)


def call_of(described: Any, library: Any) -> Any:
    """Return how numba puts down a call of a part: without a look at what it raises, if that is nothing."""
    usual = user_function(described, [library])
    if library.raises or isinstance(described.restype, Optional):
        return usual

    def call(context: Any, build: Any, known: Any, args: tuple) -> Any:
        if not getattr(build, "hands_on", False):
            return usual(context, build, known, args)
        ways, function = context.call_conv, context.declare_function(build.module, described)
        place = build.place_for(ways.get_return_type(described.restype).pointee)
        given = ways._get_arg_packer(described.argtypes).as_arguments(build, args)
        build.call(function, [place, ways._get_excinfo_argument(build.function), *given])
        return context.get_returned_value(build, described.restype, build.load(place))

    call.signature, call.libs = usual.signature, usual.libs  # type: ignore[attr-defined]
    return call


class Called:
    """What numba knows a part by; Python never calls it."""

    def __init__(self, name: str):
        self.__name__ = name

    def __call__(self) -> None:
        raise NotImplementedError(self.__name__)


@compiler_machinery.register_pass(mutates_CFG=True, analysis_only=False)
class LowerPart(typed_passes.NativeLowering):
    """Make LLVM's code of a function, and nothing that runs."""

    _name = "lower_part"

    def run_pass(self, state: Any) -> bool:
        context = state.targetctx.subtarget(enable_nrt=owns(state))
        library = PartLibrary(context.codegen(), state.func_id.func_qualname)
        described = funcdesc.PythonFunctionDescriptor.from_specialized_function(
            state.func_ir,
            state.typemap,
            state.return_type,
            state.calltypes,
            mangler=mangled,
            inline=state.flags.forceinline,
            noalias=state.flags.noalias,
            abi_tags=(),
        )
        with context.push_code_library(library):
            lower = Lower(context, library, described, state.func_ir, state.metadata)
            lower.lower()
        library.raises = lower.raises()
        state.library = library
        described.typemap = described.calltypes = None
        state["cr"] = compiler._LowerResult(described, lower.call_helper, cfunc=None, env=lower.env)
        return True


@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=True)
class Legal(typed_passes.IRLegalization):
    """Say where variables end, in a function that counts references."""

    _name = "legal"

    def run_pass(self, state: Any) -> bool:
        return owns(state) and super().run_pass(state)


class Passes(compiler_machinery.PassManager):
    """numba's passes, one after the other, without its bookkeeping."""

    def _runPass(self, index: int, pass_: Any, state: Any) -> None:
        if isinstance(pass_, typed_passes.NopythonRewrites) and not works_on_arrays(state):
            return
        pass_.analysis = self._analysis
        pass_.run_initialization(state)
        pass_.run_pass(state)
        pass_.run_finalizer(state)
        if isinstance(pass_, untyped_passes.DeadBranchPrune | untyped_passes.GenericRewrites):
            state.func_ir.blocks = canonicalize_cfg(state.func_ir.blocks)


@cache
def _passes() -> Passes:
    """Return the passes that plain kernels need."""
    passes = Passes("part")
    before, typed = untyped_passes, typed_passes
    for pass_ in (
        before.TranslateByteCode,
        before.FixupArgs,
        before.IRProcessing,
        before.RewriteSemanticConstants,
        before.DeadBranchPrune,
        before.GenericRewrites,
        before.RewriteDynamicRaises,
        before.ReconstructSSA,
        before.DeadBranchPrune,
        typed.NopythonTypeInference,
        typed.PreLowerStripPhis,
        typed.InlineOverloads,
        typed.NopythonRewrites,
        Legal,
        LowerPart,
        typed.NoPythonBackend,
    ):
        passes.add_pass(pass_)
    passes.finalize()
    return passes


class PartCompiler(compiler.CompilerBase):
    """numba's compiler up to LLVM's code."""

    def define_pipelines(self) -> list:
        if not any(hasattr(const, "co_code") for const in self.state.func_id.code.co_consts):
            return [_passes()]
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [
            (LowerPart if pass_ is typed_passes.NativeLowering else pass_, text)
            for pass_, text in passes.passes
        ]
        passes.finalize()
        return [passes]


def kinds_of(args: tuple, kws: dict) -> tuple[tuple, dict]:
    """Return the types of arguments: a constant's is that of any number."""
    return tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()}


class Part:
    """The parts of one function, by the types of their arguments, as `compile` makes or finds them."""

    def __init__(self, dispatcher: Any, files: Any):
        self._dispatcher, self._files = dispatcher, files
        self.aside = False  # kept out of its callers
        self.compiled: dict[tuple, Any] = {}

    def get_call_template(self, args: tuple, kws: dict) -> tuple:
        """Answer numba, which types a call of the function."""
        spelt, folded = self._dispatcher._compiler.fold_argument_types(*kinds_of(args, kws))
        signature = self.compile(tuple(folded)).signature
        name = self._dispatcher.py_func.__name__
        return make_concrete_template(f"CallTemplate({name})", name, [signature]), spelt, folded, {}

    def get_overload(self, args: tuple) -> Any:
        """Answer numba, which lowers a call of the function."""
        return self.compiled[tuple(args)].entry_point

    def compile(self, args: tuple) -> Any:
        """Return numba's result for ``args``, found on disk or compiled."""
        if args in self.compiled:
            return self.compiled[args]
        with global_compiler_lock, self._dispatcher._compiling_counter:
            context = self._dispatcher.targetctx
            context.refresh()
            key = (
                (args, *self._dispatcher._cache._index_key((), context.codegen())[1:]) if self._files else ()
            )
            kept = self._files.load(key) if self._files else None
            if kept is None:
                made = self._compile(args)
                if self._files:
                    self._save(key, made)
            else:
                made = self._load(kept)
            made = made._replace(entry_point=Called(made.fndesc.mangled_name))
            made.library.home = home_of(self._dispatcher, args)
            call = call_of(made.fndesc, made.library)
            context._defns[made.entry_point].append(call, call.signature)
            self.compiled[args] = made
        return made

    def _compile(self, args: tuple) -> Any:
        dispatcher = self._dispatcher
        flags = compiler.Flags()
        description = dispatcher._compiler.targetdescr
        description.options.parse_as_flags(flags, dispatcher.targetoptions)
        details = {"dispatcher": dispatcher, "args": args, "return_type": None}
        with event.trigger_event("numba:compile", data=details), shortcuts():
            made = compiler.compile_extra(
                description.typing_context,
                description.target_context,
                dispatcher.py_func,
                args,
                None,
                flags,
                {},
                pipeline_class=PartCompiler,
            )
        if self.aside:
            code = made.library.own_module.get_function(made.fndesc.mangled_name)
            code.add_function_attribute("noinline")
        return made

    def _save(self, key: Any, made: Any) -> None:
        library, calls = made.library, []
        for called in library._linking_libraries:
            if called is not rtsys.library:
                home = getattr(called, "home", None)
                if home is None and called.has_dynamic_globals:
                    return
                calls.append(home or called._get_module_for_linking().as_bitcode())
        if not library.has_dynamic_globals and not made.environment.consts:
            code = library.own_module.as_bitcode()
            self._files.save(key, (made.fndesc, made.signature, code, library.raises, calls))

    def _load(self, kept: tuple) -> Any:
        described, signature, code, raises, calls = kept
        context = self._dispatcher.targetctx
        library = PartLibrary(context.codegen(), described.qualname)
        library._final_module = ll.parse_bitcode(code)
        library._finalized, library.raises = True, raises
        library._linking_libraries = [rtsys.library]
        for call in calls:
            library._linking_libraries.append(call if isinstance(call, tuple) else _Code(call))
        return compiler.compile_result(
            typing_context=context.typing_context,
            target_context=context,
            signature=signature,
            objectmode=False,
            lifted=(),
            fndesc=described,
            library=library,
        )
