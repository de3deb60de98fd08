"""What all tests share: the test data, golden files, and none of a developer's own settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("URBANLAB_DATA") or ROOT / ".." / "shared" / "data").resolve()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option of golden files."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing with them")


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the test data; tests that need it are skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no test data at {DATA}; URBANLAB_DATA names the folder")
    return DATA


@pytest.fixture(scope="session")
def traffic_data(test_data: Path) -> Path:
    """Real traffic scenarios and the figures of their reference simulators."""
    return test_data / "traffic"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in tests/golden, or write it with --update-golden."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if update:
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden file {path.name}: run scripts/test --update-golden"
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; if that is wanted: scripts/test --update-golden"

    return compare
