"""What is known of a person can be seen, and forgotten: all of it at once, and of nobody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from pipeline.domain.model import (
    EngineId,
    FileId,
    PhotoId,
    Reference,
    ReferenceKind,
    TeamId,
    UserId,
)
from pipeline.domain.people import AboutPerson, Forgotten
from pipeline.domain.verdicts import Verdict
from pipeline.storage.alerts import Alerts
from pipeline.storage.connect import Database
from pipeline.storage.people import People
from pipeline.storage.photos import ADOPT_VERDICTS, LOCK_ENGINE, Photos
from pipeline.storage.verdicts import Verdicts
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.forget_person import ForgetPerson
from pipeline.wiring import now
from tests.strategies import found_photo, photo_faces, random_units
from tests.waiting import wait_until

TEAM, OTHER = TeamId("T1"), TeamId("T2")
ANN, BEN = UserId("U1"), UserId("U2")
ENGINE, NEXT = EngineId("test"), EngineId("next")
EMBEDDING = random_units(1, 8, seed=1)[0]
FACES = photo_faces(*random_units(8, 8, seed=2))
LEFT, RIGHT = (face.detection.box for face in FACES.faces[::7])
"""Of the first and the last face: they don't overlap."""
NOTHING = Forgotten(references=0, verdicts=0, alerts=False)
NOTHING_KNOWN = AboutPerson(references=[], confirmed=0, rejected=0, alerts_on=False)


class Office:
    """Two workspaces with the same photos, and what is kept of the people in them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.workspaces = Workspaces(database)
        self.photos = Photos(database)
        self.people = People(database)
        self.verdicts = Verdicts(database)
        self.alerts = Alerts(database)
        self.forget = ForgetPerson(people=self.people)
        for team_id in (TEAM, OTHER):
            self.workspaces.claim(team_id, ENGINE)

    def post(self, file_id: str, *, content: bytes, team_id: TeamId = TEAM) -> PhotoId:
        """A photo with faces, indexed."""
        self.photos.add(team_id, [found_photo(file_id)])
        query = "select photo_id from photos where team_id = %s and file_id = %s"
        ((photo_id,),) = self.rows(query, team_id, file_id)
        self.photos.put_faces(
            team_id, photo_id, engine_id=ENGINE, version="1", content_hash=content, faces=FACES
        )
        return PhotoId(photo_id)

    def profile(self, user_id: UserId = ANN, team_id: TeamId = TEAM) -> None:
        """Their profile picture was read."""
        self.people.put_profile(
            team_id, user_id, engine_id=ENGINE, picture_hash="profile", reference=reference()
        )

    def selfie(
        self,
        origin: str,
        *,
        engine_id: EngineId = ENGINE,
        user_id: UserId = ANN,
        team_id: TeamId = TEAM,
    ) -> None:
        """They gave one."""
        self.people.put_selfie(
            team_id,
            user_id,
            engine_id=engine_id,
            picture_hash=origin,
            reference=reference(ReferenceKind.SELFIE),
        )

    def all_of(self, user_id: UserId, team_id: TeamId = TEAM) -> None:
        """Two references, two verdicts, alerts, and a photo that they were told of."""
        self.profile(user_id, team_id)
        self.selfie("s1", user_id=user_id, team_id=team_id)
        self.alerts.turn_on(team_id, user_id)
        photo_id = self.post(f"F {user_id}", content=user_id.encode(), team_id=team_id)
        for box, verdict in ((LEFT, Verdict.ME), (RIGHT, Verdict.NOT_ME)):
            assert self.verdicts.give(team_id, user_id, photo_id, box, verdict)
        (look,) = (
            look
            for look in self.alerts.due(team_id, now=now(), gather=timedelta())
            if look.user_id == user_id
        )
        assert self.alerts.claim(team_id, look, [photo_id]) == {photo_id}

    def about(self, user_id: UserId = ANN, team_id: TeamId = TEAM) -> AboutPerson:
        """What is known of them."""
        return self.people.about(team_id, user_id, engine_id=ENGINE)

    def left_of(self, user_id: UserId, team_id: TeamId = TEAM) -> list[int]:
        """How many rows of each table name them."""
        ((references, verdicts, alerts, alerted),) = self.rows(
            """
            select (select count(*) from person_references where (team_id, user_id) = (t, u)),
                (select count(*) from verdicts where (team_id, user_id) = (t, u)),
                (select count(*) from alerts where (team_id, user_id) = (t, u)),
                (select count(*) from alerted where (team_id, user_id) = (t, u))
            from (values (%s, %s)) as who (t, u)
            """,
            team_id,
            user_id,
        )
        return [references, verdicts, alerts, alerted]

    def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Straight from the database."""
        with psycopg.connect(self.database.conninfo, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def reference(kind: ReferenceKind = ReferenceKind.PROFILE) -> Reference:
    return Reference(embedding=EMBEDDING, quality=0.75, faces_in_picture=2, kind=kind)


def test_everything_is_forgotten_and_said(office: Office) -> None:
    office.all_of(ANN)
    assert office.left_of(ANN) == [2, 2, 1, 1]

    forgotten = office.forget(TEAM, ANN, by=ANN)

    assert forgotten == Forgotten(references=2, verdicts=2, alerts=True)
    assert office.left_of(ANN) == [0, 0, 0, 0]
    assert office.about() == NOTHING_KNOWN


def test_forgetting_twice_is_the_same_as_once(office: Office) -> None:
    office.all_of(ANN)
    office.forget(TEAM, ANN, by=ANN)

    assert office.forget(TEAM, ANN, by=ANN) == NOTHING


def test_nobody_else_is_forgotten(office: Office) -> None:
    office.all_of(ANN)
    office.all_of(BEN)
    office.all_of(ANN, OTHER)

    office.forget(TEAM, ANN, by=ANN)

    assert office.left_of(BEN) == [2, 2, 1, 1]
    assert office.left_of(ANN, OTHER) == [2, 2, 1, 1]


def test_the_photos_stay(office: Office) -> None:
    office.all_of(ANN)
    before = office.photos.counts(TEAM)

    office.forget(TEAM, ANN, by=ANN)

    assert office.photos.counts(TEAM) == before


def test_references_of_every_engine_are_forgotten_and_counted_once(office: Office) -> None:
    office.selfie("s1")
    office.selfie("s1", engine_id=NEXT)

    assert office.forget(TEAM, ANN, by=ANN).references == 1
    assert office.left_of(ANN) == [0, 0, 0, 0]


def test_a_repost_indexed_meanwhile_brings_no_verdict_back(office: Office) -> None:
    photo_id = office.post("F1", content=b"one")
    office.verdicts.give(TEAM, ANN, photo_id, LEFT, Verdict.ME)
    office.photos.add(TEAM, [found_photo("F2")])
    ((repost,),) = office.rows("select photo_id from photos where file_id = 'F2'")
    values = {"team_id": TEAM, "photo_id": repost, "content_hash": b"one"}

    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(office.database.conninfo) as indexing:
            indexing.execute(LOCK_ENGINE, values)
            indexing.execute(ADOPT_VERDICTS, values)
            forgetting = threads.submit(office.forget, TEAM, ANN, by=ANN)
            wait_until(lambda: bool(office.rows(WAITING)))
            indexing.commit()
        forgotten = forgetting.result(timeout=30)

    assert forgotten.verdicts == 1
    assert office.left_of(ANN) == [0, 0, 0, 0]


WAITING = """
select pid from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


def test_whoever_is_forgotten_while_being_looked_for_is_not_told(office: Office) -> None:
    office.all_of(ANN)
    photo_id = office.post("F2", content=b"two")
    (look,) = office.alerts.due(TEAM, now=now(), gather=timedelta())

    office.forget(TEAM, ANN, by=ANN)

    assert office.alerts.claim(TEAM, look, [photo_id]) == set()
    assert office.left_of(ANN) == [0, 0, 0, 0]


def test_who_turns_alerts_on_after_being_forgotten_starts_anew(office: Office) -> None:
    office.all_of(ANN)
    office.forget(TEAM, ANN, by=ANN)

    office.alerts.turn_on(TEAM, ANN)

    assert office.alerts.due(TEAM, now=now(), gather=timedelta()) == []


def test_all_verdicts_can_be_taken_back_alone(office: Office) -> None:
    office.all_of(ANN)
    office.all_of(BEN)

    assert office.verdicts.forget_verdicts(TEAM, ANN) == 2

    assert office.left_of(ANN) == [2, 0, 1, 1]
    assert office.left_of(BEN)[1] == 2
    assert office.verdicts.forget_verdicts(TEAM, ANN) == 0


def test_references_are_told_the_profile_first_then_selfies_by_age(office: Office) -> None:
    for origin in ("z", "a"):
        office.selfie(origin)
    office.profile()

    told = [
        (one.kind, one.origin, one.quality, one.faces_in_picture)
        for one in office.about().references
    ]

    assert told == [
        (ReferenceKind.PROFILE, "profile", 0.75, 2),
        (ReferenceKind.SELFIE, "z", 0.75, 2),
        (ReferenceKind.SELFIE, "a", 0.75, 2),
    ]


def test_when_a_reference_was_made_is_told(office: Office) -> None:
    before = now()
    office.selfie("s1")

    (one,) = office.about().references

    assert before - timedelta(seconds=1) < one.created_at <= now() + timedelta(seconds=1)


def test_references_of_another_engine_are_not_told(office: Office) -> None:
    office.selfie("s1", engine_id=NEXT)

    assert office.about() == NOTHING_KNOWN


def test_a_verdict_counts_once_however_many_copies_there_are(office: Office) -> None:
    photo_id = office.post("F1", content=b"one")
    office.post("F2", content=b"one")
    office.verdicts.give(TEAM, ANN, photo_id, LEFT, Verdict.ME)
    office.verdicts.give(TEAM, ANN, photo_id, RIGHT, Verdict.NOT_ME)
    office.post("F3", content=b"one")
    other = office.post("F4", content=b"two")
    office.verdicts.give(TEAM, ANN, other, LEFT, Verdict.ME)

    about = office.about()

    assert office.left_of(ANN)[1] == 7
    assert (about.confirmed, about.rejected) == (2, 1)
    assert office.forget(TEAM, ANN, by=ANN).verdicts == 3


def test_a_verdict_goes_with_its_photo(office: Office) -> None:
    photo_id = office.post("F1", content=b"one")
    office.verdicts.give(TEAM, ANN, photo_id, LEFT, Verdict.ME)

    office.photos.delete(TEAM, FileId("F1"))

    assert office.about() == NOTHING_KNOWN


def test_what_is_known_of_one_says_nothing_of_another(office: Office) -> None:
    office.all_of(BEN)
    office.all_of(ANN, OTHER)

    assert office.about(ANN) == NOTHING_KNOWN
    assert office.about(ANN, OTHER).alerts_on
