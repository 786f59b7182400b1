"""Photos, their shares and their faces."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, TypeAlias

from pipeline.domain.audit import Act, Entry
from pipeline.domain.model import (
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
from pipeline.storage.audit import note
from pipeline.storage.connect import Connection, Database, lock_shares
from pipeline.storage.faces import add_faces, share_of

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
# A share whose message is not known (an empty ts) says nothing where a real one stands.
ADD_SHARE = """
insert into shares (team_id, channel_id, photo_id, ts, permalink, shared_by, shared_at)
select %(team_id)s, %(channel_id)s, %(photo_id)s, %(ts)s, %(permalink)s, %(shared_by)s,
    %(shared_at)s
where %(ts)s <> '' or not exists (
    select from shares s where s.team_id = %(team_id)s and s.photo_id = %(photo_id)s
    and s.channel_id = %(channel_id)s and s.ts <> ''
)
on conflict (team_id, channel_id, photo_id, ts) do update set permalink = excluded.permalink
"""
# A share whose message was not known yet stands with an empty ts until the real one is seen.
DROP_PROVISIONAL_SHARE = """
delete from shares where team_id = %(team_id)s and channel_id = %(channel_id)s
and photo_id = %(photo_id)s and ts = '' and %(ts)s <> ''
"""
GET = """
select photo_id, file_id, name, media_type, url, version, state, engine_id, width_px,
    exists (select from shares s where s.team_id = p.team_id and s.photo_id = p.photo_id)
        as has_shares
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
DROP_UNLISTED_SHARES = """
delete from shares s using photos p
where s.team_id = %(team_id)s and s.channel_id = %(channel_id)s and s.shared_at < %(before)s
and p.team_id = %(team_id)s and p.photo_id = s.photo_id and not p.file_id = any(%(file_ids)s)
and (%(after)s::timestamptz is null or p.posted_at > %(after)s)
and (%(until)s::timestamptz is null or p.posted_at <= %(until)s)
returning s.photo_id
"""
DROP_SHARE = """
delete from shares
where team_id = %(team_id)s and channel_id = %(channel_id)s and ts = %(ts)s
returning photo_id
"""
# Slack names the shares of channels that the bot isn't in, too; of those nobody tells how they end.
DROP_UNSHARED = """
delete from photos p where p.team_id = %(team_id)s and p.photo_id = any(%(photo_ids)s)
and not exists (
    select from shares s join channels c using (team_id, channel_id)
    where s.team_id = %(team_id)s and s.photo_id = p.photo_id and c.watched
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
    where f.team_id = p.team_id and f.photo_id = p.photo_id and f.engine_id = p.engine_id
    having count(*) > 0
) f on true
where p.team_id = %(team_id)s
and (%(run_id)s::bigint is null or p.run_id = %(run_id)s)
and (%(channel_id)s::text is null or exists (
    select from shares s
    where s.team_id = p.team_id and s.photo_id = p.photo_id and s.channel_id = %(channel_id)s
))
"""
PENDING = """
select count(*) as pending from photos p
where p.team_id = %(team_id)s and p.state = 'pending'
and (%(channel_ids)s::text[] is null or exists (
    select from shares s where s.team_id = p.team_id and s.photo_id = p.photo_id
    and s.channel_id = any(%(channel_ids)s)
))
"""
PROBLEMS = """
select name, state, reason from photos p
where team_id = %(team_id)s
and (state in ('unreadable', 'given up') or state = 'pending' and reason is not null)
and (%(channel_ids)s::text[] is null or exists (
    select from shares s where s.team_id = p.team_id and s.photo_id = p.photo_id
    and s.channel_id = any(%(channel_ids)s)
))
order by indexed_at desc, photo_id desc limit %(limit)s
"""

EARLIEST_SHARES = """
select distinct on (photo_id) photo_id, channel_id, ts, permalink, shared_by, shared_at
from shares
where team_id = %(team_id)s and photo_id = any(%(photo_ids)s)
and channel_id = any(%(channel_ids)s)
and (%(since)s::timestamptz is null or shared_at >= %(since)s)
and (%(until)s::timestamptz is null or shared_at < %(until)s)
order by photo_id, shared_at, ts
"""

Row: TypeAlias = dict[str, Any]


class Photos:
    """Implements ports.PhotoStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        team_id: TeamId,
        found: Sequence[FoundPhoto],
        *,
        channel_id: ChannelId | None = None,
        run_id: RunId | None = None,
    ) -> int:
        """Record photos a source listed; new and changed ones become pending.

        If they were listed in a channel that nobody watches (any more), nothing is recorded.
        Returns: how many were not known before.
        """
        new = 0
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            where = {"team_id": team_id, "channel_id": channel_id}
            if channel_id and connection.execute(IS_WATCHED, where).fetchone() is None:
                return 0
            for photo in found:
                row = connection.execute(ADD, _photo_values(team_id, photo, run_id)).fetchone()
                assert row is not None  # an upsert always returns its row
                new += row["is_new"]
                _add_shares(connection, team_id, PhotoId(row["photo_id"]), photo.shares)
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

    def keep_only(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        file_ids: Sequence[FileId],
        *,
        before: datetime,
        after: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Forget what the channel showed before `before` and that is not among `file_ids`.

        Only photos posted after `after`, and no later than `until`, where these are given.
        Returns: how many photos are gone, not counting those that another channel shows.
        """
        values = {
            "team_id": team_id,
            "channel_id": channel_id,
            "file_ids": list(file_ids),
            "before": before,
            "after": after,
            "until": until,
        }
        return self._drop_shares(team_id, DROP_UNLISTED_SHARES, values)

    def drop_share(self, team_id: TeamId, channel_id: ChannelId, ts: str) -> int:
        """A message was deleted; returns how many photos are gone with it."""
        values = {"team_id": team_id, "channel_id": channel_id, "ts": ts}
        return self._drop_shares(team_id, DROP_SHARE, values)

    def _drop_shares(self, team_id: TeamId, statement: LiteralString, values: Row) -> int:
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            dropped = connection.execute(statement, values).fetchall()
            photo_ids = [row["photo_id"] for row in dropped]
            gone = {"team_id": team_id, "photo_ids": photo_ids}
            deleted = connection.execute(DROP_UNSHARED, gone).rowcount
            note_deleted(connection, team_id, deleted)
            return deleted

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
            rows = connection.execute(EARLIEST_SHARES, values)
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


def note_deleted(connection: Connection, team_id: TeamId, photos: int) -> None:
    """Note in the audit that photos went with their faces, if any did."""
    if photos:
        note(connection, team_id, Entry(act=Act.DELETED_PHOTOS, details={"photos": photos}))


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


def _add_shares(
    connection: Connection, team_id: TeamId, photo_id: PhotoId, shares: Sequence[Share]
) -> None:
    for share in shares:
        values = {
            "team_id": team_id,
            "photo_id": photo_id,
            "channel_id": share.channel_id,
            "ts": share.ts,
            "permalink": share.permalink,
            "shared_by": share.shared_by,
            "shared_at": share.shared_at,
        }
        connection.execute(ADD_SHARE, values)
        connection.execute(DROP_PROVISIONAL_SHARE, values)
