"""Functions that other kernels call are compiled once: with the kernel that they become part of.

Numba makes a library of every function: optimised, then machine code with two ways in from Python, then
linked into each library that calls it and optimised there again. An engine of three hundred functions pays that
many times over, for code that nobody runs. Here such a function is a *part*: its code is kept as it was
written, and what links it, the entry kernel, optimises all of it together, once. From Python a part can still be
called: then it is compiled for itself, in full.

What is used of Numba's inside (`tests/core/test_parts.py` says when it changes): a compiler pipeline may bring its
own library (`state.library`) and end without machine code (`Flags.no_compile`); a library is finalised before
others link it, and gives them a module by `_get_module_for_linking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import binding
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering

__all__ = ["Part"]

SHARED = "linkonce_odr"
"""Linkage of a function that may be defined many times, and is left out where all calls of it are inlined."""


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Code of a part, not optimised: a module of its own for whoever links it, with the parts that it calls."""

    _shared_module: Any

    def finalize(self) -> None:
        self._raise_if_finalized()
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.external:
                function.linkage = SHARED
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        self._ensure_finalized()
        if self._shared_module is None:
            module = self._final_module.clone()
            for library in _called_by(self):
                code = library._final_module if isinstance(library, _PartLibrary) else library._get_module_for_linking()
                module.link_in(code, preserve=True)
            self._shared_module = module
        return self._shared_module


def _called_by(library: _PartLibrary) -> Iterator[Any]:
    """Libraries whose functions a part calls, directly or through other parts; each once."""
    seen = {library}
    todo = list(library._linking_libraries)
    while todo:
        found = todo.pop()
        if found in seen:
            continue
        seen.add(found)
        yield found
        if isinstance(found, _PartLibrary):
            todo += found._linking_libraries


@register_pass(mutates_CFG=False, analysis_only=True)
class _Register(LoweringPass):  # type: ignore[misc]
    """Make a part known to those that call it: Numba does so only with machine code."""

    _name = "urbanlab_register_part"

    def __init__(self) -> None:
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        place: Any = [].append  # a name for it, which a dispatcher wants to be a new built-in function; nobody calls it
        state.cr = state.cr._replace(cfunc=place)
        state.library._ensure_finalized()
        state.targetctx.insert_user_function(place, state.cr.fndesc, [state.library])
        return True


class _PartCompiler(CompilerBase):  # type: ignore[misc]
    """Numba's own passes, up to the code that others link."""

    def define_pipelines(self) -> list[PassManager]:
        state = self.state
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        passes = DefaultPassBuilder.define_nopython_pipeline(state)
        passes.add_pass_after(_Register, NativeLowering)
        passes.finalize()
        return [passes]


class Part(CPUDispatcher):  # type: ignore[misc]
    """A function that kernels call; Python may, too.

    Parameters
    ----------
    function : the function
    options : Numba's
    whole : the function compiled for Python
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], whole: Callable[..., Any]) -> None:
        without_entrances = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        super().__init__(function, targetoptions={**without_entrances, **options}, pipeline_class=_PartCompiler)
        self.whole = whole

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives, called from Python."""
        return self.whole(*args, **kwargs)
