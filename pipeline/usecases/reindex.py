"""Read every photo of some channels again."""

from collections.abc import Sequence

import structlog

from pipeline.domain.model import ChannelId, RunId, TeamId, UserId
from pipeline.errors import UsageError
from pipeline.ports import ChannelStore, Queue, RunStore

log = structlog.get_logger(__name__)


class NothingToReindexError(UsageError):
    """There is nothing to re-index: no channel is watched yet. Invite the bot to one."""


class ChannelNotWatchedError(UsageError):
    """That channel is not watched. Invite the bot to it first."""


class Reindex:
    """Make every photo pending and list its channels anew; searches go on meanwhile."""

    def __init__(self, *, channels: ChannelStore, runs: RunStore, queue: Queue) -> None:
        self._channels = channels
        self._runs = runs
        self._queue = queue

    def __call__(
        self,
        team_id: TeamId,
        *,
        channel_id: ChannelId | None = None,
        requested_by: UserId | None = None,
    ) -> RunId:
        """Start a re-index of one watched channel, or of all.

        Raises: ReindexRunningError (by the store), NothingToReindexError, ChannelNotWatchedError.
        """
        watched = [channel.channel_id for channel in self._channels.watched(team_id)]
        channel_ids = self._chosen(watched, channel_id)
        run_id = self._runs.start(team_id, channel_ids, requested_by=requested_by)
        for chosen in channel_ids:
            self._queue.enqueue_listing(team_id, chosen)
        log.info("reindex.started", run=run_id, channels=len(channel_ids))
        return run_id

    @staticmethod
    def _chosen(watched: Sequence[ChannelId], channel_id: ChannelId | None) -> Sequence[ChannelId]:
        if not watched:
            raise NothingToReindexError
        if channel_id is None:
            return watched
        if channel_id not in watched:
            raise ChannelNotWatchedError
        return [channel_id]
