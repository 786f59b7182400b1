"""No path, name or text from Slack reaches a shell, a path or SQL unescaped: bad ones, tried."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from bot.sandbox import Channel, Person, SharedFile
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, encoded, eventually, jobs, lines, open_office, snapshot
from tests.acceptance.surfaces import home, words
from tests.conftest import TEMPLATE, _new_database

TEXTS = (
    "../../../../tmp/findme-pwned",
    "/etc/cron.d/findme-pwned",
    "..\\..\\findme-pwned.bat",
    "findme-pwned; touch findme-pwned",
    "$(touch findme-pwned)`touch findme-pwned`",
    "| touch findme-pwned &",
    "-rf --output=findme-pwned",
    "'; drop table photos; --",
    '" or 1=1; delete from faces; /*',
    "%s %(team_id)s %n {0} {team_id} $1",
    "a\x00findme-pwned",
    "line one\nline two\r\n\x1b[31mred\x07",
    "\u202egpj.evil\u2066\u200f",
    "<!channel> <@U1|x> *b* `c` &amp; <https://evil.example|photo>",
    "\U0001f600\u0301" * 3,
    "x" * 3000,
    "",
    ".",
    "..",
    "CON",
    "~root",
)
PWNED = "findme-pwned"
COUNTS = "select (select count(*) from photos), (select count(*) from faces)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An office where everything has a bad name, and the answers of its bot."""

    office: Office
    victim: Person
    channel: Channel
    folder: Path
    posted: int


@pytest.fixture(scope="module")
def attack(
    server: str, engine: FaceReader, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attack]:
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "here").mkdir()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine) as office,
    ):
        patch.chdir(folder / "here")
        patch.setenv("FINDME_DATA_DIR", str(folder / "data"))
        office.start_bot(findme_pull_every_s=2)
        people = office.slack.people
        victim = office.person("eileen")
        channel = people.add_channel(TEXTS[0], members=[office.organiser, victim])
        office.invite_bot(channel)
        posted = []
        for number, text in enumerate(TEXTS):
            poster = people.add_person(f"{number}{text}")
            people.join(poster, channel)
            picture = snapshot("eileen", number)
            # What Slack can't show is converted under a name of its own.
            is_converted = number % 5 == 0
            data = encoded(picture, "TIFF") if is_converted else picture
            # Slack tells the type by the name's end, where something is before it.
            name = (text if text.strip(".") else f"..{number}") + (
                ".tiff" if is_converted else ".jpg"
            )
            posted.append(office.post(channel, data, name, by=poster))
        office.read(*posted, timeout_s=60)
        yield Attack(
            office=office, victim=victim, channel=channel, folder=folder, posted=len(posted)
        )


def _everywhere(attack: Attack) -> list[str]:
    places = [attack.folder, Path("/etc/cron.d"), Path("/tmp"), Path.home()]  # noqa: S108
    return [str(path) for place in places if place.is_dir() for path in place.glob(f"*{PWNED}*")]


def _counts(attack: Attack) -> tuple[int, int]:
    with psycopg.connect(attack.office.conninfo) as connection:
        row = connection.execute(COUNTS).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def test_photos_of_every_bad_name_are_indexed_and_shown(attack: Attack) -> None:
    office = attack.office
    assert _counts(attack) == (attack.posted, attack.posted)
    answer = office.ask(attack.victim, attack.channel)
    assert answer.text.startswith(f"*{attack.posted} photos of you")
    assert len(lines(answer)) == 10


def test_every_bad_text_that_is_typed_is_answered_in_words(attack: Attack) -> None:
    office = attack.office
    for text in (*TEXTS, *(f"in #{text}" for text in TEXTS[::2])):
        answer = office.ask(attack.victim, attack.channel, text)
        assert answer.text
        assert "went wrong on my side" not in answer.text, text
    for text in filter(None, TEXTS):  # without a word it opens the panel
        answer = office.admin(office.organiser, attack.channel, text)
        assert "went wrong on my side" not in answer.text, text
    assert _counts(attack) == (attack.posted, attack.posted)
    assert _everywhere(attack) == []


def test_home_and_the_panel_show_bad_names(attack: Attack) -> None:
    office = attack.office
    assert "What I know about you" in words(home(office, attack.victim))
    status = words(office.admin(office.organiser, attack.channel, "status"))
    assert "went wrong" not in status
    assert f"{attack.posted}" in status


def test_no_entry_of_a_zip_leaves_its_folder(attack: Attack, tmp_path: Path) -> None:
    office = attack.office
    answer = office.ask(attack.victim, attack.channel)
    office.click(attack.victim, answer, "send_all")
    (file,) = eventually(lambda: _zips(office, attack.victim), what="the zip", timeout_s=60)
    inside = tmp_path / "a" / "b" / "c"
    inside.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(file.data)) as opened:
        names = opened.namelist()
        opened.extractall(inside)
        for name in names:
            # As a tool would that believes every name.
            path = (inside / name).resolve()
            assert inside in path.parents, name
            assert path.is_file()
            assert not set(name) & set('\\:*?"<>|\x00\n\r\x1b\u202e\u2066'), name
    assert len(names) == len({name.casefold() for name in names}) == attack.posted
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        inside / name for name in names
    }


def test_nothing_is_written_outside_the_data_folder_and_the_database_is_whole(
    attack: Attack,
) -> None:
    office = attack.office
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    assert _everywhere(attack) == []
    assert {path.name for path in attack.folder.iterdir()} <= {"here", "data"}
    assert list((attack.folder / "here").iterdir()) == []
    assert _counts(attack) == (attack.posted, attack.posted)


def _zips(office: Office, who: Person) -> list[SharedFile]:
    people = office.slack.people
    return [
        people.file(file_id) for message in people.direct_messages(who) for file_id in message.files
    ]
