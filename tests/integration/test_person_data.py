"""A person gets all that any table holds about them, and can have all of it forgotten.

What a new table or column holds about people makes tests fail here until somebody decided what
becomes of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

import numpy as np
import psycopg
import pytest
from psycopg import sql

from pipeline.domain.audit import Act, Entry
from pipeline.domain.consent import Allowance, Answer
from pipeline.domain.model import ChannelId, FileId
from pipeline.domain.people import PersonData
from pipeline.storage.connect import Database
from pipeline.wiring import now
from tests.integration.privacy_house import (
    ANN,
    BEN,
    CHANNEL,
    CLEO,
    DORA,
    OTHER,
    TEAM,
    House,
)
from tests.strategies import found_photo, share

SECRET = ChannelId("C2")

OF_PERSON = r"(user_id|asker_id|person_id|actor_id|posted_by|shared_by|requested_by|people)$"
"""What a column is called that holds who somebody is."""

COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema = 'public' and table_name = any(%s) order by table_name, ordinal_position
"""

COVERED = {
    ("alerts", "user_id"): "alerts_on",
    ("alerted", "user_id"): "told_of",
    ("audit", "actor_id"): "audit",
    ("audit", "person_id"): "audit",
    ("consent_requests", "asker_id"): "requests",
    ("consent_requests", "person_id"): "requests",
    ("held_selfies", "user_id"): "references",
    ("opt_outs", "user_id"): "references",
    ("people", "user_id"): "colleagues",
    ("person_references", "user_id"): "references",
    ("photos", "posted_by"): "posted",
    ("shares", "shared_by"): "posted",
    ("verdicts", "user_id"): "verdicts",
}
"""Where a person's data has what a column with their id says."""

NOT_COVERED = {
    ("consent_requests", "people"): (
        "whom else a colleague's question is about: it is that colleague's, and each of them has a "
        "row of their own"
    ),
    ("runs", "requested_by"): "an act of an admin; the audit has it",
}
"""Columns with a person's id that their data leaves out, each with its reason."""

SHOWN = {
    ("alerted", "alerted_at"),
    ("alerted", "photo_id"),
    ("audit", "act"),
    ("audit", "at"),
    ("audit", "details"),
    ("consent_requests", "answer"),
    ("consent_requests", "answered_at"),
    ("consent_requests", "asked_at"),
    ("held_selfies", "engine_id"),
    ("held_selfies", "held_at"),
    ("held_selfies", "quality"),
    ("opt_outs", "engine_id"),
    ("opt_outs", "made_at"),
    ("people", "colleagues"),
    ("people", "colleagues_at"),
    ("people", "out_at"),
    ("people", "told_at"),
    ("person_references", "created_at"),
    ("person_references", "engine_id"),
    ("person_references", "kind"),
    ("person_references", "quality"),
    ("person_references", "used_at"),
    ("verdicts", "given_at"),
    ("verdicts", "photo_id"),
    ("verdicts", "verdict"),
}
"""What else a row about a person says, and their data has."""

NOT_SHOWN = {
    ("alerted", "content_hash"): "names the photo once more",
    ("alerts", "looked_to"): "how far Findme looked, for everybody alike",
    ("alerts", "on_from"): "how far Findme looked, for everybody alike",
    ("alerts", "wait_until"): "when Findme goes on, for a night at most",
    ("audit", "audit_id"): "a number",
    ("consent_requests", "done_at"): "the work of Findme, or what another person said",
    ("consent_requests", "question"): "the asker's own words, as a button carries them",
    ("consent_requests", "request_id"): "a number",
    ("consent_requests", "sending_at"): "the work of Findme",
    ("consent_requests", "told_at"): "an asker may not learn whether somebody was told",
    ("held_selfies", "embedding"): "leaves no machine",
    ("held_selfies", "faces_in_picture"): "of the picture, which they have",
    ("held_selfies", "picture_hash"): "a hash of the picture, which they have",
    ("held_selfies", "token"): "what a button names it by, for an hour",
    ("opt_outs", "embedding"): "leaves no machine",
    ("opt_outs", "max_distance"): "the engine's own, for everybody alike",
    ("person_references", "embedding"): "leaves no machine",
    ("person_references", "faces_in_picture"): "of the picture, which they have",
    ("person_references", "origin"): "a hash of the picture, which they have",
    ("verdicts", "box"): "where in the photo, in px",
    ("verdicts", "content_hash"): "names the photo once more",
}
"""What their data leaves out, each with its reason."""

ABOUT_PEOPLE = (
    "alerted",
    "alerts",
    "audit",
    "consent_requests",
    "held_selfies",
    "opt_outs",
    "people",
    "person_references",
    "verdicts",
)
"""Tables whose rows are about one person each; in others a person is only named."""

KEPT = {
    "audit": "what was done stays known: no name, no face, no text",
    "photos": "who posted a photo goes with the photo",
    "shares": "who posted a photo goes with the photo",
    "runs": "an act of an admin",
}
"""Tables that name whoever was forgotten, each with its reason."""

KEPT_OUT = {
    "people": "that they turned Findme off",
    "opt_outs": "the one template that it takes",
}
"""The same of whoever turned Findme off."""


@pytest.fixture
def house(database: Database) -> House:
    """Everything of ANN that can be, and something of others."""
    made = House(database)
    made.all_of(ANN)
    made.all_of(BEN)
    made.wish(DORA, BEN, ANN)
    made.all_of(ANN, OTHER)
    made.run(
        "insert into runs (team_id, requested_by) values (%s, %s), (%s, %s)", TEAM, ANN, OTHER, ANN
    )
    return made


def out(house: House) -> None:
    """ANN turns Findme off, and still knows all of it but the template: for the tables' sake."""
    house.run("update people set out_at = now() where user_id = %s", ANN)
    house.opt_outs.put(TEAM, house.template(ANN), engine_id=house.reader.engine_id)


def everything(house: House) -> PersonData:
    return house.data.everything(TEAM, ANN, channel_ids=[CHANNEL])


def columns(house: House, *tables: str) -> set[tuple[str, str]]:
    return {(table, column) for table, column in house.rows(COLUMNS, list(tables))}


def columns_of_people(house: House) -> set[tuple[str, str]]:
    named = columns(house, *house.tables())
    return {(table, column) for table, column in named if re.search(OF_PERSON, column)}


def test_each_column_that_names_a_person_is_covered_or_has_a_reason(database: Database) -> None:
    house = House(database)
    assert columns_of_people(house) == COVERED.keys() | NOT_COVERED.keys()


def test_whatever_else_is_said_of_a_person_is_shown_or_has_a_reason(database: Database) -> None:
    house = House(database)
    said = columns(house, *ABOUT_PEOPLE) - columns_of_people(house)

    assert {one for one in said if one[1] != "team_id"} == SHOWN | NOT_SHOWN.keys()


def test_each_covered_column_is_in_the_data(house: House) -> None:
    """And is of ANN in these very tables: what is missing here would not be seen to be."""
    out(house)
    data = everything(house)

    for (table, column), part in COVERED.items():
        named = sql.SQL("select count(*) from {} where team_id = %s and {} = %s").format(
            sql.Identifier(table), sql.Identifier(column)
        )
        with psycopg.connect(house.database.conninfo) as connection:
            row = connection.execute(named, [TEAM, ANN]).fetchone()
        assert row is not None
        assert row[0] > 0, f"{table}.{column} doesn't name ANN: make all_of() do so"
        assert getattr(data, part), f"{table}.{column} is not in PersonData.{part}"


def test_what_is_kept_is_told_as_it_is(house: House) -> None:
    out(house)

    data = everything(house)

    assert sorted(one.kind for one in data.references) == [
        "profile",
        "selfie",
        "selfie for an hour",
        "turned off",
    ]
    assert {one.engine_id for one in data.references} == {house.reader.engine_id}
    ((verdict, at),) = [(one, one.permalink) for one in data.verdicts]
    assert (verdict.file_id, verdict.verdict, at) == ("F of 0", "me", share().permalink)
    assert [one.file_id for one in data.told_of] == ["F of 0"]
    assert [(one.file_id, one.permalink) for one in data.posted] == [("F of 0", share().permalink)]
    assert data.alerts_on
    assert data.colleagues is Allowance.ALLOWED
    assert None not in (data.colleagues_at, data.out_at, data.told_at)
    assert {(one.asker_id, one.person_id) for one in data.requests} == {
        (ANN, BEN),
        (BEN, ANN),
        (DORA, ANN),
    }
    assert data.audit[-1].entry == Entry(act=Act.SENT_DATA, actor_id=ANN, person_id=ANN)


def test_of_a_stranger_nothing_is_told(house: House) -> None:
    data = house.data.everything(OTHER, DORA)

    assert [one.entry.act for one in data.audit] == [Act.SENT_DATA]
    assert replace(data, audit=[]) == NOTHING


NOTHING = PersonData(
    references=[],
    verdicts=[],
    alerts_on=False,
    told_of=[],
    colleagues=None,
    colleagues_at=None,
    out_at=None,
    requests=[],
    posted=[],
    audit=[],
)


def test_no_embedding_is_in_it(house: House) -> None:
    out(house)

    data = everything(house)

    numbers = [value for value in _leaves(asdict(data)) if isinstance(value, float)]
    assert len(numbers) == 3  # the quality of three pictures
    assert not any(isinstance(value, np.ndarray | bytes) for value in _leaves(asdict(data)))


def _leaves(value: object) -> Iterator[object]:
    match value:
        case Mapping():
            for one in value.values():
                yield from _leaves(one)
        case list() | tuple():
            for one in value:
                yield from _leaves(one)
        case _:
            yield value


@pytest.mark.parametrize("answer", [None, *Answer])
def test_what_a_colleague_answered_is_not_told_to_who_asked(
    database: Database, answer: Answer | None
) -> None:
    house = House(database)
    asked = house.wish(BEN, ANN, CLEO)
    if answer is not None:
        house.consents.answer(TEAM, ANN, asked[ANN], answer, now=now())

    bens = house.data.everything(TEAM, BEN)
    anns = house.data.everything(TEAM, ANN)

    assert [(one.person_id, one.answer, one.answered_at) for one in bens.requests] == [
        (ANN, None, None),
        (CLEO, None, None),
    ]
    assert [one.entry.act for one in bens.audit] == [Act.ASKED, Act.ASKED, Act.SENT_DATA]
    assert [one.answer for one in anns.requests] == [answer]


def test_what_they_uploaded_and_somebody_else_shared_is_theirs(database: Database) -> None:
    house = House(database)
    by_ben = replace(share(), shared_by=BEN)
    house.add(replace(found_photo("F1"), posted_by=ANN, shares=[by_ben]))

    (anns,) = house.data.everything(TEAM, ANN).posted
    (bens,) = house.data.everything(TEAM, BEN).posted

    assert (anns.file_id, anns.permalink) == ("F1", None)
    assert (bens.file_id, bens.permalink) == ("F1", by_ben.permalink)


def test_channels_that_they_cannot_open_are_not_named(house: House) -> None:
    """The photo was posted in a secret channel before it came to theirs."""
    house.workspaces.watch(TEAM, SECRET, "secret")
    photo = found_photo("F of 0", shares=[share(SECRET, day=-1), share()])
    house.add(replace(photo, posted_by=ANN))

    data = everything(house)

    assert links(data) == [share().permalink] * 2
    assert links(house.data.everything(TEAM, ANN)) == [None] * 2


def links(data: PersonData) -> list[str | None]:
    return [one.permalink for one in data.verdicts] + [one.permalink for one in data.told_of]


def test_a_photo_that_is_gone_is_told_as_such(house: House) -> None:
    house.photos.delete(TEAM, FileId("F of 0"))

    data = everything(house)

    assert [(one.file_id, one.permalink) for one in data.told_of] == [("deleted", None)]
    assert (data.verdicts, data.posted) == ([], [])


def test_whoever_is_forgotten_is_named_nowhere_but_for_a_reason(house: House) -> None:
    before = house.naming(ANN)
    assert before.keys() == {table for table, _ in COVERED.keys() | NOT_COVERED.keys()} - {
        "opt_outs"
    }

    house.forget(TEAM, ANN, by=ANN)

    assert house.naming(ANN).keys() == KEPT.keys()
    data = everything(house)
    assert replace(data, audit=[], posted=[]) == NOTHING


def test_whoever_is_out_and_forgotten_is_only_known_to_be_out(house: House) -> None:
    house.opt_out.off(TEAM, ANN)
    house.forget(TEAM, ANN, by=ANN)

    assert house.naming(ANN).keys() == KEPT.keys() | KEPT_OUT.keys()
    data = everything(house)
    assert data.out_at is not None
    assert [one.kind for one in data.references] == ["turned off"]
    assert replace(data, audit=[], posted=[], references=[], out_at=None) == NOTHING


def test_others_and_other_workspaces_are_not_forgotten(house: House) -> None:
    elsewhere = house.naming(ANN, OTHER)
    about_ben = house.people.about(TEAM, BEN, engine_id=house.reader.engine_id)

    house.forget(TEAM, ANN, by=ANN)

    assert house.naming(ANN, OTHER) == elsewhere
    assert house.people.about(TEAM, BEN, engine_id=house.reader.engine_id) == about_ben
