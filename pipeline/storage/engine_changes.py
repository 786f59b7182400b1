"""A change of engine: its faces are filled in beside the present ones, then take their place."""

from psycopg.rows import DictRow

from pipeline.domain.model import EngineId, PhotoFaces, PhotoId, PhotoState, TeamId
from pipeline.storage.connect import Connection, Database, lock_shares
from pipeline.storage.faces import add_faces
from pipeline.storage.photos import LOCK_PHOTO

BEGIN = """
update workspaces set next_engine_id = %(engine_id)s where team_id = %(team_id)s
"""
WANTED = "select next_engine_id from workspaces where team_id = %(team_id)s"
# What a change to yet another engine, given up half way, left behind.
DROP_ABANDONED_FILLS = """
delete from fills
where team_id = %(team_id)s
and (engine_id is distinct from %(engine_id)s::text or state is not null)
"""
DROP_ABANDONED_FACES = """
delete from faces f using workspaces w
where f.team_id = %(team_id)s and w.team_id = f.team_id
and f.engine_id <> w.engine_id and f.engine_id is distinct from %(engine_id)s::text
"""
# Whatever is found now has to be found afterwards: also a photo whose file can't be had any more,
# or that is just being read again. Nothing is missing of an engine that is not wanted any more.
UNFILLED = """
select p.photo_id from photos p
where p.team_id = %(team_id)s and p.photo_id > %(after)s
and exists (
    select from workspaces w
    where w.team_id = p.team_id and w.next_engine_id = %(engine_id)s
)
and (p.state = 'indexed' or (
    p.state in ('pending', 'given up') and exists (
        select from faces f join workspaces w on w.team_id = f.team_id
        where f.team_id = %(team_id)s and f.photo_id = p.photo_id and f.engine_id = w.engine_id
    )
))
and not exists (
    select from fills d
    where d.team_id = p.team_id and d.photo_id = p.photo_id and d.engine_id = %(engine_id)s
)
order by p.photo_id limit %(limit)s
"""
PROGRESS = """
select count(*) filter (where d.photo_id is not null) as filled, count(*) as photos
from photos p
left join fills d
    on d.team_id = p.team_id and d.photo_id = p.photo_id and d.engine_id = %(engine_id)s
where p.team_id = %(team_id)s and (d.photo_id is not null or p.state = 'indexed' or (
    p.state in ('pending', 'given up') and exists (
        select from faces f join workspaces w on w.team_id = f.team_id
        where f.team_id = %(team_id)s and f.photo_id = p.photo_id and f.engine_id = w.engine_id
    )
))
"""
LOCK_WORKSPACE = """
select engine_id, next_engine_id from workspaces where team_id = %(team_id)s for share
"""
DROP_FACES = """
delete from faces
where team_id = %(team_id)s and photo_id = %(photo_id)s and engine_id = %(engine_id)s
"""
MARK_FILLED = """
insert into fills
    (team_id, photo_id, engine_id, content_hash, width_px, height_px, state, reason)
values (%(team_id)s, %(photo_id)s, %(engine_id)s, %(content_hash)s, %(width_px)s, %(height_px)s,
    %(state)s, %(reason)s)
on conflict (team_id, photo_id, engine_id) do update
set content_hash = excluded.content_hash, width_px = excluded.width_px,
    height_px = excluded.height_px, state = excluded.state, reason = excluded.reason
"""
# Waits for whoever stores faces just now, and makes the others wait.
LOCK_TO_SWITCH = """
select engine_id, next_engine_id from workspaces where team_id = %(team_id)s for update
"""
SWITCH = """
update workspaces set engine_id = %(engine_id)s, next_engine_id = null
where team_id = %(team_id)s
"""
ADOPT_PHOTOS = """
update photos p set engine_id = %(engine_id)s,
    content_hash = coalesce(d.content_hash, p.content_hash),
    width_px = coalesce(d.width_px, p.width_px),
    height_px = coalesce(d.height_px, p.height_px),
    state = coalesce(d.state, case when p.state = 'given up' then 'indexed' else p.state end),
    reason = case when p.state = 'given up' or d.state is not null then d.reason else p.reason end
from fills d
where p.team_id = %(team_id)s and d.team_id = p.team_id and d.photo_id = p.photo_id
and d.engine_id = %(engine_id)s
"""
DROP_OLD_FACES = "delete from faces where team_id = %(team_id)s and engine_id <> %(engine_id)s"
DROP_FILLS = "delete from fills where team_id = %(team_id)s"
DROP_OLD_REFERENCES = """
delete from person_references where team_id = %(team_id)s and engine_id <> %(engine_id)s
"""
# Whoever has a template by the new engine needs none by another.
DROP_OLD_TEMPLATES = """
delete from opt_outs o where o.team_id = %(team_id)s and o.engine_id <> %(engine_id)s and exists (
    select from opt_outs n
    where n.team_id = o.team_id and n.user_id = o.user_id and n.engine_id = %(engine_id)s
)
"""


class EngineChangeStore:
    """Implements ports.EngineChanges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, team_id: TeamId, engine_id: EngineId) -> None:
        """Fill that engine's faces beside the present ones; what another change filled goes."""
        self._want(team_id, engine_id)

    def abandon(self, team_id: TeamId) -> None:
        """Stay with the present engine; what was filled for another goes."""
        self._want(team_id, None)

    def _want(self, team_id: TeamId, engine_id: EngineId | None) -> None:
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            connection.execute(BEGIN, values)
            # Faces first, as everywhere: two that lock in different orders deadlock.
            connection.execute(DROP_ABANDONED_FACES, values)
            connection.execute(DROP_ABANDONED_FILLS, values)

    def wanted(self, team_id: TeamId) -> EngineId | None:
        """The engine that the index is being changed to, if it is."""
        with self._database.transaction() as connection:
            row = connection.execute(WANTED, {"team_id": team_id}).fetchone()
        return EngineId(row["next_engine_id"]) if row and row["next_engine_id"] else None

    def unfilled(
        self, team_id: TeamId, engine_id: EngineId, *, after: PhotoId, limit: int
    ) -> list[PhotoId]:
        """Photos whose faces of that engine are missing, by id, beginning after one."""
        with self._database.transaction() as connection:
            return _unfilled(connection, team_id, engine_id, after=after, limit=limit)

    def progress(self, team_id: TeamId, engine_id: EngineId) -> tuple[int, int]:
        """How many photos are filled, and how many there are to fill."""
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            row = connection.execute(PROGRESS, values).fetchone()
        assert row is not None  # an aggregate always has a row
        return row["filled"], row["photos"]

    def fill(
        self,
        team_id: TeamId,
        photo_id: PhotoId,
        *,
        engine_id: EngineId,
        version: str,
        content_hash: bytes,
        faces: PhotoFaces,
    ) -> bool:
        """Store that engine's faces; False if the photo, or the wish to change, has changed."""
        values = {
            "team_id": team_id,
            "photo_id": photo_id,
            "engine_id": engine_id,
            "content_hash": content_hash,
            "width_px": faces.width_px,
            "height_px": faces.height_px,
            "state": None,
            "reason": None,
        }
        with self._database.transaction() as connection:
            workspace = connection.execute(LOCK_WORKSPACE, values).fetchone()
            photo = connection.execute(LOCK_PHOTO, values).fetchone()
            if not _is_wanted(workspace, engine_id) or not _is_version(photo, version):
                return False
            connection.execute(DROP_FACES, values)
            add_faces(connection, team_id, photo_id, engine_id, faces)
            connection.execute(MARK_FILLED, values)
        return True

    def leave(
        self,
        team_id: TeamId,
        photo_id: PhotoId,
        *,
        engine_id: EngineId,
        state: PhotoState,
        reason: str,
    ) -> bool:
        """At the switch the photo becomes unreadable or given up; until then it stays as it is.

        False if the wish to change has changed.
        """
        values = {
            "team_id": team_id,
            "photo_id": photo_id,
            "engine_id": engine_id,
            "content_hash": None,
            "width_px": None,
            "height_px": None,
            "state": state.value,
            "reason": reason,
        }
        with self._database.transaction() as connection:
            workspace = connection.execute(LOCK_WORKSPACE, values).fetchone()
            photo = connection.execute(LOCK_PHOTO, values).fetchone()
            if not _is_wanted(workspace, engine_id) or photo is None:
                return False
            connection.execute(MARK_FILLED, values)
        return True

    def switch(self, team_id: TeamId, engine_id: EngineId) -> bool:
        """From now on that engine is the index's, and the old one's faces go, in one transaction.

        True also if somebody else has switched to it already. False, and nothing changes, while a
        photo is unfilled, or if yet another engine is wanted.
        """
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            workspace = connection.execute(LOCK_TO_SWITCH, values).fetchone()
            if _is_switched(workspace, engine_id):
                return True
            if not _is_wanted(workspace, engine_id) or _unfilled(
                connection, team_id, engine_id, after=PhotoId(0), limit=1
            ):
                return False
            connection.execute(ADOPT_PHOTOS, values)
            connection.execute(DROP_OLD_FACES, values)
            connection.execute(DROP_OLD_REFERENCES, values)
            connection.execute(DROP_OLD_TEMPLATES, values)
            connection.execute(DROP_FILLS, values)
            connection.execute(SWITCH, values)
        return True


def _unfilled(
    connection: Connection, team_id: TeamId, engine_id: EngineId, *, after: PhotoId, limit: int
) -> list[PhotoId]:
    values = {"team_id": team_id, "engine_id": engine_id, "after": after, "limit": limit}
    return [PhotoId(row["photo_id"]) for row in connection.execute(UNFILLED, values)]


def _is_wanted(workspace: DictRow | None, engine_id: EngineId) -> bool:
    return workspace is not None and workspace["next_engine_id"] == engine_id


def _is_switched(workspace: DictRow | None, engine_id: EngineId) -> bool:
    return (
        workspace is not None
        and workspace["engine_id"] == engine_id
        and workspace["next_engine_id"] is None
    )


def _is_version(photo: DictRow | None, version: str) -> bool:
    return photo is not None and photo["version"] == version
