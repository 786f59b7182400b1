"""Keep the watched channels the same as those the bot is in, and have each listed."""

import structlog

from pipeline.domain.model import Channel, TeamId
from pipeline.ports import ChannelDirectory, ChannelStore, Queue

log = structlog.get_logger(__name__)


class WatchChannels:
    """The tick: what changed while nobody looked is made good, and news are asked for."""

    def __init__(
        self, *, directory: ChannelDirectory, channels: ChannelStore, queue: Queue
    ) -> None:
        self._directory = directory
        self._channels = channels
        self._queue = queue

    def __call__(self, team_id: TeamId) -> list[Channel]:
        """Watch joined channels, forget left ones, list them all; returns the newly watched.

        Channels that an admin took out stay so while the bot is in them.
        Raises: SourceUnavailableError, DatabaseUnavailableError.
        """
        joined = {channel.channel_id: channel for channel in self._directory.joined()}
        for known in [*self._channels.watched(team_id), *self._channels.excluded(team_id)]:
            if known.channel_id not in joined:
                self._channels.unwatch(team_id, known.channel_id)
                log.info("channel.left", channel=known.channel_id)
        new = [
            channel
            for channel in joined.values()
            if self._channels.watch(team_id, channel.channel_id, channel.name)
        ]
        for channel in self._channels.watched(team_id):
            self._queue.enqueue_listing(team_id, channel.channel_id)
        # Photos whose job was lost (a crash between two commits) get one again.
        self._queue.enqueue_pending(team_id)
        return new
