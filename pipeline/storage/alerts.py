"""Alerts: who wants to hear of new photos, where each was looked for last, what they were told."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import LiteralString

from pipeline.domain.alerts import Look
from pipeline.domain.model import ChannelId, PhotoId, TeamId, UserId
from pipeline.storage.connect import Connection, Database, lock_shares

# Once turned on, turning on again changes nothing: what is new since then stays so.
TURN_ON = """
insert into alerts (team_id, user_id, turned_on_at, looked_to)
select %(team_id)s, %(user_id)s, %(now)s, coalesce(max(p.arrival), 0)
from photos p where p.team_id = %(team_id)s
on conflict (team_id, user_id) do nothing
"""
TURN_OFF = "delete from alerts where team_id = %(team_id)s and user_id = %(user_id)s"
DROP_TOLD = "delete from alerted where team_id = %(team_id)s and user_id = %(user_id)s"
IS_ON = """
select exists (
    select from alerts where team_id = %(team_id)s and user_id = %(user_id)s
) as is_on
"""
IS_ANY_UNNUMBERED = """
select exists (select from alerts where team_id = %(team_id)s) and exists (
    select from photos where team_id = %(team_id)s
    and state = 'indexed' and arrived_at is distinct from indexed_at
) as is_any
"""
# Under the lock, so that whoever sees a number sees all lower ones: looking up to one misses none.
NUMBER = """
update photos set arrival = nextval('photo_arrivals'), arrived_at = indexed_at
where team_id = %(team_id)s and state = 'indexed' and arrived_at is distinct from indexed_at
"""
DUE = """
select a.user_id, a.looked_to as seen, max(p.arrival) as up_to
from alerts a
join photos p on p.team_id = a.team_id and p.arrival > a.looked_to
    and p.added_at > a.turned_on_at
where a.team_id = %(team_id)s and (a.quiet_until is null or a.quiet_until <= %(now)s)
group by a.user_id, a.looked_to
having min(p.arrived_at) <= %(waited_since)s
order by a.user_id
"""
WAIT = """
update alerts set quiet_until = %(until)s where team_id = %(team_id)s and user_id = %(user_id)s
"""
# Not what they could see before alerts were on, whichever of its copies is found now.
NEWS = """
select p.photo_id from photos p
join alerts a on a.team_id = p.team_id and a.user_id = %(user_id)s
where p.team_id = %(team_id)s and p.photo_id = any(%(photo_ids)s)
and p.added_at > a.turned_on_at
and not exists (
    select from alerted t where t.team_id = p.team_id and t.user_id = a.user_id
    and (t.content_hash = p.content_hash or t.photo_id = p.photo_id)
)
and not exists (
    select from photos o
    join shares s on s.team_id = o.team_id and s.photo_id = o.photo_id
    where o.team_id = p.team_id and o.content_hash = p.content_hash
    and o.added_at <= a.turned_on_at and s.channel_id = any(%(channel_ids)s)
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

    def turn_on(self, team_id: TeamId, user_id: UserId, *, now: datetime) -> None:
        """Photos that come into the index from `now` on are news; if alerts are on, nothing."""
        values = {"team_id": team_id, "user_id": user_id, "now": now}
        with self._database.transaction() as connection:
            connection.execute(TURN_ON, values)

    def turn_off(self, team_id: TeamId, user_id: UserId) -> bool:
        """Tell them no more; False if alerts were off. What they were told stays known."""
        return self._changes(TURN_OFF, {"team_id": team_id, "user_id": user_id})

    def is_on(self, team_id: TeamId, user_id: UserId) -> bool:
        """Whether they want to hear of new photos."""
        with self._database.transaction() as connection:
            return has_alerts(connection, team_id, user_id)

    def due(self, team_id: TeamId, *, now: datetime, gather: timedelta) -> list[Look]:
        """Whom to look for: those for whom a photo arrived `gather` ago that is not looked at.

        Not those who are to be left in peace until later than `now`. Two indexed queries where
        nothing arrived.
        """
        values = {"team_id": team_id, "now": now, "waited_since": now - gather}
        with self._database.transaction() as connection:
            row = connection.execute(IS_ANY_UNNUMBERED, values).fetchone()
            if row is not None and row["is_any"]:
                lock_shares(connection, team_id)
                connection.execute(NUMBER, values)
            return [
                Look(user_id=UserId(row["user_id"]), seen=row["seen"], up_to=row["up_to"])
                for row in connection.execute(DUE, values)
            ]

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
