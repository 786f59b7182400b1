"""Consent: what people decided, and which colleagues wait for whose word."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.domain.audit import Act, Entry
from pipeline.domain.consent import (
    ASK_AGAIN_AFTER,
    Allowance,
    Answer,
    Consent,
    ConsentRequest,
    Contact,
    Granted,
    RequestId,
    may_be_asked,
)
from pipeline.domain.model import TeamId, UserId
from pipeline.storage.audit import note
from pipeline.storage.connect import Connection, Database, lock_consents

CONSENTS = """
select p.user_id, p.told_at is not null as is_told, p.colleagues, p.colleagues_at, p.out_at,
    once.answered_at as once_at, once.sending_at as once_sent_at
from people p
left join lateral (
    select r.answered_at, r.sending_at from consent_requests r
    where r.team_id = %(team_id)s and r.person_id = p.user_id and r.asker_id = %(asker)s
    and r.people = %(people)s and r.answer = 'once'
    order by r.answered_at desc limit 1
) once on true
where p.team_id = %(team_id)s and p.user_id = any(%(user_ids)s)
"""
# Whoever said something once has a row: answers, too, are theirs.
HAVE_PERSON = """
insert into people (team_id, user_id) values (%(team_id)s, %(user_id)s)
on conflict (team_id, user_id) do update set user_id = excluded.user_id
returning told_at is not null as is_told, colleagues, colleagues_at, out_at,
    null::timestamptz as once_at, null::timestamptz as once_sent_at
"""
SET_TOLD = """
insert into people (team_id, user_id, told_at) values (%(team_id)s, %(user_id)s, now())
on conflict (team_id, user_id) do update set told_at = coalesce(people.told_at, excluded.told_at)
"""
SET_COLLEAGUES = """
update people set colleagues = %(colleagues)s, colleagues_at = %(now)s
where team_id = %(team_id)s and user_id = %(user_id)s
"""
# *Just this once* is neither a no nor silence: when its answer was sent, they may be asked again.
CONTACT = """
select coalesce(bool_or(
        asker_id = %(asker)s and (answer is distinct from 'once' or done_at is null)
    ), false) as by_asker,
    count(*) filter (where answer is null and done_at is null) as unanswered
from consent_requests
where team_id = %(team_id)s and person_id = %(user_id)s and told_at > %(since)s
"""
# Whoever allowed it a moment ago has answered already.
ADD = """
insert into consent_requests
    (team_id, asker_id, person_id, people, question, asked_at, told_at, answer, answered_at)
values (%(team_id)s, %(asker)s, %(user_id)s, %(people)s, %(question)s, %(now)s, %(told_at)s,
    %(answer)s, %(answered_at)s)
on conflict (team_id, asker_id, person_id, question) where done_at is null do update
set told_at = coalesce(excluded.told_at, consent_requests.told_at)
returning request_id
"""
UNTOLD = """
update consent_requests set told_at = null
where team_id = %(team_id)s and request_id = %(request_id)s
"""
# Also where another of the people said no: whoever asked may not learn that, nor do they.
OPEN = """
select request_id, asker_id from consent_requests
where team_id = %(team_id)s and person_id = %(user_id)s and answer is null
order by request_id
"""
ANSWER = """
update consent_requests set answer = %(answer)s, answered_at = %(now)s
where team_id = %(team_id)s and request_id = any(%(request_ids)s)
"""
# One of several people said no: the others' word is of no use to that question any more.
CLOSE_REFUSED = """
update consent_requests r set done_at = %(now)s
where r.team_id = %(team_id)s and r.done_at is null and exists (
    select from consent_requests o
    where o.team_id = %(team_id)s and o.asker_id = r.asker_id and o.question = r.question
    and o.answer = 'refused' and o.done_at is null
)
"""
GRANTED = """
select asker_id, question, array_agg(request_id) as request_ids from consent_requests
where team_id = %(team_id)s and done_at is null
group by asker_id, question
having bool_and(answer in ('once', 'allowed')) and bool_and(answer is not null)
and (max(sending_at) is null or max(sending_at) < %(sent_before)s)
order by min(request_id)
"""
CLAIM = """
update consent_requests set sending_at = %(now)s
where team_id = %(team_id)s and request_id = any(%(request_ids)s) and done_at is null
and (sending_at is null or sending_at < %(sent_before)s)
"""
DONE = """
update consent_requests set done_at = %(now)s
where team_id = %(team_id)s and request_id = any(%(request_ids)s)
"""
RELEASE = """
update consent_requests set sending_at = null
where team_id = %(team_id)s and request_id = any(%(request_ids)s)
"""
# `forget me`: what somebody decided, but that they are out; and what they asked or were asked.
# Without them a question for several people is none.
DROP_WORD = """
update people set told_at = null, colleagues = null, colleagues_at = null
where team_id = %(team_id)s and user_id = %(user_id)s
and (colleagues is not null or told_at is not null)
returning colleagues is not null as had_word
"""
WORDS = """
select (select count(*) from people p
    where p.team_id = %(team_id)s and p.user_id = %(user_id)s and p.colleagues is not null)
    + (select count(*) from consent_requests r
    where r.team_id = %(team_id)s and (r.asker_id = %(user_id)s or %(user_id)s = any(r.people)))
    as words
"""
DROP_REQUESTS = """
delete from consent_requests
where team_id = %(team_id)s and (asker_id = %(user_id)s or %(user_id)s = any(people))
"""
DROP_PERSON = """
delete from people where team_id = %(team_id)s and user_id = %(user_id)s and out_at is null
"""


class Consents:
    """Implements ports.ConsentStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(
        self, team_id: TeamId, people: Sequence[UserId], *, asker: UserId
    ) -> Mapping[UserId, Consent]:
        """What the asker and these people decided, `once_at` for that asker and all of them.

        Whoever said nothing is missing.
        """
        values = {
            "team_id": team_id,
            "asker": asker,
            "people": sorted(set(people)),
            "user_ids": [asker, *people],
        }
        with self._database.transaction() as connection:
            return {
                UserId(row["user_id"]): _consent(row)
                for row in connection.execute(CONSENTS, values)
            }

    def told(self, team_id: TeamId, user_id: UserId) -> None:
        """They read how Findme works."""
        with self._database.transaction() as connection:
            connection.execute(SET_TOLD, {"team_id": team_id, "user_id": user_id})

    def wish(
        self,
        team_id: TeamId,
        asker: UserId,
        *,
        people: Sequence[UserId],
        of: Sequence[UserId],
        question: str,
        now: datetime,
    ) -> Sequence[ConsentRequest]:
        """Let a question wait for the word `of` some of its people.

        Returns: the wishes that the people are to be told of. They count as told already.
        """
        told = []
        values: dict[str, Any] = {
            "team_id": team_id,
            "asker": asker,
            "people": sorted(set(people)),
            "question": question,
            "now": now,
            "since": now - ASK_AGAIN_AFTER,
        }
        with self._database.transaction() as connection:
            lock_consents(connection, team_id)
            for user_id in sorted(set(of)):
                one = values | {"user_id": user_id}
                consent = _had(connection, one)
                contact = connection.execute(CONTACT, one).fetchone()
                assert contact is not None  # an aggregate always has a row
                is_asked = may_be_asked(consent, Contact(**contact), now=now)
                is_allowed = consent.colleagues is Allowance.ALLOWED and not consent.is_out
                word = {
                    "told_at": now if is_asked else None,
                    "answer": Answer.ALLOWED.value if is_allowed else None,
                    "answered_at": now if is_allowed else None,
                }
                added = connection.execute(ADD, one | word).fetchone()
                assert added is not None  # an upsert always returns its row
                request_id = RequestId(added["request_id"])
                # Whether they were told or not: the asker may read this of themselves.
                note(connection, team_id, Entry(act=Act.ASKED, actor_id=asker, person_id=user_id))
                if is_asked:
                    told.append(
                        ConsentRequest(
                            request_id=request_id,
                            asker_id=asker,
                            person_id=user_id,
                            people=people,
                        )
                    )
        return told

    def untold(self, team_id: TeamId, request_id: RequestId) -> None:
        """The message didn't reach them: they may be asked again."""
        with self._database.transaction() as connection:
            connection.execute(UNTOLD, {"team_id": team_id, "request_id": request_id})

    def answer(
        self,
        team_id: TeamId,
        user_id: UserId,
        request_id: RequestId,
        answer: Answer,
        *,
        now: datetime,
    ) -> bool:
        """A person's word on a wish; False if that wish is not open any more.

        *Allowed* and *refused* hold for everybody, so all open wishes get them.
        """
        with self._database.transaction() as connection:
            lock_consents(connection, team_id)
            values: dict[str, Any] = {"team_id": team_id, "user_id": user_id, "now": now}
            _had(connection, values)
            waiting = {
                RequestId(row["request_id"]): UserId(row["asker_id"])
                for row in connection.execute(OPEN, values)
            }
            if request_id not in waiting:
                return False
            asker = waiting[request_id]
            if answer is Answer.ONCE:
                _answer(connection, values, [request_id], answer)
                entry = Entry(act=Act.ALLOWED_ONCE, actor_id=user_id, person_id=asker)
                note(connection, team_id, entry)
            else:
                _decide(connection, values, list(waiting), Allowance(answer.value))
        return True

    def decide(
        self, team_id: TeamId, user_id: UserId, colleagues: Allowance, *, now: datetime
    ) -> None:
        """A person's word without having been asked; open wishes get it as well."""
        with self._database.transaction() as connection:
            lock_consents(connection, team_id)
            values: dict[str, Any] = {"team_id": team_id, "user_id": user_id, "now": now}
            _had(connection, values)
            waiting = [RequestId(row["request_id"]) for row in connection.execute(OPEN, values)]
            _decide(connection, values, waiting, colleagues)

    def granted(self, team_id: TeamId, *, sent_before: datetime) -> Sequence[Granted]:
        """Questions to which everybody agreed, their answer not on its way since `sent_before`."""
        values = {"team_id": team_id, "sent_before": sent_before}
        with self._database.transaction() as connection:
            return [
                Granted(
                    request_ids=[RequestId(one) for one in row["request_ids"]],
                    asker_id=UserId(row["asker_id"]),
                    question=row["question"],
                )
                for row in connection.execute(GRANTED, values)
            ]

    def claim(
        self, team_id: TeamId, granted: Granted, *, now: datetime, sent_before: datetime
    ) -> bool:
        """The caller sends the answer; False if somebody else does."""
        values = _requests(team_id, granted) | {"now": now, "sent_before": sent_before}
        with self._database.transaction() as connection:
            lock_consents(connection, team_id)
            return connection.execute(CLAIM, values).rowcount == len(granted.request_ids)

    def done(self, team_id: TeamId, granted: Granted, *, now: datetime) -> None:
        """It was sent."""
        with self._database.transaction() as connection:
            lock_consents(connection, team_id)
            connection.execute(DONE, _requests(team_id, granted) | {"now": now})

    def release(self, team_id: TeamId, granted: Granted) -> None:
        """It could not be sent: somebody is to try again."""
        with self._database.transaction() as connection:
            lock_consents(connection, team_id)
            connection.execute(RELEASE, _requests(team_id, granted))


def drop_consents(connection: Connection, team_id: TeamId, user_id: UserId) -> int:
    """Forget what somebody allowed and wished, but not that they are out; how much that was."""
    lock_consents(connection, team_id)
    values = {"team_id": team_id, "user_id": user_id}
    row = connection.execute(WORDS, values).fetchone()
    assert row is not None  # a select of two counts always has a row
    connection.execute(DROP_WORD, values)
    connection.execute(DROP_REQUESTS, values)
    connection.execute(DROP_PERSON, values)
    return int(row["words"])


def consent_of(connection: Connection, team_id: TeamId, user_id: UserId) -> Consent:
    """What one person decided."""
    values = {
        "team_id": team_id,
        "asker": user_id,
        "people": list[str](),
        "user_ids": [user_id],
    }
    row = connection.execute(CONSENTS, values).fetchone()
    return Consent() if row is None else _consent(row)


def _decide(
    connection: Connection,
    values: dict[str, Any],
    waiting: Sequence[RequestId],
    colleagues: Allowance,
) -> None:
    connection.execute(SET_COLLEAGUES, values | {"colleagues": colleagues.value})
    _answer(connection, values, waiting, Answer(colleagues.value))
    act = Act.ALLOWED if colleagues is Allowance.ALLOWED else Act.REFUSED
    note(connection, values["team_id"], Entry(act=act, actor_id=values["user_id"]))


def _answer(
    connection: Connection,
    values: dict[str, Any],
    request_ids: Sequence[RequestId],
    answer: Answer,
) -> None:
    connection.execute(ANSWER, values | {"request_ids": list(request_ids), "answer": answer.value})
    if answer is Answer.REFUSED:
        connection.execute(CLOSE_REFUSED, values)


def _had(connection: Connection, values: dict[str, Any]) -> Consent:
    row = connection.execute(HAVE_PERSON, values).fetchone()
    assert row is not None  # an upsert always returns its row
    return _consent(row)


def _requests(team_id: TeamId, granted: Granted) -> dict[str, Any]:
    return {"team_id": team_id, "request_ids": list(granted.request_ids)}


def _consent(row: dict[str, Any]) -> Consent:
    return Consent(
        is_told=row["is_told"],
        colleagues=Allowance(row["colleagues"]) if row["colleagues"] else None,
        colleagues_at=row["colleagues_at"],
        out_at=row["out_at"],
        once_at=row["once_at"],
        once_sent_at=row["once_sent_at"],
    )
