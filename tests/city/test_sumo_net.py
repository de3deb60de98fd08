"""Networks of SUMO: against hand-read facts, against ElementTree, and against bad input."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from urbanlab.city.network import ALL_CLASSES, EdgeFunction, JunctionType, Network, class_mask
from urbanlab.city.program import SignalPrograms
from urbanlab.city.readers.sumo_net import read_net
from urbanlab.city.readers.sumo_signals import ProgramReader
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import FileError, InputError, NetworkError, ProgramError

SMALL = Path(__file__).parent / "files" / "small.net.xml"
NETS = (
    "arterial4x4/arterial4x4", "bologna_acosta/acosta_buslanes", "bologna_pasubio/pasubio_buslanes",
    "cologne1/cologne1",
    "cologne3/cologne3", "cologne8/cologne8", "grid4x4/grid4x4", "hamburg_tavf/network", "ingolstadt1/ingolstadt1",
    "ingolstadt7/ingolstadt7",
)  # fmt: skip


def read(path: Path, report: ImportReport | None = None) -> tuple[Network, SignalPrograms]:
    report = report or ImportReport()
    programs = ProgramReader(report)
    network, _ = read_net(path, report, programs)
    return network, programs.build()


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SMALL.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "changed.net.xml"
    path.write_text(text)
    return path


def connections(network: Network) -> dict[tuple[str, str], int]:
    pairs = zip(network.connection_from.tolist(), network.connection_to.tolist(), strict=True)
    return {(network.lane_id(a), network.lane_id(b)): row for row, (a, b) in enumerate(pairs)}


# facts of the small net, read by eye


def test_small_net_has_its_edges_lanes_and_junctions() -> None:
    network, _ = read(SMALL)
    assert network.edge_id[network.edge_of_id["west_in"]] == "west_in"
    west = network.edge_of_id["west_in"]
    assert network.edge_name[west] == "West Street" and network.edge_type[west] == "highway.primary"
    assert network.edge_priority[west] == 2
    assert network.junction_id[network.edge_to[west]] == "centre"
    assert network.junction_type[network.junction_of_id["centre"]] == JunctionType.TRAFFIC_LIGHT
    assert network.edge_first_lane[west + 1] - network.edge_first_lane[west] == 3
    lane = network.lane_of_id("west_in_0")
    assert (network.lane_width[lane], network.lane_length[lane], network.lane_speed[lane]) == (2.0, 94.8, 13.89)
    assert network.lane_shape(lane).tolist() == [[0.0, 92.6], [94.8, 92.6]]
    assert network.lane_width[network.lane_of_id("east_in_1")] == 3.2


def test_permissions_are_masks() -> None:
    network, _ = read(SMALL)
    mask = network.lane_permissions
    assert mask[network.lane_of_id("east_in_0")] == ALL_CLASSES
    assert mask[network.lane_of_id("north_out_0")] == class_mask("bus", "taxi", "ignoring")
    assert mask[network.lane_of_id("south_in_0")] == ALL_CLASSES & ~class_mask("truck")


def test_edges_inside_junctions_belong_to_them() -> None:
    network, _ = read(SMALL)
    centre = network.junction_of_id["centre"]
    for name, function in ((":centre_10", "INTERNAL"), (":centre_c0", "CROSSING"), (":centre_w1", "WALKINGAREA")):
        edge = network.edge_of_id[name]
        assert network.edge_function[edge] == EdgeFunction[function]
        assert network.edge_from[edge] == network.edge_to[edge] == centre


def test_left_turn_over_an_internal_junction_is_three_rows() -> None:
    network, _ = read(SMALL)
    rows = connections(network)
    chain = [
        ("north_in_0", "east_out_1", ":centre_2_0"),
        (":centre_2_0", "east_out_1", ":centre_13_0"),
        (":centre_13_0", "east_out_1", None),
    ]
    for start, end, via in chain:
        row = rows[(start, end)]
        lane = network.connection_via[row]
        assert (network.lane_id(lane) if lane >= 0 else None) == via
        assert network.connection_junction[row] == network.junction_of_id["centre"]
        assert (network.connection_request[row] >= 0) == (start == "north_in_0")
        assert (network.connection_signal[row] >= 0) == (start == "north_in_0")


def test_request_rows_follow_incoming_lanes_not_the_file() -> None:
    """east_in stands first in the file, north_in first among the incoming lanes."""
    network, _ = read(SMALL)
    rows = connections(network)
    assert network.connection_request[rows[("north_in_0", "west_out_1")]] == 0
    assert network.connection_request[rows[("east_in_0", "north_out_0")]] == 3
    assert network.connection_request[rows[("west_in_2", "north_out_0")]] == 12


def test_last_character_of_a_response_is_request_0() -> None:
    """Index 0 has response 00000000010000: it yields to request 4 alone; request 12 yields to 2, 3, 4, 8 and 13."""
    network, _ = read(SMALL)
    start = network.response_start
    assert network.response_request[start[0] : start[1]].tolist() == [4]
    assert sorted(network.response_request[start[12] : start[13]].tolist()) == [2, 3, 4, 8, 13]
    assert network.request_cont.tolist().count(True) == 4


def test_crossings_keep_their_request_and_place_in_the_states() -> None:
    report = ImportReport()
    network, programs = read(SMALL, report)
    assert len(network.request_junction) == 14 and np.sum(network.connection_request >= 0) == 13
    assert {len(state) for state in programs.phase_state} == {14}
    assert not report.warnings


def test_connections_lead_to_normal_edges_only() -> None:
    network, _ = read(SMALL)
    function = network.edge_function[network.lane_edge[network.connection_to]]
    assert np.all(function == EdgeFunction.NORMAL)


def test_columns_cannot_be_written() -> None:
    network, programs = read(SMALL)
    with pytest.raises(ValueError, match="read-only"):
        network.lane_speed[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        programs.phase_duration[0] = 1.0


# all real nets against another parser


@pytest.fixture(params=NETS)
def real(request: pytest.FixtureRequest, traffic_data: Path) -> tuple[ElementTree.Element, Network, SignalPrograms]:
    path = traffic_data / f"{request.param}.net.xml.gz"
    with gzip.open(path) as file:
        root = ElementTree.parse(file).getroot()
    return root, *read(path)


def test_real_nets_have_what_elementtree_counts(real: tuple[ElementTree.Element, Network, SignalPrograms]) -> None:
    root, network, programs = real
    assert network.edge_id == tuple(edge.get("id") for edge in root.iter("edge"))
    lanes = list(root.iter("lane"))
    assert [network.lane_id(lane) for lane in range(network.num_lanes)] == [lane.get("id") for lane in lanes]
    assert network.lane_length.tolist() == [float(lane.get("length", "")) for lane in lanes]
    assert network.lane_speed.tolist() == [float(lane.get("speed", "")) for lane in lanes]
    points = [point.split(",") for lane in lanes for point in lane.get("shape", "").split()]
    assert np.column_stack([network.shape_x, network.shape_y]).tolist() == [[float(p[0]), float(p[1])] for p in points]
    assert network.junction_id == tuple(junction.get("id") for junction in root.iter("junction"))
    assert len(network.request_junction) == len(list(root.iter("request")))
    assert network.num_connections == len(root.findall("connection"))
    assert network.signal_id == tuple(dict.fromkeys(program.get("id") for program in root.iter("tlLogic")))
    assert programs.phase_state == tuple(
        phase.get("state")
        for name in network.signal_id
        for program in root.iter("tlLogic")
        if program.get("id") == name
        for phase in program.iter("phase")
    )  # fmt: skip
    assert len(network.roundabouts) == len(root.findall("roundabout"))


def test_real_connections_are_as_written(real: tuple[ElementTree.Element, Network, SignalPrograms]) -> None:
    root, network, _ = real
    for row, element in enumerate(root.findall("connection")):
        get = element.get
        assert network.lane_id(network.connection_from[row]) == f"{get('from')}_{get('fromLane')}"
        assert network.lane_id(network.connection_to[row]) == f"{get('to')}_{get('toLane')}"
        via = network.connection_via[row]
        assert (network.lane_id(via) if via >= 0 else None) == get("via")
        assert chr(network.connection_direction[row]) == get("dir") and chr(network.connection_state[row]) == get("state")
        signal = network.connection_signal[row]
        assert (network.signal_id[signal] if signal >= 0 else None) == get("tl")
        assert network.connection_link[row] == int(get("linkIndex", "-1"))
        assert network.connection_keep_clear[row] == (get("keepClear") != "0")
        assert network.connection_visibility[row] == float(get("visibility", "100" if get("state") == "Z" else "4.5"))


def test_real_right_of_way_equals_an_independent_reading(
    real: tuple[ElementTree.Element, Network, SignalPrograms],
) -> None:
    """Walk the tree as SUMO's documentation describes it, junction by junction, on names instead of columns."""
    root, network, _ = real
    ours = {
        (network.lane_id(start), network.lane_id(end)): int(request)
        for start, end, request in zip(network.connection_from, network.connection_to, network.connection_request, strict=True)
        if request >= 0
    }
    outgoing: dict[str, list[tuple[str, str]]] = {}
    for element in root.findall("connection"):
        start, end = f"{element.get('from')}_{element.get('fromLane')}", f"{element.get('to')}_{element.get('toLane')}"
        outgoing.setdefault(start, []).append((start, end))
    checked = 0
    for junction in root.iter("junction"):
        requests = list(junction.iter("request"))
        links = [link for lane in (junction.get("incLanes") or "").split() for link in outgoing.get(lane, [])]
        if not requests:
            continue
        assert len(links) == len(requests)
        for link, element in zip(links, requests, strict=True):
            row = ours[link]
            response = network.response_request[network.response_start[row] : network.response_start[row + 1]]
            foes = network.foe_request[network.foe_start[row] : network.foe_start[row + 1]]
            for found, key in ((response, "response"), (foes, "foes")):
                bits = reversed(element.get(key, ""))
                assert {ours[links[place]] for place, bit in enumerate(bits) if bit == "1"} == set(found.tolist())
            checked += 1
    assert checked == len(network.request_junction)


def test_request_order_equals_link_order_of_signals_at_one_junction(
    real: tuple[ElementTree.Element, Network, SignalPrograms],
) -> None:
    """Netconvert numbers a signal's links as the requests of its junction: found by us, written by it."""
    root, network, _ = real
    if root.get("version") == "1.6":
        pytest.skip("Hamburg's link indices were numbered by hand")
    for signal in range(network.num_signals):
        rows = np.flatnonzero(network.connection_signal == signal)
        junctions = np.unique(network.connection_junction[rows])
        if len(junctions) != 1 or len(set(network.connection_link[rows].tolist())) < len(rows):
            continue
        first = np.searchsorted(network.request_junction, junctions[0])
        if network.connection_link[rows].max() < len(rows):
            order = np.argsort(network.connection_link[rows])
            requests = network.connection_request[rows][order] - first
            assert all(a < b for a, b in pairwise(requests.tolist())), network.signal_id[signal]


def test_foes_are_mutual_in_real_nets(real: tuple[ElementTree.Element, Network, SignalPrograms]) -> None:
    _, network, _ = real
    rows = np.repeat(np.arange(len(network.request_junction)), np.diff(network.foe_start))
    pairs = set(zip(rows.tolist(), network.foe_request.tolist(), strict=True))
    one_sided = [pair for pair in pairs if pair[::-1] not in pairs]
    assert len(one_sided) <= 0.001 * len(pairs)  # Hamburg has two, as written in the file
    assert np.all(network.request_junction[rows] == network.request_junction[network.foe_request])


# bad input

LANE = '<lane id="east_in_0" index="0" speed="13.89" length="94.80"'
BAD = {
    "negative length": (LANE, LANE.replace("94.80", "-94.80")),
    "zero length": (LANE, LANE.replace("94.80", "0")),
    "NaN length": (LANE, LANE.replace("94.80", "nan")),
    "infinite length": (LANE, LANE.replace("94.80", "inf")),
    "huge length": (LANE, LANE.replace("94.80", "1e300")),
    "underscore in a number": (LANE, LANE.replace("94.80", "9_4")),
    "word for a number": (LANE, LANE.replace("94.80", "long")),
    "no length": (LANE, LANE.replace(' length="94.80"', "")),
    "negative speed": (LANE, LANE.replace("13.89", "-1")),
    "lane out of place": (LANE, LANE.replace("east_in_0", "east_in_7")),
    "unknown class": ('disallow="truck"', 'disallow="lorry"'),
    "NaN in a shape": ("200.00,104.80 105.20,104.80", "200.00,nan 105.20,104.80"),
    "shape with half a point": ("200.00,104.80 105.20,104.80", "200.00 105.20,104.80"),
    "shape of words": ("200.00,104.80 105.20,104.80", "a,b c,d"),
    "edge without an end": ('<edge id="east_in" from="east" to="centre"', '<edge id="east_in" from="east"'),
    "edge to nowhere": ('<edge id="east_in" from="east" to="centre"', '<edge id="east_in" from="east" to="nowhere"'),
    "edge twice": ('<edge id="east_out"', '<edge id="east_in"'),
    "unknown function": ('function="crossing"', 'function="tunnel"'),
    "junction twice": ('<junction id="north"', '<junction id="east"'),
    "junction without x": ('<junction id="north" type="dead_end" x="100.00"', '<junction id="north" type="dead_end"'),
    "unknown incoming lane": ('incLanes="east_out_0 ', 'incLanes="east_out_9 '),
    "request twice": ('<request index="1" ', '<request index="0" '),
    "request of other characters": ('foes="00000100010000"', 'foes="0000010001000x"'),
    "request with too many bits": ('foes="00000100010000"', 'foes="000000000100010000"'),
    "fewer requests than connections": ('<request index="13"', '<prohibition index="13"'),
    "unknown edge in a connection": ('<connection from="east_in"', '<connection from="oest_in"'),
    "unknown lane in a connection": ('to="north_out" fromLane="0"', 'to="north_out" fromLane="5"'),
    "unknown via": ('via=":centre_3_0"', 'via=":centre_99_0"'),
    "via on a street": ('via=":centre_3_0"', 'via="east_in_1"'),
    "negative link": ('linkIndex="3"', 'linkIndex="-3"'),
    "unknown direction": ('dir="r"', 'dir="up"'),
    "broken offset": ('netOffset="0.00,0.00"', 'netOffset="0.00"'),
    "version of tomorrow": ('<net version="1.20"', '<net version="2.0"'),
    "version of nobody": ('<net version="1.20"', '<net version="one"'),
    "net of the old form": ("<roundabout", "<roundabout") if "<roundabout" in SMALL.read_text() else ("</net>",
    '<succ edge="east_in"/></net>'),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_nets_are_refused_with_a_place(tmp_path: Path, kind: str) -> None:
    with pytest.raises(NetworkError) as caught:
        read(changed(tmp_path, BAD[kind]))
    assert "changed.net.xml" in str(caught.value)


def test_unknown_edge_names_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="nearest known name is 'west_in'"):
        read(changed(tmp_path, BAD["unknown edge in a connection"]))


def test_edge_without_lanes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="has no lanes"):
        read(changed(tmp_path, ("</net>", '<edge id="bare" from="east" to="west"></edge></net>')))


def test_empty_net_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.net.xml"
    path.write_text('<net version="1.20"/>')
    with pytest.raises(NetworkError, match="no edges"):
        read(path)


def test_wrong_root_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.net.xml"
    path.write_text("<routes/>")
    with pytest.raises(FileError, match="is not a SUMO network"):
        read(path)


@pytest.mark.parametrize("version", ["0.13", "0.27", "1.0", "1.3", "1.9", "1.16", "1.20"])
def test_versions_up_to_today_are_read(tmp_path: Path, version: str) -> None:
    report = ImportReport()
    network, _ = read(changed(tmp_path, ('version="1.20"', f'version="{version}"')), report)
    assert network.source_version == version and not report.warnings


@pytest.mark.parametrize(("text", "kind"), [('version="1.99"', "network version newer than 1.20"), ("", "network without a version")])
def test_odd_versions_are_warnings(tmp_path: Path, text: str, kind: str) -> None:
    report = ImportReport()
    read(changed(tmp_path, ('version="1.20"', text)), report)
    assert report.warnings[kind] == 1


def test_what_changes_driving_is_noted_and_what_does_not_is_silent(tmp_path: Path) -> None:
    report = ImportReport()
    change = ('<lane id="east_in_0" index="0"', '<lane id="east_in_0" index="0" changeLeft="bus" customShape="1"')
    stop = ("</net>", '<roundabout nodes="centre" edges="east_in"/><wonder id="w"><deep/></wonder></net>')
    network, _ = read(changed(tmp_path, change, stop), report)
    assert dict(report.not_modelled) == {"lane attribute changeLeft": 1, "network element wonder": 1}
    assert network.roundabouts == ((network.edge_of_id["east_in"],),)


def test_old_names_of_classes_are_translated(tmp_path: Path) -> None:
    network, _ = read(
        changed(
            tmp_path,
            ('allow="taxi bus" speed="8.33" length="91.60"', 'allow="public_transport" speed="8.33" length="91.60"'),
        )
    )
    assert network.lane_permissions[network.lane_of_id("north_out_0")] == class_mask("bus", "ignoring")


def test_internal_edges_of_old_nets_need_no_function(tmp_path: Path) -> None:
    network, _ = read(changed(tmp_path, ('<edge id=":centre_0" function="internal">', '<edge id=":centre_0">')))
    assert network.edge_function[network.edge_of_id[":centre_0"]] == EdgeFunction.INTERNAL


# programs in the net


def test_short_states_are_refused(tmp_path: Path) -> None:
    text = SMALL.read_text()
    states = [part.split('"')[0] for part in text.split('state="')[1:] if len(part.split('"')[0]) == 14]
    for state in states:
        text = text.replace(f'"{state}"', f'"{state[:-2]}"')
    path = tmp_path / "short.net.xml"
    path.write_text(text)
    with pytest.raises(ProgramError, match="too short"):
        read(path)


def test_long_states_are_a_warning(tmp_path: Path) -> None:
    text = SMALL.read_text()
    for state in dict.fromkeys(part.split('"')[0] for part in text.split('state="')[1:]):
        if len(state) == 14:
            text = text.replace(f'"{state}"', f'"{state}G"')
    path = tmp_path / "long.net.xml"
    path.write_text(text)
    report = ImportReport()
    read(path, report)
    assert dict(report.warnings) == {"signal state longer than its links": 1}


@pytest.mark.parametrize(
    "change",
    [
        ('state="rrrgGgrrrGGGgG"', 'state="rrrgGgrrrGGGgX"'),
        ('state="rrrgGgrrrGGGgG"', 'state="rrrgGgrrrGGGgGG"'),
        ('<phase duration="33"', '<phase duration="0"'),
        ('<phase duration="33"', '<phase duration="-3"'),
        ('<phase duration="33"', '<phase duration="nan"'),
        ('<phase duration="33"', '<phase next="9" duration="33"'),
        ('<tlLogic id="centre"', '<tlLogic id="other"'),
        ("</tlLogic>", '<tlLogic id="x"/></tlLogic>'),
        ("</tlLogic>", '</tlLogic><phase duration="3" state="r"/>'),
    ],
)  # fmt: skip
def test_bad_programs_are_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    with pytest.raises(InputError):
        read(changed(tmp_path, change))
