"""Edge totals by period: summed over lanes, kept without the edges where nothing happened, spelled out on demand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from urbanlab.traffic.model import LaneTotals
from urbanlab.traffic.periods import PeriodLog


class Model:
    """Sums by lane, as put into it by hand."""

    def __init__(self, num_lanes: int) -> None:
        self._num = num_lanes
        self.clear_totals()

    def clear_totals(self) -> None:
        kinds = {name: np.float64 if name in ("seconds", "metres", "waiting", "loss") else np.int64 for name in LaneTotals._fields}
        self.now = LaneTotals(**{name: np.zeros(self._num, kind) for name, kind in kinds.items()})  # type: ignore[arg-type]

    def totals(self) -> LaneTotals:
        return self.now


@pytest.fixture
def model() -> Any:
    return Model(5)


@pytest.fixture
def log() -> PeriodLog:
    """Edges 0 (two lanes), 1 and 2 (a lane each) and 3 (a lane); periods of 10 s from 100 s on."""
    network: Any = SimpleNamespace(lane_edge=np.array([0, 0, 1, 2, 3], np.int32), num_edges=4)
    return PeriodLog(network, 100.0, 10.0)


def test_lanes_are_summed_by_edge_and_period(log: PeriodLog, model: Any) -> None:
    model.now.seconds[:] = [1.0, 2.0, 0.0, 4.0, 0.0]
    log.close_if_due(model, 110.0)
    model.now.entered[:] = [0, 0, 3, 0, 0]
    first, second = log.periods(model, 120.0)
    assert (first.begin, first.end, second.begin, second.end) == (100.0, 110.0, 110.0, 120.0)
    assert first.seconds.tolist() == [3.0, 0.0, 4.0, 0.0] and first.entered.tolist() == [0, 0, 0, 0]
    assert second.entered.tolist() == [0, 3, 0, 0] and second.entered.dtype == np.int64
    assert second.time_loss.tolist() == [0.0] * 4


def test_reading_the_open_period_takes_nothing_from_it(log: PeriodLog, model: Any) -> None:
    model.now.metres[0] = 5.0
    assert log.periods(model, 104.0)[0].metres[0] == 5.0
    model.now.metres[1] += 7.0
    log.close_if_due(model, 110.0)
    assert [period.metres[0] for period in log.periods(model, 110.0)] == [12.0]


def test_period_does_not_close_before_its_end(log: PeriodLog, model: Any) -> None:
    log.close_if_due(model, 109.0)
    assert log.due == 110.0 and log.periods(model, 109.0)[0].end == 109.0


def test_no_time_has_no_period(log: PeriodLog, model: Any) -> None:
    assert len(log.periods(model, 100.0)) == 0


def test_memory_follows_the_edges_with_traffic(log: PeriodLog, model: Any) -> None:
    model.now.seconds[3] = 1.0
    log.close_if_due(model, 110.0)
    (packed,) = log.periods(model, 110.0)._packed
    assert packed.edges.tolist() == [2] and all(len(column) == 1 for column in packed.columns.values())


def test_periods_are_a_sequence(log: PeriodLog, model: Any) -> None:
    for time in (110.0, 120.0, 130.0):
        log.close_if_due(model, time)
    periods = log.periods(model, 130.0)
    assert len(periods) == 3 and periods[-1].begin == 120.0
    assert [period.begin for period in periods[1:]] == [110.0, 120.0] == [period.begin for period in list(periods)[1:]]
    with pytest.raises(IndexError):
        periods[3]
