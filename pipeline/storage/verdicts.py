"""Verdicts: what people said of their matches."""

from typing import Any

import numpy as np

from pipeline.domain.audit import Act, Entry
from pipeline.domain.model import Box, EngineId, FaceId, PhotoId, TeamId, UserId
from pipeline.domain.verdicts import SAME_FACE_OVERLAP, Candidate, Verdict
from pipeline.storage.audit import note
from pipeline.storage.connect import Connection, Database, lock_shares

# The workspace's present faces of the photo, to see that there is one where the verdict points.
FACE_BOXES = """
select f.box from faces f
join workspaces w on w.team_id = f.team_id and w.engine_id = f.engine_id
where f.team_id = %(team_id)s and f.photo_id = %(photo_id)s
"""
# Every copy gets the verdict, so that it stays when one of them is deleted.
# Of nobody who turned Findme off: an old answer still has its buttons.
GIVE = """
insert into verdicts (team_id, user_id, photo_id, content_hash, box, verdict)
select %(team_id)s, %(user_id)s, copy.photo_id, p.content_hash, %(box)s::real[], %(verdict)s
from photos p
join photos copy on copy.team_id = p.team_id and copy.content_hash = p.content_hash
where p.team_id = %(team_id)s and p.photo_id = %(photo_id)s and not exists (
    select from people o
    where o.team_id = %(team_id)s and o.user_id = %(user_id)s and o.out_at is not null
)
on conflict (team_id, user_id, photo_id, box)
do update set verdict = excluded.verdict, content_hash = excluded.content_hash, given_at = now()
"""
GIVEN = """
select v.photo_id, v.box, v.verdict from verdicts v
join photos p on p.team_id = v.team_id and p.content_hash = v.content_hash
where v.team_id = %(team_id)s and v.user_id = %(user_id)s and p.photo_id = %(photo_id)s
"""
DROP = """
delete from verdicts where team_id = %(team_id)s and user_id = %(user_id)s
and photo_id = %(photo_id)s and box = %(box)s::real[]
"""
# What was said once counts once, however many copies of the photo there are.
COUNTS = """
select count(distinct (content_hash, box)) filter (where verdict = 'me') as confirmed,
    count(distinct (content_hash, box)) filter (where verdict = 'not me') as rejected
from verdicts where team_id = %(team_id)s and user_id = %(user_id)s
"""
DROP_ALL = "delete from verdicts where team_id = %(team_id)s and user_id = %(user_id)s"
# Whoever indexes a repost just now gives it the verdicts of the first post: wait for them, and let
# others wait.
LOCK_WORKSPACE = """
select from workspaces where team_id = %(team_id)s for no key update
"""
CANDIDATES = """
select distinct v.verdict, v.box as given_box, f.photo_id, f.face_id, f.box, f.embedding, f.quality
from verdicts v
join photos p on p.team_id = v.team_id and p.content_hash = v.content_hash
join faces f on f.team_id = p.team_id and f.photo_id = p.photo_id
where v.team_id = %(team_id)s and v.user_id = %(user_id)s and f.engine_id = %(engine_id)s
order by f.face_id
"""
# Somebody clicked: whoever waits for the others' turn holds a connection that answers need.
PATIENCE_S = 1.0


class Verdicts:
    """Implements ports.VerdictStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(
        self, team_id: TeamId, user_id: UserId, photo_id: PhotoId, box: Box, verdict: Verdict
    ) -> bool:
        """Keep the verdict on the face at `box`, in place of earlier ones on it.

        Nobody stands twice in one photo: a face confirmed takes the place of another one.
        False if the photo shows no face there (any more).
        """
        photo = {"team_id": team_id, "user_id": user_id, "photo_id": photo_id}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id, patience_s=PATIENCE_S)
            rows = connection.execute(FACE_BOXES, photo)
            if not any(_is_same(_box(row["box"]), box) for row in rows):
                return False
            for given in connection.execute(GIVEN, photo).fetchall():
                also_me = given["verdict"] == verdict.value == Verdict.ME.value
                if also_me or _is_same(_box(given["box"]), box):
                    _drop(connection, photo, given)
            connection.execute(GIVE, photo | {"box": _numbers(box), "verdict": verdict.value})
        return True

    def take_back(self, team_id: TeamId, user_id: UserId, photo_id: PhotoId, box: Box) -> bool:
        """Forget the verdict on the face at `box`; False if there was none."""
        photo = {"team_id": team_id, "user_id": user_id, "photo_id": photo_id}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id, patience_s=PATIENCE_S)
            given = [
                row
                for row in connection.execute(GIVEN, photo).fetchall()
                if _is_same(_box(row["box"]), box)
            ]
            for row in given:
                _drop(connection, photo, row)
        return bool(given)

    def forget_verdicts(self, team_id: TeamId, user_id: UserId) -> int:
        """As if the person had said nothing, ever; returns how many verdicts there were."""
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            dropped = drop_verdicts(connection, team_id, user_id)
            details = {"verdicts": dropped}
            entry = Entry(act=Act.FORGOT_VERDICTS, actor_id=user_id, details=details)
            note(connection, team_id, entry)
            return dropped

    def candidates(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId
    ) -> list[Candidate]:
        """Every face of every photo (and repost) on which the person gave a verdict."""
        values = {"team_id": team_id, "user_id": user_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            return [
                Candidate(
                    verdict=Verdict(row["verdict"]),
                    given_box=_box(row["given_box"]),
                    photo_id=PhotoId(row["photo_id"]),
                    face_id=FaceId(row["face_id"]),
                    box=_box(row["box"]),
                    embedding=row["embedding"].to_numpy().astype(np.float32),
                    quality=row["quality"],
                )
                for row in connection.execute(CANDIDATES, values)
            ]


def count_verdicts(connection: Connection, team_id: TeamId, user_id: UserId) -> tuple[int, int]:
    """How many faces the person confirmed and rejected; copies of a photo count once."""
    values = {"team_id": team_id, "user_id": user_id}
    row = connection.execute(COUNTS, values).fetchone()
    assert row is not None  # an aggregate always has a row
    return row["confirmed"], row["rejected"]


def drop_verdicts(connection: Connection, team_id: TeamId, user_id: UserId) -> int:
    """Forget all that the person said, with `lock_shares` held; returns how much that was."""
    values = {"team_id": team_id, "user_id": user_id}
    connection.execute(LOCK_WORKSPACE, values)
    dropped = sum(count_verdicts(connection, team_id, user_id))
    connection.execute(DROP_ALL, values)
    return dropped


def _drop(connection: Connection, photo: dict[str, Any], given: dict[str, Any]) -> None:
    connection.execute(DROP, photo | {"photo_id": given["photo_id"], "box": given["box"]})


def _is_same(one: Box, other: Box) -> bool:
    return one.overlap(other) >= SAME_FACE_OVERLAP


def _box(numbers: list[float]) -> Box:
    x, y, width, height = numbers
    return Box(x_px=x, y_px=y, width_px=width, height_px=height)


def _numbers(box: Box) -> list[float]:
    return [box.x_px, box.y_px, box.width_px, box.height_px]
