"""One message for new photos, never at night, never twice: real photos, networks, PostgreSQL."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.alerts import Look
from pipeline.domain.model import Certainty, ChannelId, FileId, Reference, TeamId, UserId
from pipeline.errors import FindmeError, PersonGoneError, SourceUnavailableError
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader, TimeZones
from pipeline.usecases.alert_people import AlertPeople
from pipeline.usecases.find_photos import FindPhotos, Found, Query
from pipeline.wiring import Runtime, now
from tests.fakes import Colleagues
from tests.integration.conftest import index_now
from tests.integration.parties import Party, family

DAD, DAUGHTER, MAN, NOBODY = (UserId(name) for name in ("dad", "daughter", "man", "nobody"))
ALONE, GROUP = "findsimilar.jpg", "identification1.jpg"  # dad; dad and his family
DAUGHTER_ALONE, MAN_ALONE = "child1-person-group.jpg", "man1-person-group.jpg"
A_LITTLE_LIKE_HIM = "woman2-person-group.jpg"
GATHER = timedelta(minutes=30)


class People(Colleagues, TimeZones):
    """Colleagues, each with a clock of their own; it is noon for who has none."""

    def __init__(self, channel_id: ChannelId) -> None:
        portraits = {
            who: min((family() / "people" / who).iterdir()) for who in (DAD, DAUGHTER, MAN)
        }
        super().__init__(
            pictures={who: portrait.read_bytes() for who, portrait in portraits.items()},
            channels={who: [channel_id] for who in (*portraits, NOBODY)},
        )
        self.hours = dict.fromkeys((*portraits, NOBODY), 12)
        self.failures: dict[UserId, FindmeError] = {}
        self.asked = 0

    def time_zone_of(self, user_id: UserId) -> tzinfo:
        """Where it is that hour when the test runs."""
        self.asked += 1
        if user_id in self.failures:
            raise self.failures[user_id]
        return timezone(timedelta(hours=(self.hours[user_id] - now().hour + 12) % 24 - 12))


class Watched(FindPhotos):
    """`/findme` whose searches are counted; a test can step in after each."""

    searches = 0
    after: Callable[[], object] | None = None

    def __call__(self, team_id: TeamId, query: Query, *, selfie: Reference | None = None) -> Found:
        self.searches += 1
        found = super().__call__(team_id, query, selfie=selfie)
        if self.after is not None:
            self.after()
        return found


class House:
    """A watched folder, and the messages that people got."""

    def __init__(self, party: Party, engine: FaceReader) -> None:
        self.party = party
        self.engine = engine
        self.runtime = party.open(engine)
        party.index(self.runtime)
        self.people = People(party.channel_id)
        self.ahead = timedelta()
        self.told: list[tuple[UserId, Found]] = []
        self.failures: dict[UserId, list[Exception]] = {}
        self.find = self.finder(self.runtime)
        self.tick = self.ticker(self.runtime, self.find)

    def finder(self, runtime: Runtime) -> Watched:
        """`/findme` in that process."""
        return Watched(
            people=runtime.known_people(self.people),
            visibility=self.people,
            channels=runtime.workspaces,
            photos=runtime.photos,
            engines=runtime.engines,
            match_faces=runtime.match_faces,
        )

    def ticker(self, runtime: Runtime, find: FindPhotos) -> AlertPeople:
        """The tick in that process."""
        return AlertPeople(
            find_photos=find,
            alerts=runtime.alerts,
            people=self.people,
            tell=self.tell,
            clock=self.clock,
            gather=GATHER,
        )

    def clock(self) -> datetime:
        """The real one, put forward."""
        return now() + self.ahead

    def tell(self, team_id: TeamId, user_id: UserId, found: Found) -> None:
        """A direct message."""
        assert team_id == LOCAL
        if self.failures.get(user_id):
            raise self.failures[user_id].pop(0)
        self.told.append((user_id, found))

    def turn_on(self, *people: UserId) -> None:
        """They want to hear of new photos."""
        for user_id in people or (DAD,):
            self.runtime.alerts.turn_on(LOCAL, user_id, now=now())

    def post(self, *names: str) -> None:
        """Put photos into the folder and index them."""
        self.party.put(*names)
        self.party.index(self.runtime)

    def again(self, name: str, new_name: str) -> None:
        """Post the same file once more."""
        shutil.copyfile(family() / "photos" / name, self.party.folder / new_name)
        self.party.index(self.runtime)

    def later(self, minutes: int = 31) -> int:
        """Time goes by, then it ticks; how many people were told."""
        self.ahead += timedelta(minutes=minutes)
        return self.tick(LOCAL)

    @property
    def messages(self) -> list[tuple[UserId, list[str]]]:
        """Who was told of which photos."""
        return [
            (user_id, sorted(match.face.photo_name for match in found.matches))
            for user_id, found in self.told
        ]


@pytest.fixture
def house(conninfo: str, tmp_path: Path, engine: FaceReader) -> Iterator[House]:
    """An empty folder that is watched."""
    folder = tmp_path / "party"
    folder.mkdir()
    with ExitStack() as stack:
        yield House(Party(folder, conninfo, stack), engine)


def test_whoever_turned_alerts_on_gets_one_message_with_all_new_photos(house: House) -> None:
    house.turn_on(DAD)
    house.post(ALONE, GROUP, MAN_ALONE)

    assert house.later() == 1

    assert house.messages == [(DAD, [ALONE, GROUP])]
    assert house.told[0][1].sure == 2


def test_whoever_did_not_hears_nothing(house: House) -> None:
    house.post(ALONE)

    assert house.later() == 0
    assert house.find.searches == 0


def test_each_hears_of_their_own_photos(house: House) -> None:
    house.turn_on(DAD, DAUGHTER, MAN)
    house.post(ALONE, DAUGHTER_ALONE, MAN_ALONE)

    assert house.later() == 3

    assert house.messages == [
        (DAD, [ALONE]),
        (DAUGHTER, [DAUGHTER_ALONE]),
        (MAN, [MAN_ALONE]),
    ]


def test_photos_from_before_alerts_were_on_are_no_news(house: House) -> None:
    house.post(ALONE)
    house.turn_on()
    house.post(GROUP)

    house.later()

    assert house.messages == [(DAD, [GROUP])]


def test_turning_on_twice_loses_nothing(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.turn_on()

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_the_first_new_photo_waits_for_others(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    assert house.later(minutes=29) == 0
    house.post(GROUP)

    assert house.later(minutes=2) == 1

    assert house.messages == [(DAD, [ALONE, GROUP])]


def test_what_arrives_after_a_message_is_gathered_anew(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    house.ahead = timedelta()
    house.post(GROUP)

    told = [house.later(minutes=minutes) for minutes in (29, 2)]

    assert told == [0, 1]
    assert house.messages == [(DAD, [ALONE]), (DAD, [GROUP])]


def test_at_night_nobody_is_told_and_in_the_morning_of_all_at_once(house: House) -> None:
    house.turn_on()
    house.people.hours[DAD] = 23
    house.post(ALONE)
    assert house.later() == 0
    house.post(GROUP)
    assert house.later(minutes=6 * 60) == 0

    assert house.later(minutes=5 * 60) == 1

    assert house.messages == [(DAD, [ALONE, GROUP])]


def test_in_the_night_the_time_zone_is_asked_for_once_and_nothing_is_searched(
    house: House,
) -> None:
    house.turn_on()
    house.people.hours[DAD] = 23
    house.post(ALONE)

    for _ in range(5):
        house.later()

    assert (house.people.asked, house.find.searches) == (1, 0)


def test_the_night_of_one_is_the_day_of_another(house: House) -> None:
    house.turn_on(DAD, MAN)
    house.people.hours[DAD] = 23
    house.post(ALONE, MAN_ALONE)

    house.later()

    assert house.messages == [(MAN, [MAN_ALONE])]


@pytest.mark.parametrize(("utc_hour", "told"), [(12, 1), (23, 0)])
def test_who_has_no_known_time_zone_lives_by_utc(house: House, utc_hour: int, told: int) -> None:
    house.turn_on()
    house.people.failures[DAD] = SourceUnavailableError()
    house.post(ALONE)
    house.ahead = timedelta(hours=24 + utc_hour - now().hour)

    assert house.tick(LOCAL) == told


def test_a_tick_without_anything_new_searches_nothing(house: House) -> None:
    house.turn_on(DAD, MAN)
    house.post(ALONE)
    house.later()
    searched = house.find.searches

    for _ in range(3):
        house.later()

    assert (searched, house.find.searches) == (2, 2)


def test_old_photos_that_are_read_again_have_nobody_looked_for(house: House) -> None:
    house.post(ALONE, GROUP)
    house.turn_on()
    reindex(house)

    house.later()

    assert (house.messages, house.find.searches) == ([], 0)


def reindex(house: House) -> None:
    runs = house.runtime.runs
    run_id = runs.start(LOCAL, [house.party.channel_id], requested_by=None)
    house.party.index(house.runtime)
    runs.finish(LOCAL, run_id)


def test_a_re_index_tells_nothing_twice(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    reindex(house)

    house.later()

    assert house.messages == [(DAD, [ALONE])]
    assert house.find.searches == 2


def test_a_repost_is_no_news(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    house.again(ALONE, "again.jpg")

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_a_repost_is_no_news_when_the_first_one_is_gone(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    (house.party.folder / ALONE).unlink()
    house.runtime.workspaces.compare_anew(LOCAL)
    house.again(ALONE, "again.jpg")

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_a_photo_posted_twice_is_told_once(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.again(ALONE, "again.jpg")

    house.later()

    assert house.messages == [(DAD, [ALONE])]


@pytest.mark.parametrize("days_older", [-1, 1])
def test_a_copy_of_a_photo_from_before_alerts_is_no_news(house: House, days_older: int) -> None:
    house.post(ALONE)
    house.turn_on()
    # Whichever of the two counts as posted first.
    posted = time.time() - days_older * 86_400
    shutil.copyfile(family() / "photos" / ALONE, house.party.folder / "again.jpg")
    touch(house.party.folder / "again.jpg", posted)
    house.party.index(house.runtime)

    house.later()

    assert house.messages == []
    assert house.find.searches == 1


def touch(path: Path, posted: float) -> None:
    os.utime(path, (posted, posted))


def test_a_copy_of_a_photo_that_they_could_not_see_is_news(house: House, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    shutil.copyfile(family() / "photos" / ALONE, tmp_path / "secret/first.jpg")
    index_now(house.runtime, tmp_path / "secret")
    house.turn_on()
    house.post(ALONE)

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_photos_that_they_can_not_see_are_not_told(house: House) -> None:
    house.people.channels[DAD] = []
    house.turn_on()
    house.post(ALONE)

    assert house.later() == 0


def test_whoever_joins_a_channel_hears_of_its_photos_with_the_next_new_one(house: House) -> None:
    house.turn_on()
    house.people.channels[DAD] = []
    house.post(ALONE)
    house.later()
    house.people.channels[DAD] = [house.party.channel_id]
    house.post(MAN_ALONE)

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_an_edited_photo_is_no_news(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    house.party.change(ALONE, GROUP)
    house.party.index(house.runtime)

    house.later()

    assert house.messages == [(DAD, [ALONE])]
    assert house.find.searches == 2


def test_a_restart_tells_nothing_twice(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    restarted = house.party.open(house.engine)

    assert house.ticker(restarted, house.finder(restarted))(LOCAL) == 0
    house.post(MAN_ALONE)
    house.ahead += GATHER
    assert house.ticker(restarted, house.finder(restarted))(LOCAL) == 0


def test_turning_alerts_off_and_on_tells_nothing_twice(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    assert house.runtime.alerts.turn_off(LOCAL, DAD)
    house.post(GROUP)
    house.turn_on()
    house.again(ALONE, "again.jpg")

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_turning_off_ends_them_at_once(house: House) -> None:
    house.turn_on()
    house.post(ALONE)

    assert house.runtime.alerts.is_on(LOCAL, DAD)
    assert house.runtime.alerts.turn_off(LOCAL, DAD)

    assert not house.runtime.alerts.is_on(LOCAL, DAD)
    assert not house.runtime.alerts.turn_off(LOCAL, DAD)
    assert house.later() == 0


def test_who_turns_them_off_while_being_looked_for_is_told_nothing(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.find.after = lambda: house.runtime.alerts.turn_off(LOCAL, DAD)

    assert house.later() == 0
    assert house.messages == []


def test_a_photo_deleted_while_being_looked_for_is_not_told(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.find.after = lambda: house.runtime.photos.delete(LOCAL, file_of(house, ALONE))

    assert house.later() == 0


def file_of(house: House, name: str) -> FileId:
    photo = house.runtime.photos.get(LOCAL, house.party.photo_id(name))
    assert photo is not None
    return photo.file_id


def test_maybes_wait_for_a_sure_one(house: House) -> None:
    house.turn_on(MAN)
    house.post(A_LITTLE_LIKE_HIM)
    assert house.later() == 0
    assert house.find.searches == 1
    house.post(MAN_ALONE)

    house.later()

    assert house.messages == [(MAN, [MAN_ALONE, A_LITTLE_LIKE_HIM])]
    certainties = [match.certainty for match in house.told[0][1].matches]
    assert certainties == [Certainty.SURE, Certainty.MAYBE]


def test_a_photo_that_was_told_brings_no_maybe_along(house: House) -> None:
    house.turn_on(MAN)
    house.post(MAN_ALONE)
    house.later()
    (house.party.folder / MAN_ALONE).unlink()
    house.runtime.workspaces.compare_anew(LOCAL)
    house.again(MAN_ALONE, "again.jpg")
    house.post(A_LITTLE_LIKE_HIM)

    house.later()

    assert house.messages == [(MAN, [MAN_ALONE])]


def test_what_could_not_be_told_is_told_at_the_next_tick(house: House) -> None:
    house.turn_on()
    house.post(ALONE, GROUP)
    house.failures[DAD] = [SourceUnavailableError()]

    told = [house.later(minutes) for minutes in (31, 1, 31)]

    assert told == [0, 1, 0]
    assert house.messages == [(DAD, [ALONE, GROUP])]


def test_what_may_have_been_told_is_not_told_again(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.failures[DAD] = [TimeoutError()]

    assert [house.later(), house.later()] == [0, 0]


def test_whoever_is_gone_is_not_tried_again(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.failures[DAD] = [PersonGoneError()]

    assert house.later() == 0

    assert not house.runtime.alerts.is_on(LOCAL, DAD)


@pytest.mark.parametrize(
    "failure", [SourceUnavailableError(), PersonGoneError(), TimeoutError(), FindmeError()]
)
def test_what_goes_wrong_with_one_keeps_nobody_from_theirs(
    house: House, failure: Exception
) -> None:
    house.turn_on(NOBODY, DAD, MAN)
    house.post(ALONE, MAN_ALONE)
    house.failures[DAD] = [failure]

    assert house.later() == 1

    assert house.messages == [(MAN, [MAN_ALONE])]


def test_a_source_that_fails_while_searching_is_asked_again_at_the_next_tick(
    house: House,
) -> None:
    def fail() -> None:
        house.find.after = None
        raise SourceUnavailableError

    house.turn_on()
    house.post(ALONE)
    house.find.after = fail

    assert [house.later(), house.later(minutes=1)] == [0, 1]


def test_a_person_without_a_face_is_looked_for_again_when_something_new_came(
    house: House,
) -> None:
    house.turn_on()
    portrait = house.people.pictures.pop(DAD)
    house.post(ALONE)
    searches = [(house.later(), house.find.searches)[1] for _ in range(3)]
    house.people.pictures[DAD] = portrait
    assert house.later() == 0

    house.post(MAN_ALONE)
    house.later()

    assert searches == [1, 1, 1]
    assert house.messages == [(DAD, [ALONE])]


def test_a_photo_whose_transaction_ends_after_the_look_is_told_later(house: House) -> None:
    """Its indexed_at is earlier than what was looked at already."""
    house.turn_on()
    house.party.put(ALONE, GROUP)
    house.party.look(house.runtime)
    late = house.party.photo_id(ALONE)
    with (
        ThreadPoolExecutor(1) as threads,
        psycopg.connect(house.party.conninfo) as held,
    ):
        held.execute("select from photos where photo_id = %s for update", (late,))
        indexing = threads.submit(house.runtime.index_photo, LOCAL, late)
        wait_until(lambda: bool(house.party.rows(WAITING)))
        house.runtime.index_photo(LOCAL, house.party.photo_id(GROUP))
        assert house.later() == 1
        held.rollback()
        indexing.result()
    ((early, later),) = house.party.rows(
        "select min(indexed_at) filter (where name = %s), min(indexed_at) filter (where name = %s)"
        " from photos",
        ALONE,
        GROUP,
    )
    assert early < later

    assert house.later() == 1

    assert house.messages == [(DAD, [GROUP]), (DAD, [ALONE])]


WAITING = """
select pid from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%%for update%%'
"""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", range(5))
def test_of_two_processes_that_tick_at_once_one_tells(house: House, number: int) -> None:
    del number  # threads meet differently each time
    house.turn_on(DAD, MAN)
    house.post(ALONE, GROUP, MAN_ALONE)
    house.ahead += GATHER
    both = threading.Barrier(2)
    ticks = []
    for _ in range(2):
        process = house.party.open(house.engine)
        find = house.finder(process)
        find.after = both.wait
        ticks.append(house.ticker(process, find))

    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(lambda tick: tick(LOCAL), ticks))

    assert sum(told) == 2
    assert sorted(house.messages) == [(DAD, [ALONE, GROUP]), (MAN, [MAN_ALONE])]


def test_of_many_claims_at_once_one_holds(house: House) -> None:
    house.turn_on()
    house.post(ALONE, GROUP)
    alerts = house.runtime.alerts
    photo_ids = house.party.photo_ids()
    (look,) = alerts.due(LOCAL, now=now() + GATHER, gather=GATHER)

    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: alerts.claim(LOCAL, look, photo_ids), range(8)))

    assert sorted(map(len, claims)) == [0] * 7 + [2]


def test_whoever_looked_later_claims_nothing_although_they_found_more(house: House) -> None:
    house.turn_on()
    house.post(ALONE, GROUP)
    alerts = house.runtime.alerts
    first, second = house.party.photo_ids()
    (look,) = alerts.due(LOCAL, now=now() + GATHER, gather=GATHER)

    assert alerts.claim(LOCAL, look, [first]) == {first}
    assert alerts.claim(LOCAL, look, [first, second]) == set()
    assert not alerts.looked(LOCAL, look)


def test_of_many_that_look_at_once_all_see_the_same(house: House) -> None:
    house.turn_on()
    house.post(ALONE, GROUP)

    def looks(_: int) -> list[Look]:
        return house.runtime.alerts.due(LOCAL, now=now() + GATHER, gather=GATHER)

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(looks, range(8)))

    assert all(one == seen[0] and len(one) == 1 for one in seen)


def test_another_workspace_is_left_alone(house: House) -> None:
    house.turn_on()
    house.runtime.workspaces.claim(TeamId("T2"), house.engine.engine_id)
    house.runtime.alerts.turn_on(TeamId("T2"), DAD, now=datetime.now(UTC))
    house.post(ALONE)
    house.ahead += GATHER

    assert house.tick(TeamId("T2")) == 0
    assert house.tick(LOCAL) == 1
