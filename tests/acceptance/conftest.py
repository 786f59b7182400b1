"""The real bot, in both ways of hearing Slack, over a real database and the real engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from bot.demo.album import AlbumPhoto, make_album
from pipeline.ports import FaceReader
from tests.acceptance.office import TRANSPORTS, Office, Transport, open_office
from tests.conftest import TEMPLATE, _new_database


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Bots that outlive a test are started before its own clean environment exists."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("FINDME_", "SLACK_", "DATABASE_URL")) and name != "FINDME_SHARED":
                patch.delenv(name)
        patch.chdir(tmp_path_factory.mktemp("nowhere"))
        yield


@pytest.fixture(scope="session")
def album() -> Mapping[str, AlbumPhoto]:
    """The demo's album, by name."""
    return {photo.name: photo for photo in make_album()}


@pytest.fixture(scope="package", params=TRANSPORTS)
def office(request: pytest.FixtureRequest, server: str, engine: FaceReader) -> Iterator[Office]:
    """An office with a running bot, shared: each test brings its own people and channels.

    It ends with this folder: a bot goes on listing, tidying and indexing beside whatever follows.
    """
    transport: Transport = request.param
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine, transport) as opened,
    ):
        # Often, so that what one test leaves behind doesn't hold up the next; not so often that all
        # the channels of a session keep the worker busy.
        opened.start_bot(findme_pull_every_s=20)
        yield opened


@pytest.fixture
def no_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    """No "Looking…", however slow this machine is: a test that counts messages, or has one fail."""
    monkeypatch.setattr("bot.replies.SPINNER_AFTER_S", 600.0)


@pytest.fixture(autouse=True)
def _no_channel_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """A session's hundreds of channels would be listed again and again, and named at each answer.

    Those that a whole module shares were made before its first test.
    """
    office: Office | None = None
    if "office" in request.fixturenames:
        office = request.getfixturevalue("office")
    there = len(office.channels) if office else 0
    yield
    if office is not None:
        office.close_channels(but_first=there)


@pytest.fixture
def new_office(conninfo: str, engine: FaceReader) -> Iterator[Office]:
    """An office of one's own, on Socket Mode; its bot is not started yet."""
    with open_office(conninfo, engine) as opened:
        yield opened


@pytest.fixture(params=TRANSPORTS)
def any_new_office(
    request: pytest.FixtureRequest, conninfo: str, engine: FaceReader
) -> Iterator[Office]:
    """The same, on either transport."""
    with open_office(conninfo, engine, request.param) as opened:
        yield opened
