"""Reading JSON as a stream of array elements: bounded memory, plain or gzipped, hostile files refused.

CityFlow's files are arrays of small objects, at the top or one level below it. Elements are handed out one by one, so
that only the largest of them has to fit into memory.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from urbanlab.city.readers.xml_stream import XmlLimits, open_chunks
from urbanlab.core.errors import FileError

__all__ = ["DEFAULT_LIMITS", "JsonLimits", "JsonStream", "read_decimal"]

BLANKS = " \t\n\r"
SCALAR_ENDS = frozenset(",]} \t\n\r")
PARTS_OF_WORDS = frozenset("truefalsenull0123456789+-.eE")  # of numbers too
SURE_DIGITS = 15  # so many digits are read exactly, whichever way it is done
MAX_DIGITS = 17  # that RapidJSON looks at
SHORT_EXPONENT, MAX_POWER = 4, 250  # of ten; beyond them nothing on a street is written


@dataclass(frozen=True)
class JsonLimits:
    """What a file may cost at most."""

    max_bytes: int = 64 << 30  # [byte] after decompression
    max_ratio: float = 200.0  # decompressed / compressed, checked beyond 64 MiB
    max_element: int = 16 << 20  # [character] one element of an array, or one other value


DEFAULT_LIMITS = JsonLimits()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def read_decimal(text: str) -> float:
    """A decimal number as CityFlow reads it.

    CityFlow's JSON library (RapidJSON without its full-precision flag) takes 17 digits or so as a whole number and divides
    by a power of ten, which misses the nearest double by a unit in the last place for some long numbers. Lane links get
    their lengths and crossing points from such numbers, and whether two points are at one distance decides who waits.

    Raises
    ------
    ValueError : it is too large

    Examples
    --------
    >>> read_decimal("3.7199999999999998"), float("3.7199999999999998")
    (3.72, 3.7199999999999998)
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    if len(text) <= SURE_DIGITS:
        return value
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent or 0)
    if len(whole) > SURE_DIGITS or not fraction or len(exponent) > SHORT_EXPONENT or abs(power) > MAX_POWER:
        return value
    significand, digits, used = int(whole), len(whole) - 1, 0
    while used < len(fraction) and significand < 1 << 53:
        significand = significand * 10 + int(fraction[used])
        used += 1
        digits += significand != 0
    result = float(significand)
    for digit in fraction[used : used + max(0, MAX_DIGITS - digits)]:
        result = result * 10.0 + int(digit)
        used += 1
    power -= used
    scale = float(f"1e{abs(power)}")
    result = result * scale if power >= 0 else result / scale
    return -result if text[0] == "-" else result


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=read_decimal)


class JsonStream:
    """One file, read forwards.

    Parameters
    ----------
    path : plain or gzipped
    limits : what the file may cost at most

    Raises
    ------
    FileError : missing, unreadable, truncated, not JSON, not UTF-8 or hostile; so do all methods
    """

    def __init__(self, path: Path, limits: JsonLimits = DEFAULT_LIMITS) -> None:
        self.path, self._limits = path, limits
        self._hash = hashlib.sha256()
        gzip_limits = XmlLimits(max_bytes=limits.max_bytes, max_ratio=limits.max_ratio)
        self._chunks = open_chunks(path, gzip_limits, self._hash.update)
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._pos, self._line = "", 0, 1
        self._ended = False

    @property
    def digest(self) -> str:
        """Sha256 of the bytes read so far; after `end` those of the whole file."""
        return self._hash.hexdigest()

    def where(self) -> str:
        """Place that has been read up to."""
        return f"{self.path.name}, line {self._line + self._text.count(chr(10), 0, self._pos)}"

    def fail(self, message: str, got: object = None, expected: str = "") -> NoReturn:
        """Raise an error that names this place."""
        raise FileError(f"{self.path.name} {message}", got=got, expected=expected, where=self.where())

    def members(self) -> Iterator[str]:
        """Keys of the object that stands here; the caller reads each key's value, or skips it with `value`."""
        self._take("{", "an object")
        first = True
        while True:
            if self._peek() == "}":
                self._pos += 1
                return
            if not first:
                self._take(",", "a comma or the end of the object")
            key = self.value()
            if not isinstance(key, str):
                self.fail("has a key that is no text", got=_shown(key), expected="a key in quotes")
            self._take(":", "a colon")
            first = False
            yield key

    def elements(self) -> Iterator[Any]:
        """Elements of the array that stands here, decoded."""
        self._take("[", "an array")
        first = True
        while True:
            if self._peek() == "]":
                self._pos += 1
                return
            if not first:
                self._take(",", "a comma or the end of the array")
            first = False
            yield self.value()

    def value(self) -> Any:
        """The whole value that stands here."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._pos)
            except RecursionError:
                self.fail("is nested too deeply")
            except json.JSONDecodeError as problem:
                if self._ended:
                    self._not_json(problem)
            except ValueError as problem:
                self.fail("has a number that can't be used", got=str(problem)[:100])
            else:
                if self._ended or self._is_whole(end):
                    self._pos = end
                    return value
            if len(self._text) - self._pos > self._limits.max_element:
                self.fail("has a value that does not end", expected=f"at most {self._limits.max_element} characters each")
            self._fill()

    def end(self) -> None:
        """Check that nothing follows."""
        if self._peek(optional=True):
            self.fail("has text after its end", got=repr(self._text[self._pos : self._pos + 20]))

    def _is_whole(self, end: int) -> bool:
        """Is a decoded value complete? A number at the end of what has been read may go on."""
        return end < len(self._text) and (self._text[end - 1] in '}]"' or self._text[end] in SCALAR_ENDS)

    def _take(self, sign: str, expected: str) -> None:
        if self._peek() != sign:
            self.fail("is not what it should be", got=repr(self._text[self._pos : self._pos + 20]), expected=expected)
        self._pos += 1

    def _peek(self, *, optional: bool = False) -> str:
        """Next character that is no blank; "" at the end, if that is allowed."""
        while True:
            while self._pos < len(self._text):
                char = self._text[self._pos]
                if char not in BLANKS:
                    return char
                self._pos += 1
            if self._ended:
                if optional:
                    return ""
                self._cut()
            self._fill()

    def _fill(self) -> None:
        """Read on, at least doubling what a value in the middle of being read has to hand."""
        self._line += self._text.count("\n", 0, self._pos)
        parts = [self._text[self._pos :]]
        wanted = 2 * len(parts[0]) + 1
        self._pos = 0
        try:
            while not self._ended and sum(map(len, parts)) < wanted:
                chunk = next(self._chunks, None)
                self._ended = chunk is None
                parts.append(self._decode.decode(chunk or b"", final=self._ended))
        except UnicodeDecodeError as problem:
            raise FileError(f"{self.path.name} is not UTF-8 text", got=problem.reason, where=self.path.name) from None
        self._text = "".join(parts)

    def _not_json(self, problem: json.JSONDecodeError) -> NoReturn:
        rest = self._text[problem.pos :].strip()
        escape = problem.msg.startswith("Invalid \\") and '"' not in rest
        if problem.msg.startswith("Unterminated") or escape or set(rest) <= PARTS_OF_WORDS:
            self._cut()
        self._pos = problem.pos
        self.fail("is not JSON", got=problem.msg)

    def _cut(self) -> NoReturn:
        raise FileError(
            f"{self.path.name} ends in the middle", where=self.where(), hint="the file is incomplete: copy or download it again"
        )


def _shown(value: object) -> str:
    return repr(value)[:60]
