"""Kernels: the key of their cache names all they are made of, and each is compiled once."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic

import urbanlab
from urbanlab.city.synthetic import make
from urbanlab.core import jit
from urbanlab.core.bundle import BundleType
from urbanlab.traffic.simulation import Simulation

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiler")


@pytest.fixture(scope="module")
def kernels() -> list[jit.Entry]:
    """All kernels of urbanlab that Python calls."""
    for module in pkgutil.walk_packages(urbanlab.__path__, "urbanlab."):
        importlib.import_module(module.name)
    return [entry for entry in jit._entries if entry.kernel.py_func.__module__.startswith("urbanlab.")]


def names_in(function: FunctionType) -> set[str]:
    """Names that a function and those inside it look up."""
    codes, names = [function.__code__], set[str]()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
    return names


def origin(module: ModuleType, name: str) -> ModuleType:
    """Module where a name that another has imported is defined."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return origin(sys.modules[node.module], alias.name) if node.module.startswith("urbanlab") else module
    return module


def layouts_of(kind: BundleType) -> Iterator[ModuleType]:
    """Modules of a bundle's class and of those inside it: they decide where a kernel reads."""
    yield sys.modules[kind.name.removeprefix("Bundle(").rpartition(".")[0]]
    for field in kind.fields.values():
        if isinstance(field.kind, BundleType):
            yield from layouts_of(field.kind)


def modules_of(kernel: Dispatcher) -> Iterator[ModuleType]:
    """Modules whose functions, numbers and layouts end up in a kernel."""
    todo, seen = [kernel.py_func], set[FunctionType]()
    while todo:
        function = todo.pop()
        if function in seen:
            continue
        seen.add(function)
        module = sys.modules[function.__module__]
        yield module
        for name in names_in(function) & set(vars(module)):
            value = vars(module)[name]
            if isinstance(value, Dispatcher):
                todo.append(value.py_func)
            elif isinstance(value, _Intrinsic):
                view = inspect.getclosurevars(value._defn).nonlocals
                yield from layouts_of(view["kind"]) if "kind" in view else ()
            elif isinstance(value, int | float | tuple | np.generic | np.ndarray):
                yield origin(module, name)
            elif inspect.ismodule(value) and value.__name__.startswith("urbanlab"):
                yield value


def test_there_are_kernels(kernels: list[jit.Entry]) -> None:
    assert len(kernels) >= 3


def test_key_of_the_cache_covers_all_a_kernel_is_made_of(kernels: list[jit.Entry]) -> None:
    missing = []
    for kernel, sources in kernels:
        covered = jit.source_files(sources)
        for module in set(modules_of(kernel)):
            path = Path(str(module.__file__))
            if module.__name__.startswith("urbanlab") and path not in covered:
                missing.append(f"{kernel.py_func.__module__}.{kernel.py_func.__name__} is made of {module.__name__} too")
    assert sorted(set(missing)) == []


def test_only_the_compilers_door_decorates() -> None:
    """Numba's own decorators would bring reference counting and caches beside the source."""
    package = Path(urbanlab.__file__).parent
    allowed = {package / "core" / "jit.py", package / "core" / "bundle.py"}
    texts = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path not in allowed}
    assert [path.name for path, text in texts.items() if "njit" in text or "numba.jit" in text or "@jit\n" in text] == []


def test_each_kernel_is_compiled_once(kernels: list[jit.Entry]) -> None:
    """Another city, controller or number of threads, or a longer run, calls what is compiled already."""
    for spec, threads, controller in (("grid:rows=2,cols=2,trips=2000", 1, None), ("ring:rings=2,radials=4,trips=2000", 2, "max_pressure")):
        with Simulation(make(spec, seed=1), end=120.0, threads=threads, controller=controller) as run:
            run.run(50.0).step()
            assert run.run().summary()["loaded"] > 0
    assert [kernel.py_func.__name__ for kernel, _ in kernels if len(kernel.signatures) > 1] == []
