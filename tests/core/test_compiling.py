"""Around a compilation: interrupts wait until it is over, and it is announced only where the cache is cold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numba
import pytest

from urbanlab.core.compiling import held_interrupts

KERNEL = """
from urbanlab.core.jit import entry

@entry(("tiny",))
def twice(speed):
    return 2.0 * speed
"""
INTERRUPTED = """
import logging, os, signal
logging.basicConfig(format="%(levelname)s %(message)s")
logging.getLogger("urbanlab.core.compiling.cold").setLevel(logging.INFO)
from tiny import twice

compile_it = twice._compiler.compile

def slow(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    result = compile_it(*arguments)
    print("compiled", flush=True)
    return result

twice._compiler.compile = slow
twice(1.0)
print("went on")
"""


@pytest.fixture
def handler() -> object:
    """The handler of Ctrl-C before a test, which has to be there again afterwards."""
    return signal.getsignal(signal.SIGINT)


def test_interrupt_comes_when_the_block_is_over_and_all_of_it_was_done(handler: object, caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def work() -> None:
        with held_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [True] and caplog.messages == ["stopping after compilation"]
    assert signal.getsignal(signal.SIGINT) is handler


def test_without_an_interrupt_nothing_changes(handler: object) -> None:
    with held_interrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is handler


def test_ignored_interrupts_stay_ignored_and_other_threads_leave_them_alone(handler: object) -> None:
    seen: list[object] = []

    def work() -> None:
        with held_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work()
    finally:
        signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
    assert seen == [handler, signal.SIG_IGN]


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiler")
def test_interrupted_compilation_is_kept_and_ends_the_process(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(KERNEL)
    env = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    first = subprocess.run([sys.executable, "-c", INTERRUPTED], env=env, capture_output=True, text=True, check=False)
    assert first.returncode in (130, -signal.SIGINT) and first.stdout == "compiled\n", first.stderr
    assert first.stderr.startswith("INFO compiling the engine (once for this version) ...\nWARNING stopping after compilation\n")
    second = subprocess.run([sys.executable, "-c", INTERRUPTED], env=env, capture_output=True, text=True, check=False)
    assert (second.returncode, second.stdout, second.stderr) == (0, "went on\n", "")  # nothing to compile, nothing to say
