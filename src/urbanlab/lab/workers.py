"""Replications on several processes of one machine.

Processes start by spawn, each gets the scenario once. The first task runs in the calling process, so that what
has to be compiled is compiled once and the others find it on the disk.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from urbanlab.city.scenario import Scenario
from urbanlab.lab.replication import Outcome, Task, replicate

__all__ = ["run_tasks"]

_held: list[Scenario] = []


def run_tasks(scenario: Scenario, tasks: Sequence[Task], *, workers: int) -> Iterator[Outcome]:
    """Outcomes of all tasks as they are done; those of one process in their order.

    A process that dies, for want of memory for instance, makes what it had to do a failed replication.
    """
    if workers == 1 or len(tasks) < 3:
        for task in tasks:
            yield replicate(scenario, task)
        return
    yield replicate(scenario, tasks[0])
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks) - 1), mp_context=context, initializer=_hold, initargs=(scenario,))
    try:
        task_of = {pool.submit(_work, task): task for task in tasks[1:]}
        for future in as_completed(task_of):
            yield _outcome(future, task_of[future])
        pool.shutdown()
    except BaseException:  # interrupted, or nobody wants the rest: do not wait for minutes
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise


def _hold(scenario: Scenario) -> None:
    """Begin of a worker: Ctrl-C is the caller's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _held[:] = [scenario]


def _work(task: Task) -> Outcome:
    return replicate(_held[0], task)


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(task.arm, task.replication, task.seed, {}, None, "its process has ended before it was done")
