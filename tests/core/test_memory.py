"""Memory for tables: zeroed, in pieces that begin with a line of the cache and never overlap."""

from __future__ import annotations

import gc

import pytest

from urbanlab.core.memory import CACHE_LINE, LARGE_PAGE, Arena


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE_PAGE, 3 * LARGE_PAGE + 5], ids=["none", "a byte", "small", "a page", "pages"])
def test_pieces_are_zeroed_aligned_and_apart(size: int) -> None:
    sizes = [size // 3, size // 5, size // 7]
    arena = Arena(sum(Arena.rounded(part) for part in sizes))
    pieces = [arena.piece(part) for part in sizes]
    for number, (piece, part) in enumerate(zip(pieces, sizes, strict=True), start=1):
        assert len(piece) == part
        assert piece.ctypes.data % CACHE_LINE == 0
        assert not piece.any()
        piece[:] = number
    for number, piece in enumerate(pieces, start=1):
        assert (piece == number).all()


def test_large_memory_begins_with_a_large_page() -> None:
    assert Arena(2 * LARGE_PAGE).piece(1).ctypes.data % LARGE_PAGE == 0


def test_pieces_keep_the_memory_alive() -> None:
    piece = Arena(2 * LARGE_PAGE).piece(LARGE_PAGE)
    gc.collect()
    piece[:] = 7
    assert (piece == 7).all()
