"""Events. Slack may send each several times and in any order: every listener is idempotent."""

import structlog
from slack_bolt import Ack

from bot.files.thumbnails import Thumbnails
from bot.payloads import DeletedMessage, FileEvent, Json, MembershipEvent
from bot.workspace import SlackWorkspace
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.index_photos import AddPhoto

log = structlog.get_logger(__name__)


class EventListeners:
    """Photos come and go; so does the bot."""

    def __init__(
        self,
        *,
        workspace: SlackWorkspace,
        add_photo: AddPhoto,
        channels: Workspaces,
        photos: Photos,
        queue: JobQueue,
        thumbnails: Thumbnails,
    ) -> None:
        self._workspace = workspace
        self._add_photo = add_photo
        self._channels = channels
        self._photos = photos
        self._queue = queue
        self._thumbnails = thumbnails

    def file_shared(self, ack: Ack, body: Json) -> None:
        """A file was posted: if it is a photo in a watched channel, it is queued."""
        ack()
        event = FileEvent.from_body(body)
        if event.channel_id is not None:
            self._add_photo(event.team_id, event.channel_id, event.file_id)

    def file_deleted(self, ack: Ack, body: Json) -> None:
        """A deleted photo is gone, with its faces."""
        ack()
        event = FileEvent.from_body(body)
        if self._photos.delete(event.team_id, event.file_id):
            log.info("photo.deleted", file=event.file_id)
        # It may have been one of the bot's own, which an admin deleted.
        self._thumbnails.forget(event.team_id, event.file_id)

    def message(self, ack: Ack, body: Json) -> None:
        """A deleted message takes its share of a photo along; all other messages are nobody's."""
        ack()
        deleted = DeletedMessage.from_body(body)
        if deleted is not None:
            gone = self._photos.drop_share(deleted.team_id, deleted.channel_id, deleted.ts)
            if gone:
                log.info("photo.unshared", photos=gone)

    def member_joined(self, ack: Ack, body: Json) -> None:
        """The bot was invited: watch the channel, say hello, look through what is there."""
        ack()
        event = MembershipEvent.from_body(body)
        if event.user_id != self._workspace.bot_user_id:
            return
        name = self._workspace.channel_name(event.channel_id)
        # An invitation is a word of somebody's: it counts more than that an admin took it out once.
        if self._channels.watch(event.team_id, event.channel_id, name, again=True):
            self._queue.enqueue_listing(event.team_id, event.channel_id)
            self._workspace.say_hello(event.channel_id)
            log.info("channel.joined", channel=event.channel_id)

    def left(self, ack: Ack, body: Json) -> None:
        """The bot was removed: nothing of the channel is served any more."""
        ack()
        event = MembershipEvent.from_body(body)
        self._channels.unwatch(event.team_id, event.channel_id)
        log.info("channel.left", channel=event.channel_id)
