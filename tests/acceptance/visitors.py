"""A workspace at random: people, channels and photos, and what each could open in Slack itself.

The bot's parts are real (its searches, its listeners, its stores, Slack's Web API over HTTP); faces
are made by hand. Whatever happens is done by the workspace's own people, and the bot hears of it as
it does of everything, unless the event is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import psycopg
from slack_bolt import Ack

from bot.edge import Edge
from bot.sandbox import Channel, FileId, NotAllowed, Person, PostedPhoto, Sandbox
from bot.sandbox.model import ChannelId as SlackChannelId
from bot.sandbox.model import ChannelKind, Json, Message
from bot.settings import SlackSettings
from bot.wiring import slack_workspace
from pipeline.domain.arrays import Embedding
from pipeline.domain.calibration import Curve
from pipeline.domain.model import (
    ChannelId,
    PhotoFaces,
    PhotoId,
    Reference,
    ReferenceKind,
    UserId,
)
from pipeline.errors import (
    AccountClosedError,
    ChannelNotSearchedError,
    NotAMemberError,
    PersonGoneError,
)
from pipeline.settings import Settings, load
from pipeline.usecases.find_photos import Found, Query
from pipeline.usecases.watch_channels import WatchChannels
from pipeline.wiring import Runtime
from tests.acceptance.office import FAST
from tests.conftest import as_url
from tests.fakes import KnownFaces
from tests.strategies import photo_faces

PENDING = "select photo_id from photos where team_id = %s and state = 'pending'"
CURVE = Curve(sure=0.5, maybe=0.4)

LOSABLE = {"channel_left", "group_left"}
"""What the bot may miss without anybody seeing more than they could open."""


class Faces(KnownFaces):
    """Photos whose bytes say whom they show; each person has a direction of their own."""

    def __init__(self) -> None:
        super().__init__(CURVE)
        self.shown: dict[bytes, frozenset[int]] = {}

    def read(self, data: bytes) -> PhotoFaces:
        """One face for each person."""
        return photo_faces(*(face_of(number) for number in sorted(self.shown[data])))


def face_of(number: int) -> Embedding:
    """The embedding of a person's every picture."""
    embedding: Embedding = np.eye(64, dtype=np.float32)[number]
    return embedding


class Visitors:
    """One workspace after another; everybody has a number, and that number's face.

    They are the same team, server and bot, since to start these takes longer than to use them.
    """

    def __init__(self, conninfo: str, folder: Path) -> None:
        self._conninfo = conninfo
        self._faces = Faces()
        self._events: list[Json] = []
        self.slack = Sandbox(times=FAST)
        self.slack.workspace.listeners[:] = [self._hear]
        self.slack.start()
        self.people = self.slack.people
        slack_settings = load(
            SlackSettings,
            slack_bot_token=self.slack.bot_token,
            slack_app_token=self.slack.app_token,
            slack_api_url=self.slack.api_url,
            colleague_search="open",
        )
        self._workspace = slack_workspace(slack_settings)
        self.team_id = self._workspace.team_id
        self._runtime = Runtime(
            load(Settings, database_url=as_url(conninfo), findme_data_dir=folder),
            sources={self.team_id: self._workspace},
            reader=self._faces,
        )
        self._runtime.claim_engine(self.team_id)
        self._edge = Edge(
            runtime=self._runtime,
            workspace=self._workspace,
            downloads=self._workspace.downloads,
            settings=slack_settings,
        )
        self._watch = WatchChannels(
            directory=self._workspace,
            channels=self._runtime.workspaces,
            queue=self._runtime.queue,
        )

    def close(self) -> None:
        """End."""
        self._edge.close()
        self._workspace.close()
        self._runtime.close()
        self.slack.stop()

    def begin(self) -> None:
        """A public, a private and a shared channel, each with the bot and a photo of all."""
        self.organiser = self.people.add_person("Olu", admin=True)
        self.cast = [
            self.people.add_person("Ann"),
            self.people.add_person("Ben"),
            self.people.add_person("Gus", guest=True),
            self.people.add_person("Sue", foreign=True),
        ]
        for number, person in enumerate(self.cast):
            self._make_known(number, person)
        ann, ben, gus, sue = self.cast
        self.channels: list[Channel] = []
        self.posts: list[PostedPhoto] = []
        self.add_channel(ann)
        self.add_channel(ben, gus, private=True)
        self.add_channel(gus, sue, shared=True)
        for channel in self.channels:
            self.people.invite_bot(channel, by=self.organiser)
            self.post(channel, frozenset(range(len(self.cast))))

    def clear(self) -> None:
        """As if nobody had ever been there."""
        ws = self.slack.workspace
        with ws.change():
            for person in [self.organiser, *self.cast]:
                del ws.people[person.id]
            ws.channels.clear()
            ws.messages.clear()
            ws.files.clear()
        self._events.clear()
        self._watch(self.team_id)

    def _make_known(self, number: int, person: Person) -> None:
        self._runtime.people.put_selfie(
            self.team_id,
            UserId(person.id),
            engine_id=self._faces.engine_id,
            picture_hash=person.id,
            reference=Reference(
                embedding=face_of(number),
                quality=0.5,
                faces_in_picture=1,
                kind=ReferenceKind.SELFIE,
            ),
        )

    # What happens.

    def act(self, move: Callable[[], object], *, is_lost: bool = False) -> None:
        """Somebody does something, if Slack lets them; the bot hears of it."""
        with suppress(NotAllowed):
            move()
        self._catch_up(is_lost=is_lost)

    def add_channel(self, *members: Person, private: bool = False, shared: bool = False) -> None:
        """A channel of the organiser's and some others, without the bot."""
        name = f"channel-{len(self.channels)}"
        guests = [one for one in members if not one.is_foreign or shared]
        channel = self.people.add_channel(name, members=[self.organiser, *guests], private=private)
        if shared:
            self.people.connect(channel, by=self.organiser)
        self.channels.append(channel)

    def invite_bot(self, channel: Channel) -> None:
        """The bot comes (back), and looks through what is there."""
        self.act(lambda: self.people.invite_bot(channel, by=self.organiser))
        self._runtime.workspaces.compare_anew(self.team_id)
        self.tick()

    def kick_bot(self, channel: Channel, *, is_lost: bool) -> None:
        """The bot has to go."""
        self.act(lambda: self.people.kick_bot(channel, by=self.organiser), is_lost=is_lost)

    def post(self, channel: Channel, shown: frozenset[int]) -> None:
        """A new photo of these people."""
        data = f"photo {len(self._faces.shown)}".encode()
        self._faces.shown[data] = shown
        self._post(channel, data)

    def post_copy(self, channel: Channel, original: PostedPhoto) -> None:
        """The same picture, uploaded once more."""
        file = self.people.file(original.file_id)
        if not file.is_deleted:
            self._post(channel, file.data)

    def _post(self, channel: Channel, data: bytes) -> None:
        def move() -> None:
            self.posts.append(self.people.post_photo(self.organiser, channel, "photo.jpg", data))

        self.act(move)

    def repost(self, channel: Channel, original: PostedPhoto) -> None:
        """The same file, in one more message."""

        def move() -> None:
            self.posts.append(self.people.share_again(self.organiser, original.file_id, channel))

        self.act(move)

    def delete_message(self, posted: PostedPhoto) -> None:
        """Of a message in a channel without the bot it hears nothing, and needs to hear nothing."""
        message = self.slack.workspace.messages.get((posted.channel, posted.ts))
        if message is not None and self.slack.workspace.bot_is_in(posted.channel):
            self.act(lambda: self.people.delete_message(self.organiser, message))

    def delete_file(self, posted: PostedPhoto) -> None:
        """A file with all of its shares."""
        self.act(lambda: self.people.delete_file(self.organiser, posted.file_id))

    # What the bot hears.

    def _hear(self, event: Json, channel: SlackChannelId | None) -> None:
        if self.slack.delivery._is_subscribed(event, channel):
            self._events.append(event)

    def _catch_up(self, *, is_lost: bool = False) -> None:
        listeners = self._edge.listeners.events
        heard: Mapping[str, Callable[[Ack, Json], None]] = {
            "file_shared": listeners.file_shared,
            "file_deleted": listeners.file_deleted,
            "member_joined_channel": listeners.member_joined,
            "channel_left": listeners.channel_changed,
            "group_left": listeners.channel_changed,
            "message": listeners.message,
        }
        while self._events:
            event = self._events.pop(0)
            listener = heard.get(event["type"])
            if listener is not None and not (is_lost and event["type"] in LOSABLE):
                ack = Ack()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
                listener(ack, {"team_id": self.team_id, "event": event})
        self._index()

    def tick(self) -> None:
        """What the bot does every two minutes."""
        runtime = self._runtime
        self._watch(self.team_id)
        for channel in runtime.workspaces.watched(self.team_id):
            runtime.list_channel(self.team_id, channel.channel_id)
        self._index()

    def _index(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            rows = connection.execute(PENDING, [self.team_id]).fetchall()
        for (photo_id,) in rows:
            self._runtime.index_photo(self.team_id, PhotoId(photo_id))

    # What is so in Slack itself.

    def can_open(self, reader: Person, channel_id: str) -> bool:
        """Whether somebody who asks for photos may be shown those of a channel."""
        reader, channel = self.people.person(reader), self.slack.workspace.channel(channel_id)
        if reader.is_deleted or reader.is_foreign or channel.is_archived:
            return False
        if self.slack.bot_user_id not in channel.members:
            return False
        is_open = channel.kind is ChannelKind.PUBLIC and not reader.is_guest
        return is_open or reader.id in channel.members

    def _shown(self, message: Message) -> set[bytes]:
        files = [self.people.file(file_id) for file_id in message.files]
        return {file.data for file in files if not file.is_deleted}

    def expected(
        self, reader: Person, people: frozenset[int], where: Channel | None
    ) -> dict[bytes, set[tuple[str, str]]]:
        """The pictures that show all these people, each with the messages the reader can open."""
        found: dict[bytes, set[tuple[str, str]]] = {}
        for message in self.slack.workspace.messages.values():
            is_there = where is None or message.channel == where.id
            if is_there and self.can_open(reader, message.channel):
                for data in self._shown(message):
                    if people <= self._faces.shown[data]:
                        found.setdefault(data, set()).add((message.channel, message.ts))
        return found

    # What the bot answers.

    def check(self, number: int, people: frozenset[int], where: Channel | None = None) -> None:
        """Somebody asks: they get all that they could open, and nothing else."""
        reader = self.people.person(self.cast[number])
        query = Query(
            asker=UserId(reader.id),
            people=[UserId(self.cast[one].id) for one in sorted(people)],
            channel_ids=[ChannelId(where.id)] if where else [],
        )
        try:
            found = self._edge.find_photos(self.team_id, query)
        except NotAMemberError:
            assert reader.is_foreign
        except PersonGoneError:
            assert reader.is_deleted
        except AccountClosedError:
            assert any(self.people.person(self.cast[one]).is_deleted for one in people)
        except ChannelNotSearchedError:
            assert where is not None
            assert not self.can_open(reader, where.id)
        else:
            assert not reader.is_foreign
            assert not reader.is_deleted
            self._compare(found, self.expected(reader, people, where), reader)

    def _compare(
        self, found: Found, expected: Mapping[bytes, set[tuple[str, str]]], reader: Person
    ) -> None:
        told = {
            self.people.file(FileId(match.face.file_id)).data: match.face.share
            for match in found.matches
        }
        assert set(told) == set(expected)
        assert len(found.matches) == len(expected), "a picture was told twice"
        for data, share in told.items():
            assert (share.channel_id, share.ts) in expected[data], "told with another's share"
        opened = [c.id for c in self.channels if self.can_open(reader, c.id)]
        joined = [c for c in opened if reader.id in self.slack.workspace.channel(c).members]
        assert sorted(found.visible_ids) == sorted(map(ChannelId, opened))
        assert sorted(found.joined_ids) == sorted(map(ChannelId, joined))
