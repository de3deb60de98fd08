"""The XML stream: what it reads, what it refuses, and how little it keeps."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from urbanlab.city.readers.xml_stream import ElementHandlers, XmlLimits, parse_xml
from urbanlab.core.errors import FileError, NetworkError


class Recorder(ElementHandlers):
    """Keeps every event."""

    def __init__(self) -> None:
        super().__init__(frozenset({"net"}), "a test file")
        self.events: list[tuple[str, dict[str, str], int]] = []
        self.skipped: list[str] = []
        self.ended = 0
        self.starts = {"edge": self._keep("edge"), "lane": self._keep("lane")}
        self.ends = {"edge": self._end}

    def _keep(self, name: str) -> Callable[[dict[str, str]], None]:
        return lambda attributes: self.events.append((name, attributes, self.line))

    def _end(self) -> None:
        self.ended += 1

    def unknown(self, name: str, _: dict[str, str]) -> None:
        self.skipped.append(name)


GOOD = b'<?xml version="1.0"?>\n<net>\n  <edge id="a">\n    <lane id="a_0"/>\n  </edge>\n  <x><edge id="b"/></x>\n</net>\n'


def write(folder: Path, content: bytes, name: str = "file.xml") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, limits: XmlLimits | None = None) -> Recorder:
    recorder = Recorder()
    parse_xml(path, recorder, limits or XmlLimits())
    return recorder


def test_events_carry_name_attributes_and_line(tmp_path: Path) -> None:
    recorder = read(write(tmp_path, GOOD))
    assert recorder.events == [("edge", {"id": "a"}, 3), ("lane", {"id": "a_0"}, 4)]
    assert recorder.ended == 1


def test_content_of_unknown_elements_is_skipped_and_counted_once(tmp_path: Path) -> None:
    assert read(write(tmp_path, GOOD)).skipped == ["x"]


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, lambda b: gzip.compress(b[:30]) + gzip.compress(b[30:])])
def test_plain_packed_and_twice_packed_files_read_alike(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path, pack(GOOD))
    recorder = Recorder()
    digest = parse_xml(path, recorder)
    assert [event[0] for event in recorder.events] == ["edge", "lane"]
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_gzip_padding_is_ignored(tmp_path: Path) -> None:
    assert read(write(tmp_path, gzip.compress(GOOD) + b"\0" * 512)).events


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
HOSTILE = {
    "billion laughs": f'<!DOCTYPE net [<!ENTITY l0 "ha">{LAUGHS}]><net><edge id="&l9;"/></net>',
    "external entity": '<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/hostname">]><net>&x;</net>',
    "external subset": '<!DOCTYPE net SYSTEM "http://localhost/x.dtd"><net/>',
    "parameter entity": "<!DOCTYPE net [<!ENTITY % p \"<!ENTITY q '1'>\"> %p;]><net/>",
    "default attributes": f'<!DOCTYPE net [<!ATTLIST edge big CDATA "{"x" * 1000}">]><net><edge/></net>',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_document_types_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FileError, match="document type"):
        read(write(tmp_path, HOSTILE[kind].encode()))


def test_gzip_bomb_is_refused_by_ratio_in_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"<net>" + b" " * (200 << 20) + b"</net>", 9))
    tracemalloc.start()
    with pytest.raises(FileError, match="bomb"):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_gzip_bomb_bound_can_be_set(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"<net>" + b" " * 100_000 + b"</net>"))
    assert read(path).events == []
    with pytest.raises(FileError, match="bomb"):
        read(path, XmlLimits(max_bytes=50_000))


def test_plain_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="too large"):
        read(write(tmp_path, GOOD), XmlLimits(max_bytes=20))


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"<net>" + b"<edge/>" * 1000 + b"</net>")
    with pytest.raises(FileError, match="truncated gzip"):
        read(write(tmp_path, packed[:-12]))


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"<net>" + bytes(range(32, 59)) * 50 + b"</net>"))
    packed[20:24] = b"\xff\xff\xff\xff"
    with pytest.raises(FileError, match="gzip"):
        read(write(tmp_path, bytes(packed)))


def test_cut_file_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="ends in the middle") as caught:
        read(write(tmp_path, GOOD[: GOOD.index(b"  </edge>")]))
    assert "line 5" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"   ", b"hello", b"<net><a></b></net>", b"<net a=1/>", b"\x00\x01", b"<net>&nix;</net>"])
def test_what_is_not_xml_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError):
        read(write(tmp_path, content))


def test_wrong_root_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        read(write(tmp_path, b"<osm/>"))
    assert "<osm>" in str(caught.value) and "<net>" in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read(tmp_path / "nothing.xml")
    with pytest.raises(FileError, match="is a folder"):
        read(tmp_path)


def test_name_with_null_byte_is_refused() -> None:
    with pytest.raises(FileError, match="null byte"):
        read(Path("a\0b.xml"))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    for inner in (b"<x>", b"<edge>"):
        with pytest.raises(FileError, match="nested too deeply"):
            read(write(tmp_path, b"<net>" + inner * 5000))


def test_endless_tag_is_refused(tmp_path: Path) -> None:
    content = b'<net><edge id="' + b"x" * 3_000_000 + b'"/></net>'
    with pytest.raises(FileError, match="does not end"):
        read(write(tmp_path, content), XmlLimits(max_token_bytes=1 << 20))
    assert read(write(tmp_path, content)).events


def test_unknown_encoding_is_refused(tmp_path: Path) -> None:
    for name in (b"klingon", b"utf-7", b"rot13", b"base64"):
        with pytest.raises(FileError):
            read(write(tmp_path, b'<?xml version="1.0" encoding="' + name + b'"?><net/>'))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_usual_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    content = f'<?xml version="1.0" encoding="{encoding}"?><net><edge id="Brücke"/></net>'.encode(encoding)
    assert read(write(tmp_path, content)).events[0][1] == {"id": "Brücke"}


def test_errors_of_the_functions_get_their_place(tmp_path: Path) -> None:
    recorder = Recorder()

    def refuse(attributes: dict[str, str]) -> None:
        raise NetworkError("no")

    recorder.starts["lane"] = refuse
    with pytest.raises(NetworkError) as caught:
        parse_xml(write(tmp_path, GOOD), recorder)
    assert caught.value.where == "file.xml, line 4"


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.starts["edge"] = lambda attributes: None
    path = write(tmp_path, b"<net>" + b'<edge id="a" from="b" to="c"/>\n' * 200_000 + b"</net>")
    tracemalloc.start()
    parse_xml(path, recorder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20 < path.stat().st_size
