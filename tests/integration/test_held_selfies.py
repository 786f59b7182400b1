"""Selfies that wait to be used: each for its person, for an hour, and not too many."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from bot.selfies import SelfieGoneError, Selfies
from pipeline.domain.model import EngineId, Reference, ReferenceKind, TeamId, UserId
from pipeline.domain.references import Selfie
from pipeline.errors import NoFaceInPictureError, PoorFaceError
from pipeline.storage import held_selfies as module
from pipeline.storage.connect import Database
from pipeline.storage.held_selfies import HeldSelfies
from pipeline.storage.people import People
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.known_people import AddSelfie

TEAM, OTHER = TeamId("T1"), TeamId("T2")
ANN, BO = UserId("U1"), UserId("U2")
PICTURE = b"a picture"


class Reader(AddSelfie):
    """Sees one face in every picture but an empty one; remembers what was kept."""

    def __init__(self) -> None:
        self.engine_id = EngineId("first")
        self.kept: list[tuple[UserId, Selfie]] = []

    def read(self, team_id: TeamId, data: bytes) -> Selfie:
        del team_id
        if not data:
            raise NoFaceInPictureError
        reference = Reference(
            embedding=np.eye(1, 4, dtype=np.float32)[0],
            quality=0.8,
            faces_in_picture=1,
            kind=ReferenceKind.SELFIE,
        )
        return Selfie(reference=reference, picture_hash="hash", engine_id=self.engine_id)

    def is_current(self, team_id: TeamId, selfie: Selfie) -> bool:
        del team_id
        return selfie.engine_id == self.engine_id

    def keep(self, team_id: TeamId, user_id: UserId, selfie: Selfie) -> None:
        del team_id
        self.kept.append((user_id, selfie))


def _same(one: Selfie, other: Selfie) -> bool:
    """But for what half precision takes of the numbers."""
    pairs = ((each.picture_hash, each.engine_id, each.reference.kind) for each in (one, other))
    return len(set(pairs)) == 1 and np.allclose(
        [*one.reference.embedding, one.reference.quality],
        [*other.reference.embedding, other.reference.quality],
        atol=1e-3,
    )


def _ages(database: Database, by_s: float) -> None:
    """As if so much time had passed."""
    with database.transaction() as connection:
        connection.execute(
            "update held_selfies set held_at = held_at - make_interval(secs => %s)", [by_s]
        )


def _count(database: Database) -> int:
    with database.transaction() as connection:
        return len(connection.execute("select from held_selfies").fetchall())


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def selfies(database: Database, reader: Reader) -> Selfies:
    for team_id in (TEAM, OTHER):
        Workspaces(database).claim(team_id, reader.engine_id)
    return Selfies(reader, held=HeldSelfies(database))


def test_what_was_seen_is_had_again_by_its_token_and_nothing_was_kept(
    selfies: Selfies, reader: Reader
) -> None:
    token, seen = selfies.hold(TEAM, ANN, PICTURE)
    assert _same(selfies.get(TEAM, ANN, token), seen)
    assert reader.kept == []


def test_another_bot_has_it_by_its_token_too(
    selfies: Selfies, reader: Reader, conninfo: str
) -> None:
    token, seen = selfies.hold(TEAM, ANN, PICTURE)
    database = Database(conninfo)
    other = Selfies(reader, held=HeldSelfies(database))
    assert _same(other.get(TEAM, ANN, token), seen)
    database.close()


def test_two_selfies_have_two_tokens_that_fit_a_question(selfies: Selfies) -> None:
    tokens = {selfies.hold(TEAM, ANN, PICTURE)[0] for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {12}


@pytest.mark.parametrize(("team", "person"), [(TEAM, BO), (OTHER, ANN)])
def test_nobody_else_gets_it(selfies: Selfies, team: TeamId, person: UserId) -> None:
    token, _ = selfies.hold(TEAM, ANN, PICTURE)
    with pytest.raises(SelfieGoneError):
        selfies.get(team, person, token)
    with pytest.raises(SelfieGoneError):
        selfies.keep(team, person, token)


def test_a_made_up_token_gets_nothing(selfies: Selfies) -> None:
    with pytest.raises(SelfieGoneError, match="choose it again"):
        selfies.get(TEAM, ANN, "0" * 12)


@pytest.mark.parametrize(("after_s", "is_there"), [(3500, True), (3601, False)])
def test_it_is_held_for_an_hour(
    selfies: Selfies, database: Database, after_s: int, *, is_there: bool
) -> None:
    token, seen = selfies.hold(TEAM, ANN, PICTURE)
    _ages(database, after_s)
    if is_there:
        assert _same(selfies.get(TEAM, ANN, token), seen)
    else:
        with pytest.raises(SelfieGoneError):
            selfies.get(TEAM, ANN, token)


def test_old_ones_are_dropped_when_new_ones_come_and_by_the_clock(
    selfies: Selfies, database: Database
) -> None:
    selfies.hold(TEAM, ANN, PICTURE)
    _ages(database, 3601)
    selfies.hold(TEAM, BO, PICTURE)
    assert _count(database) == 1
    _ages(database, 3601)
    assert HeldSelfies(database).drop_old(OTHER) == 0
    assert HeldSelfies(database).drop_old(TEAM) == 1


def test_when_there_are_too_many_the_oldest_goes(
    selfies: Selfies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    tokens = [selfies.hold(TEAM, ANN, PICTURE)[0] for _ in range(4)]
    with pytest.raises(SelfieGoneError):
        selfies.get(TEAM, ANN, tokens[0])
    for token in tokens[1:]:
        selfies.get(TEAM, ANN, token)


def test_it_is_gone_with_the_engine_that_looked_at_it(selfies: Selfies, reader: Reader) -> None:
    token, _ = selfies.hold(TEAM, ANN, PICTURE)
    reader.engine_id = EngineId("second")
    with pytest.raises(SelfieGoneError):
        selfies.keep(TEAM, ANN, token)


def test_keeping_hands_over_what_was_seen(selfies: Selfies, reader: Reader) -> None:
    token, seen = selfies.hold(TEAM, ANN, PICTURE)
    selfies.keep(TEAM, ANN, token)
    ((person, kept),) = reader.kept
    assert person == ANN
    assert _same(kept, seen)
    with pytest.raises(SelfieGoneError):
        selfies.get(TEAM, ANN, token)


def test_forgetting_a_person_drops_theirs_alone(selfies: Selfies, database: Database) -> None:
    hers, _ = selfies.hold(TEAM, ANN, PICTURE)
    his, _ = selfies.hold(TEAM, BO, PICTURE)
    People(database).forget(TEAM, ANN, by=ANN)
    selfies.get(TEAM, BO, his)
    with pytest.raises(SelfieGoneError):
        selfies.get(TEAM, ANN, hers)


def test_a_picture_without_a_face_is_not_held(selfies: Selfies, database: Database) -> None:
    with pytest.raises(NoFaceInPictureError):
        selfies.hold(TEAM, ANN, b"")
    assert _count(database) == 0


def test_many_at_once_lose_nothing(selfies: Selfies) -> None:
    tokens: list[tuple[UserId, str]] = []

    def hold(number: int) -> None:
        user_id = UserId(f"U{number}")
        tokens.append((user_id, selfies.hold(TEAM, user_id, PICTURE)[0]))

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(selfies.get(TEAM, user_id, token) for user_id, token in tokens)
    assert len(tokens) == 16


@pytest.mark.parametrize(
    ("faces", "quality", "is_usable"),
    [(1, 0.8, True), (1, 0.1, True), (1, 0.09, False), (2, 0.8, False)],
)
def test_one_face_that_shows_enough_is_usable(
    faces: int, quality: float, *, is_usable: bool
) -> None:
    seen = Reader().read(TEAM, PICTURE)
    reference = replace(seen.reference, faces_in_picture=faces, quality=quality)
    assert replace(seen, reference=reference).is_usable is is_usable


def test_a_poor_face_is_never_kept() -> None:
    seen = Reader().read(TEAM, PICTURE)
    poor = replace(seen, reference=replace(seen.reference, quality=0.05))
    with pytest.raises(PoorFaceError):
        AddSelfie.keep(Reader(), TEAM, ANN, poor)
