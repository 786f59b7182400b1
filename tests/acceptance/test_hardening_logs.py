"""Logs and errors without tokens, URLs with secrets, names or embeddings: a noisy run, grepped."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bot.demo.portraits import portrait
from bot.sandbox import DOWNLOAD, RESPONSE_URL
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, open_office, rows, snapshot
from tests.acceptance.surfaces import element, home, told
from tests.acceptance.test_processes import Machine
from tests.conftest import TEMPLATE, _new_database

PERSON, OTHER = "Zebulon Quillfeather", "Ottoline Bramblewick"
CHANNEL = "narwhal-room"
FILE, BROKEN, TITLE = "wolpertinger plans.jpg", "quokka.jpg", "Kumquat harvest"
COMMAND, NOWHERE, ADMIN = "xylophone", "pangolin-room", "frobnicate"
SAID = "the merger with Acme is on Friday"
PASSWORD = "hunter2-of-the-database"  # noqa: S105 - no real one

# Every row that is written from then on makes the database say all of it in its error.
TELL = """
create function tell() returns trigger language plpgsql as
$$ begin raise exception 'failing row: %', new; end $$
"""
TOLD_OF = "create trigger tell before insert on {} for each row execute function tell()"
FLOATS = re.compile(r"(-?\d*\.\d+(e-?\d+)?[\s,\])]+){6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What one bot wrote, and what was going on around it."""

    text: str
    office: Office
    response_urls: list[str]
    trigger_ids: list[str]
    answers: list[str]

    @property
    def events(self) -> set[str]:
        """The events in the log, by name."""
        lines = (line for line in self.text.splitlines() if line.startswith("{"))
        return {str(json.loads(line)["event"]) for line in lines}


@pytest.fixture(scope="module")
def noise(
    server: str, engine: FaceReader, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Noise]:
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine) as office,
    ):
        machine = Machine(office, models, tmp_path_factory.mktemp("noisy"))
        url = machine.env["DATABASE_URL"].replace("@", f":{PASSWORD}@", 1)
        bot = machine.start_bot(FINDME_LOG="debug", DATABASE_URL=url, FINDME_PULL_EVERY_S="1")
        try:
            heard = _make_noise(office, conninfo)
            bot.end(timeout_s=30)
            yield Noise(text=bot.text(), office=office, **heard)
        finally:
            machine.clean_up()


def _make_noise(office: Office, conninfo: str) -> dict[str, list[str]]:
    people, faults = office.slack.people, office.slack.faults
    zebulon = people.add_person(PERSON, picture=portrait("eileen"))
    channel = people.add_channel(CHANNEL, members=[office.organiser, zebulon])
    office.slack.people.invite_bot(channel, by=office.organiser)
    people.say(zebulon, channel, SAID)
    office.read(
        office.post(channel, snapshot("eileen"), FILE, by=zebulon),
        office.post(channel, b"no picture: <html>", BROKEN, by=zebulon),
        timeout_s=60,
    )
    answers, asked = [], []

    def ask(text: str, command: str = "/findme", who: object = zebulon) -> None:
        asked.append(people.run_command(who, channel, command, text))  # type: ignore[arg-type]
        answers.append(office.answer(asked[-1], timeout_s=60).text)

    ask("")
    ask(f"in #{NOWHERE}")
    ask(COMMAND)
    ask(f"<@U0NOBODY|{OTHER}>")
    ask(ADMIN, "/findme-admin", office.organiser)
    # Slack at its worst, quoting what it was asked.
    page = f"<html>{PERSON} {SAID} {office.slack.bot_token}</html>"
    for method in ("users.info", "users.profile.get", "files.info", "files.list"):
        faults.fail(method, status=500, body=page, times=2)
    faults.fail(DOWNLOAD, status=500, body=page)
    asked.append(people.run_command(zebulon, channel, "/findme"))
    office.post(channel, snapshot("eileen", 1), FILE, by=zebulon)
    time.sleep(1)
    faults.clear()
    faults.fail(RESPONSE_URL, status=404, body=page, times=2)
    asked.append(people.run_command(zebulon, channel, "/findme"))
    told(office, zebulon)
    faults.clear()
    # The bot's own errors, and its database's words for them.
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(TELL)
        for table in ("verdicts", "faces", "alerts"):
            connection.execute(sql.SQL(TOLD_OF).format(sql.Identifier(table)))
    office.post(channel, snapshot("eileen", 2), FILE, by=zebulon)
    answer = office.ask(zebulon, channel)
    menu = element(office, answer, "verdict")
    assert menu is not None
    asked.append(people.click(zebulon, answer, "verdict", value=menu["options"][0]["value"]))
    answers.append(office.answer(asked[-1], timeout_s=60).text)
    page_of_home = home(office, zebulon)
    asked.append(people.click(zebulon, page_of_home, "alerts_on"))
    time.sleep(1)
    _stop_the_database_for_a_while(conninfo)
    ask("")
    return {
        "response_urls": [each.response_url for each in asked if each.response_url],
        "trigger_ids": [each.trigger_id for each in asked],
        "answers": answers,
    }


def _stop_the_database_for_a_while(conninfo: str) -> None:
    """Nobody gets in for two seconds, and who is in is thrown out."""
    name = conninfo_to_dict(conninfo)["dbname"]
    with psycopg.connect(conninfo, dbname="postgres", autocommit=True) as connection:
        switch = sql.SQL("alter database {} allow_connections {}")
        connection.execute(switch.format(sql.Identifier(str(name)), sql.Literal(False)))
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        time.sleep(2)
        connection.execute(switch.format(sql.Identifier(str(name)), sql.Literal(True)))


@pytest.mark.slow
def test_the_run_was_noisy_enough_to_show_something(noise: Noise) -> None:
    assert noise.events >= {
        "bot.started",
        "photo.indexed",
        "photo.unreadable",
        "photo.failed",
        "listener.refused",
        "listener.failed",
        "reply.refused",
        "photos.found",
        "library.says",
    }
    assert "psycopg.errors.RaiseException (SQLSTATE P0001)" in noise.text
    # The pool's words, or whoever needed it then.
    assert re.search(
        r"not currently accepting connections|database\.unavailable|worker\.disconnected",
        noise.text,
    )


@pytest.mark.slow
def test_no_token_or_password_comes_into_the_log(noise: Noise) -> None:
    slack = noise.office.slack
    for secret in (slack.bot_token, slack.app_token, slack.signing_secret, PASSWORD):
        assert secret not in noise.text
    assert not re.search(r"xox[a-z]-|xapp-|ticket=|Bearer ", noise.text)


@pytest.mark.slow
def test_no_address_with_a_secret_comes_into_the_log(noise: Noise) -> None:
    assert len(noise.response_urls) >= 6
    for url in noise.response_urls:
        assert url.rpartition("/")[2] not in noise.text
    assert not re.search(r"/respond/|/files-pri/|/avatars/|hooks\.slack", noise.text)
    for trigger_id in noise.trigger_ids:
        assert trigger_id not in noise.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    [*PERSON.split(), *OTHER.split(), "Olu", CHANNEL, *FILE.split(), BROKEN, "html"],
)
def test_no_name_of_a_person_channel_or_file_comes_into_the_log(noise: Noise, word: str) -> None:
    for written in (word, quote(word)):
        assert not re.search(rf"\b{re.escape(written)}\b", noise.text, re.IGNORECASE)


@pytest.mark.slow
@pytest.mark.parametrize("word", [COMMAND, NOWHERE, ADMIN, SAID, "merger"])
def test_nothing_that_somebody_typed_comes_into_the_log(noise: Noise, word: str) -> None:
    assert word not in noise.text


@pytest.mark.slow
def test_no_embedding_comes_into_the_log(noise: Noise) -> None:
    assert not FLOATS.search(noise.text)


@pytest.mark.slow
def test_what_people_are_told_of_errors_holds_no_secret(noise: Noise) -> None:
    slack = noise.office.slack
    shown = [*noise.answers, *(row.reason or "" for row in rows(noise.office.conninfo))]
    assert len(shown) > 8
    for text in shown:
        for secret in (slack.bot_token, slack.app_token, slack.origin, PASSWORD, "P0001", "row:"):
            assert secret not in text
        assert not FLOATS.search(text)
