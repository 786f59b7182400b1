"""The default engine over all of LFW, every picture read once for every test here."""

from pathlib import Path

import pytest

from pipeline.evaluation.event import EventsReport, RememberingReader, evaluate_events
from pipeline.evaluation.lfw import LfwReport, evaluate_lfw, open_lfw
from pipeline.evaluation.pictures import open_pictures
from pipeline.evaluation.strangers import read_same
from pipeline.evaluation.truth import Event, read_event
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from tests.shared import shared_folder

EVENTS = ("bbt", "friends", "family")
STRANGERS = 7_000
# LFW holds three of the people that the event `friends` is about, one of them on another's photo.
ALSO_IN_LFW = tuple(
    f"{person}={stranger}"
    for person in ("rachel", "joey", "chandler")
    for stranger in ("Jennifer_Aniston", "Matt_LeBlanc", "Matthew_Perry")
)


@pytest.fixture(scope="session")
def reader(engine: FaceReader) -> RememberingReader:
    """The default engine; reading LFW takes it a minute and a half, once."""
    return RememberingReader(engine)


@pytest.fixture(scope="session")
def lfw() -> Path:
    return shared_folder() / "data/lfw"


@pytest.fixture(scope="session")
def lfw_report(lfw: Path, reader: RememberingReader) -> LfwReport:
    return evaluate_lfw(open_lfw(lfw), reader, threads=2)


@pytest.fixture(scope="session")
def events() -> list[Event]:
    return [read_event(shared_folder() / "data/events" / name) for name in EVENTS]


def evaluated(
    events: list[Event],
    reader: RememberingReader,
    *,
    lfw: Path | None = None,
    learn: bool = True,
    expand: bool = True,
) -> EventsReport:
    """Every portrait alone as the query: each event by itself, or all among strangers (`lfw`)."""
    strangers = open_pictures(lfw).first(STRANGERS) if lfw else None
    return evaluate_events(
        events,
        settings=load(Settings, findme_models_dir=shared_folder() / "models"),
        engine=reader,
        together=lfw is not None,
        strangers=strangers,
        same=read_same(ALSO_IN_LFW, events, strangers) if strangers else None,
        learn=learn,
        expand=expand,
    )


@pytest.fixture(scope="session")
def alone(events: list[Event], reader: RememberingReader) -> EventsReport:
    return evaluated(events, reader)


@pytest.fixture(scope="session")
def crowd(
    events: list[Event], reader: RememberingReader, lfw: Path, lfw_report: LfwReport
) -> EventsReport:
    """Among 7,000 strangers, as the program searches."""
    del lfw_report  # its pictures are read by two threads
    return evaluated(events, reader, lfw=lfw)


@pytest.fixture(scope="session")
def crowd_by_own_curve(
    events: list[Event], reader: RememberingReader, lfw: Path, lfw_report: LfwReport
) -> EventsReport:
    """The same without what the index says of its own crowd."""
    del lfw_report
    return evaluated(events, reader, lfw=lfw, learn=False)
