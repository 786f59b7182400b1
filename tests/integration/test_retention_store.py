"""Nothing is kept for ever: photos by their last share, references by their last use."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from pipeline.domain.consent import Allowance, Answer
from pipeline.domain.model import FoundPhoto, Reference, TeamId
from pipeline.domain.people import Expired
from pipeline.folder import LOCAL
from pipeline.settings import Settings, load
from pipeline.storage.connect import Database
from pipeline.storage.jobs import JobQueue
from pipeline.storage.retention import Retention
from pipeline.storage.runs import Runs
from pipeline.usecases.expire import Expire
from pipeline.usecases.index_photos import AddPhoto, ListChannel
from pipeline.wiring import Runtime, now
from tests.conftest import as_url
from tests.integration.privacy_house import (
    ANN,
    BEN,
    CHANNEL,
    CLEO,
    FACE_OF,
    OTHER,
    TEAM,
    House,
    Shelf,
    face,
)
from tests.strategies import EPOCH, found_photo, share

DAY = timedelta(days=1)
KEPT_DAYS = 365


class Year(House):
    """It is KEPT_DAYS after EPOCH: what was posted before EPOCH expires."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.now = EPOCH + timedelta(days=KEPT_DAYS)
        self.retention = Retention(database)
        self.expire = Expire(
            retention=self.retention, kept_after=self.kept_after, clock=lambda: self.now
        )

    def kept_after(self, team_id: TeamId) -> datetime | None:
        return None if team_id == LOCAL else self.now - timedelta(days=KEPT_DAYS)

    def listing(self, *photos: FoundPhoto) -> ListChannel:
        return ListChannel(
            sources={TEAM: Shelf(*photos)},
            channels=self.workspaces,
            photos=self.photos,
            runs=Runs(self.database),
            queue=JobQueue(self.database),
            clock=lambda: self.now,
            kept_after=self.kept_after,
        )

    def adding(self, *photos: FoundPhoto) -> AddPhoto:
        return AddPhoto(
            sources={TEAM: Shelf(*photos)},
            channels=self.workspaces,
            photos=self.photos,
            queue=JobQueue(self.database),
            kept_after=self.kept_after,
        )

    def shares(self, team_id: TeamId = TEAM) -> Mapping[str, list[int]]:
        """Of each photo the days after EPOCH on which it was shared."""
        rows = self.rows(
            "select file_id, array_remove(array_agg(shared_at order by shared_at), null)"
            " from photos left join shares using (team_id, photo_id)"
            " where team_id = %s group by file_id",
            team_id,
        )
        return {file_id: [(at - EPOCH).days for at in ats] for file_id, ats in rows}

    def used(self, days_ago: float) -> None:
        """Every reference was last used then."""
        self.run(
            "update person_references set used_at = now() - %s::interval",
            timedelta(days=days_ago),
        )

    def known_by_selfie(self) -> None:
        self.people.put_selfie(
            TEAM,
            ANN,
            engine_id=self.reader.engine_id,
            picture_hash="selfie",
            reference=Reference(embedding=FACE_OF[ANN], quality=0.5, faces_in_picture=1),
        )


@pytest.fixture
def house(database: Database) -> Year:
    return Year(database)


def shared(file_id: str, *days: int, day: int = 0) -> FoundPhoto:
    """A photo of that `day`, shared on each of these."""
    return replace(found_photo(file_id, day=day), shares=[share(day=one) for one in days])


def expired(*, photos: int = 0, faces: int = 0, references: int = 0, requests: int = 0) -> Expired:
    return Expired(photos=photos, faces=faces, references=references, requests=requests)


def test_photos_expire_with_their_faces_and_words(house: Year) -> None:
    old = house.add(shared("F1", -1, day=-1))
    house.index(old, face(ANN), face(BEN))
    house.index(house.add(shared("F2", 0)), face(ANN))
    house.run(
        "insert into verdicts (team_id, user_id, photo_id, content_hash, box, verdict)"
        " values (%s, %s, %s, '#', '{1,2,3,4}', 'me')",
        TEAM,
        ANN,
        old,
    )

    with capture_logs() as lines:
        assert house.expire(TEAM) == expired(photos=1, faces=2)

    assert house.faces_of() == {"F2": 1}
    assert house.rows("select * from verdicts") == []
    (logged,) = [line for line in lines if line["event"] == "retention.expired"]
    counts = {"photos": 1, "faces": 2, "references": 0, "requests": 0}
    assert counts.items() <= logged.items()


def test_what_somebody_was_told_of_expires_as_photos_do(house: Year) -> None:
    for team_id, days_ago in ((TEAM, KEPT_DAYS + 1), (TEAM, KEPT_DAYS - 1), (OTHER, 999)):
        house.run(
            "insert into alerted (team_id, user_id, content_hash, photo_id, alerted_at)"
            " values (%s, %s, %s, 1, %s)",
            team_id,
            ANN,
            str(days_ago),
            house.now - days_ago * DAY,
        )

    house.expire(TEAM)

    assert sorted(house.rows("select team_id, content_hash from alerted")) == [
        (TEAM, str(KEPT_DAYS - 1).encode()),
        (OTHER, b"999"),
    ]


def test_where_photos_do_not_expire_it_stays_known_what_somebody_was_told_of(house: Year) -> None:
    house.workspaces.claim(LOCAL, house.reader.engine_id)
    house.run(
        "insert into alerted (team_id, user_id, content_hash, photo_id, alerted_at)"
        " values ('local', %s, '#', 1, '2000-01-01')",
        ANN,
    )

    house.expire(LOCAL)

    assert house.rows("select count(*) from alerted") == [(1,)]


def test_a_photo_expires_by_its_last_share(house: Year) -> None:
    house.add(shared("F1", -9, -1, 1, day=-9))
    house.add(shared("F2", -9, -1, day=-9))

    assert house.expire(TEAM) == expired(photos=1)

    assert house.shares() == {"F1": [1]}


def test_a_photo_whose_share_is_not_known_yet_counts_by_its_own_age(house: Year) -> None:
    house.add(shared("F1", day=-1))
    house.add(shared("F2", day=0))

    assert house.expire(TEAM) == expired(photos=1)

    assert list(house.shares()) == ["F2"]


def test_expiring_twice_is_the_same_as_once(house: Year) -> None:
    house.add(shared("F1", -1, day=-1))
    house.expire(TEAM)

    assert house.expire(TEAM) == expired()


def test_another_workspace_is_untouched(house: Year) -> None:
    house.index(house.add(shared("F1", -1, day=-1), OTHER), face(ANN), team_id=OTHER)
    house.all_of(ANN, OTHER)
    house.used(400)
    before = house.naming(ANN, OTHER)

    assert house.expire(TEAM) == expired()

    assert (house.shares(OTHER)["F1"], house.naming(ANN, OTHER)) == ([-1], before)


def test_ones_own_folder_never_expires(conninfo: str) -> None:
    runtime = Runtime(load(Settings, database_url=as_url(conninfo)))
    try:
        for team_id in (LOCAL, TEAM):
            runtime.workspaces.claim(team_id, House(runtime.database).reader.engine_id)
            runtime.photos.add(team_id, [shared("F1", -999, day=-999)])

        assert runtime.expire(LOCAL) == expired()
        assert runtime.expire(TEAM) == expired(photos=1)

        assert runtime.photos.counts(LOCAL).photos == 1
    finally:
        runtime.close()


def test_references_that_nobody_used_for_a_year_expire(house: Year) -> None:
    house.now = now()
    house.known_by_selfie()
    house.used(364.9)
    assert house.expire(TEAM) == expired()

    house.used(365.1)

    assert house.expire(TEAM) == expired(references=1)
    assert house.rows("select * from person_references") == []


def test_a_search_uses_all_references_of_the_person_and_of_nobody_else(house: Year) -> None:
    house.known_by_selfie()
    house.known_people(TEAM, ANN)
    house.known_people(TEAM, BEN)
    house.used(100)

    house.known_people(TEAM, ANN)

    used = house.rows(
        "select user_id, count(*) filter (where used_at > now() - interval '1 hour'), count(*)"
        " from person_references group by user_id order by user_id"
    )
    assert used == [(ANN, 2, 2), (BEN, 0, 1)]


def test_a_use_is_written_once_a_day(house: Year) -> None:
    house.known_by_selfie()
    house.known_people(TEAM, ANN)
    house.used(0.9)
    before = house.rows("select xmin::text, used_at from person_references")

    house.known_people(TEAM, ANN)

    assert house.rows("select xmin::text, used_at from person_references") == before


def test_wishes_expire_after_30_days_whatever_was_said(house: Year) -> None:
    for asker, days in ((BEN, 30), (CLEO, 29)):
        at = house.now - timedelta(days=days, seconds=1)
        house.wish(asker, ANN, at=at)

    assert house.expire(TEAM) == expired(requests=1)

    assert house.rows("select asker_id from consent_requests") == [(CLEO,)]


def test_a_wish_that_was_told_or_answered_late_is_known_for_30_days_from_then(
    house: Year,
) -> None:
    asked_at = house.now - timedelta(days=31)
    house.consents.decide(TEAM, ANN, Allowance.REFUSED, now=asked_at - timedelta(days=20))
    assert house.wish(BEN, ANN, at=asked_at) == {}
    assert list(house.wish(BEN, ANN, at=asked_at + timedelta(days=20))) == [ANN]
    asked = house.wish(CLEO, BEN, at=asked_at)[BEN]
    house.consents.answer(TEAM, BEN, asked, Answer.ONCE, now=house.now - DAY / 2)

    assert house.expire(TEAM) == expired()

    assert house.wish(BEN, ANN, at=house.now) == {}
    assert house.granted() == [(CLEO, "party")]


def test_what_people_decided_does_not_expire(house: Year) -> None:
    house.consents.decide(TEAM, ANN, Allowance.REFUSED, now=house.now - timedelta(days=900))
    house.opt_out.off(TEAM, BEN)

    house.now += timedelta(days=900)
    house.expire(TEAM)

    assert house.rows("select user_id from people order by user_id") == [(ANN,), (BEN,)]
    assert len(house.rows("select * from opt_outs")) == 1


def test_what_would_expire_at_once_is_not_listed(house: Year) -> None:
    listing = house.listing(shared("F1", -1, day=-1), shared("F2", -9, 1, day=-9))

    assert listing(TEAM, CHANNEL) == 1

    assert house.shares() == {"F2": [1]}


def test_what_would_expire_at_once_is_not_added(house: Year) -> None:
    photos = [shared("F1", -1, day=-1), shared("F2", -9, 1, day=-9)]
    add = house.adding(*photos)

    assert [add(TEAM, CHANNEL, photo.file_id) for photo in photos] == [False, True]

    assert house.shares() == {"F2": [1]}


def test_an_old_photo_that_was_shared_again_outlives_a_whole_comparison(house: Year) -> None:
    again = shared("F1", -9, 1, day=-9)
    listing = house.listing(again, shared("F2", -1, day=-1))
    house.index(house.add(again), face(ANN))
    house.expire(TEAM)

    for _ in range(2):
        house.workspaces.compare_anew(TEAM)
        assert listing(TEAM, CHANNEL) == 0

    assert (house.shares(), house.faces_of()) == ({"F1": [1]}, {"F1": 1})


def test_what_expired_is_not_listed_again(house: Year) -> None:
    old = shared("F1", 0)
    listing = house.listing(old)
    assert listing(TEAM, CHANNEL) == 1
    house.now += DAY
    house.expire(TEAM)

    house.workspaces.compare_anew(TEAM)

    assert listing(TEAM, CHANNEL) == 0
    assert house.shares() == {}
