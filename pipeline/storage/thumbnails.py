"""Thumbnails: which of the bot's own files in Slack shows a photo that Slack itself can't show."""

from collections.abc import Collection, Mapping, Sequence

from pipeline.domain.model import FileId, PhotoId, TeamId
from pipeline.storage.connect import Database

GET = """
select t.photo_id, t.thumbnail_file_id from thumbnails t
join photos p on p.team_id = t.team_id and p.photo_id = t.photo_id and p.version = t.version
where t.team_id = %(team_id)s and t.photo_id = any(%(photo_ids)s)
"""
# The lock makes whoever changes or deletes the photo just now come before or after.
LOCK_VERSION = """
select version from photos
where team_id = %(team_id)s and photo_id = %(photo_id)s and version = %(version)s for share
"""
PUT = """
insert into thumbnails (team_id, photo_id, version, thumbnail_file_id)
values (%(team_id)s, %(photo_id)s, %(version)s, %(file_id)s)
on conflict (team_id, photo_id, version) do nothing
"""
KEPT = """
select thumbnail_file_id from thumbnails
where team_id = %(team_id)s and photo_id = %(photo_id)s and version = %(version)s
"""
# Most photos are shown as they are, or have one: those are gone before anything is joined, which
# the planner wouldn't do by itself. Among 100,000 photos it takes 15 ms where none is to be
# converted, 100 ms where half are: no index is worth its writes.
MISSING = """
with without as materialized (
    select p.photo_id, p.posted_at from photos p
    where p.team_id = %(team_id)s and p.state = 'indexed'
    and starts_with(p.media_type, 'image/') and not p.media_type = any(%(shown_types)s)
    and not p.photo_id = any(%(leaving_out)s)
    and not exists (
        select from thumbnails t
        where t.team_id = p.team_id and t.photo_id = p.photo_id and t.version = p.version
    )
)
select photo_id from without
where exists (
    select from faces f
    join workspaces w on w.team_id = f.team_id and w.engine_id = f.engine_id
    where f.team_id = %(team_id)s and f.photo_id = without.photo_id
) and exists (
    select from shares s
    join channels c on c.team_id = s.team_id and c.channel_id = s.channel_id and c.watched
    where s.team_id = %(team_id)s and s.photo_id = without.photo_id
)
order by posted_at desc, photo_id desc limit %(limit)s
"""
ORPHANS = """
select t.thumbnail_file_id from thumbnails t
where t.team_id = %(team_id)s and not exists (
    select from photos p
    where p.team_id = t.team_id and p.photo_id = t.photo_id and p.version = t.version
)
order by t.photo_id, t.version
"""
DROP = """
delete from thumbnails
where team_id = %(team_id)s and thumbnail_file_id = any(%(file_ids)s)
"""


class Thumbnails:
    """Files that the bot made and uploaded; whoever shows photos asks for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, team_id: TeamId, photo_ids: Collection[PhotoId]) -> Mapping[PhotoId, FileId]:
        """The thumbnails of those photos that have one, of their present version."""
        values = {"team_id": team_id, "photo_ids": list(photo_ids)}
        with self._database.transaction() as connection:
            return {
                PhotoId(row["photo_id"]): FileId(row["thumbnail_file_id"])
                for row in connection.execute(GET, values)
            }

    def put(
        self, team_id: TeamId, photo_id: PhotoId, file_id: FileId, *, version: str
    ) -> FileId | None:
        """Keep the thumbnail of this version of the photo.

        Returns: None, or `file_id` if nobody needs it (somebody else was first, or the photo is
        deleted or another version by now), so that the caller deletes it in Slack.
        """
        values = {
            "team_id": team_id,
            "photo_id": photo_id,
            "version": version,
            "file_id": file_id,
        }
        with self._database.transaction() as connection:
            if connection.execute(LOCK_VERSION, values).fetchone() is None:
                return file_id
            connection.execute(PUT, values)
            kept = connection.execute(KEPT, values).fetchone()
        return None if kept is not None and kept["thumbnail_file_id"] == file_id else file_id

    def missing(
        self,
        team_id: TeamId,
        *,
        shown_types: Collection[str],
        leaving_out: Collection[PhotoId],
        limit: int,
    ) -> Sequence[PhotoId]:
        """Photos with a face to be found and no thumbnail of their present version, newest first.

        Pictures in watched channels, of another media type than `shown_types`.
        """
        values = {
            "team_id": team_id,
            "shown_types": list(shown_types),
            "leaving_out": list(leaving_out),
            "limit": limit,
        }
        with self._database.transaction() as connection:
            return [PhotoId(row["photo_id"]) for row in connection.execute(MISSING, values)]

    def orphans(self, team_id: TeamId) -> Sequence[FileId]:
        """Thumbnails whose photo is deleted, or another version by now: to be deleted in Slack."""
        with self._database.transaction() as connection:
            return [
                FileId(row["thumbnail_file_id"])
                for row in connection.execute(ORPHANS, {"team_id": team_id})
            ]

    def drop(self, team_id: TeamId, file_ids: Collection[FileId]) -> None:
        """They are deleted in Slack."""
        values = {"team_id": team_id, "file_ids": list(file_ids)}
        with self._database.transaction() as connection:
            connection.execute(DROP, values)
