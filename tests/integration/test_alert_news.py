"""What is news: photos that came into the index since, and nothing that they could see before."""

import os
import shutil
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from pipeline.folder import LOCAL
from pipeline.ports import FaceReader
from tests.integration.alert_house import (
    A_LITTLE_LIKE_HIM,
    ALONE,
    DAD,
    DAUGHTER_ALONE,
    GROUP,
    MAN_ALONE,
    House,
    opened,
)
from tests.integration.conftest import index_now
from tests.integration.parties import family


@pytest.fixture
def house(conninfo: str, tmp_path: Path, engine: FaceReader) -> Iterator[House]:
    with opened(tmp_path / "party", conninfo, engine) as house:
        yield house


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


def test_photos_that_waited_to_be_read_when_alerts_were_turned_on_are_news(house: House) -> None:
    house.party.put(ALONE)
    house.party.look(house.runtime)
    house.turn_on()
    house.party.index(house.runtime)

    house.later()

    assert house.messages == [(DAD, [ALONE])]


def test_photos_that_nobody_had_numbered_when_alerts_were_turned_on_are_no_news(
    house: House,
) -> None:
    house.post(ALONE)
    assert house.party.rows("select name from photos where arrival is null") == [(ALONE,)]

    house.turn_on()

    assert house.party.rows("select name from photos where arrival is null") == []
    assert (house.later(), house.find.searches) == (0, 0)


def test_old_photos_that_are_read_again_have_nobody_looked_for(house: House) -> None:
    house.post(ALONE, GROUP)
    house.turn_on()
    house.reindex()

    house.later()

    assert (house.messages, house.find.searches) == ([], 0)


def test_a_re_index_tells_nothing_twice(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    house.reindex()

    house.later()

    assert house.messages == [(DAD, [ALONE])]
    assert house.find.searches == 1


def test_a_photo_that_is_read_again_keeps_its_number(house: House) -> None:
    house.turn_on()
    house.post(ALONE, GROUP)
    house.later()
    numbers = house.party.rows(NUMBERS)
    house.reindex()

    house.later()

    assert house.party.rows(NUMBERS) == numbers
    assert len({arrival for _, arrival, _ in numbers}) == len(numbers) == 2


NUMBERS = "select photo_id, arrival, arrived_at from photos order by photo_id"


def test_photos_are_numbered_in_batches_in_the_order_in_which_they_were_indexed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.alerts.BATCH", 2)
    house.post(ALONE, GROUP, MAN_ALONE, DAUGHTER_ALONE, A_LITTLE_LIKE_HIM)

    house.later()

    rows = house.party.rows("select xmin::text, arrival from photos order by indexed_at")
    assert [arrival for _, arrival in rows] == [1, 2, 3, 4, 5]
    assert [len(list(batch)) for _, batch in groupby(rows, key=lambda row: row[0])] == [2, 2, 1]


def test_old_photos_that_were_edited_are_looked_past(house: House) -> None:
    house.post(ALONE)
    house.turn_on()
    house.party.change(ALONE, GROUP)
    house.party.index(house.runtime)

    assert (house.later(), house.find.searches) == (0, 0)

    ((arrival, looked_to),) = house.party.rows(
        "select max(arrival), max(looked_to) from photos, alerts"
    )
    assert arrival == looked_to == 2


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


def test_an_edited_photo_is_no_news(house: House) -> None:
    house.turn_on()
    house.post(ALONE)
    house.later()
    house.party.change(ALONE, GROUP)
    house.party.index(house.runtime)

    house.later()

    assert house.messages == [(DAD, [ALONE])]
    assert house.find.searches == 2


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
