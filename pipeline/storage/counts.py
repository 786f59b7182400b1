"""How much of each channel is in the index, and what is not, for who administers it."""

from collections.abc import Mapping, Sequence

from pipeline.domain.model import ChannelId, IndexCounts, PhotoState, TeamId
from pipeline.storage.connect import Database

# One pass over all channels: asked one by one, fifty cost a second at 100,000 photos.
BY_CHANNEL = """
with found as (
    select p.photo_id, p.state, count(f.face_id) as faces
    from photos p
    left join faces f on f.team_id = p.team_id and f.photo_id = p.photo_id
        and f.engine_id = p.engine_id
    where p.team_id = %(team_id)s
    group by p.photo_id, p.state
), shared as (
    select distinct channel_id, photo_id from shares where team_id = %(team_id)s
)
select s.channel_id, count(*) as photos,
    count(*) filter (where state = 'pending') as pending,
    count(*) filter (where state = 'indexed') as indexed,
    count(*) filter (where state = 'unreadable') as unreadable,
    count(*) filter (where state = 'given up') as given_up,
    count(*) filter (where state = 'indexed' and faces = 0) as without_face,
    sum(faces)::bigint as faces
from shared s join found using (photo_id)
group by s.channel_id
"""
PROBLEMS_IN = """
select name, state, reason from photos p
where team_id = %(team_id)s and state in ('unreadable', 'given up')
and exists (
    select from shares s
    where s.team_id = p.team_id and s.photo_id = p.photo_id
    and s.channel_id = any(%(channel_ids)s)
)
order by indexed_at desc, photo_id desc limit %(limit)s
"""


class Counts:
    """What the admin's panel shows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_channel(self, team_id: TeamId) -> Mapping[ChannelId, IndexCounts]:
        """Every channel that has photos in the index."""
        with self._database.transaction() as connection:
            rows = connection.execute(BY_CHANNEL, {"team_id": team_id}).fetchall()
        return {ChannelId(row.pop("channel_id")): IndexCounts(**row) for row in rows}

    def problems_in(
        self, team_id: TeamId, channel_ids: Sequence[ChannelId], *, limit: int
    ) -> Sequence[tuple[str, PhotoState, str]]:
        """Photos of these channels that can't be indexed: name, state and why, the newest first."""
        values = {"team_id": team_id, "channel_ids": list(channel_ids), "limit": limit}
        with self._database.transaction() as connection:
            return [
                (row["name"], PhotoState(row["state"]), row["reason"])
                for row in connection.execute(PROBLEMS_IN, values)
            ]
