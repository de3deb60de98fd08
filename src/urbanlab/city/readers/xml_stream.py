"""Reading XML as a stream: bounded memory, plain or gzipped, and no door for hostile files.

Elements are handed to small functions as they appear; nothing is kept. Document type declarations are
refused altogether (entity expansion, external entities and default attributes all need one), as are gzip
bombs, endless tokens and deep nesting.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from urbanlab.core.errors import FileError, UrbanlabError

__all__ = ["DEFAULT_LIMITS", "ElementHandlers", "XmlLimits", "open_chunks", "parse_xml"]

Attributes = dict[str, str]
CHUNK = 1 << 18
FINAL = True
RATIO_FLOOR = 64 << 20  # [byte] small files may compress as well as they like


@dataclass(frozen=True)
class XmlLimits:
    """What a file may cost at most."""

    max_bytes: int = 64 << 30  # [byte] after decompression
    max_ratio: float = 200.0  # decompressed / compressed, checked beyond 64 MiB; real nets reach about 30
    max_token_bytes: int = 64 << 20  # [byte] one tag with all its attributes, or one comment
    max_depth: int = 64  # elements inside one another

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.max_ratio, self.max_token_bytes, self.max_depth) <= 0:
            raise FileError("limits of XML files have to be positive", got=self)


DEFAULT_LIMITS = XmlLimits()


class ElementHandlers:
    """What to do with each element: functions by the element's name.

    `starts[name](attributes)` is called at a start tag, `ends[name]()` at an end tag. An element without a
    start function goes to `unknown`, and what stands inside it is skipped. `where()` names the place in the
    file that is being read; errors raised by the functions get it by themselves.
    """

    def __init__(self, roots: frozenset[str], format_name: str) -> None:
        self.roots, self.format_name = roots, format_name
        self.starts: dict[str, Callable[[Attributes], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        self.file = ""
        self.path = Path()
        self.parser: expat.XMLParserType | None = None  # while a file is read

    @property
    def line(self) -> int:
        """Line of the tag being read, from 1."""
        return self.parser.CurrentLineNumber if self.parser is not None else 0

    def where(self) -> str:
        """Place in the file that is being read."""
        return f"{self.file}, line {self.line}"

    def root(self, attributes: Attributes) -> None:
        """The outermost element."""

    def unknown(self, name: str, attributes: Attributes) -> None:
        """An element that no function was given for; its content is skipped."""


def parse_xml(path: Path, handlers: ElementHandlers, limits: XmlLimits = DEFAULT_LIMITS) -> str:
    """Read one file through its handlers.

    Returns
    -------
    sha256 : of the file's bytes as they lie on disk

    Raises
    ------
    FileError
        missing, unreadable, truncated, not XML, of another format, or hostile
    """
    digest = hashlib.sha256()
    previous = handlers.parser, handlers.file, handlers.path
    parser = _parser(handlers, limits)
    handlers.parser, handlers.file, handlers.path = parser, path.name, path
    try:
        fed = 0
        for chunk in open_chunks(path, limits, digest.update):
            parser.Parse(chunk)
            fed += len(chunk)
            if fed - max(parser.CurrentByteIndex, 0) > limits.max_token_bytes:
                raise FileError(
                    f"{path.name} has a tag or comment that does not end",
                    expected=f"at most {limits.max_token_bytes} bytes each",
                )
        parser.Parse(b"", FINAL)
    except expat.ExpatError as problem:
        raise _not_xml(path, problem) from None
    except UrbanlabError as problem:
        problem.where = problem.where or handlers.where()
        raise
    except (LookupError, ValueError) as problem:
        if handlers.line > 1 or "encoding" not in str(problem):
            raise
        raise FileError(f"{path.name} has a text encoding that can't be read", got=problem, where=path.name) from None
    finally:
        handlers.parser, handlers.file, handlers.path = previous
    return digest.hexdigest()


def _not_xml(path: Path, problem: expat.ExpatError) -> FileError:
    reason = expat.ErrorString(problem.code)
    cut = reason in ("no element found", "unclosed token", "unclosed CDATA section")
    message = f"{path.name} ends in the middle" if cut else f"{path.name} is not well-formed XML"
    hint = "the file is incomplete: copy or download it again" if cut else ""
    return FileError(message, got=reason, where=f"{path.name}, line {problem.lineno}", hint=hint)


def _check_root(name: str, handlers: ElementHandlers) -> None:
    if name not in handlers.roots:
        raise FileError(
            f"{handlers.file} is not {handlers.format_name}",
            got=f"root element <{name}>",
            expected=" or ".join(f"<{root}>" for root in sorted(handlers.roots)[:6]),
        )


def _parser(handlers: ElementHandlers, limits: XmlLimits) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    starts, ends, max_depth = handlers.starts, handlers.ends, limits.max_depth
    depth = skipped = 0  # skipped: open elements from the unknown one on

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth, skipped
        depth += 1
        if skipped:
            skipped += 1
            if depth > max_depth:
                raise FileError("elements are nested too deeply", expected=f"at most {max_depth} levels")
            return
        if depth == 1:
            _check_root(name, handlers)
            handlers.root(attributes)
            return
        handler = starts.get(name)
        if handler is not None:
            handler(attributes)
            if depth > max_depth:
                raise FileError("elements are nested too deeply", expected=f"at most {max_depth} levels")
        else:
            skipped = 1
            handlers.unknown(name, attributes)

    def end(name: str) -> None:
        nonlocal depth, skipped
        depth -= 1
        if skipped:
            skipped -= 1
        elif depth:
            handler = ends.get(name)
            if handler is not None:
                handler()

    def refuse(*_: object) -> int:
        raise FileError(
            "document type declarations are refused: they can make a small file endless or read other files",
            expected="XML without <!DOCTYPE",
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def open_chunks(path: Path, limits: XmlLimits, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    """A file's content in pieces, decompressed where it begins as gzip; `seen` gets the bytes on disk."""
    try:
        with path.open("rb") as file:
            head = file.peek(2)[:2]
            if head == b"\x1f\x8b":
                yield from _gunzip(path, file, limits, seen)
            else:
                yield from _plain(path, file, limits, seen)
    except FileNotFoundError:
        raise FileError(f"{path.name} does not exist", where=str(path)) from None
    except IsADirectoryError:
        raise FileError(f"{path.name} is a folder", expected="a file", where=str(path)) from None
    except OSError as problem:
        raise FileError(f"{path.name} can't be read", got=problem.strerror or problem, where=str(path)) from None
    except ValueError as problem:  # a name with a null byte
        if "null" not in str(problem):
            raise
        raise FileError("a file name has a null byte", got=repr(str(path))) from None


def _plain(path: Path, file: BinaryIO, limits: XmlLimits, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    total = 0
    while chunk := file.read(CHUNK):
        seen(chunk)
        total += len(chunk)
        if total > limits.max_bytes:
            raise FileError(f"{path.name} is too large", expected=f"at most {limits.max_bytes} bytes", where=path.name)
        yield chunk


def _gunzip(path: Path, file: BinaryIO, limits: XmlLimits, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31)
    read = total = 0
    try:
        while chunk := file.read(CHUNK):
            seen(chunk)
            read += len(chunk)
            while chunk:
                if inflate.eof:
                    chunk = chunk.lstrip(b"\0")  # padding, as tar and tapes leave it
                    if not chunk:
                        break
                    inflate = zlib.decompressobj(wbits=31)
                data = inflate.decompress(chunk, CHUNK)
                chunk = inflate.unconsumed_tail or inflate.unused_data
                total += len(data)
                if total > limits.max_bytes or (total > RATIO_FLOOR and total > limits.max_ratio * read):
                    raise FileError(
                        f"{path.name} is refused as a decompression bomb",
                        got=f"{total} bytes out of {read}",
                        expected=f"at most {limits.max_bytes} bytes and a ratio of {limits.max_ratio:g}",
                        where=path.name,
                    )
                if data:
                    yield data
            while not inflate.eof and (data := inflate.decompress(b"", CHUNK)):
                total += len(data)
                yield data
    except zlib.error as problem:
        raise FileError(f"{path.name} is a damaged gzip file", got=problem, where=path.name) from None
    if not inflate.eof:
        raise FileError(
            f"{path.name} is a truncated gzip file",
            got=f"an end after {read} bytes",
            where=path.name,
            hint="copy or download it again",
        )
