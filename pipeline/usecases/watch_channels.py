"""Keep the watched channels the same as those the bot is in, and have each listed."""

import threading

import structlog

from pipeline.domain.model import Channel, ChannelId, TeamId
from pipeline.ports import ChannelDirectory, ChannelStore, Queue

log = structlog.get_logger(__name__)


class WatchChannels:
    """What is watched follows what Slack says, whatever told of a change, and in what order.

    Events are only a reason to ask. Whoever asks writes before the next one asks: an older answer
    never comes after a newer one, whichever process asked.
    """

    def __init__(
        self, *, directory: ChannelDirectory, channels: ChannelStore, queue: Queue
    ) -> None:
        self._directory = directory
        self._channels = channels
        self._queue = queue
        # One of this process waits for the others, and holds one connection meanwhile.
        self._turn = threading.Lock()

    def __call__(self, team_id: TeamId) -> list[Channel]:
        """Follow all channels and have each listed; returns the newly watched.

        Raises: SourceUnavailableError, DatabaseUnavailableError.
        """
        new = self.follow(team_id)
        for channel in self._channels.watched(team_id):
            self._queue.enqueue_listing(team_id, channel.channel_id)
        # Photos whose job was lost (a crash between two commits) get one again.
        self._queue.enqueue_pending(team_id)
        return new

    def follow(self, team_id: TeamId) -> list[Channel]:
        """Watch joined channels, forget left ones; returns the newly watched.

        Channels that an admin took out stay so while the bot is in them.
        Raises: SourceUnavailableError, DatabaseUnavailableError.
        """
        with self._turn, self._channels.turn(team_id):
            joined = {channel.channel_id: channel for channel in self._directory.joined()}
            for channel_id in self._known(team_id) - joined.keys():
                self._forget(team_id, channel_id)
            return [channel for channel in joined.values() if self._watch(team_id, channel)]

    def follow_one(
        self, team_id: TeamId, channel_id: ChannelId, *, invited: bool = False
    ) -> Channel | None:
        """Do so for one channel; returns it if it is newly watched.

        If the bot was `invited`, that counts more than that an admin took the channel out once.
        Raises: SourceUnavailableError, DatabaseUnavailableError.
        """
        with self._turn, self._channels.turn(team_id):
            channel = self._directory.joined_one(channel_id)
            if channel is None:
                if channel_id in self._known(team_id):
                    self._forget(team_id, channel_id)
                return None
            is_new = self._watch(team_id, channel, again=invited)
            if invited and not is_new:
                # It was away for a moment, and nobody told it what happened there meanwhile.
                self._channels.compare_anew(team_id, channel_id)
                self._queue.enqueue_listing(team_id, channel_id)
            return channel if is_new else None

    def is_known(self, team_id: TeamId, channel_id: ChannelId) -> bool:
        """Whether the channel is watched, or was taken out."""
        return channel_id in self._known(team_id)

    def _known(self, team_id: TeamId) -> set[ChannelId]:
        known = [*self._channels.watched(team_id), *self._channels.excluded(team_id)]
        return {channel.channel_id for channel in known}

    def _watch(self, team_id: TeamId, channel: Channel, *, again: bool = False) -> bool:
        is_new = self._channels.watch(team_id, channel.channel_id, channel.name, again=again)
        if is_new:
            self._queue.enqueue_listing(team_id, channel.channel_id)
            log.info("channel.joined", channel=channel.channel_id)
        return is_new

    def _forget(self, team_id: TeamId, channel_id: ChannelId) -> None:
        self._channels.unwatch(team_id, channel_id)
        log.info("channel.left", channel=channel_id)
