"""References: embeddings known to be a person."""

import numpy as np
from pgvector import HalfVector

from pipeline.domain.model import EngineId, Reference, TeamId, UserId
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
ADD_PROFILE = """
insert into person_references
    (team_id, user_id, engine_id, kind, origin, embedding, quality, faces_in_picture)
values (%(team_id)s, %(user_id)s, %(engine_id)s, 'profile', %(origin)s, %(embedding)s,
    %(quality)s, %(faces_in_picture)s)
on conflict do nothing
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
        if row is None:
            return None
        return Reference(
            embedding=row["embedding"].to_numpy().astype(np.float32),
            quality=row["quality"],
            faces_in_picture=row["faces_in_picture"],
        )

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
        values = {
            "team_id": team_id,
            "user_id": user_id,
            "engine_id": engine_id,
            "origin": picture_hash,
            "embedding": HalfVector(reference.embedding),
            "quality": reference.quality,
            "faces_in_picture": reference.faces_in_picture,
        }
        with self._database.transaction() as connection:
            connection.execute(DROP_PROFILES, values)
            connection.execute(ADD_PROFILE, values)
