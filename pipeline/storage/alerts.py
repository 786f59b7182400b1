"""Alerts: who wants to hear of new photos, where each was looked for last, what they were told."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import LiteralString

from pipeline.domain.alerts import Look
from pipeline.domain.model import ChannelId, PhotoId, TeamId, UserId
from pipeline.storage.connect import Connection, Database, lock_shares

BATCH = 500
PATIENCE_S = 3.0

# Once turned on, turning on again changes nothing: what is new since then stays so. Of nobody who
# turned Findme off.
TURN_ON = """
insert into alerts (team_id, user_id, on_from, looked_to)
select %(team_id)s, %(user_id)s, coalesce(max(p.arrival), 0), coalesce(max(p.arrival), 0)
from photos p where p.team_id = %(team_id)s
having not exists (
    select from people o
    where o.team_id = %(team_id)s and o.user_id = %(user_id)s and o.out_at is not null
)
on conflict (team_id, user_id) do nothing
"""
TURN_OFF = "delete from alerts where team_id = %(team_id)s and user_id = %(user_id)s"
DROP_TOLD = "delete from alerted where team_id = %(team_id)s and user_id = %(user_id)s"
IS_ON = """
select exists (
    select from alerts where team_id = %(team_id)s and user_id = %(user_id)s
) as is_on
"""
# In the index's order: PostgreSQL takes the others for many, and would read all photos for one.
UNNUMBERED = """
select photo_id from photos where team_id = %(team_id)s
and content_hash is not null and content_hash is distinct from arrived_hash
order by indexed_at limit 1
"""
# Under the lock, so that whoever sees a number sees all lower ones: looking up to one misses none.
# Three statements: a sequence is where clients connect to, where the photos are on another server.
LONGEST_UNNUMBERED = """
select photo_id, coalesce(indexed_at, now()) as arrived_at
from photos where team_id = %(team_id)s
and content_hash is not null and content_hash is distinct from arrived_hash
order by indexed_at limit %(batch)s
"""
NEXT_NUMBERS = """
select nextval('photo_arrivals') as arrival from generate_series(1, %(count)s)
"""
NUMBER = """
update photos p
set arrival = n.arrival, first_arrival = coalesce(p.first_arrival, n.arrival),
    arrived_at = n.arrived_at, arrived_hash = p.content_hash
from (
    select unnest(%(photo_ids)s::bigint[]) as photo_id,
        unnest(%(arrivals)s::bigint[]) as arrival,
        unnest(%(arrived_ats)s::timestamptz[]) as arrived_at
) n
where p.team_id = %(team_id)s and p.photo_id = n.photo_id
"""
# Edited files get numbers too, and may be old: who has nothing else to look at looks past them.
SKIP_OLD = """
update alerts a set looked_to = latest.up_to
from (select max(arrival) as up_to from photos where team_id = %(team_id)s) latest
where a.team_id = %(team_id)s and a.looked_to < latest.up_to and (
    select p.arrival from photos p
    where p.team_id = %(team_id)s and p.arrival > a.looked_to and p.first_arrival > a.on_from
    order by p.arrival limit 1
) is null
"""
# The first number is of the photo that waits longest, give or take the end of a transaction.
DUE = """
select a.user_id, a.looked_to as seen, latest.up_to
from alerts a
cross join (select max(arrival) as up_to from photos where team_id = %(team_id)s) latest
cross join lateral (
    select p.arrived_at + %(gather)s::interval as at from photos p
    where p.team_id = %(team_id)s and p.arrival > a.looked_to and p.first_arrival > a.on_from
    order by p.arrival limit 1
) due
where a.team_id = %(team_id)s and a.looked_to < latest.up_to
and due.at <= %(now)s and (a.wait_until is null or a.wait_until <= %(now)s)
order by greatest(due.at, a.wait_until), a.user_id
limit %(limit)s
"""
WAIT = """
update alerts set wait_until = %(until)s where team_id = %(team_id)s and user_id = %(user_id)s
"""
# Not what they could see before alerts were on, whichever of its copies is found now. What has no
# number yet came later than whatever has.
NEWS = """
select p.photo_id from photos p
join alerts a on a.team_id = p.team_id and a.user_id = %(user_id)s
where p.team_id = %(team_id)s and p.photo_id = any(%(photo_ids)s)
and (p.first_arrival is null or p.first_arrival > a.on_from)
and not exists (
    select from alerted t where t.team_id = p.team_id and t.user_id = a.user_id
    and (t.content_hash = p.content_hash or t.photo_id = p.photo_id)
)
and not exists (
    select from photos o
    join shares s on s.team_id = o.team_id and s.photo_id = o.photo_id
    where o.team_id = p.team_id and o.content_hash = p.content_hash
    and o.first_arrival <= a.on_from and s.channel_id = any(%(channel_ids)s)
)
"""
# Of several that look at once, one gets it; whoever turned alerts off meanwhile is told nothing.
LOOKED = """
update alerts set looked_to = %(up_to)s
where team_id = %(team_id)s and user_id = %(user_id)s and looked_to = %(seen)s
"""
TELL = """
insert into alerted (team_id, user_id, content_hash, photo_id)
select team_id, %(user_id)s, content_hash, photo_id from photos
where team_id = %(team_id)s and photo_id = any(%(photo_ids)s) and content_hash is not null
on conflict do nothing
returning photo_id
"""
LOOK_AGAIN = """
update alerts set looked_to = least(looked_to, %(seen)s)
where team_id = %(team_id)s and user_id = %(user_id)s
"""
UNTELL = """
delete from alerted where team_id = %(team_id)s and user_id = %(user_id)s
and photo_id = any(%(photo_ids)s)
"""


class Alerts:
    """Implements ports.AlertStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def turn_on(self, team_id: TeamId, user_id: UserId) -> None:
        """Photos that come into the index from now on are news; if alerts are on, nothing.

        Raises: BusyError.
        """
        self._number(team_id)
        values = {"team_id": team_id, "user_id": user_id}
        with self._database.transaction() as connection:
            # What is in the index has a number by then, and what has a number is old.
            lock_shares(connection, team_id, patience_s=PATIENCE_S)
            while _number_some(connection, team_id):
                pass
            connection.execute(TURN_ON, values)

    def turn_off(self, team_id: TeamId, user_id: UserId) -> bool:
        """Tell them no more; False if alerts were off. What they were told stays known."""
        return self._changes(TURN_OFF, {"team_id": team_id, "user_id": user_id})

    def due(
        self, team_id: TeamId, *, now: datetime, gather: timedelta, limit: int | None = None
    ) -> list[Look]:
        """Whom to look for: those for whom a photo arrived `gather` ago that is not looked at.

        Not those who are to be left in peace until later than `now`. Who waits longest comes
        first, `limit` of them at most. Raises: BusyError.
        """
        self._number(team_id)
        values = {"team_id": team_id, "now": now, "gather": gather, "limit": limit}
        with self._database.transaction() as connection:
            connection.execute(SKIP_OLD, values)
            return [
                Look(user_id=UserId(row["user_id"]), seen=row["seen"], up_to=row["up_to"])
                for row in connection.execute(DUE, values)
            ]

    def _number(self, team_id: TeamId) -> None:
        """A batch a transaction: listing, deleting and re-indexing wait for the lock meanwhile."""
        is_more = True
        while is_more:
            with self._database.transaction() as connection:
                if connection.execute(UNNUMBERED, {"team_id": team_id}).fetchone() is None:
                    return
                lock_shares(connection, team_id, patience_s=PATIENCE_S)
                is_more = _number_some(connection, team_id)

    def wait(self, team_id: TeamId, user_id: UserId, *, until: datetime) -> None:
        """Leave them in peace until then."""
        values = {"team_id": team_id, "user_id": user_id, "until": until}
        self._changes(WAIT, values)

    def news(
        self,
        team_id: TeamId,
        user_id: UserId,
        photo_ids: Collection[PhotoId],
        *,
        channel_ids: Sequence[ChannelId],
    ) -> set[PhotoId]:
        """Those that came after alerts were turned on, and that they were not told of.

        A photo whose bytes were there before, in one of these channels, is none.
        """
        values = {
            "team_id": team_id,
            "user_id": user_id,
            "photo_ids": list(photo_ids),
            "channel_ids": list(channel_ids),
        }
        with self._database.transaction() as connection:
            return {PhotoId(row["photo_id"]) for row in connection.execute(NEWS, values)}

    def looked(self, team_id: TeamId, look: Look) -> bool:
        """There is nothing to tell up to there; False if somebody else looked meanwhile."""
        return self._changes(LOOKED, _values(team_id, look))

    def claim(self, team_id: TeamId, look: Look, photo_ids: Collection[PhotoId]) -> set[PhotoId]:
        """The photos are told of by whoever claims them first, and by nobody else ever.

        Returns: which of them; none if somebody else looked, or alerts were turned off, meanwhile.
        """
        values = _values(team_id, look) | {"photo_ids": list(photo_ids)}
        with self._database.transaction() as connection:
            if not connection.execute(LOOKED, values).rowcount:
                return set()
            return {PhotoId(row["photo_id"]) for row in connection.execute(TELL, values)}

    def unclaim(self, team_id: TeamId, look: Look, photo_ids: Collection[PhotoId]) -> None:
        """They could not be told: they are due again."""
        values = _values(team_id, look) | {"photo_ids": list(photo_ids)}
        with self._database.transaction() as connection:
            connection.execute(LOOK_AGAIN, values)
            connection.execute(UNTELL, values)

    def _changes(self, statement: LiteralString, values: dict[str, object]) -> bool:
        with self._database.transaction() as connection:
            return connection.execute(statement, values).rowcount > 0


def _number_some(connection: Connection, team_id: TeamId) -> bool:
    """Number a batch; whether there may be more."""
    values: dict[str, object] = {"team_id": team_id, "batch": BATCH}
    photos = connection.execute(LONGEST_UNNUMBERED, values).fetchall()
    if photos:
        numbers = connection.execute(NEXT_NUMBERS, {"count": len(photos)})
        values |= {
            "photo_ids": [photo["photo_id"] for photo in photos],
            "arrivals": sorted(row["arrival"] for row in numbers),
            "arrived_ats": [photo["arrived_at"] for photo in photos],
        }
        connection.execute(NUMBER, values)
    return len(photos) == BATCH


def _values(team_id: TeamId, look: Look) -> dict[str, object]:
    return {
        "team_id": team_id,
        "user_id": look.user_id,
        "seen": look.seen,
        "up_to": look.up_to,
    }


def has_alerts(connection: Connection, team_id: TeamId, user_id: UserId) -> bool:
    """Whether alerts are on."""
    values = {"team_id": team_id, "user_id": user_id}
    row = connection.execute(IS_ON, values).fetchone()
    return row is not None and bool(row["is_on"])


def drop_alerts(connection: Connection, team_id: TeamId, user_id: UserId) -> bool:
    """Turn them off and forget what was told; False if they were off."""
    values = {"team_id": team_id, "user_id": user_id}
    # In this order: a claim under way holds the first, and is over before the second goes.
    was_on = connection.execute(TURN_OFF, values).rowcount > 0
    connection.execute(DROP_TOLD, values)
    return was_on
