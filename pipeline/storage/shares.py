"""Where photos appear: which message of which channel shows which of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from pipeline.domain.model import ChannelId, FileId, FoundPhoto, PhotoId, Share, TeamId
from pipeline.storage.audit import note_deleted
from pipeline.storage.connect import Connection, Database, lock_shares
from pipeline.storage.retractions import database_now, note

DELETE = "delete from photos where team_id = %(team_id)s and file_id = %(file_id)s"
# A share whose message is not known (an empty ts) says nothing where a real one stands.
ADD_SHARE = """
insert into shares (team_id, channel_id, photo_id, ts, permalink, shared_by, shared_at)
select %(team_id)s, %(channel_id)s, %(photo_id)s, %(ts)s, %(permalink)s, %(shared_by)s,
    %(shared_at)s
where %(ts)s <> '' or not exists (
    select from shares s where s.team_id = %(team_id)s and s.photo_id = %(photo_id)s
    and s.channel_id = %(channel_id)s and s.ts <> ''
)
on conflict (team_id, channel_id, photo_id, ts) do update set permalink = excluded.permalink
"""
# A share whose message was not known yet stands with an empty ts until the real one is seen.
DROP_PROVISIONAL_SHARE = """
delete from shares where team_id = %(team_id)s and channel_id = %(channel_id)s
and photo_id = %(photo_id)s and ts = '' and %(ts)s <> ''
"""
# Messages that show a photo are told by some listings, and always by the look-up of one photo. What
# stands for a message not known yet is replaced by it, or goes when its channel has none.
DROP_UNLISTED = """
delete from shares s using photos p
where s.team_id = %(team_id)s and s.channel_id = %(channel_id)s and s.shared_at < %(before)s
and p.team_id = %(team_id)s and p.photo_id = s.photo_id
and (
    not p.file_id = any(%(file_ids)s)
    or (p.file_id = any(%(told)s) and not p.file_id || ' ' || s.ts = any(%(places)s))
)
and (%(after)s::timestamptz is null or p.posted_at > %(after)s)
and (%(until)s::timestamptz is null or p.posted_at <= %(until)s)
returning s.photo_id
"""
DROP_SHARE = """
delete from shares
where team_id = %(team_id)s and channel_id = %(channel_id)s and ts = %(ts)s
returning photo_id
"""
DROP_OTHERS = """
delete from shares s using photos p
where s.team_id = %(team_id)s and p.team_id = s.team_id and p.photo_id = s.photo_id
and p.file_id = %(file_id)s
and (%(channel_id)s::text is null or s.channel_id = %(channel_id)s)
and not s.channel_id || ' ' || s.ts = any(%(places)s)
returning s.photo_id
"""
DROP_OF_CHANNEL = """
delete from shares where team_id = %(team_id)s and channel_id = %(channel_id)s
returning photo_id
"""
# What only channels show that nobody watches is not Findme's to keep.
DROP_UNSHARED = """
delete from photos p where p.team_id = %(team_id)s and p.photo_id = any(%(photo_ids)s)
and not exists (
    select from shares s
    join channels c on c.team_id = s.team_id and c.channel_id = s.channel_id and c.watched
    where s.team_id = %(team_id)s and s.photo_id = p.photo_id
)
"""
EARLIEST = """
select distinct on (photo_id) photo_id, channel_id, ts, permalink, shared_by, shared_at
from shares
where team_id = %(team_id)s and photo_id = any(%(photo_ids)s)
and channel_id = any(%(channel_ids)s)
and (%(since)s::timestamptz is null or shared_at >= %(since)s)
and (%(until)s::timestamptz is null or shared_at < %(until)s)
order by photo_id, shared_at, ts
"""


class Shares:
    """What Slack tells of where photos appear, and that they are gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """The time of the clock that all processes have in common."""
        with self._database.transaction() as connection:
            return database_now(connection)

    def retract(self, team_id: TeamId, file_id: FileId) -> bool:
        """The file is deleted for good; False if the photo was unknown."""
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            note(connection, team_id, file_id=file_id)
            deleted = connection.execute(DELETE, {"team_id": team_id, "file_id": file_id})
            note_deleted(connection, team_id, deleted.rowcount)
            return deleted.rowcount > 0

    def unshare(
        self,
        team_id: TeamId,
        file_id: FileId,
        *,
        channel_id: ChannelId | None,
        found: FoundPhoto | None,
        as_of: datetime,
    ) -> int:
        """The file is shown in the channel, or anywhere, only as it was `found` at `as_of`.

        Nowhere at all, if it was not found. Returns: how many appearances are gone.
        """
        shares = found.shares if found else []
        values = {
            "team_id": team_id,
            "file_id": file_id,
            "channel_id": channel_id if found else None,
            "places": [f"{share.channel_id} {share.ts}" for share in shares],
        }
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            if channel_id is not None and all(one.channel_id != channel_id for one in shares):
                note(connection, team_id, file_id=file_id, channel_id=channel_id, noted_at=as_of)
            return drop_shares(connection, team_id, DROP_OTHERS, values)[0]

    def keep_only(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        found: Sequence[FoundPhoto],
        *,
        before: datetime,
        after: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Forget what the channel showed before `before` and that is not among `found`.

        Only photos posted after `after`, and no later than `until`, where these are given. Of
        photos listed with the messages that show them, other messages are forgotten.
        Returns: how many photos are gone, not counting those that another channel shows.
        """
        told = {
            photo.file_id: [share.ts for share in photo.shares if share.channel_id == channel_id]
            for photo in found
        }
        values = {
            "team_id": team_id,
            "channel_id": channel_id,
            "file_ids": list(told),
            "told": [file_id for file_id, messages in told.items() if messages],
            "places": [f"{file_id} {ts}" for file_id, messages in told.items() for ts in messages],
            "before": before,
            "after": after,
            "until": until,
        }
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            return drop_shares(connection, team_id, DROP_UNLISTED, values)[1]

    def drop_share(self, team_id: TeamId, channel_id: ChannelId, ts: str) -> int:
        """A message was deleted; returns how many photos are gone with it."""
        values = {"team_id": team_id, "channel_id": channel_id, "ts": ts}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            note(connection, team_id, channel_id=channel_id, ts=ts)
            return drop_shares(connection, team_id, DROP_SHARE, values)[1]


def add_shares(
    connection: Connection, team_id: TeamId, photo_id: PhotoId, shares: Sequence[Share]
) -> None:
    """Record where a photo appears."""
    for share in shares:
        values = {
            "team_id": team_id,
            "photo_id": photo_id,
            "channel_id": share.channel_id,
            "ts": share.ts,
            "permalink": share.permalink,
            "shared_by": share.shared_by,
            "shared_at": share.shared_at,
        }
        connection.execute(ADD_SHARE, values)
        connection.execute(DROP_PROVISIONAL_SHARE, values)


def drop_shares(
    connection: Connection, team_id: TeamId, statement: LiteralString, values: Mapping[str, Any]
) -> tuple[int, int]:
    """Forget some appearances, with `lock_shares` held, and the photos that have none left.

    Returns: how many appearances, and how many photos, are gone.
    """
    photo_ids = [row["photo_id"] for row in connection.execute(statement, values).fetchall()]
    gone = {"team_id": team_id, "photo_ids": photo_ids}
    deleted = connection.execute(DROP_UNSHARED, gone).rowcount
    note_deleted(connection, team_id, deleted)
    return len(photo_ids), deleted
