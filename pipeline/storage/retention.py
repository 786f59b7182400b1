"""What is too old to be kept."""

from datetime import datetime

from pipeline.domain.audit import Act, Entry
from pipeline.domain.model import TeamId
from pipeline.domain.people import Expired
from pipeline.storage.audit import note
from pipeline.storage.connect import Database, lock_consents, lock_shares

# A photo is as old as the last time that somebody posted it.
DROP_SHARES = """
delete from shares where team_id = %(team_id)s and shared_at < %(photos_before)s
"""
COUNT_FACES = """
select count(*) as faces from faces f
where f.team_id = %(team_id)s and not exists (
    select from shares s where s.team_id = f.team_id and s.photo_id = f.photo_id
) and exists (
    select from photos p where p.team_id = f.team_id and p.photo_id = f.photo_id
    and p.posted_at < %(photos_before)s
)
"""
DROP_PHOTOS = """
delete from photos p where p.team_id = %(team_id)s and p.posted_at < %(photos_before)s
and not exists (
    select from shares s where s.team_id = p.team_id and s.photo_id = p.photo_id
)
"""
# Where photos expire, such an old one comes into the index no more, and is no news to anybody.
DROP_TOLD = """
delete from alerted where team_id = %(team_id)s and alerted_at < %(photos_before)s
"""
DROP_REFERENCES = """
delete from person_references where team_id = %(team_id)s and used_at < %(references_before)s
"""
# Whoever was told of an old wish only now is not to be told again tomorrow, nor is their word lost.
DROP_REQUESTS = """
delete from consent_requests where team_id = %(team_id)s
and greatest(asked_at, told_at, answered_at) < %(requests_before)s
"""


class Retention:
    """Implements ports.RetentionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expire(
        self,
        team_id: TeamId,
        *,
        photos_before: datetime | None,
        references_before: datetime,
        requests_before: datetime,
    ) -> Expired:
        """Forget photos last posted, references last used, wishes last heard of before these times.

        Photos don't expire if there is no `photos_before`.
        """
        values = {
            "team_id": team_id,
            "photos_before": photos_before,
            "references_before": references_before,
            "requests_before": requests_before,
        }
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            lock_consents(connection, team_id)
            connection.execute(DROP_SHARES, values)
            connection.execute(DROP_TOLD, values)
            row = connection.execute(COUNT_FACES, values).fetchone()
            assert row is not None  # an aggregate always has a row
            expired = Expired(
                faces=row["faces"],
                photos=connection.execute(DROP_PHOTOS, values).rowcount,
                references=connection.execute(DROP_REFERENCES, values).rowcount,
                requests=connection.execute(DROP_REQUESTS, values).rowcount,
            )
            details = {
                "photos": expired.photos,
                "faces": expired.faces,
                "references": expired.references,
                "requests": expired.requests,
            }
            if any(details.values()):
                note(connection, team_id, Entry(act=Act.EXPIRED, details=details))
        return expired
