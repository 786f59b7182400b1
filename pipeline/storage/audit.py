"""The audit: what was done, noted in the transaction that does it. Append-only."""

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from pipeline.domain.audit import Act, Entry, Noted
from pipeline.domain.model import TeamId, UserId
from pipeline.storage.connect import Connection, Database

ADD = """
insert into audit (team_id, actor_id, act, person_id, details)
values (%(team_id)s, %(actor_id)s, %(act)s, %(person_id)s, %(details)s)
"""
LATEST = """
select at, actor_id, act, person_id, details from audit
where team_id = %(team_id)s order by audit_id desc limit %(limit)s
"""
# What a colleague answered is theirs to tell.
ABOUT = """
select at, actor_id, act, person_id, details from audit
where team_id = %(team_id)s
and (actor_id = %(user_id)s or (person_id = %(user_id)s and act <> %(colleagues_word)s))
order by audit_id
"""


class Audit:
    """Implements ports.AuditTrail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, team_id: TeamId, entry: Entry) -> None:
        """Note what was done where no transaction of its own does."""
        with self._database.transaction() as connection:
            note(connection, team_id, entry)

    def latest(self, team_id: TeamId, *, limit: int) -> Sequence[Noted]:
        """The last acts, newest first."""
        with self._database.transaction() as connection:
            values = {"team_id": team_id, "limit": limit}
            return [_noted(row) for row in connection.execute(LATEST, values)]


def note(connection: Connection, team_id: TeamId, entry: Entry) -> None:
    """Note an act together with what else the transaction does."""
    values = {
        "team_id": team_id,
        "actor_id": entry.actor_id,
        "act": entry.act.value,
        "person_id": entry.person_id,
        "details": Jsonb(dict(entry.details)),
    }
    connection.execute(ADD, values)


def note_deleted(connection: Connection, team_id: TeamId, photos: int) -> None:
    """Note that photos went with their faces, if any did."""
    if photos:
        note(connection, team_id, Entry(act=Act.DELETED_PHOTOS, details={"photos": photos}))


def about(connection: Connection, team_id: TeamId, user_id: UserId) -> Sequence[Noted]:
    """What somebody did, and what was done about them, oldest first.

    Not what a colleague allowed them: of several people who are asked together, the one who didn't
    would be known by it.
    """
    values = {
        "team_id": team_id,
        "user_id": user_id,
        "colleagues_word": Act.ALLOWED_ONCE.value,
    }
    return [_noted(row) for row in connection.execute(ABOUT, values)]


def _noted(row: dict[str, Any]) -> Noted:
    return Noted(
        entry=Entry(
            act=Act(row["act"]),
            actor_id=_user(row["actor_id"]),
            person_id=_user(row["person_id"]),
            details=row["details"],
        ),
        at=row["at"],
    )


def _user(value: str | None) -> UserId | None:
    return UserId(value) if value else None
