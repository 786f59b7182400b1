"""Workspaces, each with the engine its index was made by, and their watched channels."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString

from pipeline.domain.model import Channel, ChannelId, EngineId, TeamId
from pipeline.storage.connect import Database, lock_shares
from pipeline.storage.shares import DROP_OF_CHANNEL, drop_shares

ADD = """
insert into workspaces (team_id, engine_id) values (%(team_id)s, %(engine_id)s)
on conflict (team_id) do nothing
"""
# Whichever process asks first decides the engine of a new index.
ENGINE = "select engine_id from workspaces where team_id = %(team_id)s"
ALL = "select team_id from workspaces order by team_id"

# Only one of several at once gets a row back; a channel that was left is listed anew.
WATCH = """
insert into channels as c (team_id, channel_id, name)
values (%(team_id)s, %(channel_id)s, %(name)s)
on conflict (team_id, channel_id) do update
set name = excluded.name, watched = true, kept_out = false,
    listed_until = null, compared_at = null, problem = null,
    listing_began = null, listed_down_to = null
where not c.watched and (%(again)s or not c.kept_out)
returning channel_id
"""
RENAME = """
update channels set name = %(name)s
where team_id = %(team_id)s and channel_id = %(channel_id)s and name <> %(name)s
"""
UNWATCH = """
update channels set watched = false, kept_out = false
where team_id = %(team_id)s and channel_id = %(channel_id)s
"""
# A channel that nobody has looked at yet goes by its id until the next tick knows its name.
EXCLUDE = """
insert into channels (team_id, channel_id, name, watched, kept_out)
values (%(team_id)s, %(channel_id)s, %(channel_id)s, false, true)
on conflict (team_id, channel_id) do update set watched = false, kept_out = true
"""
WATCHED = """
select channel_id, name, listed_until, compared_at, listing_began, listed_down_to, problem
from channels
where team_id = %(team_id)s and watched order by name, channel_id
"""
EXCLUDED = """
select channel_id, name, listed_until, compared_at, listing_began, listed_down_to, problem
from channels
where team_id = %(team_id)s and kept_out order by name, channel_id
"""
SET_LISTED = """
update channels set listed_until = greatest(listed_until, %(until)s), problem = null,
    compared_at = case
        when %(whole)s and coalesce(doubted_at < %(until)s, true) then %(until)s
        else compared_at
    end,
    listing_began = case when %(ended)s then null else listing_began end,
    listed_down_to = case when %(ended)s then null else listed_down_to end
where team_id = %(team_id)s and channel_id = %(channel_id)s
"""
SET_PROGRESS = """
update channels set listing_began = %(began)s, listed_down_to = %(down_to)s
where team_id = %(team_id)s and channel_id = %(channel_id)s
"""
COMPARE_ANEW = """
update channels set compared_at = null, doubted_at = now()
where team_id = %(team_id)s and (%(channel_id)s::text is null or channel_id = %(channel_id)s)
"""
LOCK_CHANNELS = "select pg_advisory_xact_lock(hashtextextended('channels/' || %(team_id)s, 0))"
SET_PROBLEM = """
update channels set problem = %(problem)s
where team_id = %(team_id)s and channel_id = %(channel_id)s
"""


class Workspaces:
    """Implements ports.ChannelStore, and the engine of each workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, team_id: TeamId, engine_id: EngineId) -> EngineId:
        """The engine of the workspace's index; a new workspace gets `engine_id`."""
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            connection.execute(ADD, values)
            row = connection.execute(ENGINE, values).fetchone()
        assert row is not None  # inserted above
        return EngineId(row["engine_id"])

    def engine(self, team_id: TeamId) -> EngineId | None:
        """The engine of the workspace's index; None of an unknown workspace."""
        with self._database.transaction() as connection:
            row = connection.execute(ENGINE, {"team_id": team_id}).fetchone()
        return EngineId(row["engine_id"]) if row else None

    def all(self) -> list[TeamId]:
        """Every workspace in this database."""
        with self._database.transaction() as connection:
            return [TeamId(row["team_id"]) for row in connection.execute(ALL)]

    @contextmanager
    def turn(self, team_id: TeamId) -> Generator[None]:
        """Take turns with all other processes; holds a connection meanwhile."""
        with self._database.transaction() as connection:
            connection.execute(LOCK_CHANNELS, {"team_id": team_id})
            yield

    def watch(
        self, team_id: TeamId, channel_id: ChannelId, name: str, *, again: bool = False
    ) -> bool:
        """Start (or go on) indexing the channel; True if it was not watched before.

        An excluded channel is left alone, unless somebody wants it `again`.
        """
        values = {"team_id": team_id, "channel_id": channel_id, "name": name, "again": again}
        with self._database.transaction() as connection:
            is_new = connection.execute(WATCH, values).fetchone() is not None
            connection.execute(RENAME, values)
        return is_new

    def unwatch(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """The bot left: stop indexing the channel, forget the photos that no watched one shows.

        If it was excluded, it is not any more: who invites the bot again wants it.
        """
        self._stop(UNWATCH, team_id, channel_id)

    def exclude(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """As if the bot had left the channel, although it is (or may come to be) in it."""
        self._stop(EXCLUDE, team_id, channel_id)

    def _stop(self, how: LiteralString, team_id: TeamId, channel_id: ChannelId) -> None:
        values = {"team_id": team_id, "channel_id": channel_id}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            connection.execute(how, values)
            drop_shares(connection, team_id, DROP_OF_CHANNEL, values)

    def watched(self, team_id: TeamId) -> Sequence[Channel]:
        """All watched channels, by name."""
        return self._channels(WATCHED, team_id)

    def excluded(self, team_id: TeamId) -> Sequence[Channel]:
        """All channels that were taken out, by name."""
        return self._channels(EXCLUDED, team_id)

    def _channels(self, which: LiteralString, team_id: TeamId) -> Sequence[Channel]:
        with self._database.transaction() as connection:
            return [
                Channel(
                    channel_id=ChannelId(row["channel_id"]),
                    name=row["name"],
                    listed_until=row["listed_until"],
                    compared_at=row["compared_at"],
                    listing_began=row["listing_began"],
                    listed_down_to=row["listed_down_to"],
                    problem=row["problem"],
                )
                for row in connection.execute(which, {"team_id": team_id})
            ]

    def set_listed(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        *,
        until: datetime,
        whole: bool,
        compared: bool = True,
    ) -> None:
        """Listing need not go back beyond `until` any more; `whole` if all of it was seen.

        A whole listing that was not `compared` is followed by another one.
        """
        values = {
            "team_id": team_id,
            "channel_id": channel_id,
            "until": until,
            "whole": whole and compared,
            "ended": whole,
        }
        with self._database.transaction() as connection:
            connection.execute(SET_LISTED, values)

    def set_progress(
        self, team_id: TeamId, channel_id: ChannelId, *, began: datetime, down_to: datetime
    ) -> None:
        """What was posted after `down_to` is listed and compared, by a whole listing under way."""
        values = {
            "team_id": team_id,
            "channel_id": channel_id,
            "began": began,
            "down_to": down_to,
        }
        with self._database.transaction() as connection:
            connection.execute(SET_PROGRESS, values)

    def compare_anew(self, team_id: TeamId, channel_id: ChannelId | None = None) -> None:
        """Let the next listing of the channel, or of each, be whole.

        One under way goes on, and counts for less than that.
        """
        values = {"team_id": team_id, "channel_id": channel_id}
        with self._database.transaction() as connection:
            connection.execute(COMPARE_ANEW, values)

    def set_problem(self, team_id: TeamId, channel_id: ChannelId, problem: str) -> None:
        """Why the channel could not be listed; the next good listing clears it."""
        values = {"team_id": team_id, "channel_id": channel_id, "problem": problem}
        with self._database.transaction() as connection:
            connection.execute(SET_PROBLEM, values)
