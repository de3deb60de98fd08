"""Studies: common random numbers in each pair, failures shown, the same results from any number of processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

import urbanlab as ul
from urbanlab.city.scenario import Scenario
from urbanlab.core.errors import CapacityError, ConfigError
from urbanlab.lab import replication, workers
from urbanlab.lab.experiment import DETERMINISTIC, Comparison, Experiment, StudyResult
from urbanlab.lab.measures import MEASURES, Measure
from urbanlab.lab.replication import Outcome, Task, edge_totals, replicate
from urbanlab.lab.stats import paired
from urbanlab.traffic.simulation import Simulation


def test_front_door_is_the_experiment() -> None:
    assert ul.Experiment is Experiment


def test_both_arms_of_a_pair_have_the_same_trips_and_drivers(small: Scenario) -> None:
    records = []
    for seed in (5, 5, 6):
        arm = "fixed" if not records else "max_pressure"
        with Simulation(small, seed=seed, end=900.0, controller=arm) as run:
            records.append(run.run().record())
    base, other, next_seed = records
    assert base.trip_id == other.trip_id
    assert base.depart_wanted.tolist() == other.depart_wanted.tolist()
    assert base.trip_type == other.trip_type
    both = (base.depart >= 0) & (other.depart >= 0)
    assert base.speed_factor[both].tolist() == other.speed_factor[both].tolist()
    assert base.speed_factor[both].tolist() != next_seed.speed_factor[both].tolist()


def test_seeds_go_on_from_the_first_and_are_shared_by_a_pair(ran: StudyResult) -> None:
    assert [(o.arm, o.replication, o.seed) for o in ran.outcomes] == [
        (arm, k, 7 + k) for k in range(3) for arm in ("fixed", "max_pressure")
    ]
    assert not ran.failures


def test_figures_are_those_of_the_runs(small: Scenario, ran: StudyResult) -> None:
    with Simulation(small, seed=8, end=900.0, controller="max_pressure") as run:
        summary = run.run().summary()
        totals = edge_totals(run.record())
    outcome = ran.of_arm("max_pressure")[1]
    for measure in MEASURES:
        assert outcome.summary[measure.key] == summary[measure.key]
    assert outcome.edges is not None
    for entry in fields(totals):
        assert np.array_equal(getattr(outcome.edges, entry.name), getattr(totals, entry.name))
    values = [[o.summary["travel_time_mean_s"] for o in ran.of_arm(arm)] for arm in ("fixed", "max_pressure")]
    expected = paired(np.array(values[0]), np.array(values[1]), seed=7)
    assert ran.comparisons()[0].result == expected


def test_edge_totals_add_up_over_replications(ran: StudyResult) -> None:
    total = ran.edges("fixed")
    assert total is not None
    assert total.metres.sum() == pytest.approx(sum(o.edges.metres.sum() for o in ran.of_arm("fixed") if o.edges))
    trips = sum(o.summary["route_length_mean_m"] * o.summary["arrived"] for o in ran.of_arm("fixed"))
    assert total.metres.sum() == pytest.approx(trips, rel=0.05)


@pytest.mark.slow
def test_processes_share_the_work_and_change_nothing(small: Scenario, ran: StudyResult) -> None:
    shared = Experiment(small, replications=3, seed=7, end=900.0).run(workers=2)
    assert [(o.arm, o.seed) for o in shared.outcomes] == [(o.arm, o.seed) for o in ran.outcomes]
    for one, other in zip(shared.outcomes, ran.outcomes, strict=True):
        assert {m.key: one.summary[m.key] for m in MEASURES} == {m.key: other.summary[m.key] for m in MEASURES}
        assert one.edges is not None and other.edges is not None
        assert np.array_equal(one.edges.time_loss, other.edges.time_loss)


def test_every_outcome_is_told_as_it_comes(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "replicate", lambda _, task: Outcome(task.arm, task.replication, task.seed, {"arrived": 1}, None))
    told: list[Outcome] = []
    result = Experiment(small, replications=4).run(told.append)
    assert tuple(told) == result.outcomes
    assert len(told) == 8


def failing_at(arm: str, number: int) -> Callable[[Scenario, Task], Outcome]:
    def run(_: Scenario, task: Task) -> Outcome:
        if (task.arm, task.replication) == (arm, number):
            return Outcome(task.arm, task.replication, task.seed, {}, None, "out of slots")
        value = 100.0 + task.replication - (5.0 if task.arm != "fixed" else 0.0)
        return Outcome(task.arm, task.replication, task.seed, {m.key: value for m in MEASURES}, None)

    return run


def test_failed_replication_is_kept_and_its_pair_counts_nowhere(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "replicate", failing_at("max_pressure", 2))
    result = Experiment(small, replications=5).run()
    assert len(result.outcomes) == 10
    assert [(o.arm, o.replication, o.error) for o in result.failures] == [("max_pressure", 2, "out of slots")]
    for comparison in result.comparisons():
        assert comparison.result.pairs == 4
        assert comparison.result.baseline_mean == pytest.approx((100 + 101 + 103 + 104) / 4)


@pytest.mark.parametrize("arm", ["fixed", "max_pressure"])
def test_arm_that_fails_at_once_is_an_error_with_its_reason(arm: str, small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "replicate", failing_at(arm, 0))
    with pytest.raises(ConfigError, match=f"'{arm}' fails in its first replication: out of slots"):
        Experiment(small, replications=3).run()


def test_errors_of_urbanlab_become_outcomes_and_others_do_not(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Simulation, *_: object) -> Simulation:
        raise CapacityError("no more memory")

    monkeypatch.setattr(Simulation, "run", full)
    outcome = replicate(small, Task("fixed", 3, 45, 60.0))
    assert (outcome.error, outcome.summary, outcome.edges) == ("no more memory", {}, None)

    def broken(self: Simulation, *_: object) -> Simulation:
        raise ZeroDivisionError

    monkeypatch.setattr(Simulation, "run", broken)
    with pytest.raises(ZeroDivisionError):
        replicate(small, Task("fixed", 3, 45, 60.0))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"replications": 1}, "pairs"), ({"baseline": "max_pressure"}, "the same"), ({"confidence": 1.0}, "confidence"),
        ({"candidate": "max_presure"}, "did you mean 'max_pressure'"), ({"candidate": "max_pressure:interval=-1"}, "interval"),
        ({"baseline": "fixed:x=1"}, "no option 'x'"), ({"seed": -1}, "negative"),
    ],
)  # fmt: skip
def test_what_is_no_study_is_an_error_at_once(options: dict[str, object], told: str, small: Scenario) -> None:
    with pytest.raises(ConfigError) as caught:
        Experiment(small, **options)  # type: ignore[arg-type]
    assert told in str(caught.value)


def test_no_worker_is_an_error(small: Scenario) -> None:
    with pytest.raises(ConfigError, match="workers"):
        Experiment(small).run(workers=0)


def test_programs_of_the_source_can_be_an_arm(small: Scenario) -> None:
    result = Experiment(small, baseline="program", candidate="fixed", replications=2, end=400.0).run()
    for comparison in result.comparisons():  # the generated programs are fixed ones
        assert comparison.result.difference == 0.0
        assert comparison.verdict == "no clear difference"


def test_only_runs_that_are_all_copies_are_deterministic(invented: Callable[..., StudyResult]) -> None:
    same = {m.key: ([300.0] * 4, [280.0] * 4) for m in MEASURES}
    assert invented(same).is_deterministic
    assert invented(same, failed=(("fixed", 2),)).is_deterministic
    assert not invented(same, failed=(("fixed", 1), ("fixed", 2), ("max_pressure", 3))).is_deterministic  # one pair says nothing
    other = invented(same | {"co2_kg": ([9.0, 9.0, 9.0, 9.5], [9.0] * 4)})
    assert not other.is_deterministic
    assert {c.verdict for c in other.comparisons()} <= {"better", "worse", "no clear difference"}
    run = other.outcomes[0]
    assert run.edges is not None
    streets = replace(run.edges, metres=run.edges.metres + 1.0)
    study = invented(same)
    assert not replace(study, outcomes=(replace(study.outcomes[0], edges=streets), *study.outcomes[1:])).is_deterministic


def test_difference_of_copies_has_no_interval_and_no_p_value(invented: Callable[..., StudyResult]) -> None:
    for c in invented({m.key: ([300.0] * 6, [280.0] * 6) for m in MEASURES}).comparisons():
        assert (c.result.difference, c.verdict) == (-20.0, DETERMINISTIC)
        nothing = (c.result.t_low, c.result.t_high, c.result.bootstrap_low, c.result.detectable, c.result.p_value, c.p_corrected)
        assert np.isnan(nothing).all()


def comparison(better: int, values: list[float], p_corrected: float) -> Comparison:
    measure = Measure("k", "k", "s", better, "")
    return Comparison(measure, paired(np.zeros(len(values)), np.array(values)), p_corrected)


@pytest.mark.parametrize(
    ("better", "values", "p_corrected", "verdict"),
    [
        (-1, [-3.0, -2.0, -4.0], 0.01, "better"), (1, [-3.0, -2.0, -4.0], 0.01, "worse"), (-1, [3.0, 2.0, 4.0], 0.04, "worse"),
        (-1, [-3.0, -2.0, -4.0], 0.05, "no clear difference"), (-1, [-3.0], float("nan"), "no clear difference"),
        (1, [2.0, 2.0, 2.0], 0.0, "better"),
    ],
)  # fmt: skip
def test_verdict_follows_the_corrected_p_value_and_which_way_is_better(
    better: int, values: list[float], p_corrected: float, verdict: str
) -> None:
    assert comparison(better, values, p_corrected).verdict == verdict


def test_measures_are_keys_of_a_summary(ran: StudyResult) -> None:
    from urbanlab.core.schema import STUDY_MEASURES, SUMMARY

    assert {m.key for m in MEASURES} == set(STUDY_MEASURES) <= {column.name for column in SUMMARY}
    assert {m.key for m in MEASURES} <= set(ran.outcomes[0].summary)
    assert all(m.better in (-1, 1) for m in MEASURES)


def test_configuration_names_every_setting(ran: StudyResult, small: Scenario) -> None:
    about = replace(ran).provenance("urbanlab run x.toml").as_dict()
    assert about["command"] == "urbanlab run x.toml"
    assert about["configuration"] == {
        "source": small.source, "baseline": "fixed", "candidate": "max_pressure", "replications": 3, "seed": 7, "begin_s": 0.0,
        "end_s": 900.0, "step_s": 1.0, "confidence": 0.95,
    }  # fmt: skip


def test_outcomes_cross_processes(ran: StudyResult) -> None:
    import pickle

    again = pickle.loads(pickle.dumps(ran.outcomes[0]))
    assert again.summary["arrived"] == ran.outcomes[0].summary["arrived"]
    assert replication.Outcome is type(again)
