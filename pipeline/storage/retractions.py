"""What Slack said is gone, remembered for as long as an older answer of Slack's may be written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.domain.model import ChannelId, FileId, FoundPhoto, Share, TeamId
from pipeline.storage.connect import Connection

NOW = "select clock_timestamp() as now"
# A workspace that was forgotten has nothing to come back to.
NOTE = """
insert into retractions (team_id, file_id, channel_id, ts, noted_at)
select team_id, %(file_id)s, %(channel_id)s, %(ts)s,
    coalesce(%(noted_at)s::timestamptz, clock_timestamp())
from workspaces where team_id = %(team_id)s
on conflict (team_id, file_id, channel_id, ts) do update
set noted_at = greatest(retractions.noted_at, excluded.noted_at)
"""
# Calls to Slack take seconds, a long listing minutes.
DROP_OLD = """
delete from retractions
where team_id = %(team_id)s and noted_at < now() - interval '1 day'
"""
OF_PHOTOS = """
select file_id, channel_id, ts, noted_at from retractions
where team_id = %(team_id)s and (file_id = any(%(file_ids)s) or ts = any(%(messages)s))
"""


def database_now(connection: Connection) -> datetime:
    """The database's clock: the one that every process has in common."""
    row = connection.execute(NOW).fetchone()
    assert row is not None  # it needs no table
    now: datetime = row["now"]
    return now


def note(
    connection: Connection,
    team_id: TeamId,
    *,
    file_id: FileId | None = None,
    channel_id: ChannelId | None = None,
    ts: str = "",
    noted_at: datetime | None = None,
) -> None:
    """Remember it, with `lock_shares` held; `noted_at`: when Slack was asked, or else now."""
    values = {
        "team_id": team_id,
        "file_id": file_id or "",
        "channel_id": channel_id or "",
        "ts": ts,
        "noted_at": noted_at,
    }
    connection.execute(DROP_OLD, values)
    connection.execute(NOTE, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retracted:
    """What of some photos is gone, as seen from an answer that Slack gave `as_of` some time.

    What is deleted never comes back. What was unshared may have been shared again, so that a later
    answer counts for more.
    """

    files: set[str] = field(default_factory=set)
    messages: set[tuple[str, str]] = field(default_factory=set)
    unshared: dict[tuple[str, str], datetime] = field(default_factory=dict)
    as_of: datetime | None = None

    def is_gone(self, photo: FoundPhoto, channel_id: ChannelId | None) -> bool:
        """Whether the photo is deleted, or not in the channel any more in which it was seen."""
        if photo.file_id in self.files:
            return True
        if channel_id is None:
            return False
        told = any(share.channel_id == channel_id for share in photo.shares)
        left = any(share.channel_id == channel_id for share in self.shares(photo))
        return (told and not left) or (not told and self._is_unshared(photo, channel_id))

    def shares(self, photo: FoundPhoto) -> list[Share]:
        """Where it still is."""
        return [
            share
            for share in photo.shares
            if (share.channel_id, share.ts) not in self.messages
            and not self._is_unshared(photo, share.channel_id, is_guess=not share.ts)
        ]

    def _is_unshared(
        self, photo: FoundPhoto, channel_id: ChannelId, *, is_guess: bool = False
    ) -> bool:
        """A late event makes one guess that Slack doesn't name the message yet: it was deleted."""
        noted_at = self.unshared.get((photo.file_id, channel_id))
        return noted_at is not None and (is_guess or self.as_of is None or noted_at >= self.as_of)


def retracted(
    connection: Connection,
    team_id: TeamId,
    photos: Sequence[FoundPhoto],
    *,
    as_of: datetime | None,
) -> Retracted:
    """What is gone of these, with `lock_shares` held."""
    found = Retracted(as_of=as_of)
    messages = {share.ts for photo in photos for share in photo.shares if share.ts}
    values = {
        "team_id": team_id,
        "file_ids": [photo.file_id for photo in photos],
        "messages": list(messages),
    }
    for row in connection.execute(OF_PHOTOS, values):
        place = row["channel_id"], row["ts"]
        if row["ts"]:
            found.messages.add(place)
        elif row["channel_id"]:
            found.unshared[row["file_id"], row["channel_id"]] = row["noted_at"]
        else:
            found.files.add(row["file_id"])
    return found
