"""Errors that teach: what was wrong, the value seen, what was expected, where, what to do.

UrbanlabError
├── InputError          the user's input is wrong; exit status 2
│   ├── FileError       missing, unreadable, truncated, hostile or of another format
│   ├── NetworkError    edges, lanes, connections, junctions
│   ├── ProgramError    signal programs
│   ├── DemandError     trips, routes, vehicle types, stops
│   ├── ConfigError     options, study files, names of controllers
│   ├── ControllerError a controller fails while it runs, or asks for what does not exist
│   ├── CommandError    what is asked of a running world can't be done now
│   └── OutputError     the output folder can't be written or may not be replaced
└── CapacityError       the run outgrew what this machine can hold
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "CapacityError",
    "CommandError",
    "ConfigError",
    "ControllerError",
    "DemandError",
    "FileError",
    "InputError",
    "NetworkError",
    "OutputError",
    "ProgramError",
    "UrbanlabError",
]

MAX_ITEMS_SHOWN = 10


class UrbanlabError(Exception):
    """Base of every error that urbanlab raises on purpose.

    Parameters
    ----------
    message : what was wrong, in one sentence
    got, expected : the value seen and what would have been right
    where : file, line, row or option
    hint : what to do next
    items : all offenders of one check; the first ten and their count are shown
    """

    def __init__(
        self,
        message: str,
        *,
        got: object = None,
        expected: str = "",
        where: str = "",
        hint: str = "",
        items: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.got, self.expected = message, got, expected
        self.where, self.hint, self.items = where, hint, tuple(items)

    def __str__(self) -> str:
        lines = [self.message]
        if self.got is not None or self.expected or self.where:
            seen = f"got {self.got}" if self.got is not None else ""
            wanted = f"expected {self.expected}" if self.expected else ""
            place = f" ({self.where})" if self.where else ""
            lines.append("  " + (", ".join(part for part in (seen, wanted) if part) + place).strip())
        lines.extend(f"  - {item}" for item in self.items[:MAX_ITEMS_SHOWN])
        if len(self.items) > MAX_ITEMS_SHOWN:
            lines.append(f"  ... {len(self.items)} in all")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[UrbanlabError], fields: dict[str, object]) -> UrbanlabError:
    error = kind(str(fields["message"]))
    error.__dict__.update(fields)
    return error


class InputError(UrbanlabError):
    """The user's input is wrong."""


class FileError(InputError):
    """A file is missing, unreadable, truncated, hostile or of another format."""


class NetworkError(InputError):
    """The network is inconsistent."""


class ProgramError(InputError):
    """A signal program is inconsistent."""


class DemandError(InputError):
    """Trips, routes, vehicle types or stops are inconsistent."""


class ConfigError(InputError):
    """An option, a study file or a name is wrong."""


class ControllerError(InputError):
    """A controller fails while it runs, or asks for what does not exist."""


class CommandError(InputError):
    """What is asked of a running world can't be done now."""


class OutputError(InputError):
    """The output folder can't be written or may not be replaced."""


class CapacityError(UrbanlabError):
    """The run outgrew what this machine can hold."""
