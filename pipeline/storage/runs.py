"""Re-indexes: what was asked for, and how far it is."""

from collections.abc import Sequence
from typing import Any

from psycopg.errors import UniqueViolation

from pipeline.domain.model import ChannelId, Run, RunId, TeamId, UserId
from pipeline.errors import ReindexRunningError
from pipeline.storage.connect import Database, lock_shares

START = """
insert into runs (team_id, requested_by) values (%(team_id)s, %(requested_by)s)
returning run_id
"""
ADD_CHANNELS = """
insert into run_channels (team_id, run_id, channel_id)
select %(team_id)s, %(run_id)s, unnest(%(channel_ids)s::text[])
"""
# Faces stay until each photo's new ones replace them: searches go on meanwhile.
MARK_PHOTOS = """
update photos p set state = 'pending', reason = null, run_id = %(run_id)s
where p.team_id = %(team_id)s and exists (
    select from shares s
    where s.team_id = p.team_id and s.photo_id = p.photo_id
    and s.channel_id = any(%(channel_ids)s)
)
"""
# What a listing under way has passed by is to be listed for the run.
LIST_FROM_THE_TOP = """
update channels set listing_began = null, listed_down_to = null
where team_id = %(team_id)s and channel_id = any(%(channel_ids)s)
"""
SET_NOTICE = """
update runs set notice_channel = %(channel)s, notice_ts = %(ts)s
where team_id = %(team_id)s and run_id = %(run_id)s
"""
CHANNEL_LISTED = """
update run_channels set listed = true
where team_id = %(team_id)s and channel_id = %(channel_id)s and run_id = any(%(run_ids)s)
"""
LISTING_RUNS = """
select run_id from run_channels
where team_id = %(team_id)s and channel_id = %(channel_id)s and not listed order by run_id
"""
OPEN = """
select r.run_id, r.notice_channel, r.notice_ts, r.started_at,
    coalesce(bool_and(c.listed), true) as listed
from runs r left join run_channels c on c.team_id = r.team_id and c.run_id = r.run_id
where r.team_id = %(team_id)s and r.finished_at is null
group by r.team_id, r.run_id order by r.run_id
"""
FINISH = """
update runs set finished_at = now() where team_id = %(team_id)s and run_id = %(run_id)s
"""


class Runs:
    """Implements ports.RunStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(
        self, team_id: TeamId, channel_ids: Sequence[ChannelId], *, requested_by: UserId | None
    ) -> RunId:
        """A new run: every photo of these channels becomes pending.

        Raises: ReindexRunningError; a workspace has one open run at most.
        """
        values: dict[str, Any] = {
            "team_id": team_id,
            "channel_ids": list(channel_ids),
            "requested_by": requested_by,
        }
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            try:
                row = connection.execute(START, values).fetchone()
            except UniqueViolation as error:
                raise ReindexRunningError from error
            assert row is not None  # an insert always returns its row
            values |= {"run_id": row["run_id"]}
            connection.execute(ADD_CHANNELS, values)
            connection.execute(MARK_PHOTOS, values)
            connection.execute(LIST_FROM_THE_TOP, values)
        return RunId(row["run_id"])

    def set_notice(self, team_id: TeamId, run_id: RunId, channel: str, ts: str) -> None:
        """Which message shows its progress."""
        values = {"team_id": team_id, "run_id": run_id, "channel": channel, "ts": ts}
        with self._database.transaction() as connection:
            connection.execute(SET_NOTICE, values)

    def listing(self, team_id: TeamId, channel_id: ChannelId) -> list[RunId]:
        """The runs that wait for this channel to be listed whole."""
        values = {"team_id": team_id, "channel_id": channel_id}
        with self._database.transaction() as connection:
            return [RunId(row["run_id"]) for row in connection.execute(LISTING_RUNS, values)]

    def listed(self, team_id: TeamId, channel_id: ChannelId, run_ids: Sequence[RunId]) -> None:
        """The channel was listed whole for these runs."""
        values = {"team_id": team_id, "channel_id": channel_id, "run_ids": list(run_ids)}
        with self._database.transaction() as connection:
            connection.execute(CHANNEL_LISTED, values)

    def open(self, team_id: TeamId) -> list[Run]:
        """Runs whose end has not been told."""
        with self._database.transaction() as connection:
            return [
                Run(
                    team_id=team_id,
                    run_id=RunId(row["run_id"]),
                    listed=row["listed"],
                    notice_channel=row["notice_channel"],
                    notice_ts=row["notice_ts"],
                    started_at=row["started_at"],
                )
                for row in connection.execute(OPEN, {"team_id": team_id})
            ]

    def finish(self, team_id: TeamId, run_id: RunId) -> None:
        """Its end has been told."""
        with self._database.transaction() as connection:
            connection.execute(FINISH, {"team_id": team_id, "run_id": run_id})
