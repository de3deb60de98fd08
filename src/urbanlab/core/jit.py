"""The only door to the compiler: reference counting off, cache keyed by what is compiled.

Kernels work on NamedTuples of arrays and scalars. Reference counting is off (`_nrt=False`): with it on,
passing dozens of arrays costs several times the physics, and off makes any allocation in a kernel a
compile error. Entry kernels are cached in the user's own folder under a hash of the sources they are made
of, the compiler and the CPU, so an edited physics function can never run from an old cache.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import llvmlite
import numba
import numpy as np
from numba import config

from urbanlab.core.compiling import watch
from urbanlab.core.parts import Part

__all__ = [
    "Entry", "cache_folder", "device", "entry", "inline", "num_compilations", "parallel_entry", "prange", "set_threads", "source_files",
    "wrapping",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger(__name__)

KEPT_CACHES = 5
CORE = ("bundle.py", "draw.py", "jit.py", "parts.py")
"""What every kernel is made of besides its own sources."""

prange = numba.prange
"""Loop of a `parallel_entry` whose passes may run on several threads; each may write only what no other reads."""

_entries: list[Entry] = []
_warned: set[str] = set()


class Entry(NamedTuple):
    """A kernel that Python calls, and the modules that decide the key of its cache."""

    kernel: Any
    sources: tuple[str, ...]


def device(function: F) -> F:
    """Compile a function that other kernels call; never cached by itself."""
    return _part(function)


def inline(function: F) -> F:
    """Compile a tiny function and let the optimiser inline it."""
    return _part(function, forceinline=True)


def _part(function: F, **more: Any) -> F:
    options: dict[str, Any] = {"_nrt": False, "error_model": "numpy", "nogil": True, **more}
    whole = numba.njit(function, **options)
    return whole if config.DISABLE_JIT else Part(function, options, whole)


def wrapping(function: F) -> F:
    """As `inline`, for arithmetic modulo 2**64: the interpreter, too, takes it as meant and does not warn."""
    return np.errstate(over="ignore")(function) if config.DISABLE_JIT else inline(function)


def entry(sources: Iterable[str], *, parallel: bool = False) -> Callable[[F], F]:
    """Compile a function that Python calls, cached on disk.

    Parameters
    ----------
    sources : names of all modules that the kernel is made of, or of packages: their modules, without those of packages
        inside; what core adds (`CORE`) is always part of it
    parallel : compile `prange` loops for several threads
    """
    names = tuple(sources)

    def decorate(function: F) -> F:
        if config.DISABLE_JIT:
            return function
        folder = cache_folder(names)
        old = config.CACHE_DIR
        options: dict[str, Any] = {"_nrt": False, "error_model": "numpy", "nogil": True, "parallel": parallel}
        if parallel:
            options["_nrt"] = True  # the parallel back end itself needs it; the bodies it calls do not
        try:
            if folder is not None:
                config.CACHE_DIR = str(folder)
            compiled = numba.njit(function, cache=folder is not None, **options)
        finally:
            config.CACHE_DIR = old
        if folder is not None:
            _go_on_without_saving(compiled)
        watch(compiled)
        _entries.append(Entry(compiled, names))
        return compiled  # type: ignore[no-any-return]

    return decorate


def parallel_entry(sources: Iterable[str]) -> Callable[[F], F]:
    """As `entry`, with `prange` over fixed chunks."""
    return entry(sources, parallel=True)


def set_threads(threads: int) -> None:
    """Threads that parallel kernels use from now on, at most one a core: results do not depend on their number."""
    most = config.NUMBA_NUM_THREADS
    if threads > most:
        _warn_once("threads", f"{threads} threads asked for, {most} used: as many as this machine has cores")
    numba.set_num_threads(min(threads, most))


def num_compilations() -> int:
    """Signatures compiled or loaded by all entry kernels so far; none where the compiler is disabled."""
    return sum(len(entry.kernel.signatures) for entry in _entries)


def cache_folder(sources: Iterable[str]) -> Path | None:
    """Folder of the compiled kernels made of these sources; None (and one warning) where none is writable."""
    names = sorted(sources)
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "urbanlab" / "kernels"
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_private(root)
        versions = root / "+".join(["core", *names])
        folder = versions / _key(names)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as problem:  # RuntimeError: the user has no home
        _warn_once("cache", f"no writable cache for compiled kernels ({problem}): every start compiles anew")
        return None
    _prune(versions, folder)
    return folder


def _go_on_without_saving(compiled: Any) -> None:
    """A disk that is full when a kernel has been compiled costs the next start its time, and this one nothing."""
    cache = compiled._cache  # noqa: SLF001 - Numba has no public door to what saves a compiled function
    save = cache.save_overload

    def save_if_possible(signature: Any, overload: Any) -> None:
        try:
            save(signature, overload)
        except OSError as problem:
            _warn_once("cache", f"compiled kernels can't be kept ({problem}): the next start compiles anew")

    cache.save_overload = save_if_possible


def _warn_once(kind: str, text: str) -> None:
    if kind not in _warned:
        _warned.add(kind)
        log.warning(text)


def _make_private(folder: Path) -> None:
    """Refuse a folder of another user: what lies in it is executed."""
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    folder.chmod(0o700)


def _key(sources: Iterable[str]) -> str:
    digest = hashlib.sha256()
    cpu = f"{llvmlite.binding.get_host_cpu_name()} {llvmlite.binding.get_host_cpu_features().flatten()}"
    digest.update(f"{sys.version} {numba.__version__} {llvmlite.__version__} {cpu}".encode())
    for path in sorted(source_files(sources)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def source_files(names: Iterable[str]) -> set[Path]:
    """Files whose text decides the key of the kernels made of these modules."""
    files = {Path(__file__).with_name(name) for name in CORE}
    for name in names:
        module = sys.modules.get(name)
        if module is None or module.__file__ is None:
            raise ImportError(f"{name} has to be imported before kernels made of it are compiled")
        path = Path(module.__file__)
        files |= set(path.parent.glob("*.py")) if path.name == "__init__.py" else {path}
    return files


def _prune(versions: Path, current: Path) -> None:
    """Keep the versions used last."""
    try:
        others = [folder for folder in versions.iterdir() if folder.is_dir() and folder != current]
        others.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in others[KEPT_CACHES - 1 :]:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # another process prunes at the same time
