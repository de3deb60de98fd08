"""Memory for the tables of kernels: on large pages where the system has them.

A large city's tables are read all over the place. With pages of 4 kB most reads then wait for the translation of
an address as well as for the data: on the machine this was measured on (a virtual one), a dependent read
within 8 MB took 134 ns with small pages and 15 ns with large ones.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CACHE_LINE", "Arena"]

CACHE_LINE = 64
LARGE_PAGE = 2 << 20
"""[bytes] of a large page on the usual machines."""


def _large_pages(size: int) -> mmap.mmap:
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return mmap.mmap(-1, size)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # pages that are shared are never large
    memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


class Arena:
    """Zeroed memory that is handed out piece by piece; it lives as long as any of its pieces.

    Parameters
    ----------
    size : [bytes] all pieces together, each rounded up to a line of the cache
    """

    def __init__(self, size: int) -> None:
        self._used = 0
        if size < LARGE_PAGE // 2:
            room: Any = np.zeros(size + CACHE_LINE, np.uint8)
            start = -room.ctypes.data % CACHE_LINE
        else:
            room = np.frombuffer(_large_pages(size + LARGE_PAGE), np.uint8)
            start = -room.ctypes.data % LARGE_PAGE
        self._room: NDArray[np.uint8] = room[start:]

    @staticmethod
    def rounded(size: int) -> int:
        """Bytes that a piece takes."""
        return size + -size % CACHE_LINE

    def piece(self, size: int) -> NDArray[np.uint8]:
        """The next `size` bytes; they begin with a line of the cache."""
        start = self._used
        self._used += self.rounded(size)
        return self._room[start : start + size]
