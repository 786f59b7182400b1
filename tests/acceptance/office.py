"""An office: a local Slack workspace, its database, a bot that can be started and stopped."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, LiteralString, TypeAlias, TypeVar

import psycopg
import pytest
from PIL import Image, ImageEnhance, ImageFilter
from psycopg.rows import class_row
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.demo.portraits import Who, portrait, studio
from bot.sandbox import (
    Channel,
    FileId,
    Invocation,
    Message,
    Person,
    PostedPhoto,
    Sandbox,
    SlackApp,
    Times,
)
from bot.settings import SlackSettings
from bot.wiring import Bot
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from tests.conftest import as_url

Transport: TypeAlias = Literal["socket", "http"]
Found = TypeVar("Found")

# Each test once more over HTTP takes as long as all of them over Socket Mode.
TRANSPORTS = ("socket", pytest.param("http", marks=pytest.mark.slow))
# What is behind both ways of hearing Slack need not be looked at twice.
one_way = pytest.mark.parametrize("office", ["socket"], indirect=True)

FAST = Times(retry_after_s=(0.0, 0.1, 0.2))
WAIT_S = 60.0
POLL_EVERY_S = 0.05

LOOKING = "⏳ Looking…"

_LINE = re.compile(
    r"\*<(?P<permalink>[^|>]+)\|(?P<title>[^>]*)>\*\n"
    r"\S+ (?P<certainty>sure|maybe)(?P<confirmed>, as you said)?"
    r" · <!date\^(?P<posted_at_s>\d+)\^[^|]*\|[^>]*>"
    r"(?: by <@(?P<poster>\w+)>)?(?: in <#(?P<channel>\w+)>)?"
)


def eventually(condition: Callable[[], Found], *, what: str, timeout_s: float = WAIT_S) -> Found:
    """The condition's first true value; the test fails, naming `what`, if none comes in time."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {timeout_s:.0f} s"
        time.sleep(POLL_EVERY_S)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request that the workspace got; `authorization` is the header, or "".

    `came_s` is by the monotonic clock.
    """

    came_s: float
    method: str
    path: str
    authorization: str


class Traffic:
    """Starlette middleware that notes every request."""

    def __init__(self, app: ASGIApp, heard: list[Heard]) -> None:
        self._app = app
        self._heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note, then go on."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            self._heard.append(
                Heard(
                    came_s=time.monotonic(),
                    method=scope["method"],
                    path=scope["path"],
                    authorization=headers.get(b"authorization", b"").decode(),
                )
            )
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One photo in the index."""

    photo_id: int
    file_id: FileId
    name: str
    state: str
    reason: str | None
    shares: int
    faces: int
    distinct_faces: int


ROWS = """
select p.photo_id, p.file_id, p.name, p.state, p.reason,
    (select count(*) from shares s where s.photo_id = p.photo_id) as shares,
    (select count(*) from faces f where f.photo_id = p.photo_id) as faces,
    (select count(distinct f.box) from faces f where f.photo_id = p.photo_id) as distinct_faces
from photos p order by p.photo_id
"""
JOBS = "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"


def rows(conninfo: str) -> list[Row]:
    """The index as it is now."""
    with _looking(conninfo) as connection:
        return connection.cursor(row_factory=class_row(Row)).execute(ROWS).fetchall()


def jobs(conninfo: str) -> int:
    """How many jobs wait or run."""
    with _looking(conninfo) as connection:
        row = connection.execute(JOBS).fetchone()
        assert row is not None
        return int(row[0])


_kept: list[tuple[str, psycopg.Connection[Any]]] = []


@contextmanager
def _looking(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that is kept for the next look: who waits looks often."""
    known, connection = _kept.pop() if _kept else ("", None)
    if connection is not None and (known != conninfo or not _is_alive(connection)):
        connection.close()
        connection = None
    connection = connection or psycopg.connect(conninfo, autocommit=True)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _kept.append((conninfo, connection))


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("select")
    except psycopg.OperationalError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One photo of an answer as a person sees it.

    `channel` is named where several were searched; `shown` is the file of the thumbnail, and
    `alt_text` what stands for it.
    """

    permalink: str
    title: str
    certainty: str
    confirmed: bool
    posted_at_s: int
    poster: str | None
    channel: str | None
    shown: str | None
    alt_text: str


def lines(message: Message) -> list[Line]:
    """The photos of an answer, in order."""
    return [
        line
        for block in message.blocks
        if block["type"] == "section" and (line := _line(block)) is not None
    ]


def _line(block: dict[str, Any]) -> Line | None:
    found = _LINE.fullmatch(block["text"]["text"])
    if found is None:
        assert "<http" not in block["text"]["text"], "a photo in an unknown form"
        return None
    accessory = block.get("accessory")
    if accessory is not None:
        assert accessory["type"] == "image"
        assert accessory["alt_text"]
    return Line(
        permalink=found["permalink"],
        title=found["title"],
        certainty=found["certainty"],
        confirmed=found["confirmed"] is not None,
        posted_at_s=int(found["posted_at_s"]),
        poster=found["poster"],
        channel=found["channel"],
        shown=accessory["slack_file"]["id"] if accessory else None,
        alt_text=accessory["alt_text"] if accessory else "",
    )


def shown(message: Message) -> list[str]:
    """Where the photos of an answer were posted, in order."""
    return [line.permalink for line in lines(message)]


def notes(message: Message) -> str:
    """The small print of an answer."""
    return "\n".join(
        element["text"]
        for block in message.blocks
        if block["type"] == "context"
        for element in block["elements"]
    )


def has_more(message: Message) -> bool:
    """Whether the answer offers another page."""
    return any(
        element.get("action_id") == "more"
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    )


def links(found: Sequence[PostedPhoto]) -> set[str]:
    """Where these photos were posted."""
    return {posted.permalink for posted in found}


_portrait = cache(portrait)


@cache
def snapshot(who: Who, number: int = 0, *, blur_px: int = 0) -> bytes:
    """A small portrait photo; each number gives another picture, with other bytes.

    Blurred by 4 px it is only perhaps that person (distance 0.61, sure up to 0.55).
    """
    picture = studio(who)
    side = min(picture.size) - 3 * number
    picture = picture.crop((0, 0, side, side)).resize((420, 420))
    out = io.BytesIO()
    picture = picture.filter(ImageFilter.GaussianBlur(blur_px)) if blur_px else picture
    brighter = ImageEnhance.Brightness(picture).enhance(0.9 + 0.01 * (number % 20))
    brighter.save(out, "JPEG", quality=80)
    return out.getvalue()


def encoded(data: bytes, kind: str) -> bytes:
    """The picture in another format."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.convert("RGB").save(out, kind)
    return out.getvalue()


@dataclass(slots=True, kw_only=True)
class Office:
    """A workspace with its organiser; everybody else comes when a test needs them.

    `organiser` is a workspace admin, `named` is nobody but stands in FINDME_ADMINS.
    """

    slack: Sandbox
    conninfo: str
    engine: FaceReader
    transport: Transport
    organiser: Person
    named: Person
    heard: list[Heard] = field(default_factory=list)
    bot: Bot | None = None
    channels: list[Channel] = field(default_factory=list)
    _count: int = 0

    @property
    def running(self) -> Bot:
        """The bot that runs now."""
        assert self.bot is not None
        return self.bot

    def start_bot(self, **slack_settings: Any) -> Bot:
        """Start the bot in this process; returns once it hears the workspace."""
        given: dict[str, Any] = {
            "slack_bot_token": self.slack.bot_token,
            "slack_api_url": self.slack.api_url,
            "findme_admins": self.named.id,
            # Tests of consent say what they want.
            "colleague_search": "open",
            "findme_port": None if self.transport == "socket" else 0,
        }
        if self.transport == "socket":
            given["slack_app_token"] = self.slack.app_token
        else:
            given["slack_signing_secret"] = self.slack.signing_secret
        settings = load(Settings, database_url=as_url(self.conninfo))
        bot = Bot(settings, load(SlackSettings, **(given | slack_settings)), reader=self.engine)
        bot.start()
        self.bot = bot
        if self.transport == "socket":
            self.slack.wait_for_bot()
        else:
            self.slack.set_request_url(f"http://127.0.0.1:{bot.port}/slack/events")
        return bot

    def wait_until_quiet(self) -> None:
        """A bot that begins asks Slack for its channels, which some tests don't look for."""
        before = -1
        while (calls := sum(self.slack.faults.calls.values())) != before:
            before = calls
            time.sleep(1.0)

    def stop_bot(self) -> None:
        """Stop the bot that runs now, if one does."""
        bot, self.bot = self.bot, None
        if bot is not None:
            bot.stop()

    def person(
        self,
        who: Who | None = None,
        *,
        picture: bytes | None = None,
        admin: bool = False,
        member: bool = False,
        tz: str = "UTC",
    ) -> Person:
        """A newcomer, with the face of `who`, another picture, or none.

        As a rule a guest, who sees the channels that they are in; a full `member` (or an admin)
        sees the photos of all public ones, in an office that tests share those of other tests, too.
        """
        self._count += 1
        if who is not None:
            picture = _portrait(who)
        name = f"{who or 'somebody'} {self._count}"
        guest = not (admin or member)
        return self.slack.people.add_person(name, picture=picture, admin=admin, guest=guest, tz=tz)

    def channel(self, *members: Person, private: bool = False, with_bot: bool = True) -> Channel:
        """A new channel that the organiser and `members` are in, and as a rule the bot."""
        self._count += 1
        people = self.slack.people
        channel = people.add_channel(
            f"channel-{self._count}", members=[self.organiser, *members], private=private
        )
        self.channels.append(channel)
        return self.invite_bot(channel) if with_bot else channel

    def close_channels(self, *, but_first: int = 0) -> None:
        """Archive the channels that were made, but for the first ones."""
        for made in self.channels[but_first:]:
            channel = self.slack.workspace.channels.get(made.id)
            if channel is not None and not channel.is_archived:
                self.slack.people.archive_channel(channel, by=self.organiser)
        del self.channels[but_first:]

    def invite_bot(self, channel: Channel) -> Channel:
        """Bring the bot in and wait until it said hello."""
        people = self.slack.people
        invited = people.invite_bot(channel, by=self.organiser)
        if self.bot is not None:
            people.wait_for(lambda: self.said(channel), timeout_s=WAIT_S)
        return invited

    def said(self, channel: Channel) -> list[Message]:
        """What the bot wrote into a channel, for everybody."""
        messages = self.slack.people.messages(channel)
        return [message for message in messages if message.author == self.slack.bot_user_id]

    def post(
        self, channel: Channel, data: bytes, name: str = "photo.jpg", *, by: Person | None = None
    ) -> PostedPhoto:
        """Post a photo."""
        return self.slack.people.post_photo(by or self.organiser, channel, name, data)

    def post_all(
        self, channel: Channel, photos: Sequence[bytes], *, by: Person | None = None
    ) -> list[PostedPhoto]:
        """Post several photos."""
        return [
            self.post(channel, data, f"photo {number}.jpg", by=by)
            for number, data in enumerate(photos)
        ]

    def read(self, *posted: PostedPhoto, timeout_s: float = WAIT_S) -> list[Row]:
        """Wait until the bot has dealt with these photos; their rows, in this order."""

        def done() -> list[Row]:
            known = {row.file_id: row for row in rows(self.conninfo) if row.state != "pending"}
            found = [known[photo.file_id] for photo in posted if photo.file_id in known]
            return found if len(found) == len(posted) else []

        return eventually(done, what=f"the reading of {len(posted)} photos", timeout_s=timeout_s)

    def show(self, channel: Channel, *photos: bytes) -> list[PostedPhoto]:
        """Post photos and wait until they are in the index."""
        posted = self.post_all(channel, photos)
        self.read(*posted)
        return posted

    def ask(self, who: Person, where: Channel, text: str = "") -> Message:
        """`/findme`: the answer."""
        return self.answer(self.slack.people.run_command(who, where, "/findme", text))

    def admin(self, who: Person, where: Channel, text: str) -> Message:
        """`/findme-admin`: the first answer."""
        return self.answer(self.slack.people.run_command(who, where, "/findme-admin", text))

    def more(self, who: Person, message: Message) -> Message:
        """Click *More*: the next page."""
        return self.click(who, message, "more")

    def click(
        self,
        who: Person,
        place: Message,
        action_id: str,
        *,
        value: str | None = None,
        block_id: str | None = None,
    ) -> Message:
        """Use a button or a menu of a message: the answer, in its place or a new one."""
        people = self.slack.people
        return self.answer(people.click(who, place, action_id, value=value, block_id=block_id))

    def answer(self, invocation: Invocation, *, timeout_s: float = WAIT_S) -> Message:
        """The answer to a command or a click, after "Looking…" if that came.

        Slack must not have had to complain.
        """
        people = self.slack.people

        def come() -> list[Message]:
            return [one for one in people.answers_so_far(invocation) if one.text != LOOKING]

        (message, *_) = people.wait_for(come, timeout_s=timeout_s)
        assert message.error is None, message.error
        assert message.visible_to == invocation.person, "an answer that others can see"
        return message

    def avatars_fetched(self, who: Person) -> int:
        """How often this person's picture was downloaded."""
        return sum(request.path.startswith(f"/avatars/{who.id}-") for request in self.heard)

    def wait_for_slack_to_give_up(self, event: str, count: int = 1) -> None:
        """Wait until Slack has tried `count` events of that type for the last time."""
        last = len(self.slack.workspace.times.retry_after_s)
        eventually(
            lambda: (
                sum(
                    entry.name == event and entry.attempt == last and entry.error is not None
                    for entry in self.slack.delivery.log
                )
                >= count
            ),
            what=f"the last try of {event}",
        )

    def lose_events(self) -> None:
        """From now on no event reaches the bot; commands and clicks still do."""
        self.slack.workspace.listeners.clear()


@contextmanager
def open_office(
    conninfo: str,
    engine: FaceReader,
    transport: Transport = "socket",
    *,
    app: SlackApp | None = None,
    times: Times = FAST,
) -> Iterator[Office]:
    """A workspace over a migrated database; a bot that was started is stopped in the end."""
    slack = Sandbox(app=app, times=times)
    heard: list[Heard] = []
    slack.asgi.add_middleware(Traffic, heard=heard)
    with slack:
        office = Office(
            slack=slack,
            conninfo=conninfo,
            engine=engine,
            transport=transport,
            organiser=slack.people.add_person("Olu", admin=True),
            named=slack.people.add_person("Nadia"),
            heard=heard,
        )
        try:
            yield office
        finally:
            slack.faults.clear()
            office.stop_bot()


def execute(conninfo: str, statement: LiteralString, *values: object) -> None:
    """Change the database behind the bot's back."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement, values)
