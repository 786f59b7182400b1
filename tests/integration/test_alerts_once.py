"""No photo is told twice and none is lost, whatever fails, and whoever ticks at the same time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.alerts import Look
from pipeline.errors import (
    DatabaseUnavailableError,
    FindmeError,
    PersonGoneError,
    SourceUnavailableError,
)
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader
from pipeline.wiring import now
from tests.integration.alert_house import (
    ALONE,
    DAD,
    GATHER,
    GROUP,
    MAN,
    MAN_ALONE,
    NOBODY,
    House,
    opened,
)
from tests.waiting import wait_until


@pytest.fixture
def house(conninfo: str, tmp_path: Path, engine: FaceReader) -> Iterator[House]:
    with opened(tmp_path / "party", conninfo, engine) as house:
        yield house


def test_a_restart_tells_nothing_twice(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    restarted = house.party.open(house.engine)

    assert house.ticker(restarted, house.finder(restarted))(LOCAL) == 0
    house.post(MAN_ALONE)
    house.ahead += GATHER
    assert house.ticker(restarted, house.finder(restarted))(LOCAL) == 0


def test_a_photo_deleted_while_being_looked_for_is_not_told(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.find.after = lambda: house.delete(ALONE)

    assert house.later() == 0


@pytest.mark.parametrize(
    ("failure", "minutes"),
    [(SourceUnavailableError(), 1), (FindmeError(), 1), (RuntimeError(), 60)],
)
def test_a_message_that_could_not_be_written_is_written_later(
    house: House, failure: Exception, minutes: int
) -> None:
    def fail() -> None:
        house.composing = None
        raise failure

    house.turn_on()
    house.post(ALONE)
    house.composing = fail

    told = [house.later(), house.later(minutes - 1), house.later(minutes=1)]

    assert told == [0, 0, 1]
    assert (house.messages, house.find.searches) == ([(DAD, [ALONE])], 2)


def test_a_database_that_fails_while_a_message_is_written_loses_nothing(house: House) -> None:
    def fail() -> None:
        house.composing = None
        raise DatabaseUnavailableError

    house.turn_on()
    house.post(ALONE)
    house.composing = fail

    with pytest.raises(DatabaseUnavailableError):
        house.later()

    assert house.tick(LOCAL) == 1


def test_what_was_deleted_while_the_message_was_written_is_not_told(house: House) -> None:
    def delete() -> None:
        house.composing = None
        house.delete(GROUP)

    house.turn_on()
    house.post(ALONE, GROUP)
    house.composing = delete

    assert house.later() == 1

    assert (house.messages, house.composed) == ([(DAD, [ALONE])], 2)


@pytest.mark.parametrize("failure", [DatabaseUnavailableError(), RuntimeError()])
def test_what_could_not_be_written_anew_is_told_later(house: House, failure: Exception) -> None:
    def fail() -> None:
        house.composing = None
        raise failure

    def delete() -> None:
        house.composing = fail
        house.delete(GROUP)

    house.turn_on()
    house.post(ALONE, GROUP)
    house.composing = delete

    with suppress(DatabaseUnavailableError):
        assert house.later() == 0

    assert house.later(minutes=61) == 1
    assert house.messages == [(DAD, [ALONE])]


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

    assert [house.later(), house.later(minutes=120)] == [0, 0]


def test_whoever_is_gone_is_not_tried_again(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.failures[DAD] = [PersonGoneError()]

    assert house.later() == 0

    assert not house.is_on()


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


def test_a_source_that_wants_to_be_left_alone_is_left_alone(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.failures[DAD] = [SourceUnavailableError(retry_after_s=3600)]

    assert [house.later(), house.later(minutes=59)] == [0, 0]
    assert house.find.searches == 1
    assert house.later(minutes=1) == 1


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
