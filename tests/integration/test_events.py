"""The acceptance figure: how many of the photos that show a person each of their portraits finds.

Over three labelled events (`truth.json`), through the parts that index and search run. Two
photos of `family` are the same file: a search shows one of them for both, and both count as found.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.domain.model import Certainty
from pipeline.errors import NoFaceInPictureError
from pipeline.folder import channel_of
from pipeline.shell import search_everywhere
from pipeline.wiring import Runtime
from tests.integration.conftest import index_now
from tests.shared import shared_folder

EVENTS = ("bbt", "friends", "family")
LEAST_RECALL = {"bbt": 0.95, "friends": 0.95, "family": 1.0}


@dataclass(slots=True, kw_only=True)
class Figures:
    """What the portraits of one event found."""

    portraits: int = 0
    without_face: int = 0
    wanted: int = 0
    found_sure: int = 0
    found: int = 0
    wrong_maybe: int = 0
    wrong_sure: list[str] = field(default_factory=list)
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        """Of all pairs of a portrait and a photo of that person, how many were found."""
        return self.found / self.wanted

    def __str__(self) -> str:
        return (
            f"recall {self.recall:.3f} ({self.found} of {self.wanted}), "
            f"sure alone {self.found_sure / self.wanted:.3f}, {self.portraits} portraits, "
            f"{self.without_face} without a face, {self.wrong_maybe} wrong maybes, "
            f"missed: {dict(self.missed.most_common(4))}"
        )


@pytest.fixture
def party(runtime: Runtime) -> Runtime:
    """All three events in one database, each a folder of its own."""
    for event in EVENTS:
        index_now(runtime, photos_of(event))
    return runtime


def photos_of(event: str) -> Path:
    return shared_folder() / "data/events" / event / "photos"


def measure(runtime: Runtime, event: str) -> Figures:
    folder = photos_of(event)
    truth = json.loads((folder.parent / "truth.json").read_text(encoding="utf-8"))
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    figures = Figures()
    for portrait in sorted((folder.parent / "people").glob("*/*")):
        person = portrait.parent.name
        shown = {photo for photo, people in truth["photos"].items() if person in people}
        hard = {photo for photo, people in truth["hard"].items() if person in people}
        figures.portraits += 1
        figures.wanted += len(shown)
        try:
            matches = search_everywhere(runtime, portrait, folder=folder).matches
        except NoFaceInPictureError:
            figures.without_face += 1
            matches = []
        for match in matches:
            right = match.face.photo_name in shown | hard
            sure = match.certainty is Certainty.SURE
            if not right and sure:
                figures.wrong_sure.append(f"{portrait.name} in {match.face.photo_name}")
            figures.wrong_maybe += not right and not sure
        seen = {contents[match.face.photo_name] for match in matches}
        found = {photo for photo in shown if contents[photo] in seen}
        sure_of = {
            contents[match.face.photo_name]
            for match in matches
            if match.certainty is Certainty.SURE
        }
        figures.found += len(found)
        figures.found_sure += sum(contents[photo] in sure_of for photo in shown)
        figures.missed.update((person, photo) for photo in shown - found)
    return figures


@pytest.mark.slow
def test_portraits_find_the_photos_of_a_person_and_are_never_surely_wrong(
    party: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = {event: measure(party, event) for event in EVENTS}

    with capsys.disabled():
        for event, figures in measured.items():
            print(f"\n{event}: {figures}", end="")  # noqa: T201  # what this test is for
    assert [figures.wrong_sure for figures in measured.values()] == [[], [], []]
    for event, figures in measured.items():
        assert figures.recall >= LEAST_RECALL[event]


def test_a_person_is_looked_for_in_one_folder_or_in_all_of_them(party: Runtime) -> None:
    portrait = next((photos_of("bbt").parent / "people/sheldon").iterdir())

    everywhere, elsewhere = (
        search_everywhere(party, portrait, folder=folder).matches
        for folder in (None, photos_of("friends"))
    )

    sure = [match for match in everywhere if match.certainty is Certainty.SURE]
    assert {match.face.share.channel_id for match in sure} == {channel_of(photos_of("bbt"))}
    friends = channel_of(photos_of("friends"))
    assert {match.face.share.channel_id for match in elsewhere} <= {friends}
