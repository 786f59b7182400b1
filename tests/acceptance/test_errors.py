"""What goes wrong is told to who asked, in a sentence."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.ports import FaceReader
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.migrate import migrate
from tests.acceptance.office import (
    FAST,
    WAIT_S,
    Office,
    Transport,
    lines,
    links,
    open_office,
    rows,
    snapshot,
)

pytestmark = pytest.mark.slow

INCIDENT = re.compile(r"number `([0-9a-f]{8})`")


def test_an_unexpected_error_is_told_with_the_number_that_stands_in_the_log(
    any_new_office: Office,
) -> None:
    office = any_new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    with psycopg.connect(office.conninfo, autocommit=True) as connection:
        connection.execute("drop table faces")
    with capture_logs() as log:
        answer = office.ask(eileen, channel)
    incident = INCIDENT.search(answer.text)
    assert incident is not None, answer.text
    assert [
        (entry["event"], entry["log_level"])
        for entry in log
        if entry.get("incident") == incident[1]
    ] == [("listener.failed", "error")]


def test_an_unexpected_error_of_an_admin_command_is_told_the_same_way(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot()
    channel = office.channel()
    with psycopg.connect(office.conninfo, autocommit=True) as connection:
        connection.execute("drop table faces")
    assert INCIDENT.search(office.admin(office.organiser, channel, "status").text)


def test_a_photo_that_meets_an_unexpected_error_keeps_nobody_else_waiting(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot()
    channel = office.channel()
    with psycopg.connect(office.conninfo, autocommit=True) as connection:
        connection.execute(
            "create function refuse() returns trigger language plpgsql as "
            "$$ begin raise exception 'no'; end $$"
        )
        connection.execute(
            "create trigger refuse before update on photos for each row "
            "when (old.name = 'bad.jpg') execute function refuse()"
        )
    office.post(channel, snapshot("eileen"), "bad.jpg")
    good = office.post(channel, snapshot("eileen", 1), "good.jpg")
    assert [row.state for row in office.read(good)] == ["indexed"]


def test_where_slack_fails_while_it_is_asked_the_answer_says_so(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.slack.faults.fail("users.info", error="fatal_error", times=10)
    answer = office.ask(eileen, channel)
    assert answer.text.startswith("Slack refused that just now; please try again.")
    assert answer.text.endswith("`fatal_error`.")


def test_a_lost_connection_to_slack_comes_back_by_itself(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.slack.delivery.refresh_connections()
    office.slack.wait_for_bot()
    posted = office.show(channel, snapshot("eileen"))
    assert {line.permalink for line in lines(office.ask(eileen, channel))} == links(posted)


class Outage:
    """An office whose database server was stopped while the bot runs."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.folder = folder


@contextmanager
def _data_folder() -> Iterator[Path]:
    # Not below pytest's own folder: another run closes that to the user PostgreSQL runs as.
    made = Path(tempfile.mkdtemp(prefix="findme-outage-"))
    yield made / "data"
    shutil.rmtree(made)


@pytest.fixture
def data_folder() -> Iterator[Path]:
    with _data_folder() as folder:
        yield folder


@pytest.fixture(scope="module", params=["socket", "http"])
def outage(request: pytest.FixtureRequest, engine: FaceReader) -> Iterator[Outage]:
    with _data_folder() as folder:
        yield from _outage(folder, engine, request.param)


def _outage(folder: Path, engine: FaceReader, transport: Transport) -> Iterator[Outage]:
    server = EmbeddedServer(folder)
    migrate(server.conninfo)
    with (
        pytest.MonkeyPatch.context() as patch,
        open_office(server.conninfo, engine, transport) as office,
    ):
        patch.setattr("pipeline.storage.connect.POOL_TIMEOUT_S", 2.0)
        office.start_bot(findme_port=0, findme_pull_every_s=1)
        eileen = office.person("eileen")
        channel = office.channel(eileen)
        office.show(channel, snapshot("eileen"))
        assert httpx.get(f"http://127.0.0.1:{office.running.port}/healthz").status_code == 200
        server.close()
        yield Outage(office, folder)
        again = EmbeddedServer(folder)
        office.stop_bot()
        again.close()


def test_without_its_database_the_bot_says_to_try_again_later(outage: Outage) -> None:
    office = outage.office
    eileen = office.slack.people.person(
        next(p for p in office.slack.workspace.people.values() if p.name.startswith("eileen"))
    )
    channel = next(c for c in office.slack.workspace.channels.values() if eileen.id in c.members)
    answer = office.ask(eileen, channel)
    assert answer.text == ("The database can't be reached just now; please try again in a minute.")


def test_without_its_database_the_bot_is_unhealthy(outage: Outage) -> None:
    port = outage.office.running.port
    answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=15)
    assert (answer.status_code, answer.json()) == (503, {"ok": False})


def test_once_its_database_is_back_the_bot_goes_on(data_folder: Path, engine: FaceReader) -> None:
    server = EmbeddedServer(data_folder)
    migrate(server.conninfo)
    with open_office(server.conninfo, engine) as office:
        office.start_bot(findme_pull_every_s=1)
        channel = office.channel()
        office.show(channel, snapshot("eileen"))
        server.close()
        posted = office.post(channel, snapshot("eileen", 1))
        office.slack.faults.clear()
        again = EmbeddedServer(data_folder)
        try:
            office.read(posted, timeout_s=60)
            assert len(rows(office.conninfo)) == 2
        finally:
            office.stop_bot()
            again.close()


@pytest.mark.usefixtures("no_spinner")
def test_an_answer_that_comes_too_late_for_its_place_comes_by_direct_message(
    conninfo: str, engine: FaceReader
) -> None:
    spent = replace(FAST, response_url_life_s=0.0)
    with open_office(conninfo, engine, times=spent) as office:
        office.start_bot()
        eileen = office.person("eileen")
        channel = office.channel(eileen)
        office.show(channel, snapshot("eileen"))
        office.slack.people.run_command(eileen, channel, "/findme")
        people = office.slack.people
        (message,) = people.wait_for(lambda: people.direct_messages(eileen), timeout_s=WAIT_S)
    assert message.text.startswith("*1 photo of you")
    assert len(lines(message)) == 1
