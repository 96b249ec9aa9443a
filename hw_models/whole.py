"""Kernels that Python calls: all parts that one reaches, linked once and optimised as one program."""

from typing import Any

import llvmlite.binding as ll
from numba import _dynfunc
from numba.core import compiler
from numba.core.codegen import JITCodeLibrary
from numba.core.environment import Environment

from hw_models.kernel_files import KernelFiles
from hw_models.known import digest
from hw_models.llvm_known import fixed
from hw_models.parts import Part, PartLibrary, code_of, is_unit, reached

_LITTLE = {"opt": 1, "loop_vectorize": False, "slp_vectorize": False}
_MUCH = _LITTLE | {"opt": 3}
INSIDE = ".inside"  # of the name of a part within a whole: the linker would give it to others who ask for it


class WholeLibrary(JITCodeLibrary):
    """The machine code of a kernel that Python calls, or of a unit."""

    entered = ""  # the function that is seen from outside
    environment: str | None = None  # of a kernel that Python calls
    defined: tuple[str, ...] = ()
    tuned: tuple[tuple[str, int], ...] = ()  # the parameters' values that it is compiled for
    _final_module: Any
    _steps = False  # through events: a unit, or what calls units

    def _optimize_final_module(self) -> None:
        """Optimise what steps through events a little, but for one design more; all else as numba does.

        For one design, too, what only rare code needs is worked out there.
        """
        how = {} if not self._steps else _MUCH if self.tuned else _LITTLE
        passes, builder = self._codegen._module_pass_manager(**how)
        if self.tuned:
            passes.add_sinking_pass()
        passes.run(self._final_module, builder)

    def finalize(self) -> None:
        """Link all parts, each once, let nothing but the entry be seen from outside, optimise, emit."""
        module, parts = self._final_module, set()
        libraries = {id(one): one for called in self._linking_libraries for one in reached(called)}
        self._steps = bool(self.entered) or any(map(is_unit, libraries.values()))
        for library in libraries.values():
            code = code_of(library)
            if isinstance(library, PartLibrary):
                names = {function.name for function in code.functions if not function.is_declaration}
                if self.entered in names:
                    code = code.clone()
                    code.get_function(self.entered).linkage = "external"  # or it would not be linked
                parts |= names - {self.entered}
            module.link_in(code, preserve=True)
        for function in module.functions:
            if function.name in parts and not function.is_declaration:
                function.linkage = "internal"
                function.name += INSIDE
        if self.environment is not None:
            module.get_global_variable(self.environment).linkage = "common"
        if self.tuned:
            self._tune()
            module = self._final_module
        self._optimize_final_module()
        module.verify()
        self._finalize_final_module()
        self.defined = tuple(
            one.name
            for one in (*module.functions, *module.global_variables)
            if not one.is_declaration and one.linkage != ll.Linkage.internal
        )

    def _tune(self) -> None:
        """Put the parameters' values in their places; the entry has a name of its own."""
        self._final_module = fixed(self._final_module, self.tuned)
        entry = self._final_module.get_function(self.entered)
        entry.name = self.entered = f"{self.entered}.{digest(self.tuned)}"

    def fill(self, code: bytes) -> None:
        """Take machine code that was kept."""
        self._set_compiled_object(code)
        self._finalize_final_module()
        self._codegen._engine._defined_symbols |= set(self.defined)


def result(dispatcher: Any, described: Any, signature: Any, library: Any, environment: Any) -> Any:
    """Return numba's result for a library that is whole."""
    address = library.get_pointer_to_function(described.llvm_cpython_wrapper_name)
    entry = _dynfunc.make_function(
        described.lookup_module(),
        described.qualname.split(".")[-1],
        f"compiled {described.qualname}",
        address,
        environment,
        (library,),  # lives as long as the function does
    )
    library.codegen.set_env(described.env_name, environment)
    context = dispatcher.targetctx
    return compiler.compile_result(
        typing_context=context.typing_context,
        target_context=context,
        entry_point=entry,
        signature=signature,
        objectmode=False,
        lifted=(),
        fndesc=described,
        library=library,
        environment=environment,
        reload_init=[],
    )


class Whole:
    """What a dispatcher of numba's asks: to compile for given types, to keep and find what is compiled."""

    def __init__(self, dispatcher: Any, files: Any):
        self._dispatcher = dispatcher
        self.locator = files and dispatcher._cache._impl.locator
        self.part = Part(dispatcher, files and KernelFiles(files.folder, f"part.{files.name}"))

    def compile(self, args: tuple, return_type: Any) -> Any:
        """Return numba's result for ``args``, linked and optimised."""
        dispatcher = self._dispatcher
        part = self.part.compile(tuple(args))
        flags = compiler.Flags()
        dispatcher._compiler.targetdescr.options.parse_as_flags(flags, dispatcher.targetoptions)
        context = compiler._make_subtarget(dispatcher.targetctx, flags)
        library = WholeLibrary(context.codegen(), part.fndesc.qualname)
        library.environment = part.fndesc.env_name
        library.enable_object_caching()
        library.add_linking_library(part.library)
        environment = Environment.from_fndesc(part.fndesc)
        with context.push_code_library(library):
            context.create_cpython_wrapper(library, part.fndesc, environment, None, flags.release_gil)
        return result(dispatcher, part.fndesc, part.signature, library, environment)

    def check_cachable(self, made: Any) -> bool:
        return not made.library.has_dynamic_globals

    def reduce(self, made: Any) -> tuple:
        """Return what is kept of a result."""
        library = made.library
        code = library._get_compiled_object()
        return made.fndesc, made.signature, made.environment.consts, library.defined, code

    def rebuild(self, context: Any, kept: tuple) -> Any:
        """Return a result that was kept."""
        described, signature, constants, defined, code = kept
        environment = Environment.from_fndesc(described)  # a part compiled here may have made it, and empty
        environment.consts[:] = constants
        library = WholeLibrary(context.codegen(), described.qualname)
        library.defined = defined
        library.enable_object_caching()
        library.fill(code)
        return result(self._dispatcher, described, signature, library, environment)
