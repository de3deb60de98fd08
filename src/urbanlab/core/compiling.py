"""Around a compilation: it is announced, and Ctrl-C waits until it is over.

The compiler calls back into Python from machine code; an interrupt that is raised there is printed and lost.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["ANNOUNCEMENTS", "held_interrupts", "watch"]

log = logging.getLogger(__name__)

ANNOUNCEMENTS = "urbanlab.core.compiling.cold"
"""Logger that says, once a process and at level INFO, that something has to be compiled."""

_said: set[str] = set()


def watch(compiled: Any) -> None:
    """Let a kernel hold interrupts while it is compiled or loaded, and say so where the cache has not got it.

    Parameters
    ----------
    compiled : Numba's dispatcher of the kernel
    """
    compile_one, cache = compiled.compile, compiled._cache  # noqa: SLF001 - Numba has no public door to either moment
    load = cache.load_overload

    def compile_undisturbed(signature: Any) -> Any:
        with held_interrupts():
            return compile_one(signature)

    def load_or_announce(signature: Any, context: Any) -> Any:
        found = load(signature, context)
        if found is None:
            _announce()
        return found

    compiled.compile, cache.load_overload = compile_undisturbed, load_or_announce


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Keep Ctrl-C until the block is over, then hand it to whoever handled it before.

    Where nobody handles it, or outside the main thread, nothing is changed.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    asked: list[FrameType | None] = []

    def keep(_: int, frame: FrameType | None) -> None:
        if not asked:
            log.warning("stopping after compilation")
        asked.append(frame)

    signal.signal(signal.SIGINT, keep)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        before(signal.SIGINT, asked[0])


def _announce() -> None:
    if "cold" not in _said:
        _said.add("cold")
        logging.getLogger(ANNOUNCEMENTS).info("compiling the engine (once for this version) ...")
