"""Networks and signal programs as SUMO's `net.xml`."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

import numpy as np

from urbanlab.city.network import ALL_CLASSES, VEHICLE_CLASSES, EdgeFunction, JunctionType, Network, usual_visibility
from urbanlab.city.program import ProgramType, SignalPrograms

__all__ = ["net_lines", "open_tag", "permission_attributes", "program_lines", "tag", "text_of"]

_IGNORING = 1  # the class that may always pass has no name of its own in permissions
_PROGRAM_TYPES = {
    ProgramType.STATIC: "static",
    ProgramType.ACTUATED: "actuated",
    ProgramType.DELAY_BASED: "delay_based",
    ProgramType.NEMA: "NEMA",
    ProgramType.OFF: "off",
}


def text_of(value: object) -> str:
    """A value as SUMO reads it; numbers keep every bit."""
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value)


def open_tag(element: str, /, **attributes: object) -> str:
    """A start tag; attributes that are None are left out, a trailing underscore in a name is dropped."""
    parts = [f"{key.rstrip('_')}={quoteattr(text_of(value))}" for key, value in attributes.items() if value is not None]
    return f"<{' '.join([element, *parts])}>\n"


def tag(element: str, /, **attributes: object) -> str:
    """An element without content, as `open_tag`."""
    return open_tag(element, **attributes)[:-2] + "/>\n"


def permission_attributes(mask: int) -> dict[str, str]:
    """`allow` or `disallow`, whichever is shorter; nothing where all may pass."""
    mask |= _IGNORING
    if mask == ALL_CLASSES:
        return {}
    allowed = [name for bit, name in enumerate(VEHICLE_CLASSES) if bit and mask >> bit & 1]
    if not allowed:
        return {"disallow": "all"}
    if 2 * len(allowed) < len(VEHICLE_CLASSES):
        return {"allow": " ".join(allowed)}
    return {"disallow": " ".join(name for bit, name in enumerate(VEHICLE_CLASSES) if not mask >> bit & 1)}


def net_lines(network: Network, programs: SignalPrograms) -> Iterator[str]:
    """Lines of a net that SUMO 1.20 and later loads.

    Pedestrian links are not part of a network here, so crossings and walking areas stand without them.
    """
    kept = {key: value for key, value in network.attributes.items() if key.isidentifier()}
    boundaries = {key: kept.pop(key) for key in ("convBoundary", "origBoundary") if key in kept}
    kept.pop("lefthand", None)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield open_tag("net", version="1.20", lefthand="true" if network.lefthand else None, **kept)
    yield tag(
        "location",
        netOffset=f"{network.offset_x!r},{network.offset_y!r}",
        convBoundary=boundaries.get("convBoundary", _boundary(network)),
        origBoundary=boundaries.get("origBoundary", "-10000000000.00,-10000000000.00,10000000000.00,10000000000.00"),
        projParameter=network.projection,
    )
    yield from _edges(network)
    yield from program_lines(network, programs)
    yield from _junctions(network)
    yield from _connections(network, programs)
    for edges in network.roundabouts:
        nodes = dict.fromkeys(network.junction_id[network.edge_to[edge]] for edge in edges)
        yield tag("roundabout", nodes=" ".join(nodes), edges=" ".join(network.edge_id[edge] for edge in edges))
    yield "</net>\n"


def _boundary(network: Network) -> str:
    if not len(network.junction_x):
        return "0,0,0,0"
    x, y = network.junction_x, network.junction_y
    return ",".join(f"{value:.2f}" for value in (x.min(), y.min(), x.max(), y.max()))


def _points(network: Network, lane: int) -> str:
    part = slice(int(network.lane_shape_start[lane]), int(network.lane_shape_start[lane + 1]))
    pairs = zip(network.shape_x[part].tolist(), network.shape_y[part].tolist(), strict=True)
    return " ".join(f"{text_of(x)},{text_of(y)}" for x, y in pairs)


def _edges(network: Network) -> Iterator[str]:
    for edge, name in enumerate(network.edge_id):
        function = EdgeFunction(int(network.edge_function[edge]))
        has_ends = function in (EdgeFunction.NORMAL, EdgeFunction.CONNECTOR)
        priority = int(network.edge_priority[edge])
        yield open_tag(
            "edge",
            id=name,
            function=None if function is EdgeFunction.NORMAL else function.name.lower(),
            from_=network.junction_id[network.edge_from[edge]] if has_ends else None,
            to=network.junction_id[network.edge_to[edge]] if has_ends else None,
            name=network.edge_name[edge] or None,
            priority=None if priority == -1 else priority,
            type=network.edge_type[edge] or None,
            crossingEdges=network.attributes.get(f"crossing {name}"),
        )
        first = int(network.edge_first_lane[edge])
        for lane in range(first, int(network.edge_first_lane[edge + 1])):
            yield tag(
                "lane",
                id=f"{name}_{lane - first}",
                index=lane - first,
                **permission_attributes(int(network.lane_permissions[lane])),
                speed=network.lane_speed[lane],
                length=network.lane_length[lane],
                width=network.lane_width[lane],
                shape=_points(network, lane),
            )
        yield "</edge>\n"


def program_lines(network: Network, programs: SignalPrograms) -> Iterator[str]:
    """Programs of all signals; a signal's active one stands last, as SUMO runs the last one loaded."""
    for signal, name in enumerate(network.signal_id):
        rows = np.flatnonzero(programs.program_signal == signal).tolist()
        active = int(programs.active_program[signal])
        for row in [row for row in rows if row != active] + [row for row in rows if row == active]:
            yield from _program(name, row, programs)


def _program(name: str, row: int, programs: SignalPrograms) -> Iterator[str]:
    kind = ProgramType(int(programs.program_type[row]))
    yield open_tag(
        "tlLogic",
        id=name,
        type=_PROGRAM_TYPES[kind],
        programID=programs.program_id[row],
        offset=programs.program_offset[row],
    )
    for phase in range(int(programs.phase_start[row]), int(programs.phase_start[row + 1])):
        duration, least, most = (float(column[phase]) for column in (programs.phase_duration, programs.phase_min, programs.phase_max))
        bounds = {} if least == most == duration else {"minDur": least, "maxDur": most}
        yield tag(
            "phase",
            duration=duration,
            **bounds,
            state=programs.phase_state[phase],
            name=programs.phase_name[phase] or None,
            next=" ".join(map(str, programs.phase_next[phase])) or None,
        )
    for key, value in programs.program_params[row].items():
        yield tag("param", key=key, value=value)
    yield "</tlLogic>\n"


def _junctions(network: Network) -> Iterator[str]:
    lane_ids = [network.lane_id(lane) for lane in range(network.num_lanes)]
    first_request = np.searchsorted(network.request_junction, np.arange(network.num_junctions + 1)).tolist()

    def names(start: np.ndarray, lanes: np.ndarray, junction: int) -> str:
        return " ".join(lane_ids[lane] for lane in lanes[start[junction] : start[junction + 1]])

    for junction, name in enumerate(network.junction_id):
        first, last = first_request[junction], first_request[junction + 1]
        yield (tag if first == last else open_tag)(
            "junction",
            id=name,
            type=JunctionType(int(network.junction_type[junction])).name.lower(),
            x=network.junction_x[junction],
            y=network.junction_y[junction],
            incLanes=names(network.junction_inc_start, network.junction_inc_lane, junction),
            intLanes=names(network.junction_int_start, network.junction_int_lane, junction),
        )
        for request in range(first, last):
            response = network.response_request[network.response_start[request] : network.response_start[request + 1]]
            foes = network.foe_request[network.foe_start[request] : network.foe_start[request + 1]]
            yield tag(
                "request",
                index=request - first,
                response=_bits(response, first, last),
                foes=_bits(foes, first, last),
                cont=bool(network.request_cont[request]),
            )
        if first != last:
            yield "</junction>\n"


def _bits(requests: np.ndarray, first: int, last: int) -> str:
    """The last character stands for request 0."""
    bits = ["0"] * (last - first)
    for request in requests.tolist():
        bits[last - 1 - request] = "1"
    return "".join(bits)


def _connections(network: Network, programs: SignalPrograms) -> Iterator[str]:
    lane_edge, first_lane = network.lane_edge, network.edge_first_lane
    usual = usual_visibility(network.connection_state)
    for row in range(network.num_connections):
        start, end, via = (int(column[row]) for column in (network.connection_from, network.connection_to, network.connection_via))
        signal = int(network.connection_signal[row])
        is_signalled = signal >= 0 and int(programs.active_program[signal]) >= 0
        direction = chr(network.connection_direction[row])
        yield tag(
            "connection",
            from_=network.edge_id[lane_edge[start]],
            to=network.edge_id[lane_edge[end]],
            fromLane=start - int(first_lane[lane_edge[start]]),
            toLane=end - int(first_lane[lane_edge[end]]),
            via=network.lane_id(via) if via >= 0 else None,
            tl=network.signal_id[signal] if is_signalled else None,
            linkIndex=int(network.connection_link[row]) if is_signalled else None,
            keepClear=None if network.connection_keep_clear[row] else "0",
            visibility=None if network.connection_visibility[row] == usual[row] else float(network.connection_visibility[row]),
            **permission_attributes(int(network.connection_permissions[row])),
            dir={"i": "invalid", "t": "T" if network.lefthand else "t"}.get(direction, direction),
            state=chr(network.connection_state[row]),
        )
