"""Vehicle types and distributions of types, with SUMO's defaults of their class."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from urbanlab.city.acted_on import note_idle_type
from urbanlab.city.demand import DEVICE_PARAMS, CarFollowing, VehicleType
from urbanlab.city.readers.sumo_defaults import CLASS_DEFAULTS, ClassDefaults
from urbanlab.city.readers.sumo_values import Values, nearest
from urbanlab.city.readers.xml_stream import ElementHandlers
from urbanlab.city.scenario import ImportReport
from urbanlab.core.errors import DemandError

__all__ = ["TypeDefaults", "TypeReader"]

Attributes = dict[str, str]
DEFAULT_TYPE = "DEFAULT_VEHTYPE"
_BUILT_IN = {
    DEFAULT_TYPE: "passenger", "DEFAULT_BIKETYPE": "bicycle", "DEFAULT_TAXITYPE": "taxi",
    "DEFAULT_RAILTYPE": "rail", "DEFAULT_PEDTYPE": "pedestrian", "DEFAULT_CONTAINERTYPE": "container",
}  # fmt: skip
_MODELS = {"krauss": CarFollowing.KRAUSS, "idm": CarFollowing.IDM}
_MODEL_ELEMENT = "carFollowing-"
_MODEL_NAMES = (
    "Krauss", "KraussOrig1", "KraussPS", "KraussAccelBound", "KraussX", "SmartSK", "Daniel1", "IDM", "IDMM", "EIDM",
    "PWagner2009",
    "BKerner", "Wiedemann", "W99", "ACC", "CACC", "CC", "Rail", "Kerner",
)  # fmt: skip
# they change how vehicles drive and have no counterpart here
_EFFECTIVE = frozenset({"actionStepLength", "collisionMinGapFactor", "timeToTeleport", "speedFactorPremature", "scale"})
_CALL = re.compile(r"\s*(normc?)\s*\(([^()]*)\)\s*\Z")
_KEPT = (*DEVICE_PARAMS, "color", "guiShape", "personCapacity", "containerCapacity", "mass")
_NO_BOUND = 1e9
IMPATIENCE_OFF = -1e9
DEFAULT_BOARDING = 0.5  # [s] a person


@dataclass(frozen=True)
class TypeDefaults:
    """Defaults that a configuration may change for all types."""

    speed_deviation: float | None = None  # default.speeddev [1]
    emergency_decel: str = "default"  # default.emergencydecel: default | decel | a number [m/s^2]
    car_following: str = "Krauss"  # carfollow.model
    step: float = 1.0  # [s] an actionStepLength of one step changes nothing


_DEFAULTS = TypeDefaults()


@dataclass
class _Draft:
    attributes: Attributes
    where: str


@dataclass
class _Distribution:
    names: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


class TypeReader:
    """Collects vehicle types over all files of a scenario."""

    def __init__(self, report: ImportReport, defaults: TypeDefaults = _DEFAULTS) -> None:
        self.report, self.defaults, self.values = report, defaults, Values(DemandError)
        self._drafts: dict[str, _Draft] = {}
        self._distributions: dict[str, _Distribution] = {}
        self._open: _Draft | None = None
        self._open_distribution: _Distribution | None = None
        self._where: Callable[[], str] = str

    def attach(self, handlers: ElementHandlers) -> None:
        """Take part in the reading of a file."""
        self._where = handlers.where
        handlers.starts |= {
            "vType": self._start_type,
            "vtype": self._start_type,
            "vTypeDistribution": self._start_distribution,
        }
        handlers.ends |= {"vType": self._end_type, "vtype": self._end_type, "vTypeDistribution": self._end_distribution}
        for name in _MODEL_NAMES:
            handlers.starts[_MODEL_ELEMENT + name] = self._model_element(name)

    def _start_type(self, attributes: Attributes) -> None:
        if self._open is not None:
            raise DemandError("a vType stands inside another one", got=attributes.get("id"))
        name = self.values.text(attributes, "id")
        self._refuse_twice(name)
        self._open = self._drafts[name] = _Draft(dict(attributes), self._where())
        if self._open_distribution is not None:
            self._open_distribution.names.append(name)
            self._open_distribution.weights.append(self.values.not_negative(attributes, "probability", 1.0))

    def _refuse_twice(self, name: str) -> None:
        if name in self._drafts or name in self._distributions:
            raise DemandError(f"two vehicle types are called '{name}'", expected="a name of its own for every type")

    def param(self, attributes: Attributes) -> bool:
        """Take a param element if a type is open; those of devices are kept."""
        if self._open is None:
            return False
        key = self.values.text(attributes, "key")
        if key in DEVICE_PARAMS:
            self._open.attributes[key] = attributes.get("value", "")
        elif key.startswith(("has.", "device.")):
            self.report.note(f"vehicle type parameter {key}", self._open.attributes["id"])
        return True

    def _end_type(self) -> None:
        self._open = None

    def _model_element(self, name: str) -> Callable[[Attributes], None]:
        def start(attributes: Attributes) -> None:
            if self._open is None:
                raise DemandError(f"<{_MODEL_ELEMENT}{name}> stands outside any vType")
            self._open.attributes.update(attributes, carFollowModel=name)

        return start

    def _start_distribution(self, attributes: Attributes) -> None:
        if self._open_distribution is not None:
            raise DemandError("a vTypeDistribution stands inside another one", got=attributes.get("id"))
        name = self.values.text(attributes, "id")
        self._refuse_twice(name)
        distribution = self._open_distribution = self._distributions[name] = _Distribution()
        distribution.names += (attributes.get("vTypes") or attributes.get("vtypes") or "").split()
        weights = [self.values.parse(text, "probabilities") for text in attributes.get("probabilities", "").split()]
        if (weights and len(weights) != len(distribution.names)) or min(weights, default=0.0) < 0:
            raise DemandError(
                f"distribution '{name}' needs one probability a type", got=attributes.get("probabilities"),
                expected=f"{len(distribution.names)} numbers, 0 or above",
            )  # fmt: skip
        distribution.weights += weights or [math.nan] * len(distribution.names)  # nan: the type's own

    def _end_distribution(self) -> None:
        self._open_distribution = None

    @property
    def known(self) -> frozenset[str]:
        """Names that a vehicle may give as its type."""
        return frozenset(_BUILT_IN) | self._drafts.keys() | self._distributions.keys()

    def build(
        self, used: list[str]
    ) -> tuple[tuple[VehicleType, ...], tuple[tuple[tuple[int, ...], tuple[float, ...]], ...], dict[str, int]]:
        """Types, distributions, and the code of each name: a type's row, or -2 - a distribution's."""
        drafts = {DEFAULT_TYPE: _Draft({"id": DEFAULT_TYPE}, ""), **self._drafts}
        for name in used:
            if name in _BUILT_IN and name not in drafts:
                drafts[name] = _Draft({"id": name, "vClass": _BUILT_IN[name]}, "")
        code_of_name: dict[str, int] = {}
        types: list[VehicleType] = []
        for name, draft in drafts.items():
            code_of_name[name] = len(types)
            try:
                types.append(self._type(name, draft.attributes))
            except DemandError as problem:
                problem.where = problem.where or draft.where
                raise
        distributions = []
        for row, (name, distribution) in enumerate(self._distributions.items()):
            code_of_name[name] = -2 - row
            members, weights = self._members(name, distribution, drafts, code_of_name)
            distributions.append((members, weights))
        return tuple(types), tuple(distributions), code_of_name

    def _members(
        self, name: str, distribution: _Distribution, drafts: Mapping[str, _Draft], code_of_name: Mapping[str, int]
    ) -> tuple[tuple[int, ...], tuple[float, ...]]:
        members, weights = [], []
        for member, weight in zip(distribution.names, distribution.weights, strict=True):
            if code_of_name.get(member, -1) < 0:
                raise DemandError(f"distribution '{name}' names the unknown vehicle type '{member}'", hint=nearest(member, drafts))
            members.append(code_of_name[member])
            own = self.values.not_negative(drafts[member].attributes, "probability", 1.0)
            weights.append(own if math.isnan(weight) else weight)
        if not sum(weights) > 0:
            raise DemandError(f"distribution '{name}' has no type that can be drawn", expected="a probability above 0")
        return tuple(members), tuple(weights)

    def _type(self, name: str, attributes: Attributes) -> VehicleType:
        number, at_least_0, positive = self.values.number, self.values.not_negative, self.values.positive
        vehicle_class = attributes.get("vClass") or attributes.get("vclass") or "passenger"
        base = CLASS_DEFAULTS.get(vehicle_class)
        if base is None:
            raise DemandError(
                f"vehicle type '{name}' has an unknown class", got=repr(vehicle_class[:80]),
                hint=nearest(vehicle_class, CLASS_DEFAULTS),
            )  # fmt: skip
        decel = positive(attributes, "decel", base.decel)
        result = VehicleType(
            vehicle_type_id=name,
            vehicle_class=vehicle_class,
            length=positive(attributes, "length", base.length),
            width=positive(attributes, "width", base.width),
            min_gap=at_least_0(attributes, "minGap", base.min_gap),
            max_speed=positive(attributes, "maxSpeed", base.max_speed),
            desired_max_speed=positive(attributes, "desiredMaxSpeed", base.desired_max_speed),
            accel=positive(attributes, "accel", base.accel),
            decel=decel,
            emergency_decel=self._emergency_decel(attributes, base, decel),
            apparent_decel=positive(attributes, "apparentDecel", decel),
            sigma=at_least_0(attributes, "sigma", base.sigma),
            tau=at_least_0(attributes, "tau", 1.0),
            delta=number(attributes, "delta", 4.0),
            car_following=self._model(name, attributes),
            speed_factor=self._speed_factor(name, attributes, base),
            impatience=IMPATIENCE_OFF if attributes.get("impatience") == "off" else number(attributes, "impatience", 0.0),
            start_loss=max(self.values.time(attributes, "startupDelay", 0.0), 0.0),
            lane_change={key: number(attributes, key) for key in attributes if key.startswith("lc")},
            junction={key: number(attributes, key) for key in attributes if key.startswith("jm")},
            emission_class=attributes.get("emissionClass", base.emission_class),
            boarding=self.values.time(attributes, "boardingDuration", DEFAULT_BOARDING),
        )
        default = replace(result, width=base.width, start_loss=0.0, emission_class=base.emission_class, boarding=DEFAULT_BOARDING)
        note_idle_type(result, default, self.report)
        return replace(result, lane_change_model=self._lane_change(name, attributes), attributes=self._rest(name, attributes))

    def _emergency_decel(self, attributes: Attributes, base: ClassDefaults, decel: float) -> float:
        if "emergencyDecel" in attributes:
            return self.values.positive(attributes, "emergencyDecel")
        rule = self.defaults.emergency_decel
        if rule == "decel":
            return decel
        return max(decel, base.emergency_decel if rule == "default" else self.values.parse(rule, "default.emergencydecel"))

    def _model(self, name: str, attributes: Attributes) -> CarFollowing:
        written = attributes.get("carFollowModel", self.defaults.car_following)
        model = _MODELS.get(written.lower())
        if model is None:
            self.report.note(f"car-following model {written}", name)
            return CarFollowing.KRAUSS
        return model

    def _lane_change(self, name: str, attributes: Attributes) -> str:
        written = attributes.get("laneChangeModel", "default")
        if written in ("default", "LC2013", "MOBIL"):
            return "MOBIL" if written == "MOBIL" else "LC2013"
        self.report.note(f"lane-change model {written}", name)
        return "SL2015" if written == "SL2015" else "LC2013"

    def _speed_factor(self, name: str, attributes: Attributes, base: ClassDefaults) -> tuple[float, float, float, float]:
        deviation = base.speed_deviation if self.defaults.speed_deviation is None else self.defaults.speed_deviation
        mean, low, high = 1.0, 0.2, 2.0
        text = attributes.get("speedFactor")
        if text is not None and "(" in text:
            match = _CALL.match(text)
            parts = [self.values.parse(part, "speedFactor") for part in match[2].split(",")] if match else []
            if match is None or not 1 <= len(parts) <= 4:
                raise DemandError(
                    f"vehicle type '{name}' has an unknown speedFactor", got=repr(text[:80]),
                    expected='a number, "norm(mean,deviation)" or "normc(mean,deviation,min,max)"',
                )  # fmt: skip
            mean, deviation = parts[0], parts[1] if len(parts) > 1 else 0.0
            low, high = parts[2] if len(parts) > 2 else 0.0, parts[3] if len(parts) > 3 else _NO_BOUND
        elif text is not None:
            mean = self.values.parse(text, "speedFactor")
        deviation = self.values.number(attributes, "speedDev", deviation)
        if mean <= 0 or deviation < 0 or low > high:
            raise DemandError(
                f"vehicle type '{name}' has an impossible speed factor", got=f"mean {mean:g}, deviation {deviation:g}",
                expected="a mean above 0, a deviation of 0 or above, bounds in order",
            )  # fmt: skip
        return mean, deviation, low, high

    def _rest(self, name: str, attributes: Attributes) -> dict[str, str]:
        for key in _EFFECTIVE & attributes.keys():
            step = key == "actionStepLength" and self.values.time(attributes, key) in (0.0, self.defaults.step)
            if not step:
                self.report.note(f"vType attribute {key}", name)
        kept = {key: attributes[key] for key in _KEPT if key in attributes}
        if attributes.get("carFollowModel", "Krauss").lower() not in _MODELS:
            kept["carFollowModel"] = attributes["carFollowModel"]
        return kept
