"""Whoever turned Findme off is not found: their faces go out of the index, and stay out."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pipeline.domain.arrays import Embedding
from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import EngineId, PhotoId, Reference, ReferenceKind, TeamId, UserId
from pipeline.domain.opt_outs import Template
from pipeline.domain.people import Forgotten, TurnedOff
from pipeline.domain.references import Selfie
from pipeline.domain.verdicts import Verdict
from pipeline.errors import (
    ConsentNeededError,
    FindmeError,
    NoRoomError,
    SourceUnavailableError,
    TurnedOffError,
)
from pipeline.ports import FaceReader
from pipeline.storage.connect import Database
from pipeline.storage.engine_changes import EngineChangeStore
from pipeline.storage.faces import add_faces
from pipeline.storage.held_selfies import HeldSelfies
from pipeline.storage.opt_outs import LOCK_WORKSPACE, SET_OUT, OptOuts, _put
from pipeline.storage.photos import LOCK_ENGINE
from pipeline.usecases.change_engine import ChangeEngine
from pipeline.usecases.find_photos import Found, Query
from pipeline.usecases.index_photos import ReadPhoto
from pipeline.usecases.opt_out import KeepOut, OptOut
from tests.fakes import KnownFaces
from tests.integration.privacy_house import (
    ANN,
    AXES,
    BEN,
    CLEO,
    CURVE,
    FACE_OF,
    OTHER,
    OUT_DISTANCE,
    TEAM,
    House,
    Shelf,
    at_once,
    face,
    portrait,
    read_by,
)
from tests.strategies import found_photo, photo_faces

NEXT = read_by("by another heart")
"""By this engine everybody's embeddings are the same numbers, and still are not compared."""
WITHIN, BEYOND = OUT_DISTANCE - 0.02, OUT_DISTANCE + 0.02


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def names(found: Found) -> list[str]:
    return sorted(match.face.file_id for match in found.matches)


def search(house: House, asker: UserId, *people: UserId) -> Found:
    return house.finder()(TEAM, Query(asker=asker, people=people or (asker,)))


def test_their_faces_go_and_no_others(house: House) -> None:
    house.post("F1", face(ANN), face(BEN), face(ANN, distance=WITHIN, aside=1))
    house.post("F2", face(ANN, distance=BEYOND))
    house.post("F3", face(ANN))

    turned_off = house.opt_out.off(TEAM, ANN)

    assert (turned_off.faces, turned_off.has_template) == (3, True)
    assert house.faces_of() == {"F1": 1, "F2": 1}
    assert names(search(house, BEN)) == ["F1"]


def test_their_faces_in_later_photos_are_not_stored(house: House) -> None:
    house.opt_out.off(TEAM, ANN)

    house.post("F1", face(ANN), face(BEN))
    house.post("F2", face(ANN, distance=WITHIN))

    assert house.faces_of() == {"F1": 1}
    assert house.rows("select count(*) from photos where state = 'indexed'") == [(2,)]


def test_a_photo_read_again_does_not_bring_them_back(house: House) -> None:
    photo_id = house.post("F1", face(ANN), face(BEN))
    house.opt_out.off(TEAM, ANN)

    assert house.index(photo_id, face(ANN), face(BEN))

    assert house.faces_of() == {"F1": 1}


def test_photos_indexed_at_the_same_moment_never_keep_their_face(house: House) -> None:
    for number in range(10):
        known = house.post(f"K{number}", face(ANN))
        new = house.add(found_photo(f"N{number}"))

        at_once(
            partial(house.opt_out.off, TEAM, ANN),
            partial(house.index, known, face(ANN), face(BEN)),
            partial(house.index, new, face(ANN, aside=1), face(BEN)),
        )

        assert house.faces_of()[f"K{number}"] == house.faces_of()[f"N{number}"] == 1
        house.opt_out.on(TEAM, ANN)


def test_whoever_turns_it_off_waits_for_faces_that_are_stored_just_now(house: House) -> None:
    photo_id = house.add(found_photo("F1"))
    faces = photo_faces(face(ANN), face(BEN))

    with ThreadPoolExecutor(1) as threads:
        with house.database.transaction() as storing:
            storing.execute(LOCK_ENGINE, {"team_id": TEAM})
            add_faces(storing, TEAM, photo_id, house.reader.engine_id, faces)
            off = threads.submit(house.opt_out.off, TEAM, ANN)
            house.wait_for_a_lock()
        assert off.result(timeout=30).faces == 1

    assert house.faces_of() == {"F1": 1}


def test_faces_are_stored_after_who_turns_it_off_just_now(house: House) -> None:
    photo_id = house.add(found_photo("F1"))
    engine_id = house.reader.engine_id

    with ThreadPoolExecutor(1) as threads:
        with house.database.transaction() as turning:
            turning.execute(LOCK_WORKSPACE, {"team_id": TEAM})
            turning.execute(SET_OUT, {"team_id": TEAM, "user_id": ANN})
            storing = threads.submit(house.index, photo_id, face(ANN), face(BEN))
            house.wait_for_a_lock()
            _put(turning, TEAM, house.template(ANN), engine_id)
        assert storing.result(timeout=30)

    assert house.faces_of() == {"F1": 1}


def test_turning_off_and_on_and_forgetting_at_once_end_one_way_or_the_other(
    house: House,
) -> None:
    for _ in range(6):
        at_once(
            partial(house.opt_out.off, TEAM, ANN),
            partial(house.opt_out.on, TEAM, ANN),
            partial(house.opt_out.off, TEAM, ANN),
            partial(house.forget, TEAM, ANN, by=ANN),
        )

        ((out, templates),) = house.rows(
            "select (select count(*) from people where out_at is not null),"
            " (select count(*) from opt_outs)"
        )
        assert out == templates


def test_all_else_that_is_known_is_forgotten(house: House) -> None:
    house.all_of(ANN)

    turned_off = house.opt_out.off(TEAM, ANN)

    assert turned_off.forgotten == Forgotten(
        references=2, verdicts=1, alerts=True, consents=3, is_out=False
    )
    assert set(house.naming(ANN)) == {"audit", "opt_outs", "people", "photos", "shares"}


def test_forget_me_keeps_them_out(house: House) -> None:
    house.opt_out.off(TEAM, ANN)

    forgotten = house.forget(TEAM, ANN, by=ANN)

    assert forgotten == Forgotten(references=0, verdicts=0, alerts=False, is_out=True)
    house.post("F1", face(ANN))
    assert house.faces_of() == {}
    with pytest.raises(TurnedOffError):
        search(house, ANN)


def test_what_is_known_just_now_is_stored_before_and_goes_or_after_and_is_not_stored(
    house: House,
) -> None:
    reference = Reference(
        embedding=FACE_OF[ANN], quality=0.5, faces_in_picture=1, kind=ReferenceKind.PROFILE
    )

    def put(store: Callable[..., None]) -> None:
        store(TEAM, ANN, engine_id=house.reader.engine_id, picture_hash="hash", reference=reference)

    with ThreadPoolExecutor(3) as threads:
        with house.database.transaction() as turning:
            turning.execute(LOCK_WORKSPACE, {"team_id": TEAM})
            turning.execute(SET_OUT, {"team_id": TEAM, "user_id": ANN})
            storing: list[Future[Any]] = [
                threads.submit(put, house.people.put_profile),
                threads.submit(put, house.people.put_selfie),
                threads.submit(hold, house, ANN),
            ]
            house.wait_for_a_lock()
            assert not any(one.done() for one in storing)
        for one in storing:
            one.result(timeout=30)

    assert house.naming(ANN) == {"people": 1}


def hold(house: House, user_id: UserId) -> bool:
    """Hold a selfie of theirs; False if it was not."""
    reference = Reference(
        embedding=FACE_OF[user_id], quality=0.5, faces_in_picture=1, kind=ReferenceKind.SELFIE
    )
    selfie = Selfie(reference=reference, picture_hash="hash", engine_id=house.reader.engine_id)
    return HeldSelfies(house.database).put(TEAM, user_id, "token", selfie)


def test_buttons_that_are_left_of_before_keep_nothing(house: House) -> None:
    photo_id = house.post("F1", face(ANN, distance=BEYOND), face(BEN))
    house.opt_out.off(TEAM, ANN)
    before = house.naming(ANN)
    box = photo_faces(face(ANN, distance=BEYOND)).faces[0].detection.box

    house.verdicts.give(TEAM, ANN, photo_id, box, Verdict.ME)
    house.alerts.turn_on(TEAM, ANN)
    assert not hold(house, ANN)

    assert house.naming(ANN) == before
    house.opt_out.on(TEAM, ANN)
    house.verdicts.give(TEAM, ANN, photo_id, box, Verdict.ME)
    house.alerts.turn_on(TEAM, ANN)
    assert hold(house, ANN)
    assert house.naming(ANN).keys() >= {"verdicts", "alerts", "held_selfies"}


@pytest.mark.parametrize("error", [SourceUnavailableError, NoRoomError])
def test_it_is_off_although_the_profile_picture_can_not_be_had(
    house: House, monkeypatch: pytest.MonkeyPatch, error: type[FindmeError]
) -> None:
    house.post("F1", face(ANN), face(BEN))
    house.post("F2", face(CLEO), face(BEN))
    house.people.put_selfie(
        TEAM,
        CLEO,
        engine_id=house.reader.engine_id,
        picture_hash="hash",
        reference=Reference(
            embedding=FACE_OF[CLEO], quality=0.5, faces_in_picture=1, kind=ReferenceKind.SELFIE
        ),
    )

    def away(user_id: UserId) -> None:
        del user_id
        raise error

    monkeypatch.setattr(house.colleagues, "picture_of", away)
    nothing_known = house.opt_out.off(TEAM, ANN)
    assert (nothing_known.faces, nothing_known.has_template) == (0, False)
    by_selfie = house.opt_out.off(TEAM, CLEO)
    assert (by_selfie.faces, by_selfie.has_template) == (1, True)
    assert house.faces_of() == {"F1": 2, "F2": 1}

    monkeypatch.undo()
    KeepOut(opt_outs=house.opt_outs)(TEAM, house.reader, house.colleagues)
    assert house.faces_of() == {"F1": 1, "F2": 1}


def test_turning_it_off_again_keeps_the_template(house: House) -> None:
    house.opt_out.off(TEAM, ANN)
    del house.colleagues.pictures[ANN]

    assert house.opt_out.off(TEAM, ANN).has_template

    house.post("F1", face(ANN))
    assert house.faces_of() == {}


def test_turning_it_on_drops_the_template_and_a_re_index_brings_the_faces(house: House) -> None:
    photo_id = house.post("F1", face(ANN))
    house.opt_out.off(TEAM, ANN)

    assert house.opt_out.on(TEAM, ANN)

    assert house.rows("select * from opt_outs") == []
    assert names(search(house, ANN)) == []
    house.index(photo_id, face(ANN))
    assert names(search(house, ANN)) == ["F1"]
    assert not house.opt_out.on(TEAM, ANN)


def test_without_a_picture_nobody_s_faces_go(house: House) -> None:
    house.post("F1", face(ANN), face(BEN))
    del house.colleagues.pictures[ANN]

    turned_off = house.opt_out.off(TEAM, ANN)

    assert (turned_off.faces, turned_off.has_template) == (0, False)
    assert house.faces_of() == {"F1": 2}
    with pytest.raises(TurnedOffError):
        search(house, ANN)


def test_whoever_is_known_by_a_selfie_alone_is_kept_out_by_it(house: House) -> None:
    del house.colleagues.pictures[ANN]
    house.people.put_selfie(
        TEAM,
        ANN,
        engine_id=house.reader.engine_id,
        picture_hash="selfie",
        reference=Reference(embedding=FACE_OF[ANN], quality=0.5, faces_in_picture=1),
    )
    house.post("F1", face(ANN))

    turned_off = house.opt_out.off(TEAM, ANN)

    assert (turned_off.faces, turned_off.has_template) == (1, True)


def test_other_workspaces_are_untouched(house: House) -> None:
    house.post("F1", face(ANN))
    house.post("F1", face(ANN), team_id=OTHER)

    house.opt_out.off(TEAM, ANN)
    house.post("F2", face(ANN), team_id=OTHER)

    assert (house.faces_of(), house.faces_of(OTHER)) == ({}, {"F1": 1, "F2": 1})
    house.permit()(OTHER, ANN, [ANN])


def test_a_picture_looked_at_meanwhile_is_not_kept(house: House) -> None:
    house.opt_out.off(TEAM, ANN)
    reference = Reference(embedding=FACE_OF[ANN], quality=0.5, faces_in_picture=1)

    for put in (house.people.put_profile, house.people.put_selfie):
        put(TEAM, ANN, engine_id=house.reader.engine_id, picture_hash="late", reference=reference)

    assert house.rows("select * from person_references") == []


@pytest.mark.parametrize("policy", [ColleagueSearch.ASK, ColleagueSearch.OPEN])
def test_colleagues_are_not_told_that_they_are_out(house: House, policy: ColleagueSearch) -> None:
    house.opt_out.off(TEAM, ANN)

    with pytest.raises(ConsentNeededError) as refused:
        house.finder(policy)(TEAM, Query(asker=BEN, people=[ANN]))

    assert refused.value.people == [ANN]


def test_a_face_more_like_somebody_who_is_out_is_not_found(house: House) -> None:
    # Too unlike her template to be dropped, and more like her than like BEN.
    doubtful = 0.42 * FACE_OF[BEN] + 0.44 * FACE_OF[ANN]
    doubtful = doubtful + AXES[20] * (1.0 - doubtful @ doubtful) ** 0.5
    house.post("F1", doubtful)
    house.post("F2", face(BEN))
    assert names(search(house, BEN)) == ["F1", "F2"]

    house.opt_out.off(TEAM, ANN)

    assert house.faces_of() == {"F1": 1, "F2": 1}
    assert names(search(house, BEN)) == ["F2"]


def test_nobody_is_looked_for_by_the_picture_of_somebody_who_is_out(house: House) -> None:
    house.opt_out.off(TEAM, ANN)
    house.colleagues.pictures[BEN] = portrait(ANN)

    assert search(house, BEN).matches == []
    assert search(house, CLEO, CLEO, BEN).matches == []


def test_nobody_is_looked_for_by_a_selfie_of_somebody_who_is_out(house: House) -> None:
    house.opt_out.off(TEAM, ANN)
    selfie = Reference(embedding=face(ANN), quality=0.5, faces_in_picture=1)

    assert house.finder()(TEAM, Query(asker=BEN, people=[BEN]), selfie=selfie).matches == []


class Change:
    """A change of engine, step by step."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.changes = EngineChangeStore(house.database)
        self.keep_out = KeepOut(opt_outs=house.opt_outs)

    def fill(self, file_id: str, photo_id: PhotoId, *faces: Embedding) -> bool:
        return self.changes.fill(
            TEAM,
            photo_id,
            engine_id=NEXT.engine_id,
            version="1",
            content_hash=file_id.encode(),
            faces=photo_faces(*faces),
        )

    def make_templates(self) -> int:
        return self.keep_out(TEAM, NEXT, self.house.colleagues)


@pytest.fixture
def change(house: House) -> Change:
    return Change(house)


def faces_by(house: House, engine: FaceReader) -> int:
    ((faces,),) = house.rows("select count(*) from faces where engine_id = %s", engine.engine_id)
    return int(faces)


def templates(house: House) -> list[tuple[str, str]]:
    return [(user, engine) for user, engine in house.rows(TEMPLATES)]


TEMPLATES = "select user_id, engine_id from opt_outs order by user_id, engine_id"


def test_another_engine_does_not_fill_in_their_faces(house: House, change: Change) -> None:
    photo_id = house.post("F1", face(ANN), face(BEN))
    house.opt_out.off(TEAM, ANN)

    assert change.make_templates() == 0
    change.changes.begin(TEAM, NEXT.engine_id)
    assert change.fill("F1", photo_id, face(ANN), face(BEN))

    assert faces_by(house, NEXT) == 1
    assert change.changes.switch(TEAM, NEXT.engine_id)
    assert templates(house) == [(ANN, NEXT.engine_id)]
    assert house.faces_of() == {"F1": 1}


def test_a_template_by_another_engine_drops_what_was_filled_in(
    house: House, change: Change
) -> None:
    photo_id = house.post("F1", face(ANN), face(BEN))
    change.changes.begin(TEAM, NEXT.engine_id)
    change.fill("F1", photo_id, face(ANN), face(BEN))
    house.opt_out.off(TEAM, ANN)
    assert (faces_by(house, house.reader), faces_by(house, NEXT)) == (1, 2)

    change.make_templates()

    assert (faces_by(house, house.reader), faces_by(house, NEXT)) == (1, 1)


def test_whoever_has_no_picture_is_counted_and_keeps_the_old_template(
    house: House, change: Change
) -> None:
    photo_id = house.post("F1", face(ANN), face(BEN), face(CLEO))
    for one in (ANN, BEN):
        house.opt_out.off(TEAM, one)
    del house.colleagues.pictures[ANN]

    assert change.make_templates() == 1
    change.changes.begin(TEAM, NEXT.engine_id)
    change.fill("F1", photo_id, face(ANN), face(BEN), face(CLEO))
    assert faces_by(house, NEXT) == 2
    assert change.changes.switch(TEAM, NEXT.engine_id)

    assert templates(house) == [(ANN, house.reader.engine_id), (BEN, NEXT.engine_id)]
    house.engines.reader = NEXT
    with pytest.raises(TurnedOffError):
        search(house, ANN)


def test_a_poor_picture_makes_no_template(house: House, change: Change) -> None:
    house.opt_out.off(TEAM, ANN)
    poor = photo_faces(FACE_OF[ANN])
    reader = KnownFaces(
        CURVE,
        {portrait(ANN): replace(poor, faces=[replace(poor.faces[0], quality=0.01)])},
        engine_id=NEXT.engine_id,
    )

    assert change.keep_out(TEAM, reader, house.colleagues) == 1
    assert templates(house) == [(ANN, house.reader.engine_id)]


def test_whoever_comes_back_while_a_template_is_made_is_back(house: House) -> None:
    house.opt_out.off(TEAM, ANN)
    house.post("F1", face(BEN))
    template = house.template(ANN)
    house.opt_out.on(TEAM, ANN)

    assert house.opt_outs.put(TEAM, template, engine_id=house.reader.engine_id) == 0

    house.post("F2", face(ANN))
    assert house.faces_of() == {"F1": 1, "F2": 1}
    assert templates(house) == []


class Late(OptOuts):
    """Something happens right before somebody is turned off."""

    def __init__(self, database: Database, before: Callable[[], object]) -> None:
        super().__init__(database)
        self._before = before

    def turn_off(
        self, team_id: TeamId, user_id: UserId, template: Template | None, *, engine_id: EngineId
    ) -> TurnedOff | None:
        """After that."""
        self._before()
        return super().turn_off(team_id, user_id, template, engine_id=engine_id)


def test_a_template_is_never_of_another_engine_than_the_index(house: House, change: Change) -> None:
    photo_id = house.post("F1", face(ANN), face(BEN))

    def switch() -> None:
        if house.engines.reader is not NEXT:
            change.changes.begin(TEAM, NEXT.engine_id)
            change.fill("F1", photo_id, face(ANN), face(BEN))
            assert change.changes.switch(TEAM, NEXT.engine_id)
            house.engines.reader = NEXT

    off = OptOut(
        people=house.known_people, opt_outs=Late(house.database, switch), engines=house.engines
    )

    assert off.off(TEAM, ANN).faces == 1

    assert templates(house) == [(ANN, NEXT.engine_id)]
    assert house.faces_of() == {"F1": 1}


class Stepped(EngineChangeStore):
    """Something happens before all is switched, and right after."""

    def __init__(
        self, database: Database, *, before: Callable[[], object], after: Callable[[], object]
    ) -> None:
        super().__init__(database)
        self._before, self._after = before, after

    def switch(self, team_id: TeamId, engine_id: EngineId) -> bool:
        """Between them."""
        self._before()
        is_switched = super().switch(team_id, engine_id)
        self._after()
        return is_switched


def test_whoever_turns_it_off_while_the_engine_changes_is_kept_out(house: House) -> None:
    shelf = Shelf(found_photo("F1"), found_photo("F2"))
    faces = {b"F1": photo_faces(face(ANN), face(BEN)), b"F2": photo_faces(face(CLEO))}
    pictures = {portrait(one): photo_faces(FACE_OF[one]) for one in (ANN, CLEO)}
    reader = KnownFaces(CURVE, pictures | faces, engine_id=NEXT.engine_id)
    for file_id in ("F1", "F2"):
        house.post(file_id, *[one.embedding for one in faces[file_id.encode()].faces])
    keep_out = KeepOut(opt_outs=house.opt_outs)

    def off_at_last() -> None:
        # As another process does that still thinks of the old engine.
        house.run("update workspaces set engine_id = %s", house.reader.engine_id)
        house.opt_out.off(TEAM, CLEO)
        house.run("update workspaces set engine_id = %s", NEXT.engine_id)

    change = ChangeEngine(
        read=ReadPhoto(sources={TEAM: shelf}, photos=house.photos),
        photos=house.photos,
        changes=Stepped(
            house.database, before=partial(house.opt_out.off, TEAM, ANN), after=off_at_last
        ),
        reader=reader,
        concurrency=1,
        keep_out=lambda team_id, engine: keep_out(team_id, engine, house.colleagues),
    )

    assert change(TEAM) == []

    assert faces_by(house, NEXT) == 1
    assert {(ANN, NEXT.engine_id), (CLEO, NEXT.engine_id)} <= set(templates(house))
