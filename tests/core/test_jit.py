"""The door to the compiler: what it refuses, what its cache is keyed by, and what happens without one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numba
import pytest
from numba.core.errors import NumbaError

from urbanlab.core import jit

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiler")

PHYSICS = """
from urbanlab.core.jit import device

@device
def braking(speed, decel):
    return speed * speed / (2.0 * decel)
"""
STEPS = """
from urbanlab.core.jit import entry
from tiny.physics import braking

@entry(("tiny", "tiny.physics"))
def distance(speed):
    return braking(speed, 4.5)
"""
MAIN = """
import logging
logging.basicConfig(format="%(levelname)s %(message)s")
from tiny.steps import distance
print(distance(9.0), sum(distance.stats.cache_hits.values()), sum(distance.stats.cache_misses.values()))
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A package of ten lines: a function of physics and a kernel around it."""
    package = tmp_path / "tiny"
    package.mkdir()
    (package / "__init__.py").write_text('"""Tiny."""\n')
    (package / "physics.py").write_text(PHYSICS)
    (package / "steps.py").write_text(STEPS)
    return tmp_path


def run(folder: Path, cache: Path | None = None) -> tuple[float, int, int, str]:
    """Distance, cache hits, cache misses and warnings of a fresh process."""
    env = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache or folder / "cache")}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(MAIN)], env=env, capture_output=True, text=True, check=True)
    value, hits, misses = done.stdout.split()
    return float(value), int(hits), int(misses), done.stderr


def versions(folder: Path) -> list[Path]:
    """Folders of the kept versions of the package's kernels."""
    return sorted((folder / "cache" / "urbanlab" / "kernels").glob("*tiny*/*"))


def test_second_process_loads_what_the_first_compiled(tiny: Path) -> None:
    assert run(tiny) == (9.0, 0, 1, "")
    assert run(tiny) == (9.0, 1, 0, "")
    assert len(versions(tiny)) == 1


def test_disk_full_after_compiling_is_one_warning(tiny: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))"  # no file may be longer than 64 bytes
    code = full + textwrap.dedent(MAIN)
    env = {**os.environ, "PYTHONPATH": str(tiny), "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(tiny / "cache")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["9.0", "0", "1"], done.stderr
    assert done.stderr.startswith("WARNING compiled kernels can't be kept") and done.stderr.count("\n") == 1
    assert run(tiny) == (9.0, 0, 1, "")


def test_edited_physics_is_never_run_from_an_old_cache(tiny: Path) -> None:
    assert run(tiny)[0] == 9.0
    (tiny / "tiny" / "physics.py").write_text(PHYSICS.replace("2.0 * decel", "1.0 * decel"))
    assert run(tiny)[:3] == (18.0, 0, 1)
    (tiny / "tiny" / "physics.py").write_text(PHYSICS)
    assert run(tiny)[:3] == (9.0, 1, 0)


def test_only_the_last_five_versions_are_kept(tiny: Path) -> None:
    run(tiny)
    (first,) = versions(tiny)
    for age in range(7):
        other = first.with_name(f"other{age}")
        other.mkdir()
        os.utime(other, (1000.0 + age, 1000.0 + age))
    assert run(tiny)[:3] == (9.0, 1, 0)
    assert {path.name for path in versions(tiny)} == {first.name, "other6", "other5", "other4", "other3"}


def test_cache_is_the_users_own_and_nowhere_else(tiny: Path) -> None:
    run(tiny)
    assert (tiny / "cache" / "urbanlab" / "kernels").stat().st_mode & 0o777 == 0o700
    assert list((tiny / "tiny").rglob("*.nb?")) == []


def test_without_a_writable_cache_there_is_one_warning_and_the_same_answer(tiny: Path) -> None:
    blocked = tiny / "file"
    blocked.write_text("in the way")
    (tiny / "tiny" / "more.py").write_text(STEPS.replace("distance", "twice"))
    (tiny / "tiny" / "__init__.py").write_text('"""Tiny."""\nimport tiny.physics\nimport tiny.more\n')
    value, hits, _, warnings = run(tiny, blocked)
    assert (value, hits) == (9.0, 0)
    assert warnings.count("WARNING") == 1
    assert "no writable cache for compiled kernels" in warnings
    assert list(tiny.rglob("*.nb?")) == []


@pytest.mark.skipif(not hasattr(os, "chown") or os.getuid() != 0, reason="only root can give a folder away")
def test_cache_of_another_user_is_not_used(tiny: Path) -> None:
    kernels = tiny / "cache" / "urbanlab" / "kernels"
    kernels.mkdir(parents=True)
    os.chown(kernels, 12345, 12345)
    value, _, _, warnings = run(tiny)
    assert value == 9.0
    assert "belongs to another user" in warnings
    assert list(kernels.iterdir()) == []


def test_cache_folder_needs_its_sources_imported() -> None:
    with pytest.raises(ImportError, match="not_there"):
        jit.cache_folder(("urbanlab.not_there",))


def test_allocation_in_a_kernel_is_a_compile_error() -> None:
    import numpy as np

    @jit.entry(())
    def allocate(num: int) -> float:
        return float(np.zeros(num).sum())

    with pytest.raises(NumbaError, match="zeros"):
        allocate(3)


def test_list_in_a_device_function_is_a_compile_error() -> None:
    @jit.device
    def listed(num: int) -> int:
        return len([num, num])

    with pytest.raises(NumbaError):
        listed(3)


def test_reference_counting_is_off() -> None:
    @jit.device
    def first(values: object) -> float:
        return values[0]  # type: ignore[index,no-any-return]

    import numpy as np

    assert first(np.ones(3)) == 1.0
    (code,) = first.whole.inspect_llvm().values()  # type: ignore[attr-defined]
    assert "NRT_incref" not in code


def test_division_by_zero_follows_numpy() -> None:
    @jit.device
    def divide(a: float, b: float) -> float:
        return a / b

    assert divide(1.0, 0.0) == float("inf")


def test_more_threads_than_cores_is_one_warning_and_every_core(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_warned", set())
    most = numba.config.NUMBA_NUM_THREADS
    jit.set_threads(most + 3)
    jit.set_threads(most + 3)
    assert numba.get_num_threads() == most
    assert [record.message for record in caplog.records] == [
        f"{most + 3} threads asked for, {most} used: as many as this machine has cores"
    ]
    jit.set_threads(1)
    assert numba.get_num_threads() == 1


def test_compilations_are_counted() -> None:
    @jit.entry(())
    def double(value: int) -> int:
        return value * 2

    before = jit.num_compilations()
    assert double(2) == 4
    assert double(3) == 6
    assert jit.num_compilations() == before + 1
