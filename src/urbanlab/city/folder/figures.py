"""What there is to know of a city at a glance, as plain figures with units in their names."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from urbanlab.city.demand import Demand
from urbanlab.city.folder.profile import flow_of, profile_of
from urbanlab.city.network import EdgeFunction, JunctionType, Network
from urbanlab.city.program import ProgramType, SignalPrograms
from urbanlab.city.scenario import Scenario

__all__ = ["figures_of"]


def figures_of(scenario: Scenario) -> dict[str, Any]:
    """Counts, extent, programs, demand and origin of a scenario."""
    report = scenario.report
    return {
        "name": scenario.name,
        "source": scenario.source,
        "licence": scenario.licence,
        "network": _network(scenario.network),
        "signals": _signals(scenario.network, scenario.programs),
        "demand": _demand(scenario.demand, np.inf if scenario.settings.end is None else scenario.settings.end),
        "detectors": len(scenario.detectors),
        "closures": len(scenario.closures),
        "begin_s": scenario.settings.begin,
        "end_s": scenario.settings.end,
        "step_s": scenario.settings.step,
        "model": scenario.settings.model,
        "not_modelled": dict(report.not_modelled),
        "warnings": dict(report.warnings),
        "inputs": dict(scenario.input_hashes),
    }


def _network(network: Network) -> dict[str, Any]:
    street = network.edge_function == EdgeFunction.NORMAL
    first = network.edge_first_lane[:-1]
    on_street = street[network.lane_edge]
    shape = np.repeat(on_street, np.diff(network.lane_shape_start))
    x, y = network.shape_x[shape], network.shape_y[shape]
    kinds = Counter(JunctionType(kind).name.lower() for kind in network.junction_type.tolist() if kind != JunctionType.INTERNAL)
    return {
        "junctions": sum(kinds.values()),
        "junctions_by_type": dict(kinds.most_common()),
        "edges": int(street.sum()),
        "lanes": int(on_street.sum()),
        "connections": int(np.sum(on_street[network.connection_from])),
        "roundabouts": len(network.roundabouts),
        "width_m": float(np.ptp(x)) if len(x) else 0.0,
        "height_m": float(np.ptp(y)) if len(y) else 0.0,
        "street_length_m": float(network.lane_length[first][street].sum()),
        "lane_length_m": float(network.lane_length[on_street].sum()),
        "projection": network.projection,
        "version": network.source_version,
    }


def _signals(network: Network, programs: SignalPrograms) -> dict[str, Any]:
    kinds = Counter(ProgramType(kind).name.lower() for kind in programs.program_type.tolist())
    start = programs.phase_start
    total = np.concatenate([[0.0], np.cumsum(programs.phase_duration)])
    active = programs.active_program[programs.active_program >= 0]
    active = active[(programs.program_type[active] == ProgramType.STATIC) & (np.diff(start)[active] > 1)]
    cycle = total[start[active + 1]] - total[start[active]]
    return {
        "signals": network.num_signals,
        "programs": len(programs.program_id),
        "programs_by_type": dict(kinds.most_common()),
        "phases": len(programs.phase_state),
        "cycle_min_s": float(cycle.min()) if len(cycle) else None,
        "cycle_max_s": float(cycle.max()) if len(cycle) else None,
    }


def _demand(demand: Demand, end: float) -> dict[str, Any]:
    driven = ~demand.trip_is_template
    depart = demand.trip_depart[driven]
    kinds = Counter(_type_name(demand, code) for code in demand.trip_type[driven].tolist())
    flows = [flow_of(flow, end) for flow in demand.flows]
    for flow, spread in zip(demand.flows, flows, strict=True):
        kinds[_type_name(demand, int(demand.trip_type[flow.trip]))] += round(spread.number)
    return {
        "trips": int(driven.sum()),
        "flows": len(demand.flows),
        "flow_vehicles": sum(round(spread.number) for spread in flows),
        "with_route": int(np.sum(driven & (demand.trip_route != -1))),
        "routes": len(demand.route_start) - 1,
        "stops": len(demand.stops),
        "vehicle_types": {name: count for name, count in kinds.most_common() if count},
        "first_depart_s": float(depart[0]) if len(depart) else None,
        "last_depart_s": float(depart[-1]) if len(depart) else None,
        "profile": profile_of(depart, flows),
    }


def _type_name(demand: Demand, code: int) -> str:
    if code >= 0:
        return demand.vehicle_types[code].vehicle_type_id
    members = demand.distributions[-2 - code][0]
    return "one of " + ", ".join(demand.vehicle_types[member].vehicle_type_id for member in members[:3])
