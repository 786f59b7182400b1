"""All that is kept about one person, to be given to them."""

from collections.abc import Sequence
from typing import Any

from pipeline.domain.audit import Act, Entry
from pipeline.domain.consent import Answer
from pipeline.domain.model import ChannelId, EngineId, FileId, TeamId, UserId
from pipeline.domain.people import (
    KeptPhoto,
    KeptReference,
    KeptRequest,
    KeptVerdict,
    PersonData,
)
from pipeline.storage.alerts import has_alerts
from pipeline.storage.audit import about, note
from pipeline.storage.connect import Database
from pipeline.storage.consents import consent_of

REFERENCES = """
select kind, engine_id, quality, created_at, used_at from person_references
where team_id = %(team_id)s and user_id = %(user_id)s
union all
select 'turned off', engine_id, null, made_at, null from opt_outs
where team_id = %(team_id)s and user_id = %(user_id)s
union all
select 'selfie for an hour', engine_id, quality, held_at, null from held_selfies
where team_id = %(team_id)s and user_id = %(user_id)s
order by 4
"""
TOLD = "select told_at from people where team_id = %(team_id)s and user_id = %(user_id)s"
# What was said once counts once: a repost has the words of the first post.
VERDICTS = """
select distinct on (v.content_hash, v.box) p.file_id, v.verdict, v.given_at, (
    select s.permalink from shares s
    where s.team_id = %(team_id)s and s.photo_id = v.photo_id
    and s.channel_id = any(%(channel_ids)s) order by s.shared_at, s.ts limit 1
) as permalink
from verdicts v join photos p on p.team_id = v.team_id and p.photo_id = v.photo_id
where v.team_id = %(team_id)s and v.user_id = %(user_id)s
order by v.content_hash, v.box, p.posted_at
"""
TOLD_OF = """
select coalesce(p.file_id, 'deleted') as file_id, t.alerted_at as at, (
    select s.permalink from shares s
    where s.team_id = %(team_id)s and s.photo_id = t.photo_id
    and s.channel_id = any(%(channel_ids)s) order by s.shared_at, s.ts limit 1
) as permalink
from alerted t left join photos p on p.team_id = t.team_id and p.photo_id = t.photo_id
where t.team_id = %(team_id)s and t.user_id = %(user_id)s order by t.alerted_at
"""
# Also what they uploaded and others shared.
POSTED = """
select p.file_id, s.permalink, coalesce(s.shared_at, p.posted_at) as at from photos p
left join shares s on s.team_id = p.team_id and s.photo_id = p.photo_id
    and s.shared_by = %(user_id)s
where p.team_id = %(team_id)s and (p.posted_by = %(user_id)s or s.photo_id is not null)
order by at, s.ts
"""
REQUESTS = """
select asker_id, person_id, asked_at, answer, answered_at from consent_requests
where team_id = %(team_id)s and (asker_id = %(user_id)s or person_id = %(user_id)s)
order by asked_at
"""


class PeoplesData:
    """Implements ports.DataStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def everything(
        self, team_id: TeamId, user_id: UserId, *, channel_ids: Sequence[ChannelId] = ()
    ) -> PersonData:
        """What any table holds about the person; that they have it now is noted, too.

        `channel_ids` are those that they can open: no other is named but where they posted.

        Of their own wishes they don't get the answer: what a colleague said stays with that one.
        """
        values = {"team_id": team_id, "user_id": user_id, "channel_ids": list(channel_ids)}
        with self._database.transaction() as connection:
            note(connection, team_id, Entry(act=Act.SENT_DATA, actor_id=user_id, person_id=user_id))
            consent = consent_of(connection, team_id, user_id)
            told = connection.execute(TOLD, values).fetchone()
            return PersonData(
                references=[
                    KeptReference(**{**row, "engine_id": EngineId(row["engine_id"])})
                    for row in connection.execute(REFERENCES, values)
                ],
                verdicts=[
                    KeptVerdict(**{**row, "file_id": FileId(row["file_id"])})
                    for row in connection.execute(VERDICTS, values)
                ],
                alerts_on=has_alerts(connection, team_id, user_id),
                told_of=[
                    KeptPhoto(**{**row, "file_id": FileId(row["file_id"])})
                    for row in connection.execute(TOLD_OF, values)
                ],
                colleagues=consent.colleagues,
                colleagues_at=consent.colleagues_at,
                out_at=consent.out_at,
                requests=[_request(row, user_id) for row in connection.execute(REQUESTS, values)],
                posted=[
                    KeptPhoto(**{**row, "file_id": FileId(row["file_id"])})
                    for row in connection.execute(POSTED, values)
                ],
                audit=about(connection, team_id, user_id),
                told_at=told["told_at"] if told else None,
            )


def _request(row: dict[str, Any], user_id: UserId) -> KeptRequest:
    is_theirs = row["person_id"] == user_id
    return KeptRequest(
        asker_id=UserId(row["asker_id"]),
        person_id=UserId(row["person_id"]),
        asked_at=row["asked_at"],
        answer=Answer(row["answer"]) if is_theirs and row["answer"] else None,
        answered_at=row["answered_at"] if is_theirs else None,
    )
