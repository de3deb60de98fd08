"""What a run acts on of what a source can say, and what it goes on without: stated once, for readers and the engine.

Parameters that are acted on stand here with their defaults, and the engine takes them from here. What is read and kept, so that a
city can be written again, but not acted on, is counted by readers where it says something else than its default. Defaults are those
of SUMO 1.28.0: of lane changes asked through its TraCI interface (`laneChangeModel.lc...` of a vehicle), of junctions from the page
"Definition of Vehicles, Vehicle Types, and Routes" of its documentation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

from urbanlab.city.demand import VehicleType
from urbanlab.city.scenario import ImportReport, RunSettings

__all__ = [
    "IDLE_SETTINGS", "IDLE_TYPE_FIELDS", "JUNCTION_PARAMETERS", "LANE_CHANGE_PARAMETERS", "note_idle_settings", "note_idle_type",
]  # fmt: skip

LANE_CHANGE_PARAMETERS: Mapping[str, float] = {
    "lcStrategic": 1.0, "lcCooperative": 1.0, "lcSpeedGain": 1.0, "lcKeepRight": 1.0, "lcLookaheadLeft": 2.0,
    "lcSpeedGainRight": 0.1, "lcAssertive": 1.0,
}  # fmt: skip
"""[1] Parameters of lane changes that a run acts on, with their defaults."""

JUNCTION_PARAMETERS: Mapping[str, float] = {"jmTimegapMinor": 1.0, "jmStoplineGap": 1.0, "jmIgnoreKeepClearTime": -1.0}
"""[s], [m], [s] Parameters of junctions that a run acts on, with their defaults."""

_IDLE_PARAMETERS: Mapping[str, float] = {
    "lcOvertakeRight": 0.0, "lcOpposite": 1.0, "lcSpeedGainLookahead": 0.0, "lcSpeedGainRemainTime": 20.0, "lcSigma": 0.0,
    "lcMaxSpeedLatStanding": 1.0, "lcMaxSpeedLatFactor": 1.0, "lcMaxDistLatStanding": 1.6, "lcOvertakeDeltaSpeedFactor": 0.0,
    "lcKeepRightAcceptanceTime": -1.0, "lcStrategicLookahead": -1.0, "lcSublane": 1.0, "lcPushy": 0.0, "lcImpatience": 0.0,
    "lcTimeToImpatience": math.inf, "lcAccelLat": 1.0, "lcTurnAlignmentDistance": 0.0, "lcLaneDiscipline": 0.0,
    "jmCrossingGap": 10.0, "jmDriveAfterRedTime": -1.0, "jmDriveAfterYellowTime": -1.0, "jmIgnoreFoeProb": 0.0,
    "jmIgnoreFoeSpeed": 0.0, "jmIgnoreJunctionFoeProb": 0.0, "jmStopSignWait": 1.0,
}  # fmt: skip
"""Defaults of the others; those that are not known here, or follow from another attribute, count wherever they are given."""

_FOLLOWED = {"lcCooperativeSpeed": "lcCooperative", "lcCooperativeRoundabout": "lcCooperative"}
"""Parameters whose default is what another one says."""

IDLE_TYPE_FIELDS: Mapping[str, str] = {
    "width": "width", "start_loss": "startupDelay", "emission_class": "emissionClass", "boarding": "boardingDuration",
}  # fmt: skip
"""Fields of a vehicle type that no run acts on, and what SUMO calls them."""

IDLE_SETTINGS: Mapping[str, str] = {
    "teleport_after_highways": "time-to-teleport.highways", "ballistic": "step-method.ballistic",
    "ignore_junction_blocker": "ignore-junction-blocker", "eager_insert": "eager-insert",
}  # fmt: skip
"""Settings that no run acts on, and what SUMO calls them; each is off at its default and below."""

_OFF = RunSettings()


def note_idle_settings(settings: RunSettings, report: ImportReport, names: Collection[str] = tuple(IDLE_SETTINGS)) -> None:
    """Count the settings that are switched on and not acted on; once, however often a source says so.

    Parameters
    ----------
    settings : as the run will have them
    report : grows
    names : fields to look at
    """
    for name, option in IDLE_SETTINGS.items():
        value = getattr(settings, name)
        if name in names and value > getattr(_OFF, name) and f"option {option}" not in report.not_modelled:
            report.note(f"option {option}", str(value).lower() if isinstance(value, bool) else f"{value:g}")


def note_idle_type(kind: VehicleType, default: VehicleType, report: ImportReport) -> None:
    """Count what a vehicle type says and no run acts on; `default` is a type of the same class that says nothing."""
    for name, attribute in IDLE_TYPE_FIELDS.items():
        if getattr(kind, name) != getattr(default, name):
            report.note(f"vType attribute {attribute}", kind.vehicle_type_id)
    for name in _idle_parameters(kind):
        report.note(f"vType attribute {name}", kind.vehicle_type_id)


def _idle_parameters(kind: VehicleType) -> Iterator[str]:
    given = {**kind.lane_change, **kind.junction}
    for name, value in given.items():
        if name in LANE_CHANGE_PARAMETERS or name in JUNCTION_PARAMETERS:
            continue
        followed = _FOLLOWED.get(name)
        default = _IDLE_PARAMETERS.get(name) if followed is None else given.get(followed, LANE_CHANGE_PARAMETERS[followed])
        if value != default and not (name == "jmSigmaMinor" and value == kind.sigma):
            yield name
