"""What a scenario carries can't be changed by one of its runs."""

from __future__ import annotations

import copy
import pickle

import pytest

from urbanlab.city.demand import VehicleType
from urbanlab.city.frozen import FrozenDict
from urbanlab.city.scenario import RunSettings
from urbanlab.city.synthetic import make


def test_frozen_dict_refuses_every_change() -> None:
    frozen = FrozenDict({"a": 1})
    changes = (
        lambda: frozen.__setitem__("b", 2), lambda: frozen.__delitem__("a"), frozen.clear, lambda: frozen.pop("a"), frozen.popitem,
        lambda: frozen.setdefault("b", 2), lambda: frozen.update(b=2), lambda: frozen.__ior__({"b": 2}),
    )  # fmt: skip
    for change in changes:
        with pytest.raises(TypeError, match="replace"):
            change()
    assert frozen == {"a": 1}


def test_frozen_dict_copies_and_pickles_as_frozen() -> None:
    frozen = FrozenDict({"b": 1, "a": 2})
    for other in (pickle.loads(pickle.dumps(frozen)), copy.deepcopy(frozen), copy.copy(frozen)):
        assert type(other) is FrozenDict and list(other.items()) == [("b", 1), ("a", 2)]
    assert type(frozen | {"c": 3}) is dict


def test_scenarios_mappings_are_frozen() -> None:
    scenario = make("grid:rows=2,cols=3,trips=5", seed=1)
    mappings = (
        scenario.network.attributes, scenario.network.edge_of_id, scenario.network.junction_of_id, scenario.programs.program_params[0],
        scenario.demand.vehicle_types[0].lane_change, scenario.settings.options, scenario.input_hashes,
    )  # fmt: skip
    for mapping in mappings:
        with pytest.raises(TypeError):
            mapping.clear()
    with pytest.raises(ValueError, match="read-only"):
        scenario.network.lane_length[0] = 1.0


def test_a_dict_given_to_a_record_stays_with_its_giver() -> None:
    mine = {"lcStrategic": 1.0}
    kind = VehicleType(lane_change=mine)
    mine["lcStrategic"] = 2.0
    assert kind.lane_change == {"lcStrategic": 1.0}
    assert RunSettings(options={"a": "b"}) == RunSettings(options={"a": "b"})
