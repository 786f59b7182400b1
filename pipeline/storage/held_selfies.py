"""Selfies between being looked at and being used, for all bots of a workspace."""

from typing import Any

import numpy as np
from pgvector import HalfVector

from pipeline.domain.model import EngineId, Reference, ReferenceKind, TeamId, UserId
from pipeline.domain.references import Selfie
from pipeline.storage.connect import LOCK_OPT_OUTS, Connection, Database

LIFE_S = 3600.0
MOST = 1_000
"""Of a workspace."""

DROP_OLD = """
delete from held_selfies
where team_id = %(team_id)s and held_at < now() - make_interval(secs => %(life_s)s)
"""
PUT = """
insert into held_selfies
    (team_id, token, user_id, engine_id, picture_hash, embedding, quality, faces_in_picture)
select %(team_id)s, %(token)s, %(user_id)s, %(engine_id)s, %(picture_hash)s, %(embedding)s,
    %(quality)s, %(faces_in_picture)s
where not exists (
    select from people
    where team_id = %(team_id)s and user_id = %(user_id)s and out_at is not null
)
"""
DROP_TOO_MANY = """
delete from held_selfies
where team_id = %(team_id)s and token in (
    select token from held_selfies where team_id = %(team_id)s
    order by held_at desc offset %(most)s
)
"""
GET = """
select engine_id, picture_hash, embedding, quality, faces_in_picture from held_selfies
where team_id = %(team_id)s and token = %(token)s and user_id = %(user_id)s
and held_at >= now() - make_interval(secs => %(life_s)s)
"""
DROP = """
delete from held_selfies
where team_id = %(team_id)s and token = %(token)s and user_id = %(user_id)s
"""
DROP_ALL = "delete from held_selfies where team_id = %(team_id)s and user_id = %(user_id)s"


class HeldSelfies:
    """What was seen in them, by a token; the pictures are not kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, team_id: TeamId, user_id: UserId, token: str, selfie: Selfie) -> bool:
        """Hold it for LIFE_S; the oldest go where there are more than MOST.

        False if the person turned Findme off.
        """
        values: dict[str, Any] = {
            "team_id": team_id,
            "user_id": user_id,
            "token": token,
            "engine_id": selfie.engine_id,
            "picture_hash": selfie.picture_hash,
            "embedding": HalfVector(selfie.reference.embedding),
            "quality": selfie.reference.quality,
            "faces_in_picture": selfie.reference.faces_in_picture,
            "life_s": LIFE_S,
            "most": MOST,
        }
        with self._database.transaction() as connection:
            connection.execute(DROP_OLD, values)
            connection.execute(LOCK_OPT_OUTS, values)
            is_held = bool(connection.execute(PUT, values).rowcount)
            connection.execute(DROP_TOO_MANY, values)
        return is_held

    def get(self, team_id: TeamId, user_id: UserId, token: str) -> Selfie | None:
        """What was seen; None if it is too old, or somebody else's."""
        values = {"team_id": team_id, "user_id": user_id, "token": token, "life_s": LIFE_S}
        with self._database.transaction() as connection:
            row = connection.execute(GET, values).fetchone()
        if row is None:
            return None
        reference = Reference(
            embedding=row["embedding"].to_numpy().astype(np.float32),
            quality=row["quality"],
            faces_in_picture=row["faces_in_picture"],
            kind=ReferenceKind.SELFIE,
        )
        return Selfie(
            reference=reference,
            picture_hash=row["picture_hash"],
            engine_id=EngineId(row["engine_id"]),
        )

    def drop(self, team_id: TeamId, user_id: UserId, token: str) -> None:
        """It is not needed any more."""
        with self._database.transaction() as connection:
            connection.execute(DROP, {"team_id": team_id, "user_id": user_id, "token": token})

    def drop_old(self, team_id: TeamId) -> int:
        """Forget those that nobody can use any more; returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(DROP_OLD, {"team_id": team_id, "life_s": LIFE_S}).rowcount


def drop_held_selfies(connection: Connection, team_id: TeamId, user_id: UserId) -> None:
    """Forget all of a person's."""
    connection.execute(DROP_ALL, {"team_id": team_id, "user_id": user_id})
