"""One step, and many, on the CPU: loops over the phases, serial or over threads. No physics here.

A step reads the old state and writes the new one: signals; every vehicle's plan; announcements; movement;
lane ends; lane changes; returns from limbo; departures. Phases that are parallel write only their own
lanes, the others are serial, so that results are the same bits for any number of threads.
"""

from __future__ import annotations

from urbanlab.core import jit
from urbanlab.core.bundle import viewer
from urbanlab.traffic.kernels.apply_change import apply_changes
from urbanlab.traffic.kernels.approach import announce, forget
from urbanlab.traffic.kernels.change import FLAG_CHANGE, decide_lanes
from urbanlab.traffic.kernels.conflicts import clear_rears
from urbanlab.traffic.kernels.detect import events_due, watch_areas, watch_points
from urbanlab.traffic.kernels.execute import execute_lanes
from urbanlab.traffic.kernels.insert import enqueue_due, insert_waiting
from urbanlab.traffic.kernels.limbo import return_from_limbo
from urbanlab.traffic.kernels.live_speeds import sample_speeds
from urbanlab.traffic.kernels.plan import plan_lanes
from urbanlab.traffic.kernels.transfer import collect_moves, transfer
from urbanlab.traffic.kernels.world import (
    COUNT_RUNNING,
    COUNT_STEPS,
    COUNT_WAITING,
    FLAG_CROSS,
    FLAG_STOP,
    FLAG_STUCK,
    MOVE_NEXT,
    PHASE,
    STEP,
    Calls,
    World,
)
from urbanlab.traffic.lights.signal_kernels import step_signals
from urbanlab.traffic.lights.signal_state import SignalPlan, SignalState

__all__ = ["NUM_CHUNKS", "advance_parallel", "advance_serial"]

NUM_CHUNKS = 64
"""Pieces in which threads take the active lanes; fixed, though results do not depend on it."""

START, TRANSFER, DECIDE, CHANGE, LIMBO, ENQUEUE, INSERT, SAMPLE = range(8)
SOURCES = ("urbanlab.traffic.kernels", "urbanlab.traffic.lights", "urbanlab.traffic.physics", "urbanlab.city.routing_kernels")


as_calls = viewer(Calls)
as_world = viewer(World)
as_plan = viewer(SignalPlan)
as_state = viewer(SignalState)


@jit.device
def _after_moving(w: World, step: int, time: float) -> bool:
    """The serial part behind the movement up to the lane changes."""
    if w.cursor[PHASE] == TRANSFER:
        if not transfer(w, time):
            return False
        watch_areas(w, step)
        for a in range(w.pool.num_active[0]):
            w.flags[a] = 0
        w.cursor[PHASE] = DECIDE
    return True


@jit.device
def _after_deciding(w: World, step: int, time: float) -> bool:
    """The serial rest of a step."""
    if w.cursor[PHASE] == CHANGE:
        if not apply_changes(w, step):
            return False
        w.cursor[PHASE] = LIMBO
        w.cursor[MOVE_NEXT] = 0
    if w.cursor[PHASE] == LIMBO:
        if not return_from_limbo(w, time):
            return False
        w.cursor[PHASE] = ENQUEUE
    if w.cursor[PHASE] == ENQUEUE:
        if not enqueue_due(w, time, w.params.end):
            return False
        w.cursor[PHASE] = INSERT
    if w.cursor[PHASE] == INSERT:
        if not insert_waiting(w, step, time):
            return False
        w.cursor[PHASE] = SAMPLE
    if w.cursor[PHASE] == SAMPLE:
        if not sample_speeds(w, step):
            return False
        w.cursor[PHASE] = START
    w.cursor[STEP] += 1
    return True


@jit.device
def _is_over(w: World) -> bool:
    """Has every vehicle left, and is none to come?"""
    return w.counts[COUNT_RUNNING] == 0 and w.counts[COUNT_WAITING] == 0 and w.departures.cursor[0] >= len(w.departures.depart)


@jit.device
def _may_go_on(w: World) -> bool:
    """Is nobody outside to be told anything first? A step for which room had to be made is always brought to its end."""
    return w.cursor[PHASE] != START or (w.watch.num[0] == 0 and not events_due(w))


@jit.device
def _do_steps(calls: Calls, k: int) -> int:
    """Steps of one world on one thread; the number done.

    Fewer than asked for: room ran out (`cursor[ROOM]` says which), a watched lane was entered, detectors are to be read, or it is over.
    """
    w, plan, signals = as_world(calls.world[k]), as_plan(calls.signal_plan[k]), as_state(calls.signal_state[k])
    num_steps, until_empty = calls.num_steps[k], calls.until_empty[k] != 0
    done = 0
    while done < num_steps and _may_go_on(w):
        step = w.cursor[STEP]
        time = w.params.begin + step * w.params.dt
        if w.cursor[PHASE] == START:
            if until_empty and _is_over(w):
                return done
            step_signals(plan, signals, w.lanes, w.slots, w.types.length, step, time)
            num = w.pool.num_active[0]
            plan_lanes(w, 0, num, time)
            announce(w, step)
            w.counts[COUNT_STEPS] += execute_lanes(w, 0, num, step, time)
            forget(w)
            clear_rears(w)
            watch_points(w, step, time)
            collect_moves(w, FLAG_CROSS | FLAG_STUCK | FLAG_STOP)
            w.cursor[PHASE] = TRANSFER
        if not _after_moving(w, step, time):
            return done
        if w.cursor[PHASE] == DECIDE:
            if w.params.lane_change != 0:
                decide_lanes(w, 0, w.pool.num_active[0], step)
            collect_moves(w, FLAG_CHANGE)
            w.cursor[PHASE] = CHANGE
        if not _after_deciding(w, step, time):
            return done
        done += 1
    return done


@jit.device
def _do_call(calls: Calls, k: int) -> None:
    calls.done[k] = _do_steps(calls, k)


@jit.entry(SOURCES)
def advance_serial(calls: int, num_worlds: int) -> None:
    """Do the steps of the first `num_worlds` worlds of a table of calls on one thread, one world after the other."""
    c = as_calls(calls)
    for k in range(num_worlds):
        _do_call(c, k)


@jit.device
def _execute_chunk(w: World, num: int, chunk: int, step: int, time: float) -> None:
    w.moved[chunk] = execute_lanes(w, num * chunk // NUM_CHUNKS, num * (chunk + 1) // NUM_CHUNKS, step, time)


@jit.parallel_entry(SOURCES)
def advance_parallel(calls: int, num_worlds: int) -> None:
    """As `advance_serial` on several threads: each takes worlds, or, where there is only one, lanes."""
    c = as_calls(calls)
    if num_worlds > 1:
        for k in jit.prange(num_worlds):
            _do_call(as_calls(calls), k)
        return
    world, num_steps, until_empty = c.world[0], c.num_steps[0], c.until_empty[0] != 0
    w, plan, signals = as_world(world), as_plan(c.signal_plan[0]), as_state(c.signal_state[0])
    c.done[0] = 0
    while c.done[0] < num_steps and _may_go_on(w):
        step = w.cursor[STEP]
        time = w.params.begin + step * w.params.dt
        if w.cursor[PHASE] == START:
            if until_empty and _is_over(w):
                return
            step_signals(plan, signals, w.lanes, w.slots, w.types.length, step, time)
            num = w.pool.num_active[0]
            for chunk in jit.prange(NUM_CHUNKS):
                plan_lanes(as_world(world), num * chunk // NUM_CHUNKS, num * (chunk + 1) // NUM_CHUNKS, time)
            announce(w, step)
            for chunk in jit.prange(NUM_CHUNKS):
                _execute_chunk(as_world(world), num, chunk, step, time)
            for chunk in range(NUM_CHUNKS):
                w.counts[COUNT_STEPS] += w.moved[chunk]
            forget(w)
            clear_rears(w)
            watch_points(w, step, time)
            collect_moves(w, FLAG_CROSS | FLAG_STUCK | FLAG_STOP)
            w.cursor[PHASE] = TRANSFER
        if not _after_moving(w, step, time):
            return
        if w.cursor[PHASE] == DECIDE:
            num = w.pool.num_active[0]
            if w.params.lane_change != 0:
                for chunk in jit.prange(NUM_CHUNKS):
                    decide_lanes(as_world(world), num * chunk // NUM_CHUNKS, num * (chunk + 1) // NUM_CHUNKS, step)
            collect_moves(w, FLAG_CHANGE)
            w.cursor[PHASE] = CHANGE
        if not _after_deciding(w, step, time):
            return
        c.done[0] += 1
