"""What was done is noted with the deed itself, once, for good, and with nothing of faces."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest

from pipeline.domain.audit import Act, Entry
from pipeline.domain.consent import Allowance, Answer, ColleagueSearch
from pipeline.domain.model import ChannelId, FileId, Photo
from pipeline.errors import (
    ColleagueSearchOffError,
    ConsentNeededError,
    PhotoGoneError,
    TurnedOffError,
)
from pipeline.storage.connect import Database
from pipeline.storage.retention import Retention
from pipeline.usecases.find_photos import Query
from pipeline.usecases.index_photos import IndexPhoto, Outcome, ReadPhoto
from pipeline.wiring import now
from tests.integration.privacy_house import (
    ANN,
    BEN,
    CHANNEL,
    CLEO,
    OTHER,
    TEAM,
    House,
    Shelf,
    face,
)
from tests.strategies import EPOCH, found_photo, share

SECOND = ChannelId("C2")


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def acts(house: House) -> list[Act]:
    return [entry.act for entry in house.noted()]


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set actor_id = null",
        "delete from audit",
        "truncate audit",
        "delete from audit where false",
    ],
)
def test_nothing_of_it_can_be_changed(house: House, statement: LiteralString) -> None:
    house.forget(TEAM, ANN, by=BEN)

    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        house.run(statement)

    assert acts(house) == [Act.FORGOT]


def test_forgetting_is_noted_with_who_wanted_it_and_how_much_it_was(house: House) -> None:
    house.all_of(ANN)

    house.forget(TEAM, ANN, by=BEN)

    details = {"references": 2, "verdicts": 1, "consents": 3}
    assert house.noted()[-1] == Entry(act=Act.FORGOT, actor_id=BEN, person_id=ANN, details=details)
    assert acts(house).count(Act.FORGOT) == 1


def test_what_findme_forgets_by_itself_has_no_actor(house: House) -> None:
    house.forget(TEAM, ANN, by=None)

    assert house.noted()[-1].actor_id is None


def test_a_forgotten_selfie_is_noted(house: House) -> None:
    house.all_of(ANN)

    assert house.people.drop_selfie(TEAM, ANN, "selfie of somebody")
    assert not house.people.drop_selfie(TEAM, ANN, "selfie of somebody")

    assert house.noted()[-1] == Entry(act=Act.FORGOT_SELFIE, actor_id=ANN)
    assert acts(house).count(Act.FORGOT_SELFIE) == 1


def test_forgotten_words_on_faces_are_noted(house: House) -> None:
    house.all_of(ANN)

    house.verdicts.forget_verdicts(TEAM, ANN)

    assert house.noted()[-1] == Entry(
        act=Act.FORGOT_VERDICTS, actor_id=ANN, details={"verdicts": 1}
    )


def test_turning_off_and_on_is_noted(house: House) -> None:
    house.post("F1", face(ANN))

    house.opt_out.off(TEAM, ANN)
    house.opt_out.on(TEAM, ANN)
    house.opt_out.on(TEAM, ANN)

    assert house.noted() == [
        Entry(act=Act.TURNED_OFF, actor_id=ANN, details={"faces": 1}),
        Entry(act=Act.TURNED_ON, actor_id=ANN),
    ]


def test_a_wish_is_noted_whether_it_was_told_or_not(house: House) -> None:
    house.consents.decide(TEAM, CLEO, Allowance.REFUSED, now=now())

    assert list(house.wish(BEN, ANN, CLEO)) == [ANN]

    assert house.noted()[1:] == [
        Entry(act=Act.ASKED, actor_id=BEN, person_id=ANN),
        Entry(act=Act.ASKED, actor_id=BEN, person_id=CLEO),
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer.ONCE, Entry(act=Act.ALLOWED_ONCE, actor_id=ANN, person_id=BEN)),
        (Answer.ALLOWED, Entry(act=Act.ALLOWED, actor_id=ANN)),
        (Answer.REFUSED, Entry(act=Act.REFUSED, actor_id=ANN)),
    ],
)
def test_an_answer_is_noted_once(house: House, answer: Answer, expected: Entry) -> None:
    asked = house.wish(BEN, ANN)[ANN]
    for _ in range(2):
        house.consents.answer(TEAM, ANN, asked, answer, now=now())

    assert house.noted()[1:] == [expected]


@pytest.mark.parametrize("allowance", Allowance)
def test_a_decision_is_noted(house: House, allowance: Allowance) -> None:
    house.consents.decide(TEAM, ANN, allowance, now=now())

    act = Act.ALLOWED if allowance is Allowance.ALLOWED else Act.REFUSED
    assert house.noted() == [Entry(act=act, actor_id=ANN)]


def test_each_colleague_looked_for_is_noted_and_oneself_is_not(house: House) -> None:
    house.finder()(TEAM, Query(asker=BEN, people=[BEN, ANN, CLEO, ANN]))

    assert house.noted() == [
        Entry(act=Act.SEARCHED, actor_id=BEN, person_id=ANN),
        Entry(act=Act.SEARCHED, actor_id=BEN, person_id=CLEO),
    ]


def test_a_search_that_is_not_made_is_not_noted(house: House) -> None:
    house.opt_out.off(TEAM, ANN)

    with pytest.raises(TurnedOffError):
        house.permit()(TEAM, ANN, [ANN])
    with pytest.raises(ConsentNeededError):
        house.permit()(TEAM, BEN, [ANN])
    with pytest.raises(ColleagueSearchOffError):
        house.permit(ColleagueSearch.OFF)(TEAM, BEN, [CLEO])

    assert acts(house) == [Act.TURNED_OFF]


def delete(house: House) -> None:
    assert house.photos.delete(TEAM, FileId("F1"))
    assert house.photos.delete(TEAM, FileId("F2"))
    assert not house.photos.delete(TEAM, FileId("F2"))


def drop_share(house: House) -> None:
    assert house.photos.drop_share(TEAM, CHANNEL, share().ts) == 2
    assert house.photos.drop_share(TEAM, CHANNEL, share().ts) == 0


def keep_only(house: House) -> None:
    assert house.photos.keep_only(TEAM, CHANNEL, [], before=now()) == 2
    assert house.photos.keep_only(TEAM, CHANNEL, [], before=now()) == 0


def leave(house: House) -> None:
    house.workspaces.unwatch(TEAM, CHANNEL)
    house.workspaces.unwatch(TEAM, CHANNEL)


def exclude(house: House) -> None:
    house.workspaces.exclude(TEAM, CHANNEL)


def find_gone(house: House) -> None:
    class Emptied(Shelf):
        def download(self, photo: Photo) -> bytes:
            del photo
            raise PhotoGoneError

    house.run("update photos set state = 'pending'")
    shelf = Emptied()
    index = IndexPhoto(
        read=ReadPhoto(sources={TEAM: shelf}, photos=house.photos),
        photos=house.photos,
        engines=house.engines,
    )
    for (photo_id,) in house.rows("select photo_id from photos where file_id <> 'F3'"):
        assert index(TEAM, photo_id) is Outcome.GONE


@pytest.mark.parametrize("how", [delete, drop_share, keep_only, leave, exclude, find_gone])
def test_photos_deleted_in_whatever_way_are_noted(
    house: House, how: Callable[[House], None]
) -> None:
    for file_id in ("F1", "F2"):
        house.post(file_id, face(ANN))
    elsewhere = found_photo("F3", shares=[share(SECOND)])
    house.workspaces.watch(TEAM, SECOND, "elsewhere")
    house.index(house.add(elsewhere), face(BEN))

    how(house)

    entries = house.noted()
    assert {entry.act for entry in entries} == {Act.DELETED_PHOTOS}
    assert sum(int(entry.details["photos"]) for entry in entries) == 2
    assert house.faces_of() == {"F3": 1}


def test_what_expires_is_noted_with_its_counts_and_nothing_is_where_nothing_does(
    house: House,
) -> None:
    house.post("F1", face(ANN), face(BEN))
    later = EPOCH + timedelta(days=1)

    for _ in range(2):
        Retention(house.database).expire(
            TEAM, photos_before=later, references_before=later, requests_before=later
        )

    details = {"photos": 1, "faces": 2, "references": 0, "requests": 0}
    assert house.noted() == [Entry(act=Act.EXPIRED, details=details)]


def test_that_somebody_has_their_data_is_noted(house: House) -> None:
    house.data.everything(TEAM, ANN)

    assert house.noted() == [Entry(act=Act.SENT_DATA, actor_id=ANN, person_id=ANN)]


def test_what_another_part_does_can_be_noted(house: House) -> None:
    entry = Entry(act=Act.ADDED_CHANNEL, actor_id=BEN, details={"channel": CHANNEL})

    house.audit.add(TEAM, entry)

    assert house.noted() == [entry]
    assert house.noted(OTHER) == []


def test_the_latest_come_first(house: House) -> None:
    before = now()
    for person in (ANN, BEN, CLEO):
        house.forget(TEAM, person, by=None)

    latest = house.audit.latest(TEAM, limit=2)

    assert [one.entry.person_id for one in latest] == [CLEO, BEN]
    assert all(
        before - timedelta(seconds=5) < one.at < now() + timedelta(seconds=5) for one in latest
    )


def test_it_holds_no_embedding_no_name_and_no_text(house: House) -> None:
    named = replace(found_photo("F9", name="Secret party.jpg"), shares=[share()])
    house.index(house.add(named), face(ANN))
    house.all_of(ANN)
    asked = house.wish(BEN, CLEO, question="the question of BEN")[CLEO]
    house.consents.answer(TEAM, CLEO, asked, Answer.ONCE, now=now())
    house.permit()(TEAM, BEN, [CLEO])
    house.data.everything(TEAM, ANN)
    house.opt_out.off(TEAM, ANN)
    drop_share(house)

    rows = house.rows("select actor_id, person_id, act, details::text from audit")

    assert len(rows) > 8
    texts = {act.value for act in Act}
    for actor, person, act, details in rows:
        assert {actor, person} <= {None, ANN, BEN, CLEO}
        assert act in texts
        assert set(details) <= set('{}":, 0123456789abcdefghijklmnopqrstuvwxyz')
        assert "secret" not in details.lower()
        assert len(details) < 100


def test_what_is_rolled_back_was_not_done(house: House) -> None:
    house.all_of(ANN)
    before = house.noted()
    # Nothing can be noted: then nothing is done either.
    house.run("alter table audit add constraint closed check (false) not valid")

    for act in (
        lambda: house.forget(TEAM, ANN, by=ANN),
        lambda: house.opt_out.off(TEAM, ANN),
        lambda: house.people.drop_selfie(TEAM, ANN, "selfie of somebody"),
        lambda: house.verdicts.forget_verdicts(TEAM, ANN),
        lambda: house.consents.decide(TEAM, ANN, Allowance.REFUSED, now=now()),
        lambda: house.photos.keep_only(TEAM, CHANNEL, [], before=now()),
        lambda: house.data.everything(TEAM, ANN),
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            act()

    assert house.noted() == before
    about = house.people.about(TEAM, ANN, engine_id=house.reader.engine_id)
    assert (len(about.references), about.confirmed, about.alerts_on) == (2, 1, True)
    assert about.colleagues is Allowance.ALLOWED
    assert not about.is_out
    assert house.photos.counts(TEAM).photos == 1
