"""Functions that kernels call: their code is part of the kernel and nothing by itself, whatever Numba's version."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import types

from urbanlab.core import jit
from urbanlab.core.parts import _PartLibrary

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiler")

WHOLE = {"_nrt": False, "error_model": "numpy", "nogil": True}


@jit.device
def half(x: float) -> float:
    return x / 2.0


@jit.inline
def twice(x: float) -> float:
    return half(4.0 * x)


@jit.device
def both(x: float) -> float:
    return half(x) + twice(x) + math.sin(x)


@jit.device
def factorial(n: int) -> int:
    return 1 if n <= 1 else n * factorial(n - 1)


def compiled(function: Any, *kinds: types.Type, **options: Any) -> Any:
    kernel = numba.njit(function, **WHOLE, **options)
    kernel.compile(kinds)
    return kernel


def library_of(kernel: Any) -> Any:
    (result,) = kernel.overloads.values()
    return result.library


def test_kernel_of_parts_computes_what_python_does() -> None:
    kernel = compiled(lambda x: both(x) + half(x), types.float64)
    assert kernel(3.0) == 1.5 + 6.0 + math.sin(3.0) + 1.5
    assert compiled(lambda n: factorial(n) + 1, types.int64)(10) == math.factorial(10) + 1


def test_part_is_neither_optimised_nor_made_machine_code_by_itself() -> None:
    compiled(lambda x: both(x) + 1.0, types.float64)
    for function in (half, twice, both):
        library = library_of(function)
        assert isinstance(library, _PartLibrary), "Numba no longer takes the library that a pipeline brings"
        own = [f.name for f in library.get_defined_functions()]
        assert own, "Numba no longer keeps a library's code"
        assert not [name for name in own if library.codegen._engine.is_symbol_defined(name)], "parts are made machine code again"
        assert [name for name in own if "cpython" in name or "cfunc" in name] == []
    called = [f.name for f in library_of(both)._final_module.functions if f.is_declaration]
    assert any("half" in name for name in called), "what a part calls is linked or inlined before there is a kernel"


def test_kernel_holds_all_its_parts_and_optimises_them() -> None:
    kernel = compiled(lambda x: both(x) + half(x), types.float64)
    library = library_of(kernel)
    defined = {f.name for f in library.get_defined_functions()}
    used = {f.name for f in library._final_module.functions if f.is_declaration}
    assert not [name for name in used if "test_parts" in name], "a part is called that is not there"
    assert [name for name in defined if "half" in name or "twice" in name] == [], "small parts are inlined"


def test_part_can_be_called_from_python_before_and_after_kernels_use_it() -> None:
    @jit.device
    def third(x: float) -> float:
        return half(x) / 1.5

    assert third(9.0) == 3.0
    assert compiled(lambda x: third(x) + 1.0, types.float64)(9.0) == 4.0
    assert third(9.0) == 3.0
    assert third(9) == 3.0


def test_part_is_compiled_once_for_two_kernels() -> None:
    @jit.device
    def quarter(x: float) -> float:
        return half(half(x))

    first, second = (compiled(function, types.float64) for function in (lambda x: quarter(x) + 1.0, lambda x: quarter(x) + 2.0))
    assert (first(4.0), second(4.0)) == (2.0, 3.0)
    assert len(quarter.overloads) == 1  # type: ignore[attr-defined]


def test_parts_run_in_loops_over_threads() -> None:
    def total(n: int) -> float:
        result = 0.0
        for k in numba.prange(n):
            result += half(float(k))
        return result

    options = {**WHOLE, "_nrt": True}
    assert numba.njit(total, parallel=True, **options)(9) == 18.0


def test_part_with_an_allocation_is_refused() -> None:
    @jit.device
    def allocating(n: int) -> float:
        return np.zeros(n).sum()

    with pytest.raises(numba.core.errors.NumbaError):
        compiled(lambda n: allocating(n) + 1.0, types.int64)
