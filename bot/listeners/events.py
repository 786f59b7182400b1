"""Events. Slack may send each several times and in any order: every listener is idempotent.

Most are a reason to ask Slack how things are now, so that an old event can't undo a new one.
"""

import threading
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt import Ack

from bot.files.thumbnails import Thumbnails
from bot.greeting import Greeting
from bot.payloads import (
    ChangedUser,
    ChannelEvent,
    DeletedMessage,
    FileEvent,
    Json,
    MembershipEvent,
    RevokedTokens,
)
from bot.standing import Service
from bot.workspace import SlackWorkspace
from pipeline.domain.model import ChannelId, FileId, TeamId, UserId
from pipeline.errors import SourceUnavailableError
from pipeline.storage.photos import Photos
from pipeline.usecases.forget_person import ForgetPerson
from pipeline.usecases.index_photos import AddPhoto
from pipeline.usecases.unshare_photo import UnsharePhoto
from pipeline.usecases.watch_channels import WatchChannels

log = structlog.get_logger(__name__)


class EventListeners:
    """Photos, people and channels come and go; so does the bot."""

    def __init__(
        self,
        *,
        workspace: SlackWorkspace,
        add_photo: AddPhoto,
        unshare_photo: UnsharePhoto,
        watch_channels: WatchChannels,
        forget_person: ForgetPerson,
        photos: Photos,
        thumbnails: Thumbnails,
        greeting: Greeting,
        service: Service,
    ) -> None:
        self._workspace = workspace
        self._add_photo = add_photo
        self._unshare_photo = unshare_photo
        self._watch_channels = watch_channels
        self._forget_person = forget_person
        self._photos = photos
        self._thumbnails = thumbnails
        self._greeting = greeting
        self._service = service
        self._has_missed = threading.Event()

    def file_shared(self, ack: Ack, body: Json) -> None:
        """A file was posted: if it is a photo in a watched channel, it is queued."""
        ack()
        event = FileEvent.from_body(body)
        if event.channel_id is not None:
            self._add_photo(event.team_id, event.channel_id, event.file_id)

    def file_unshared(self, ack: Ack, body: Json) -> None:
        """A photo is where Slack says that it is now; shown nowhere any more, it is gone."""
        ack()
        event = FileEvent.from_body(body)
        self._unshare(event.team_id, event.file_id, event.channel_id)

    def _unshare(self, team_id: TeamId, file_id: FileId, channel_id: ChannelId | None) -> None:
        gone = self._unshare_photo(team_id, file_id, channel_id=channel_id)
        if gone:
            log.info("photo.unshared", file=file_id, shares=gone)

    def file_deleted(self, ack: Ack, body: Json) -> None:
        """A deleted photo is gone, with its faces."""
        ack()
        event = FileEvent.from_body(body)
        if self._photos.retract(event.team_id, event.file_id):
            log.info("photo.deleted", file=event.file_id)
        # It may have been one of the bot's own, which an admin deleted.
        self._thumbnails.forget(event.team_id, event.file_id)

    def message(self, ack: Ack, body: Json) -> None:
        """A deleted message takes its share of a photo along; all other messages are nobody's."""
        ack()
        deleted = DeletedMessage.from_body(body)
        if deleted is None:
            return
        gone = self._photos.drop_share(deleted.team_id, deleted.channel_id, deleted.ts)
        if gone:
            log.info("photo.unshared", photos=gone)
        # A share whose message was not known yet is found by its photo alone.
        left = gone < len(deleted.file_ids)
        if left and self._watch_channels.is_known(deleted.team_id, deleted.channel_id):
            for file_id in deleted.file_ids:
                self._unshare(deleted.team_id, file_id, deleted.channel_id)

    def member_joined(self, ack: Ack, body: Json) -> None:
        """The bot was invited: watch the channel, say hello, look through what is there."""
        ack()
        event = MembershipEvent.from_body(body)
        if event.user_id != self._workspace.bot_user_id:
            return
        # An invitation is a word of somebody's: it counts more than that an admin took it out once.
        new = self._watch_channels.follow_one(event.team_id, event.channel_id, invited=True)
        if new is not None:
            self._greeting(new.channel_id)

    def channel_changed(self, ack: Ack, body: Json) -> None:
        """Left, archived, deleted or renamed: nothing is served of a channel that is not there."""
        ack()
        event = ChannelEvent.from_body(body)
        # Slack tells of all public channels.
        if self._watch_channels.is_known(event.team_id, event.channel_id):
            self._follow(event)

    def channel_opened(self, ack: Ack, body: Json) -> None:
        """A channel came back; it is watched if the bot is still in it."""
        ack()
        self._follow(ChannelEvent.from_body(body))

    def _follow(self, event: ChannelEvent) -> None:
        new = self._watch_channels.follow_one(event.team_id, event.channel_id)
        if new is not None:
            self._greeting(new.channel_id)

    def user_changed(self, ack: Ack, body: Json) -> None:
        """A new name or time zone is used from now on; whose account was closed is forgotten."""
        ack()
        event = ChangedUser.from_body(body)
        self._workspace.learn(event.user_id, event.profile)
        if event.profile.is_deleted and self._is_closed(event.user_id):
            self._forget_person(event.team_id, event.user_id, by=None)

    def _is_closed(self, user_id: UserId) -> bool:
        """An old event may come after the account was opened again; in doubt it is closed."""
        try:
            return self._workspace.is_closed(user_id)
        except SourceUnavailableError:
            return True

    def tokens_revoked(self, ack: Ack, body: Json) -> None:
        """Without its token the bot rests; everything is kept."""
        ack()
        event = RevokedTokens.from_body(body)
        if self._workspace.bot_user_id in event.bot_user_ids:
            self._service.check()

    def uninstalled(self, ack: Ack, body: Json) -> None:
        """The app was removed: everything that the workspace's index holds is deleted."""
        ack()
        del body
        self._service.remove()

    def failed(self, body: Mapping[str, Any]) -> None:
        """A listener raised: if an event was lost by that, everything is compared soon."""
        if body.get("event_id"):
            self.missed()

    def missed(self) -> None:
        """An event was lost."""
        self._has_missed.set()

    def has_missed(self) -> bool:
        """Whether events were lost since this was asked last."""
        missed = self._has_missed.is_set()
        self._has_missed.clear()
        return missed
