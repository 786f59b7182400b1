"""People who turned Findme off: their faces go out of the index, and stay out."""

from collections.abc import Sequence

import numpy as np
from pgvector import HalfVector

from pipeline.domain.audit import Act, Entry
from pipeline.domain.model import EngineId, TeamId, UserId
from pipeline.domain.opt_outs import Template
from pipeline.domain.people import TurnedOff
from pipeline.storage.audit import note
from pipeline.storage.connect import Connection, Database, lock_shares
from pipeline.storage.people import forget_person, has_template

# Whoever stores faces just now holds it shared: they come before, and their faces are looked at
# here, or after, and look at the template.
LOCK_WORKSPACE = """
select engine_id from workspaces where team_id = %(team_id)s for no key update
"""
SET_OUT = """
insert into people (team_id, user_id, out_at) values (%(team_id)s, %(user_id)s, now())
on conflict (team_id, user_id) do update set out_at = coalesce(people.out_at, excluded.out_at)
"""
# Of nobody who came back meanwhile.
PUT = """
insert into opt_outs (team_id, user_id, engine_id, embedding, max_distance)
select p.team_id, p.user_id, %(engine_id)s, %(embedding)s, %(max_distance)s from people p
where p.team_id = %(team_id)s and p.user_id = %(user_id)s and p.out_at is not null
on conflict (team_id, user_id, engine_id) do update
set embedding = excluded.embedding, max_distance = excluded.max_distance, made_at = now()
"""
# The distance is computed where the engine is fixed: dimensions differ between engines.
DROP_FACES = """
with theirs as materialized (
    select f.face_id, f.embedding <=> o.embedding as distance, o.max_distance
    from faces f
    join opt_outs o on o.team_id = f.team_id and o.engine_id = f.engine_id
    where f.team_id = %(team_id)s and f.engine_id = %(engine_id)s and o.user_id = %(user_id)s
)
delete from faces where team_id = %(team_id)s
and face_id in (select face_id from theirs where distance <= max_distance)
"""
SET_IN = """
update people set out_at = null
where team_id = %(team_id)s and user_id = %(user_id)s and out_at is not null
"""
DROP_TEMPLATES = "delete from opt_outs where team_id = %(team_id)s and user_id = %(user_id)s"
TEMPLATES = """
select user_id, embedding, max_distance from opt_outs
where team_id = %(team_id)s and engine_id = %(engine_id)s order by user_id
"""
MISSING = """
select p.user_id from people p
where p.team_id = %(team_id)s and p.out_at is not null and not exists (
    select from opt_outs o
    where o.team_id = p.team_id and o.user_id = p.user_id and o.engine_id = %(engine_id)s
)
order by p.user_id
"""


class OptOuts:
    """Implements ports.OptOutStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def turn_off(
        self, team_id: TeamId, user_id: UserId, template: Template | None, *, engine_id: EngineId
    ) -> TurnedOff | None:
        """Forget all that is known of the person, and drop their faces now and from now on.

        Without a template that they had before, or get now, nobody knows which faces are theirs.
        None, and nothing is changed, if the index is of another engine by now.
        """
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            values = {"team_id": team_id, "user_id": user_id, "engine_id": engine_id}
            workspace = connection.execute(LOCK_WORKSPACE, values).fetchone()
            if workspace is not None and workspace["engine_id"] != engine_id:
                return None
            forgotten = forget_person(connection, team_id, user_id)
            connection.execute(SET_OUT, values)
            faces = _put(connection, team_id, template, engine_id) if template else 0
            is_known = has_template(connection, team_id, user_id, engine_id)
            details = {"faces": faces}
            note(connection, team_id, Entry(act=Act.TURNED_OFF, actor_id=user_id, details=details))
        return TurnedOff(forgotten=forgotten, faces=faces, has_template=is_known)

    def turn_on(self, team_id: TeamId, user_id: UserId) -> bool:
        """Their template goes; False if they weren't out."""
        values = {"team_id": team_id, "user_id": user_id}
        with self._database.transaction() as connection:
            # Whoever turns it off, or makes a template, does so before or after.
            lock_shares(connection, team_id)
            connection.execute(DROP_TEMPLATES, values)
            if not connection.execute(SET_IN, values).rowcount:
                return False
            note(connection, team_id, Entry(act=Act.TURNED_ON, actor_id=user_id))
        return True

    def templates(self, team_id: TeamId, *, engine_id: EngineId) -> Sequence[Template]:
        """Of everybody who is out, by that engine."""
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            return [
                Template(
                    user_id=UserId(row["user_id"]),
                    embedding=row["embedding"].to_numpy().astype(np.float32),
                    max_distance=row["max_distance"],
                )
                for row in connection.execute(TEMPLATES, values)
            ]

    def missing(self, team_id: TeamId, *, engine_id: EngineId) -> Sequence[UserId]:
        """Who is out and has no template by that engine."""
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            return [UserId(row["user_id"]) for row in connection.execute(MISSING, values)]

    def put(self, team_id: TeamId, template: Template, *, engine_id: EngineId) -> int:
        """The template of somebody who is out, by another engine; how many faces it drops.

        None of somebody who isn't out any more.
        """
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            connection.execute(LOCK_WORKSPACE, {"team_id": team_id})
            return _put(connection, team_id, template, engine_id)


def _put(connection: Connection, team_id: TeamId, template: Template, engine_id: EngineId) -> int:
    values = {
        "team_id": team_id,
        "user_id": template.user_id,
        "engine_id": engine_id,
        "embedding": HalfVector(template.embedding),
        "max_distance": template.max_distance,
    }
    connection.execute(PUT, values)
    return connection.execute(DROP_FACES, values).rowcount
