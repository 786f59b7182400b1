"""One page of an answer: what was found, as a reader may see it. Everything a message needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.payloads import FaceInPhoto
from bot.question import Question
from pipeline.domain.audit import Noted
from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import (
    Channel,
    ChannelId,
    FileId,
    IndexCounts,
    Match,
    PhotoState,
    Run,
    UserId,
)
from pipeline.domain.people import AboutPerson
from pipeline.usecases.find_photos import Found

SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif"})
"""What Slack draws in a `slack_file` image (https://docs.slack.dev/reference/block-kit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A match with what to show of it: `file_id` is a picture that Slack can draw, if any."""

    match: Match
    file_id: FileId | None
    alt_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the matches of a question, beginning at its `first`.

    `share_with` is the channel that the photos can be posted to, if there is one.
    """

    asker: UserId
    question: Question
    found: Found
    shown: Sequence[Shown]
    share_with: ChannelId | None

    @property
    def shows_asker(self) -> bool:
        """Whether the matches are of the asker's own face, which they may have a word on."""
        return self.asker in self.question.people

    @property
    def end(self) -> int:
        """How many matches were shown up to here."""
        return self.question.first + len(self.shown)

    @property
    def left(self) -> int:
        """How many are still to be shown."""
        return max(0, len(self.found.matches) - self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A face of which the reader said a moment ago that it isn't theirs.

    With it went `also` other photos that show the very same face.
    """

    face: FaceInPhoto
    also: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What an admin sees of the index.

    `hidden_problems` counts the photos that can't be indexed in channels the admin can't open.
    """

    engine_id: str
    channels: Sequence[tuple[Channel, IndexCounts]]
    problems: Sequence[tuple[str, PhotoState, str]]
    runs: Sequence[tuple[Run, IndexCounts]]
    hidden_problems: int = 0
    audit: Sequence[Noted] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What a person sees in the Home tab; `problem` says why nothing could be found.

    `note` and `admin_note` say what a button did a moment ago; `panel` is there for admins.
    """

    asker: UserId
    found: Found | None
    problem: str
    latest: Sequence[Shown]
    about: AboutPerson
    panel: Panel | None
    policy: ColleagueSearch = ColleagueSearch.ASK
    note: str = ""
    admin_note: str = ""
