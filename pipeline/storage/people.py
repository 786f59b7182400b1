"""References: embeddings known to be a person."""

from typing import Any

import numpy as np
from pgvector import HalfVector

from pipeline.domain.model import EngineId, Reference, ReferenceKind, TeamId, UserId
from pipeline.storage.connect import Database

PROFILE = """
select embedding, quality, faces_in_picture from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and engine_id = %(engine_id)s
and kind = 'profile' and origin = %(origin)s
"""
DROP_PROFILES = """
delete from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and kind = 'profile'
"""
ADD = """
insert into person_references
    (team_id, user_id, engine_id, kind, origin, embedding, quality, faces_in_picture)
values (%(team_id)s, %(user_id)s, %(engine_id)s, %(kind)s, %(origin)s, %(embedding)s,
    %(quality)s, %(faces_in_picture)s)
on conflict do nothing
"""
SELFIES = """
select embedding, quality, faces_in_picture from person_references
where team_id = %(team_id)s and user_id = %(user_id)s and engine_id = %(engine_id)s
and kind = 'selfie' order by created_at, origin
"""


class People:
    """Implements ports.ReferenceStore."""

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
            connection.execute(DROP_PROFILES, values)
            connection.execute(ADD, values | {"kind": ReferenceKind.PROFILE.value})

    def selfies(self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId) -> list[Reference]:
        """What the person's selfies say, the oldest first."""
        values = {"team_id": team_id, "user_id": user_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
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
            connection.execute(ADD, values | {"kind": ReferenceKind.SELFIE.value})


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
