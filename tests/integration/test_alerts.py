"""One message for new photos, never at night: real photos, networks, PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.domain.model import Certainty, TeamId
from pipeline.errors import SourceUnavailableError, TurnedOffError
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader
from pipeline.wiring import now
from tests.integration.alert_house import (
    A_LITTLE_LIKE_HIM,
    ALONE,
    DAD,
    DAUGHTER,
    DAUGHTER_ALONE,
    GATHER,
    GROUP,
    MAN,
    MAN_ALONE,
    House,
    opened,
)


@pytest.fixture
def house(conninfo: str, tmp_path: Path, engine: FaceReader) -> Iterator[House]:
    with opened(tmp_path / "party", conninfo, engine) as house:
        yield house


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


def test_who_has_no_known_time_zone_waits_until_it_is_known(house: House) -> None:
    house.turn_on()
    house.people.failures[DAD] = SourceUnavailableError()
    house.post(ALONE)
    # They live by UTC, where it is noon.
    house.people.hours[DAD] = now().hour
    house.ahead = timedelta(hours=36 - now().hour)

    assert (house.tick(LOCAL), house.find.searches) == (0, 0)
    house.people.failures.clear()
    assert house.later(minutes=1) == 1


def test_a_tick_without_anything_new_searches_nothing(house: House) -> None:
    house.turn_on(DAD, MAN)
    house.post(ALONE)
    house.later()
    searched = house.find.searches

    for _ in range(3):
        house.later()

    assert (searched, house.find.searches) == (2, 2)


def test_the_others_turn_comes_at_the_next_ticks(house: House) -> None:
    house.turn_on(DAD, DAUGHTER, MAN)
    house.post(ALONE, DAUGHTER_ALONE, MAN_ALONE)
    house.most = 2
    house.tick = house.ticker(house.runtime, house.find)

    assert [house.later(), house.tick(LOCAL), house.tick(LOCAL)] == [2, 1, 0]

    assert [who for who, _ in house.told] == [DAD, DAUGHTER, MAN]


def test_whoever_fails_goes_behind_those_who_wait(house: House) -> None:
    house.turn_on(DAD, DAUGHTER, MAN)
    house.post(ALONE, DAUGHTER_ALONE, MAN_ALONE)
    house.failures[DAD] = [SourceUnavailableError() for _ in range(2)]
    house.most = 1
    house.tick = house.ticker(house.runtime, house.find)

    told = [house.later(minutes=minutes) for minutes in (31, 1, 1, 1, 1)]

    assert told == [0, 1, 1, 0, 1]
    assert [who for who, _ in house.told] == [DAUGHTER, MAN, DAD]


def test_a_tick_that_is_stopped_ends_with_the_person_it_is_at(house: House) -> None:
    house.turn_on(DAD, MAN)
    house.post(ALONE, MAN_ALONE)
    house.find.after = house.tick.stop

    assert [house.later(), house.later()] == [1, 0]

    assert house.messages == [(DAD, [ALONE])]


def test_turning_off_ends_them_at_once(house: House) -> None:
    house.turn_on()
    house.post(ALONE)

    assert house.is_on()
    assert house.runtime.alerts.turn_off(LOCAL, DAD)

    assert not house.is_on()
    assert not house.runtime.alerts.turn_off(LOCAL, DAD)
    assert house.later() == 0


def test_who_turns_them_off_while_being_looked_for_is_told_nothing(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.find.after = lambda: house.runtime.alerts.turn_off(LOCAL, DAD)

    assert house.later() == 0
    assert house.messages == []


def test_who_turned_findme_off_while_being_looked_for_is_looked_for_no_more(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.people.failures[DAD] = TurnedOffError()

    assert house.later() == 0

    assert not house.is_on()
    assert house.messages == []


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


def test_another_workspace_is_left_alone(house: House) -> None:
    house.turn_on()
    house.runtime.workspaces.claim(TeamId("T2"), house.engine.engine_id)
    house.runtime.alerts.turn_on(TeamId("T2"), DAD)
    house.post(ALONE)
    house.ahead += GATHER

    assert house.tick(TeamId("T2")) == 0
    assert house.tick(LOCAL) == 1
