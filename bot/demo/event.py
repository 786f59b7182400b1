"""What happens at the demo's event: who is there, what they post, what they ask."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.blocks.answer import MORE
from bot.blocks.consent import ALLOW
from bot.demo.album import AlbumPhoto, make_album
from bot.demo.portraits import PEOPLE, Who, portrait
from bot.replies import LOOKING
from bot.sandbox.model import Channel, Invocation, Message, Person, PostedPhoto
from bot.sandbox.server import Sandbox
from bot.wiring import Bot
from pipeline.domain.model import UserId
from pipeline.errors import FindmeError
from pipeline.folder import MEDIA_TYPES
from pipeline.usecases.find_photos import Query

CHANNEL = "offsite"
ORGANISER = "Olu"
WITHOUT_PICTURE = "Tom"
ANSWER_TIMEOUT_S = 30.0
INDEX_TIMEOUT_S = 300.0
POLL_EVERY_S = 0.02

_MENTION = re.compile(r"<([@#])(\w+)>")
_LINK = re.compile(r"<(http[^|>]+)\|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A command somebody types, and which photos ought to answer it (None: unknown)."""

    asker: str
    text: str
    target: str
    expected: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One photo of an answer."""

    photo: str
    similarity: float
    certainty: str
    permalink: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for a question; `reply_ms` is from the command to the first answer."""

    question: Question
    sentence: str
    lines: Sequence[Line]
    reply_ms: float

    @property
    def right(self) -> int:
        """How many of the found photos were expected."""
        return sum(line.photo in (self.question.expected or ()) for line in self.lines)

    @property
    def precision(self) -> float | None:
        """Share of the found photos that show the person; 1 if nothing was found."""
        if self.question.expected is None:
            return None
        return self.right / len(self.lines) if self.lines else 1.0

    @property
    def sure_precision(self) -> float | None:
        """The same, of the sure ones alone."""
        if self.question.expected is None:
            return None
        sure = [line for line in self.lines if line.certainty == "sure"]
        right = sum(line.photo in self.question.expected for line in sure)
        return right / len(sure) if sure else 1.0

    @property
    def recall(self) -> float | None:
        """Share of the photos that show the person that were found; 1 if there is none."""
        if self.question.expected is None:
            return None
        expected = len(self.question.expected)
        return self.right / expected if expected else 1.0


@dataclass(slots=True, kw_only=True)
class Event:
    """A workspace with an event channel, its people and the album they post."""

    sandbox: Sandbox
    people: dict[str, Person]
    before: Sequence[AlbumPhoto]
    live: Sequence[AlbumPhoto]
    questions: Sequence[Question]
    names: dict[str, str] = field(default_factory=dict)
    """By permalink, the photo's name; a repost goes by its original's."""

    @property
    def channel(self) -> Channel:
        """The event channel."""
        return next(
            channel
            for channel in self.sandbox.workspace.channels.values()
            if channel.name == CHANNEL
        )

    def post(self, photos: Sequence[AlbumPhoto]) -> list[PostedPhoto]:
        """Everybody posts theirs."""
        originals = {photo.data: photo.name for photo in reversed([*self.before, *self.live])}
        posted = []
        for photo in photos:
            done = self.sandbox.people.post_photo(
                self.people[photo.poster], self.channel, photo.name, photo.data
            )
            self.names[done.permalink] = originals[photo.data]
            posted.append(done)
        return posted

    def ask(self, question: Question, bot: Bot) -> Reply:
        """Type the command, read the answer to its last page."""
        people = self.sandbox.people
        asker = self.people[question.asker]
        started = time.perf_counter()
        asked = people.run_command(asker, self.channel, "/findme", question.text)
        message = self._answer_to(asked)
        reply_ms = (time.perf_counter() - started) * 1000
        told = [self._plain(message.text)]
        if question.target != question.asker:
            message = self._agreed(question)
            told += [f"{question.target} is asked, and allows it:", self._plain(message.text)]
        links = _links(message)
        while any(element.get("action_id") == MORE for _, element in people.elements(message)):
            clicked = people.click(asker, message, MORE)
            message = self._answer_to(clicked)
            links += _links(message)
        similarities = self._similarities(question, bot) if links else {}
        return Reply(
            question=question,
            sentence="\n".join(told),
            lines=[
                Line(
                    photo=self.names[link],
                    similarity=similarities[link],
                    certainty=certainty,
                    permalink=link,
                )
                for link, certainty in links
            ],
            reply_ms=reply_ms,
        )

    def _answer_to(self, asked: Invocation) -> Message:
        """The answer, after the word that one is looked for, if that came."""
        people = self.sandbox.people

        def come() -> list[Message]:
            return [one for one in people.answers_so_far(asked) if one.text != LOOKING]

        (message, *_) = people.wait_for(come, timeout_s=ANSWER_TIMEOUT_S)
        return message

    def _agreed(self, question: Question) -> Message:
        """The colleague is asked and agrees; the answer then comes by itself."""
        people = self.sandbox.people
        asker, target = self.people[question.asker], self.people[question.target]

        def wished() -> tuple[Message, ...]:
            return tuple(
                message
                for message in people.direct_messages(target)
                if any(each.get("action_id") == ALLOW for _, each in people.elements(message))
            )

        def answered() -> list[Message]:
            return [message for message in people.direct_messages(asker) if message.blocks]

        (wish, *_) = people.wait_for(wished, timeout_s=ANSWER_TIMEOUT_S)
        people.click(target, wish, ALLOW)
        (message, *_) = people.wait_for(answered, timeout_s=ANSWER_TIMEOUT_S)
        return message

    def _plain(self, text: str) -> str:
        """A text of Slack's with the names that its readers see."""
        ws = self.sandbox.workspace

        def named(found: re.Match[str]) -> str:
            sign, which = found.groups()
            if sign == "@":
                return f"@{ws.person(which).real_name}"
            return f"#{ws.channel(which).name}"

        return _MENTION.sub(named, text).replace("*", "")

    def reindex(self) -> str:
        """The organiser, an admin, re-indexes; returns what the progress message ends with."""
        people = self.sandbox.people
        admin = self.people[ORGANISER]
        people.run_command(admin, self.channel, "/findme-admin", f"reindex #{CHANNEL}")

        def ended() -> str | None:
            texts = [message.text for message in people.direct_messages(admin)]
            return next((text for text in texts if text.startswith("✅")), None)

        return people.wait_for(ended, timeout_s=INDEX_TIMEOUT_S)

    def _similarities(self, question: Question, bot: Bot) -> Mapping[str, float]:
        """By permalink; Slack's answer leaves the numbers out."""
        asker, target = (_user(self.people[who]) for who in (question.asker, question.target))
        found = bot.find_photos(bot.team_id, Query(asker=asker, people=[target]))
        return {match.face.share.permalink: match.similarity for match in found.matches}


def album_event(sandbox: Sandbox) -> Event:
    """Two people in the pictures, friends who post them, and one who has no profile picture."""
    album = make_album()
    people = {
        PEOPLE[who]: sandbox.people.add_person(PEOPLE[who], picture=portrait(who)) for who in PEOPLE
    }
    for name in sorted({photo.poster for photo in album} - set(people)):
        people[name] = sandbox.people.add_person(name, admin=name == ORGANISER)
    sandbox.people.add_channel(CHANNEL, members=list(people.values()))

    def showing(who: Who) -> frozenset[str]:
        return frozenset(
            photo.name for photo in album if who in photo.who and photo.kind == "photo"
        )

    eileen, grace = PEOPLE["eileen"], PEOPLE["grace"]
    return Event(
        sandbox=sandbox,
        people=people,
        before=[photo for photo in album if not photo.live],
        live=[photo for photo in album if photo.live],
        questions=[
            Question(asker=eileen, text="", target=eileen, expected=showing("eileen")),
            Question(asker=grace, text="me", target=grace, expected=showing("grace")),
            Question(
                asker=WITHOUT_PICTURE,
                text="",
                target=WITHOUT_PICTURE,
                expected=frozenset(),
            ),
            Question(
                asker=ORGANISER,
                text=f"@{people[grace].name}",
                target=grace,
                expected=showing("grace"),
            ),
        ],
    )


def own_event(sandbox: Sandbox, photos: Path, selfie: Path) -> Event:
    """The user's own pictures, and the user alone. Raises FindmeError if there is no picture."""
    files = sorted(
        path for path in photos.rglob("*") if path.suffix.lower() in MEDIA_TYPES and path.is_file()
    )
    if not files:
        raise FindmeError(f"There is no picture in {photos}.")
    you = sandbox.people.add_person("You", picture=selfie.read_bytes(), admin=True)
    friend = sandbox.people.add_person(ORGANISER, admin=True)
    sandbox.people.add_channel(CHANNEL, members=[you, friend])
    album = [
        AlbumPhoto(
            name=str(path.relative_to(photos)),
            data=path.read_bytes(),
            who=frozenset(),
            live=i % 3 == 2,  # noqa: PLR2004
            poster=ORGANISER,
            note="",
        )
        for i, path in enumerate(files)
    ]
    return Event(
        sandbox=sandbox,
        people={"You": you, ORGANISER: friend},
        before=[photo for photo in album if not photo.live],
        live=[photo for photo in album if photo.live],
        questions=[Question(asker="You", text="", target="You", expected=None)],
    )


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Poll the bot's database. Raises FindmeError, naming what did not happen."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise FindmeError(f"The demo waited {timeout_s:.0f} s for {what} in vain.")
        time.sleep(POLL_EVERY_S)


def _links(message: Message) -> list[tuple[str, str]]:
    """The photos of an answer, as (permalink, certainty)."""
    links = []
    for block in message.blocks:
        text = (block.get("text") or {}).get("text", "")
        found = _LINK.search(text)
        if block["type"] == "section" and found:
            links.append((found[1], "sure" if "sure" in text.splitlines()[1] else "maybe"))
    return links


def _user(person: Person) -> UserId:
    return UserId(person.id)
