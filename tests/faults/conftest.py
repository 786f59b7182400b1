"""Programs as an operator runs them, over an own PostgreSQL that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipeline.ports import FaceReader
from tests.acceptance.office import Office, open_office
from tests.acceptance.test_processes import machine
from tests.integration.conftest import OwnServer, own_server

__all__ = ["machine", "own_server"]  # fixtures

Say = Callable[[str], None]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Print a figure although pytest keeps everything else to itself."""

    def say(line: str) -> None:
        with capfd.disabled():
            print(f"  {line}", flush=True)  # noqa: T201  # what these runs are for

    return say


@pytest.fixture
def new_office(own_server: OwnServer, engine: FaceReader) -> Iterator[Office]:
    """An office over the server that can be stopped."""
    with open_office(own_server.conninfo, engine) as opened:
        yield opened
