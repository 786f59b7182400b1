"""People: the references they are known by, and all else that is known of them."""

from typing import Any

import numpy as np
from pgvector import HalfVector

from pipeline.domain.audit import Act, Entry
from pipeline.domain.model import EngineId, Reference, ReferenceKind, TeamId, UserId
from pipeline.domain.people import AboutPerson, Forgotten, KnownReference
from pipeline.storage.alerts import drop_alerts, has_alerts
from pipeline.storage.audit import note
from pipeline.storage.connect import LOCK_OPT_OUTS, Connection, Database, lock_shares
from pipeline.storage.consents import consent_of, drop_consents
from pipeline.storage.held_selfies import drop_held_selfies
from pipeline.storage.verdicts import count_verdicts, drop_verdicts

PROFILE = """
select embedding, quality, faces_in_picture from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and engine_id = %(engine_id)s
and kind = 'profile' and origin = %(origin)s
"""
DROP_PROFILES = """
delete from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and kind = 'profile'
"""
# Of nobody who turned Findme off while their picture was looked at.
ADD = """
insert into person_references
    (team_id, user_id, engine_id, kind, origin, embedding, quality, faces_in_picture)
select %(team_id)s, %(user_id)s, %(engine_id)s, %(kind)s, %(origin)s, %(embedding)s,
    %(quality)s, %(faces_in_picture)s
where not exists (
    select from people
    where team_id = %(team_id)s and user_id = %(user_id)s and out_at is not null
)
on conflict do nothing
"""
SELFIES = """
select embedding, quality, faces_in_picture from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and engine_id = %(engine_id)s
and kind = 'selfie' order by created_at, origin
"""
# A day more or less doesn't matter, and a write for each search would.
TOUCH = """
update person_references set used_at = now()
where team_id = %(team_id)s and user_id = %(user_id)s and used_at < now() - interval '1 day'
"""
DROP_SELFIE = """
delete from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and kind = 'selfie' and origin = %(origin)s
"""
KNOWN = """
select kind, origin, quality, faces_in_picture, created_at from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and engine_id = %(engine_id)s
order by kind <> 'profile', created_at, origin
"""
DROP_ALL = """
with dropped as (
    delete from person_references where team_id = %(team_id)s and user_id = %(user_id)s
    returning kind, origin
)
select count(distinct (kind, origin)) as dropped from dropped
"""
HAS_TEMPLATE = """
select exists (
    select from opt_outs
    where team_id = %(team_id)s and user_id = %(user_id)s and engine_id = %(engine_id)s
) as has_template
"""
# Whoever adds a table of people's adds a line.
EVERYBODY = """
select user_id from person_references where team_id = %(team_id)s
union select user_id from verdicts where team_id = %(team_id)s
union select user_id from alerts where team_id = %(team_id)s
union select user_id from alerted where team_id = %(team_id)s
union select user_id from people where team_id = %(team_id)s and out_at is null
order by user_id
"""


class People:
    """Implements ports.ReferenceStore and ports.PersonStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def profile(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId, picture_hash: str
    ) -> Reference | None:
        """The cached reference from exactly this profile picture."""
        values = {
            "team_id": team_id,
            "user_id": user_id,
            "engine_id": engine_id,
            "origin": picture_hash,
        }
        with self._database.transaction() as connection:
            connection.execute(TOUCH, values)
            row = connection.execute(PROFILE, values).fetchone()
        return None if row is None else _reference(row, ReferenceKind.PROFILE)

    def put_profile(
        self,
        team_id: TeamId,
        user_id: UserId,
        *,
        engine_id: EngineId,
        picture_hash: str,
        reference: Reference,
    ) -> None:
        """Cache it; references from the person's earlier profile pictures go."""
        values = _values(team_id, user_id, engine_id, picture_hash, reference)
        with self._database.transaction() as connection:
            connection.execute(LOCK_OPT_OUTS, values)
            connection.execute(DROP_PROFILES, values)
            connection.execute(ADD, values | {"kind": ReferenceKind.PROFILE.value})

    def selfies(self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId) -> list[Reference]:
        """What the person's selfies say, the oldest first."""
        values = {"team_id": team_id, "user_id": user_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            connection.execute(TOUCH, values)
            return [
                _reference(row, ReferenceKind.SELFIE) for row in connection.execute(SELFIES, values)
            ]

    def put_selfie(
        self,
        team_id: TeamId,
        user_id: UserId,
        *,
        engine_id: EngineId,
        picture_hash: str,
        reference: Reference,
    ) -> None:
        """Keep it; the same picture once."""
        values = _values(team_id, user_id, engine_id, picture_hash, reference)
        with self._database.transaction() as connection:
            connection.execute(LOCK_OPT_OUTS, values)
            connection.execute(ADD, values | {"kind": ReferenceKind.SELFIE.value})

    def drop_selfie(self, team_id: TeamId, user_id: UserId, origin: str) -> bool:
        """Forget it, whatever engine it was read by; False if it was unknown."""
        values = {"team_id": team_id, "user_id": user_id, "origin": origin}
        with self._database.transaction() as connection:
            if not connection.execute(DROP_SELFIE, values).rowcount:
                return False
            note(connection, team_id, Entry(act=Act.FORGOT_SELFIE, actor_id=user_id))
        return True

    def about(self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId) -> AboutPerson:
        """Everything that is known of the person, with the references of that engine."""
        values = {"team_id": team_id, "user_id": user_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            confirmed, rejected = count_verdicts(connection, team_id, user_id)
            consent = consent_of(connection, team_id, user_id)
            return AboutPerson(
                references=[
                    KnownReference(
                        kind=ReferenceKind(row["kind"]),
                        origin=row["origin"],
                        quality=row["quality"],
                        faces_in_picture=row["faces_in_picture"],
                        created_at=row["created_at"],
                    )
                    for row in connection.execute(KNOWN, values)
                ],
                confirmed=confirmed,
                rejected=rejected,
                alerts_on=has_alerts(connection, team_id, user_id),
                colleagues=consent.colleagues,
                is_out=consent.is_out,
                has_template=has_template(connection, team_id, user_id, engine_id),
            )

    def known(self, team_id: TeamId) -> list[UserId]:
        """Everybody of whom anything is known."""
        with self._database.transaction() as connection:
            rows = connection.execute(EVERYBODY, {"team_id": team_id})
            return [UserId(row["user_id"]) for row in rows]

    def forget(self, team_id: TeamId, user_id: UserId, *, by: UserId | None) -> Forgotten:
        """Forget all of that, in one transaction: of every engine, and what they were told.

        `by` is who wants it, None if Findme does by itself.
        """
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            forgotten = forget_person(connection, team_id, user_id)
            details = {
                "references": forgotten.references,
                "verdicts": forgotten.verdicts,
                "consents": forgotten.consents,
            }
            entry = Entry(act=Act.FORGOT, actor_id=by, person_id=user_id, details=details)
            note(connection, team_id, entry)
        return forgotten


def has_template(
    connection: Connection, team_id: TeamId, user_id: UserId, engine_id: EngineId
) -> bool:
    """Whether the face of somebody who is out is known by that engine."""
    values = {"team_id": team_id, "user_id": user_id, "engine_id": engine_id}
    row = connection.execute(HAS_TEMPLATE, values).fetchone()
    assert row is not None  # a select of one value always has a row
    return bool(row["has_template"])


def forget_person(connection: Connection, team_id: TeamId, user_id: UserId) -> Forgotten:
    """Forget all that is known of a person but that they are out, with `lock_shares` held."""
    values = {"team_id": team_id, "user_id": user_id}
    verdicts = drop_verdicts(connection, team_id, user_id)
    drop_held_selfies(connection, team_id, user_id)
    row = connection.execute(DROP_ALL, values).fetchone()
    assert row is not None  # an aggregate always has a row
    is_out = consent_of(connection, team_id, user_id).is_out
    return Forgotten(
        references=row["dropped"],
        verdicts=verdicts,
        alerts=drop_alerts(connection, team_id, user_id),
        consents=drop_consents(connection, team_id, user_id),
        is_out=is_out,
    )


def _values(
    team_id: TeamId, user_id: UserId, engine_id: EngineId, origin: str, reference: Reference
) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "user_id": user_id,
        "engine_id": engine_id,
        "origin": origin,
        "embedding": HalfVector(reference.embedding),
        "quality": reference.quality,
        "faces_in_picture": reference.faces_in_picture,
    }


def _reference(row: dict[str, Any], kind: ReferenceKind) -> Reference:
    return Reference(
        embedding=row["embedding"].to_numpy().astype(np.float32),
        quality=row["quality"],
        faces_in_picture=row["faces_in_picture"],
        kind=kind,
    )
