"""Every column of a city as data: its name in files, its type, its unit, its meaning, what its numbers count.

The city folder is written and read by these tables, the checks walk over them, and the page on the format is
made from them. Rows are counted by letters: J junctions, E edges, L lanes, C connections, R requests, S signals,
Q programs, P phases, V trips, N routes, K stops, T vehicle types, D and G distributions of types and of routes.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from urbanlab.city.demand import CarFollowing, DepartLane, DepartPos, DepartSpeed, Flow, StopRow, VehicleType
from urbanlab.city.network import EdgeFunction, JunctionType
from urbanlab.city.program import ProgramType
from urbanlab.city.scenario import Closure, Detector

__all__ = ["TABLES", "Column", "Kind", "Parent", "Table"]


class Kind(enum.Enum):
    """How a column is stored."""

    TEXT = "text"
    NAME = "text that repeats"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT = "float64"
    FLAG = "bool"
    WORD = "word"  # a number in memory, its name in the file
    CHAR = "character"  # its code in memory
    INTS = "list of int32"
    FLOATS = "list of float64"
    TEXTS = "map of text to text"
    NUMBERS = "map of text to float64"


class Column(NamedTuple):
    """One column of a table, one field of an object."""

    name: str  # in the file, with its unit
    field: str  # of the owner
    kind: Kind
    meaning: str
    refers: str = ""  # letter of the rows that its numbers count; "?" behind it: -1 is none
    start: str = ""  # of a list: field with the ranges, (rows + 1,)
    words: type[enum.IntEnum] | None = None


class Parent(NamedTuple):
    """Rows of a table belong to rows of another one, in its order: a column in the file, ranges in memory."""

    name: str  # column of the file
    start: str  # field with the ranges, (parents + 1,)
    letter: str
    field: str = ""  # field that has the column too


class Table(NamedTuple):
    """One file, rows of one letter."""

    name: str
    letter: str
    owner: str  # attribute of a scenario, "" the scenario itself
    columns: tuple[Column, ...]
    parent: Parent | None = None
    records: str = ""  # rows that are records in memory: the field of their owner
    record: type = tuple  # what such a record is

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.name}.parquet"


_CLASSES = "bit mask over the vehicle classes listed in city.json"

JUNCTIONS = Table("junctions", "J", "network", (
    Column("junction_id", "junction_id", Kind.TEXT, "identifier; waiting points inside a junction are junctions too"),
    Column("type", "junction_type", Kind.WORD, "how right of way is decided", words=JunctionType),
    Column("x_m", "junction_x", Kind.FLOAT, "position [m]"),
    Column("y_m", "junction_y", Kind.FLOAT, "position [m]"),
    Column("incoming_lanes", "junction_inc_lane", Kind.INTS, "lanes that lead into it", "L", "junction_inc_start"),
    Column("internal_lanes", "junction_int_lane", Kind.INTS,
           "lanes inside; of a waiting point: those it waits for", "L", "junction_int_start"),
))  # fmt: skip
EDGES = Table("edges", "E", "network", (
    Column("edge_id", "edge_id", Kind.TEXT, "identifier"),
    Column("from_junction", "edge_from", Kind.INT32, "where it begins; an internal edge: its junction", "J"),
    Column("to_junction", "edge_to", Kind.INT32, "where it ends; an internal edge: its junction", "J"),
    Column("function", "edge_function", Kind.WORD, "what it is for", words=EdgeFunction),
    Column("priority", "edge_priority", Kind.INT32, "higher is more important"),
    Column("name", "edge_name", Kind.NAME, "street name or empty"),
    Column("type", "edge_type", Kind.NAME, "type of the source, such as highway.primary, or empty"),
))  # fmt: skip
LANES = Table("lanes", "L", "network", (
    Column("length_m", "lane_length", Kind.FLOAT, "what vehicles drive [m], above 0"),
    Column("speed_mps", "lane_speed", Kind.FLOAT, "limit [m/s], above 0"),
    Column("width_m", "lane_width", Kind.FLOAT, "[m], above 0"),
    Column("permissions", "lane_permissions", Kind.INT64, _CLASSES),
    Column("shape_x_m", "shape_x", Kind.FLOATS, "points of the centre line [m]", "", "lane_shape_start"),
    Column("shape_y_m", "shape_y", Kind.FLOATS, "points of the centre line [m]", "", "lane_shape_start"),
), Parent("edge", "edge_first_lane", "E", "lane_edge"))  # fmt: skip
CONNECTIONS = Table("connections", "C", "network", (
    Column("from_lane", "connection_from", Kind.INT32, "where it begins", "L"),
    Column("to_lane", "connection_to", Kind.INT32, "where it leads, a lane of a normal edge", "L"),
    Column("via_lane", "connection_via", Kind.INT32, "internal lane that is driven next, -1 none", "L?"),
    Column("junction", "connection_junction", Kind.INT32, "what it crosses", "J"),
    Column("request", "connection_request", Kind.INT32, "its right of way, -1 none", "R?"),
    Column("signal", "connection_signal", Kind.INT32, "what controls it, -1 none", "S?"),
    Column("link", "connection_link", Kind.INT32, "place in the signal's states, -1 none"),
    Column("direction", "connection_direction", Kind.CHAR, "s straight, l left, r right, L and R partly so, t turn around"),
    Column("state", "connection_state", Kind.CHAR, "right of way without a signal: M major, m minor, = equal, ..."),
    Column("keep_clear", "connection_keep_clear", Kind.FLAG, "nobody may stop in the junction"),
    Column("visibility_m", "connection_visibility", Kind.FLOAT, "from where a driver sees who goes first [m], above 0"),
    Column("permissions", "connection_permissions", Kind.INT64, _CLASSES),
))  # fmt: skip
REQUESTS = Table("requests", "R", "network", (
    Column("junction", "request_junction", Kind.INT32, "what is crossed", "J"),
    Column("may_wait_inside", "request_cont", Kind.FLAG, "may wait inside the junction"),
    Column("yields_to", "response_request", Kind.INTS, "requests that go first", "R", "response_start"),
    Column("meets", "foe_request", Kind.INTS, "requests whose way crosses or joins", "R", "foe_start"),
))  # fmt: skip
SIGNALS = Table("signals", "S", "network", (
    Column("signal_id", "signal_id", Kind.TEXT, "identifier"),
))  # fmt: skip
SIGNAL_PROGRAMS = Table("active_programs", "S", "programs", (
    Column("program", "active_program", Kind.INT32, "what runs at begin, one row a signal, -1 none", "Q?"),
))  # fmt: skip
PROGRAMS = Table("programs", "Q", "programs", (
    Column("signal", "program_signal", Kind.INT32, "whose program it is", "S"),
    Column("program_id", "program_id", Kind.NAME, "identifier within the signal"),
    Column("type", "program_type", Kind.WORD, "how it moves through its phases", words=ProgramType),
    Column("offset_s", "program_offset", Kind.FLOAT, "start of the cycle [s]"),
    Column("parameters", "program_params", Kind.TEXTS, "as the source has them, such as max-gap"),
))  # fmt: skip
PHASES = Table("phases", "P", "programs", (
    Column("duration_s", "phase_duration", Kind.FLOAT, "[s], above 0"),
    Column("min_duration_s", "phase_min", Kind.FLOAT, "shortest duration [s]"),
    Column("max_duration_s", "phase_max", Kind.FLOAT, "longest duration [s]"),
    Column("state", "phase_state", Kind.NAME, "one character a link: G g green, y yellow, r red, u red-yellow, o O off, s arrow"),
    Column("next_phases", "phase_next", Kind.INTS, "phases of the program that may follow; empty: the next one"),
    Column("name", "phase_name", Kind.NAME, "or empty"),
), Parent("program", "phase_start", "Q"))  # fmt: skip
TRIPS = Table("trips", "V", "demand", (
    Column("trip_id", "trip_id", Kind.TEXT, "identifier"),
    Column("vehicle_type", "trip_type", Kind.INT32, "row of vehicle_types; -2 - d: drawn from row d of type_distributions"),
    Column("depart_s", "trip_depart", Kind.FLOAT, "wanted departure [s]"),
    Column("route", "trip_route", Kind.INT32,
           "row of routes; -1: to be found; -2 - d: drawn from row d of route_distributions"),
    Column("from_edge", "trip_from", Kind.INT32, "origin, -1 where a route is given", "E?"),
    Column("to_edge", "trip_to", Kind.INT32, "destination, -1 where a route is given", "E?"),
    Column("via_edges", "via_edge", Kind.INTS, "edges to pass in this order", "E", "trip_via_start"),
    Column("is_template", "trip_is_template", Kind.FLAG, "stands for the vehicles of a flow and is not driven itself"),
    Column("depart_lane", "depart_lane", Kind.WORD, "how the first lane is chosen", words=DepartLane),
    Column("depart_lane_index", "depart_lane_index", Kind.INT32, "lane of the first edge where given"),
    Column("depart_position", "depart_pos", Kind.WORD, "how the first position is chosen", words=DepartPos),
    Column("depart_position_m", "depart_pos_value", Kind.FLOAT, "[m] where given; negative counts from the end"),
    Column("depart_speed", "depart_speed", Kind.WORD, "how the first speed is chosen", words=DepartSpeed),
    Column("depart_speed_mps", "depart_speed_value", Kind.FLOAT, "[m/s] where given"),
    Column("arrival_lane", "arrival_lane", Kind.INT32, "lane of the last edge, -1 any"),
    Column("arrival_position_m", "arrival_pos", Kind.FLOAT, "[m]; negative counts from the end; inf: the end"),
    Column("arrival_speed_mps", "arrival_speed", Kind.FLOAT, "[m/s]; -1: as it comes"),
    Column("rerouting_s", "trip_rerouting", Kind.FLOAT, "[s] period of choosing anew; 0 never; inf: at departure; -1: by type or options"),
))  # fmt: skip
ROUTES = Table("routes", "N", "demand", (
    Column("edges", "route_edge", Kind.INTS, "edges in the order driven", "E", "route_start"),
))  # fmt: skip

STOPS = Table("stops", "K", "demand", (
    Column("lane", "lane", Kind.INT32, "where it is", "L"),
    Column("start_m", "start", Kind.FLOAT, "[m] on the lane"),
    Column("end_m", "end", Kind.FLOAT, "[m] the front stops before here"),
    Column("duration_s", "duration", Kind.FLOAT, "[s] at least"),
    Column("until_s", "until", Kind.FLOAT, "[s] not before; -1 none"),
    Column("parking", "parking", Kind.FLAG, "beside the lane"),
    Column("stop_id", "stop_id", Kind.NAME, "bus stop or empty"),
    Column("triggered", "triggered", Kind.FLAG, "waits for a person"),
    Column("place_in_route", "on_route", Kind.INT32, "earliest place in the route's edges, -1 any"),
), Parent("trip", "trip_stop_start", "V"), records="stops", record=StopRow)  # fmt: skip
FLOWS = Table("flows", "F", "demand", (
    Column("flow_id", "flow_id", Kind.TEXT, "identifier"),
    Column("trip", "trip", Kind.INT32, "template", "V"),
    Column("begin_s", "begin", Kind.FLOAT, "[s]"),
    Column("end_s", "end", Kind.FLOAT, "[s], may be inf"),
    Column("number", "number", Kind.INT64, "at most so many; -1 no bound"),
    Column("period_s", "period", Kind.FLOAT, "[s] fixed spacing"),
    Column("probability", "probability", Kind.FLOAT, "[1] of a departure each second"),
    Column("poisson_rate_hz", "poisson_rate", Kind.FLOAT, "[1/s] of exponential spacing"),
    Column("at_begin_and_end", "at_begin_and_end", Kind.FLAG, "first departure at begin, last not after end"),
), records="flows", record=Flow)  # fmt: skip
VEHICLE_TYPES = Table("vehicle_types", "T", "demand", (
    Column("vehicle_type_id", "vehicle_type_id", Kind.TEXT, "identifier"),
    Column("vehicle_class", "vehicle_class", Kind.NAME, "one of the vehicle classes"),
    Column("length_m", "length", Kind.FLOAT, "[m]"),
    Column("width_m", "width", Kind.FLOAT, "[m]"),
    Column("min_gap_m", "min_gap", Kind.FLOAT, "[m] at standstill"),
    Column("max_speed_mps", "max_speed", Kind.FLOAT, "[m/s] of the vehicle"),
    Column("desired_max_speed_mps", "desired_max_speed", Kind.FLOAT, "[m/s] of the driver"),
    Column("accel_mps2", "accel", Kind.FLOAT, "[m/s^2]"),
    Column("decel_mps2", "decel", Kind.FLOAT, "[m/s^2]"),
    Column("emergency_decel_mps2", "emergency_decel", Kind.FLOAT, "[m/s^2]"),
    Column("apparent_decel_mps2", "apparent_decel", Kind.FLOAT, "[m/s^2] that followers expect"),
    Column("sigma", "sigma", Kind.FLOAT, "[1] driver imperfection"),
    Column("tau_s", "tau", Kind.FLOAT, "[s] wanted time headway"),
    Column("delta", "delta", Kind.FLOAT, "[1] exponent of IDM"),
    Column("car_following", "car_following", Kind.WORD, "model", words=CarFollowing),
    Column("speed_factor", "speed_factor", Kind.FLOATS, "[1] mean, deviation, least, most of the share of the limit"),
    Column("impatience", "impatience", Kind.FLOAT, "[1] 0..1; -1e9 off"),
    Column("start_loss_s", "start_loss", Kind.FLOAT, "[s] before a queue's vehicle starts"),
    Column("lane_change", "lane_change", Kind.NUMBERS, "parameters as in the source"),
    Column("junction", "junction", Kind.NUMBERS, "parameters as in the source"),
    Column("lane_change_model", "lane_change_model", Kind.NAME, "LC2013, SL2015 or MOBIL"),
    Column("emission_class", "emission_class", Kind.NAME, "of the source, or empty"),
    Column("boarding_s", "boarding", Kind.FLOAT, "[s] a person"),
    Column("usual_accel_mps2", "usual_accel", Kind.FLOAT, "[m/s^2] CityFlow"),
    Column("usual_decel_mps2", "usual_decel", Kind.FLOAT, "[m/s^2] CityFlow"),
    Column("turn_speed_mps", "turn_speed", Kind.FLOAT, "[m/s] CityFlow"),
    Column("attributes", "attributes", Kind.TEXTS, "what else the source says"),
), records="vehicle_types", record=VehicleType)  # fmt: skip
DETECTORS = Table("detectors", "", "", (
    Column("detector_id", "detector_id", Kind.TEXT, "identifier"),
    Column("kind", "kind", Kind.NAME, "loop, area or probe"),
    Column("lane", "lane", Kind.INT32, "where it is", "L"),
    Column("position_m", "pos", Kind.FLOAT, "[m] of an area: its start"),
    Column("period_s", "period", Kind.FLOAT, "[s]"),
    Column("length_m", "length", Kind.FLOAT, "[m] of an area"),
    Column("end_lane", "end_lane", Kind.INT32, "of a probe, else -1", "L?"),
    Column("end_position_m", "end_pos", Kind.FLOAT, "[m] of a probe"),
    Column("file", "file", Kind.NAME, "where the source wants its figures"),
), records="detectors", record=Detector)  # fmt: skip
CLOSURES = Table("closures", "", "", (
    Column("lanes", "lanes", Kind.INTS, "what is closed", "L"),
    Column("begin_s", "begin", Kind.FLOAT, "[s]"),
    Column("end_s", "end", Kind.FLOAT, "[s]"),
    Column("permissions", "permissions", Kind.INT64, "classes that may still enter: " + _CLASSES),
    Column("reroute_edges", "reroute_edges", Kind.INTS, "where approaching vehicles choose a new route", "E"),
    Column("probability", "probability", Kind.FLOAT, "[1] share of drivers that obey"),
    Column("speed_mps", "speed", Kind.FLOAT, "[m/s] a limit instead of a closure, -1 none"),
), records="closures", record=Closure)  # fmt: skip
TYPE_DISTRIBUTIONS = Table("type_distributions", "D", "demand", (
    Column("vehicle_types", "0", Kind.INTS, "what may be drawn", "T"),
    Column("probabilities", "1", Kind.FLOATS, "[1] in proportion"),
), records="distributions")  # fmt: skip
ROUTE_DISTRIBUTIONS = Table("route_distributions", "G", "demand", (
    Column("routes", "0", Kind.INTS, "what may be drawn", "N"),
    Column("probabilities", "1", Kind.FLOATS, "[1] in proportion"),
), records="route_distributions")  # fmt: skip
SWITCHES = Table("switches", "", "programs", (
    Column("signal", "0", Kind.INT32, "whose program changes", "S"),
    Column("time_s", "1", Kind.FLOAT, "[s]"),
    Column("program", "2", Kind.INT32, "what runs from then on", "Q"),
), records="switch_times")  # fmt: skip
ROUNDABOUTS = Table("roundabouts", "", "network", (
    Column("edges", "", Kind.INTS, "edges of the ring", "E"),
), records="roundabouts")  # fmt: skip

TABLES = (
    JUNCTIONS, EDGES, LANES, CONNECTIONS, REQUESTS, SIGNALS, SIGNAL_PROGRAMS, PROGRAMS, PHASES, TRIPS, ROUTES, STOPS, FLOWS,
    VEHICLE_TYPES, DETECTORS, CLOSURES, TYPE_DISTRIBUTIONS, ROUTE_DISTRIBUTIONS, SWITCHES, ROUNDABOUTS,
)  # fmt: skip
"""All of them; a table's parent comes before it."""
