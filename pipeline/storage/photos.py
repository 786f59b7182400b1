"""Photos, their shares and their faces."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from pipeline.domain.model import (
    CRASHED_READERS,
    ChannelId,
    EngineId,
    FileId,
    FoundPhoto,
    IndexCounts,
    Photo,
    PhotoFaces,
    PhotoId,
    PhotoState,
    RunId,
    Share,
    TeamId,
)
from pipeline.storage.audit import note_deleted
from pipeline.storage.connect import Connection, lock_shares
from pipeline.storage.faces import add_faces, share_of
from pipeline.storage.retractions import retracted
from pipeline.storage.shares import EARLIEST, Shares, add_shares

# A changed file (another version) is read again; a known one keeps its state and its faces.
ADD = """
insert into photos as p
    (team_id, file_id, name, media_type, url, version, posted_by, posted_at, run_id)
values (%(team_id)s, %(file_id)s, %(name)s, %(media_type)s, %(url)s, %(version)s,
    %(posted_by)s, %(posted_at)s, %(run_id)s)
on conflict (team_id, file_id) do update
set name = excluded.name,
    url = coalesce(excluded.url, p.url),
    media_type = coalesce(nullif(excluded.media_type, ''), p.media_type),
    posted_by = coalesce(excluded.posted_by, p.posted_by),
    posted_at = excluded.posted_at,
    version = excluded.version,
    run_id = coalesce(p.run_id, excluded.run_id),
    state = case when p.version = excluded.version then p.state else 'pending' end,
    reason = case when p.version = excluded.version then p.reason end
returning photo_id, (xmax = 0) as is_new
"""
GET = """
select photo_id, file_id, name, media_type, url, version, state, engine_id, width_px,
    exists (
        select from shares s
        join channels c on c.team_id = s.team_id and c.channel_id = s.channel_id and c.watched
        where s.team_id = %(team_id)s and s.photo_id = p.photo_id
    ) as has_shares
from photos p where team_id = %(team_id)s and photo_id = %(photo_id)s
"""
# Of every engine: what was read before is another picture, or will be read again.
DROP_FACES = "delete from faces where team_id = %(team_id)s and photo_id = %(photo_id)s"
DROP_FILLS = "delete from fills where team_id = %(team_id)s and photo_id = %(photo_id)s"
# A change of engine waits for whoever is about to store the old one's faces.
LOCK_ENGINE = "select engine_id from workspaces where team_id = %(team_id)s for share"
# The row lock makes two workers on one photo take turns: the second replaces what the first wrote.
LOCK_PHOTO = """
select version from photos where team_id = %(team_id)s and photo_id = %(photo_id)s for update
"""
MARK_INDEXED = """
update photos set state = 'indexed', reason = null, engine_id = %(engine_id)s,
    content_hash = %(content_hash)s, width_px = %(width_px)s, height_px = %(height_px)s,
    indexed_at = now()
where team_id = %(team_id)s and photo_id = %(photo_id)s
"""
# A repost of a photo that somebody gave a verdict on; the verdict outlives the first post.
ADOPT_VERDICTS = """
insert into verdicts (team_id, user_id, photo_id, content_hash, box, verdict, given_at)
select v.team_id, v.user_id, %(photo_id)s, v.content_hash, v.box, v.verdict, max(v.given_at)
from verdicts v
where v.team_id = %(team_id)s and v.content_hash = %(content_hash)s
group by v.team_id, v.user_id, v.content_hash, v.box, v.verdict
on conflict do nothing
"""
MARK = """
update photos set state = %(state)s, reason = %(reason)s, indexed_at = now()
where team_id = %(team_id)s and photo_id = %(photo_id)s
"""
PUT_OFF = """
update photos set reason = %(reason)s
where team_id = %(team_id)s and photo_id = %(photo_id)s and state = 'pending'
"""
DELETE = "delete from photos where team_id = %(team_id)s and file_id = %(file_id)s"
IS_WATCHED = """
select channel_id from channels
where team_id = %(team_id)s and channel_id = %(channel_id)s and watched
"""
# But for a photo that stops the program: that one would stop it every day.
RETRY_GIVEN_UP = """
update photos p set state = 'pending', reason = null
where p.team_id = %(team_id)s and p.state = 'given up' and p.reason is distinct from %(poison)s
and exists (
    select from shares s where s.team_id = p.team_id and s.photo_id = p.photo_id
    and s.channel_id = %(channel_id)s
)
"""
COUNTS = """
select count(*) as photos,
    count(*) filter (where state = 'pending') as pending,
    count(*) filter (where state = 'indexed') as indexed,
    count(*) filter (where state = 'unreadable') as unreadable,
    count(*) filter (where state = 'given up') as given_up,
    count(*) filter (where state = 'indexed' and f.n is null) as without_face,
    coalesce(sum(f.n), 0)::bigint as faces
from photos p
left join lateral (
    select count(*) as n from faces f
    where f.team_id = %(team_id)s and f.photo_id = p.photo_id and f.engine_id = p.engine_id
    having count(*) > 0
) f on true
where p.team_id = %(team_id)s
and (%(run_id)s::bigint is null or p.run_id = %(run_id)s)
and (%(channel_id)s::text is null or exists (
    select from shares s
    where s.team_id = %(team_id)s and s.photo_id = p.photo_id and s.channel_id = %(channel_id)s
))
"""
PENDING = """
select count(*) as pending from photos p
where p.team_id = %(team_id)s and p.state = 'pending'
and (%(channel_ids)s::text[] is null or exists (
    select from shares s where s.team_id = %(team_id)s and s.photo_id = p.photo_id
    and s.channel_id = any(%(channel_ids)s)
))
"""
PROBLEMS = """
select name, state, reason from photos p
where team_id = %(team_id)s
and (state in ('unreadable', 'given up') or state = 'pending' and reason is not null)
and (%(channel_ids)s::text[] is null or exists (
    select from shares s where s.team_id = %(team_id)s and s.photo_id = p.photo_id
    and s.channel_id = any(%(channel_ids)s)
))
order by indexed_at desc, photo_id desc limit %(limit)s
"""

Row: TypeAlias = dict[str, Any]


class Photos(Shares):
    """Implements ports.PhotoStore."""

    def add(
        self,
        team_id: TeamId,
        found: Sequence[FoundPhoto],
        *,
        channel_id: ChannelId | None = None,
        run_id: RunId | None = None,
        as_of: datetime | None = None,
    ) -> int:
        """Record photos a source listed; new and changed ones become pending.

        If they were listed in a channel that nobody watches (any more), nothing is recorded; nor
        is what Slack said is gone after it was asked for them, at `as_of` (`now`).
        Returns: how many were not known before.
        """
        new = 0
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            where = {"team_id": team_id, "channel_id": channel_id}
            if channel_id and connection.execute(IS_WATCHED, where).fetchone() is None:
                return 0
            gone = retracted(connection, team_id, found, as_of=as_of)
            for photo in found:
                if gone.is_gone(photo, channel_id):
                    continue
                row = connection.execute(ADD, _photo_values(team_id, photo, run_id)).fetchone()
                assert row is not None  # an upsert always returns its row
                new += row["is_new"]
                add_shares(connection, team_id, PhotoId(row["photo_id"]), gone.shares(photo))
        return new

    def get(self, team_id: TeamId, photo_id: PhotoId) -> Photo | None:
        """The photo, or None once it is deleted."""
        with self._database.transaction() as connection:
            row = connection.execute(GET, {"team_id": team_id, "photo_id": photo_id}).fetchone()
        if row is None:
            return None
        return Photo(
            team_id=team_id,
            photo_id=photo_id,
            file_id=FileId(row["file_id"]),
            name=row["name"],
            media_type=row["media_type"],
            url=row["url"],
            version=row["version"],
            state=PhotoState(row["state"]),
            has_shares=row["has_shares"],
            engine_id=row["engine_id"],
            width_px=row["width_px"],
        )

    def put_faces(
        self,
        team_id: TeamId,
        photo_id: PhotoId,
        *,
        engine_id: EngineId,
        version: str,
        content_hash: bytes,
        faces: PhotoFaces,
    ) -> bool:
        """Replace the photo's faces and mark it indexed, in one transaction.

        False, and nothing is changed, if the photo was deleted, or another `version` of it was
        listed, or the workspace changed its engine, meanwhile.
        """
        photo = {"team_id": team_id, "photo_id": photo_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            workspace = connection.execute(LOCK_ENGINE, photo).fetchone()
            if workspace is None or workspace["engine_id"] != engine_id:
                return False
            known = connection.execute(LOCK_PHOTO, photo).fetchone()
            if known is None or known["version"] != version:
                return False
            _drop_faces(connection, photo)
            add_faces(connection, team_id, photo_id, engine_id, faces)
            size = {"width_px": faces.width_px, "height_px": faces.height_px}
            content = photo | {"content_hash": content_hash}
            connection.execute(MARK_INDEXED, content | size)
            connection.execute(ADOPT_VERDICTS, content)
        return True

    def mark_unreadable(
        self, team_id: TeamId, photo_id: PhotoId, reason: str, *, version: str | None = None
    ) -> None:
        """The file is no picture; its faces go. Nothing if `version` is another one by now."""
        values = {"team_id": team_id, "photo_id": photo_id}
        with self._database.transaction() as connection:
            known = connection.execute(LOCK_PHOTO, values).fetchone()
            if known is None or version not in (None, known["version"]):
                return
            # The photo first, as everywhere: two that lock in different orders deadlock.
            connection.execute(MARK, values | {"state": "unreadable", "reason": reason})
            _drop_faces(connection, values)

    def mark_given_up(self, team_id: TeamId, photo_id: PhotoId, reason: str) -> None:
        """It could not be fetched or stored, after every retry; faces it had stay."""
        values = {"team_id": team_id, "photo_id": photo_id}
        with self._database.transaction() as connection:
            connection.execute(MARK, values | {"state": "given up", "reason": reason})

    def put_off(self, team_id: TeamId, photo_id: PhotoId, reason: str) -> None:
        """Why it still waits: it is tried again, but whoever runs Findme should know."""
        values = {"team_id": team_id, "photo_id": photo_id, "reason": reason}
        with self._database.transaction() as connection:
            connection.execute(PUT_OFF, values)

    def delete(self, team_id: TeamId, file_id: FileId) -> bool:
        """Forget a photo with its faces; False if it was unknown."""
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            deleted = connection.execute(DELETE, {"team_id": team_id, "file_id": file_id})
            note_deleted(connection, team_id, deleted.rowcount)
            return deleted.rowcount > 0

    def retry_given_up(self, team_id: TeamId, channel_id: ChannelId) -> int:
        """Let what could not be had be tried once more; returns how many photos."""
        values = {"team_id": team_id, "channel_id": channel_id, "poison": CRASHED_READERS}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            return connection.execute(RETRY_GIVEN_UP, values).rowcount

    def counts(
        self,
        team_id: TeamId,
        *,
        channel_id: ChannelId | None = None,
        run_id: RunId | None = None,
    ) -> IndexCounts:
        """How much of a workspace, a channel or a run is indexed."""
        values = {"team_id": team_id, "channel_id": channel_id, "run_id": run_id}
        with self._database.transaction() as connection:
            row = connection.execute(COUNTS, values).fetchone()
        assert row is not None  # an aggregate always has a row
        return IndexCounts(**row)

    def pending(self, team_id: TeamId, channel_ids: Sequence[ChannelId] | None = None) -> int:
        """How many photos wait, of these channels or of all; far cheaper than `counts`."""
        wanted = None if channel_ids is None else list(channel_ids)
        values = {"team_id": team_id, "channel_ids": wanted}
        with self._database.transaction() as connection:
            row = connection.execute(PENDING, values).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row["pending"])

    def earliest_shares(
        self,
        team_id: TeamId,
        photo_ids: Sequence[PhotoId],
        *,
        channel_ids: Sequence[ChannelId],
        since: datetime | None,
        until: datetime | None,
    ) -> Mapping[PhotoId, Share]:
        """Where each photo was first posted, in these channels, from `since` to before `until`."""
        values = {
            "team_id": team_id,
            "photo_ids": list(photo_ids),
            "channel_ids": list(channel_ids),
            "since": since,
            "until": until,
        }
        with self._database.transaction() as connection:
            rows = connection.execute(EARLIEST, values)
            return {PhotoId(row["photo_id"]): share_of(row) for row in rows}

    def problems(
        self, team_id: TeamId, *, limit: int, channel_ids: Sequence[ChannelId] | None = None
    ) -> list[tuple[str, PhotoState, str]]:
        """The last photos (of these channels) that are not indexed (yet): name, state, reason."""
        wanted = None if channel_ids is None else list(channel_ids)
        values = {"team_id": team_id, "channel_ids": wanted, "limit": limit}
        with self._database.transaction() as connection:
            rows = connection.execute(PROBLEMS, values).fetchall()
        return [(row["name"], PhotoState(row["state"]), row["reason"] or "") for row in rows]


def _drop_faces(connection: Connection, photo: Row) -> None:
    connection.execute(DROP_FACES, photo)
    connection.execute(DROP_FILLS, photo)


def _photo_values(team_id: TeamId, photo: FoundPhoto, run_id: RunId | None) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "file_id": photo.file_id,
        "name": _storable(photo.name),
        "media_type": photo.media_type,
        "url": photo.url,
        "version": photo.version,
        "posted_by": photo.posted_by,
        "posted_at": photo.posted_at,
        "run_id": run_id,
    }


def _storable(text: str) -> str:
    """The text without what PostgreSQL can't hold: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()
