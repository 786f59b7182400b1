"""Photos in a local workspace and in a real database, without a bot and without faces."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bot.files.downloads import Downloads
from bot.files.uploads import Uploads
from bot.sandbox import Channel, Message, Person, Sandbox, SharedFile
from bot.sandbox import FileId as SlackFileId
from bot.workspace import SlackWorkspace, web_client
from pipeline.domain.model import (
    Box,
    Certainty,
    ChannelId,
    EngineId,
    FaceId,
    FileId,
    Match,
    NearFace,
    PhotoId,
)
from pipeline.storage.connect import Database
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from tests.acceptance.office import FAST, Heard, Traffic

PHOTO_ID = "select photo_id from photos where file_id = %(file_id)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Ann posts photos in #offsite; they are in the index, and matches say that she is on them."""

    slack: Sandbox
    database: Database
    workspace: SlackWorkspace
    photos: Photos
    uploads: Uploads
    ann: Person
    channel: Channel
    heard: list[Heard]

    def post(self, name: str, data: bytes, *, certainty: Certainty = Certainty.SURE) -> Match:
        """Post a photo, take it into the index, and say that it shows somebody."""
        posted = self.slack.people.post_photo(self.ann, self.channel, name, data)
        file_id, channel_id = FileId(posted.file_id), ChannelId(self.channel.id)
        found = self.workspace.describe(file_id, channel_id=channel_id)
        self.photos.add(self.workspace.team_id, [found], channel_id=channel_id)
        with self.database.transaction() as connection:
            row = connection.execute(PHOTO_ID, {"file_id": file_id}).fetchone()
        assert row is not None
        face = NearFace(
            photo_id=PhotoId(row["photo_id"]),
            file_id=file_id,
            photo_name=found.name,
            media_type=found.media_type,
            content_hash=None,
            posted_by=found.posted_by,
            posted_at=found.posted_at,
            share=found.shares[0],
            face_id=FaceId(row["photo_id"]),
            box=Box(x_px=0, y_px=0, width_px=10, height_px=10),
            quality=1.0,
            embedding=np.zeros(4, np.float32),
            distance=0.3,
        )
        return Match(face=face, certainty=certainty)

    def delete(self, match: Match) -> None:
        """Ann deletes the photo in Slack."""
        self.slack.people.delete_file(self.ann, SlackFileId(match.face.file_id))

    def told(self, who: Person) -> list[Message]:
        """What the bot wrote to that person, but for messages that bring a file."""
        return [m for m in self.slack.people.direct_messages(who) if not m.files]

    def sent(self, who: Person) -> list[SharedFile]:
        """The files that the bot sent to that person, in order."""
        messages = self.slack.people.direct_messages(who)
        return [self.slack.people.file(each) for message in messages for each in message.files]

    def own_files(self) -> list[SharedFile]:
        """The bot's files that are there now."""
        bot = self.slack.bot_user_id
        files = self.slack.workspace.files.values()
        return [file for file in files if file.uploader == bot and not file.is_deleted]


def unzipped(file: SharedFile) -> dict[str, bytes]:
    """What is in a zip."""
    with zipfile.ZipFile(io.BytesIO(file.data)) as opened:
        assert opened.testzip() is None
        return {entry.filename: opened.read(entry) for entry in opened.infolist()}


@contextmanager
def open_shelf(conninfo: str) -> Iterator[Shelf]:
    """A workspace with Ann and a channel that the bot is in, and a migrated database."""
    slack = Sandbox(times=FAST)
    heard: list[Heard] = []
    slack.asgi.add_middleware(Traffic, heard=heard)
    with slack:
        ann = slack.people.add_person("Ann Lee")
        channel = slack.people.add_channel("offsite", members=[ann, slack.bot_user_id])
        downloads = Downloads(token=slack.bot_token, api_url=slack.api_url)
        workspace = SlackWorkspace(web_client(slack.bot_token, slack.api_url), downloads)
        database = Database(conninfo)
        uploads = Uploads(workspace.client)
        team_id = workspace.team_id
        workspaces = Workspaces(database)
        workspaces.claim(team_id, EngineId("retail"))
        workspaces.watch(team_id, ChannelId(channel.id), channel.name)
        try:
            yield Shelf(
                slack=slack,
                database=database,
                workspace=workspace,
                photos=Photos(database),
                uploads=uploads,
                ann=ann,
                channel=channel,
                heard=heard,
            )
        finally:
            slack.faults.clear()
            uploads.close()
            workspace.close()
            database.close()
