"""What a bot shows to whoever runs it: /metrics, a dashboard of them, one id in its logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.sandbox import Channel, Message, Person
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, eventually, open_office, snapshot
from tests.conftest import TEMPLATE, _new_database
from tests.waiting import wait_until

NAME = re.compile(r"\b(?:findme|process)_\w+")
SELECTOR = re.compile(r"\b((?:findme|process)_\w+)\{([^}]*)\}")
ANSWERED = {"kind": "command", "name": "/findme", "outcome": "answered"}
# Prometheus adds these to what it scrapes.
OF_THE_SCRAPE = {"job", "instance"}
WHO_WAITS = """
select application_name from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
and query like '%once.answered_at as once_at%'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What Prometheus got: samples by name, each with its labels."""

    text: str
    samples: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]

    def value(self, name: str, /, **labels: str) -> float:
        """The value of one sample."""
        (found,) = [value for has, value in self.samples[name] if labels.items() <= has.items()]
        return found

    def labels(self, name: str) -> set[str]:
        """Every label that the samples of that name have."""
        return {label for has, _ in self.samples[name] for label in has}


def scrape(office: Office) -> Scrape:
    metrics = office.running.metrics
    assert metrics is not None
    answer = httpx.get(f"http://127.0.0.1:{metrics.port}/metrics")
    assert answer.status_code == 200
    samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for one in family.samples:
            samples.setdefault(one.name, []).append((one.labels, one.value))
    return Scrape(text=answer.text, samples=samples)


@pytest.fixture(scope="module")
def office(server: str, engine: FaceReader) -> Iterator[Office]:
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine) as opened,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("FINDME_METRICS_PORT", "0")
        opened.start_bot()
        yield opened


@pytest.fixture(scope="module")
def seen(office: Office) -> Scrape:
    """After a photo, a picture that is none, an answer and a 429."""
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"), b"no picture")
    office.slack.faults.fail("users.info", status=429, headers={"Retry-After": "0"})
    ask(office, eileen, channel)
    return scrape(office)


def ask(office: Office, who: Person, where: Channel) -> Message:
    """`/findme`: the answer, once it is counted; that comes a moment after it is seen."""
    before = answered(office)
    answer = office.ask(who, where)
    wait_until(lambda: answered(office) == before + 1)
    return answer


def answered(office: Office) -> float:
    """How many commands were, so far."""
    of_commands = scrape(office).samples.get("findme_request_seconds_count", ())
    return sum(value for labels, value in of_commands if labels.items() >= ANSWERED.items())


def dashboard() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(_packaged("grafana.json"))
    return made


def expressions() -> list[str]:
    """Of every panel and every alert."""
    shown = [target["expr"] for panel in dashboard()["panels"] for target in _targets(panel)]
    rules = json.loads(_packaged("alerts.json"))["groups"][0]["rules"]
    return [*shown, *(rule["expr"] for rule in rules)]


def _packaged(name: str) -> str:
    return files("bot").joinpath("observability", name).read_text(encoding="utf-8")


def _targets(panel: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    targets: Sequence[Mapping[str, Any]] = panel.get("targets", [])
    return targets


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    with capture_logs(processors=[merge_contextvars]) as lines:
        yield lines  # type: ignore[misc]  # structlog types events as mutable mappings


def test_photos_are_counted_by_state_and_by_what_came_of_them(seen: Scrape) -> None:
    for state in ("indexed", "unreadable"):
        assert seen.value("findme_index_photos", state=state) == 1
        assert seen.value("findme_photos_total", outcome=state) >= 1
    assert seen.value("findme_index_photos", state="pending") == 0


def test_stages_searches_and_answers_are_timed(seen: Scrape) -> None:
    for stage in ("download", "decode", "detect", "embed", "store", "search"):
        assert seen.value("findme_stage_seconds_count", stage=stage) >= 1
    assert seen.value("findme_search_seconds_count") >= 1
    assert seen.value("findme_request_seconds_count", **ANSWERED) >= 1


def test_an_answer_takes_what_its_search_takes_and_more(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    ask(office, eileen, channel)
    before = scrape(office)

    office.ask(eileen, channel)

    def after(name: str, /, **labels: str) -> float:
        return scrape(office).value(name, **labels) - before.value(name, **labels)

    # An answer is counted a moment after it is sent.
    wait_until(lambda: after("findme_request_seconds_count", **ANSWERED) == 1)
    searched_s = after("findme_search_seconds_sum")
    assert 0 < searched_s < after("findme_request_seconds_sum", **ANSWERED)


def test_requests_to_slack_are_counted_by_method_and_status(seen: Scrape) -> None:
    assert seen.value("findme_slack_requests_total", method="users.info", status="429") >= 1
    assert seen.value("findme_slack_requests_total", method="users.info", status="200") >= 1
    assert seen.value("findme_slack_requests_total", method="response_url", status="200") >= 1
    assert seen.value("findme_slack_requests_total", method="download of photo", status="200") >= 2


def test_the_queue_the_workers_and_the_database_are_seen(seen: Scrape) -> None:
    assert seen.value("findme_jobs", task="index_photo", state="failed") == 0
    assert seen.value("findme_workers") >= 1
    assert seen.value("findme_database_up") == 1
    assert seen.value("findme_database_size_bytes") > 1_000_000
    assert seen.value("findme_database_transactions_total") > 0
    assert seen.value("findme_index_info", engine="retail") == 1


def test_metrics_hold_no_name_and_no_id(office: Office, seen: Scrape) -> None:
    workspace = office.slack.workspace
    ids = {*workspace.people, *workspace.channels, *workspace.files, office.slack.team_id}
    names = {
        person.name for person in workspace.people.values() if person.id != workspace.bot_user_id
    }
    assert len(ids) > 5
    assert not [word for word in ids | names if word in seen.text]


def test_everything_that_the_dashboard_and_the_alerts_name_is_there(seen: Scrape) -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(named) >= 20
    assert named - seen.samples.keys() == set()


def test_every_label_that_the_dashboard_and_the_alerts_choose_by_is_there(seen: Scrape) -> None:
    chosen = [pair for expression in expressions() for pair in SELECTOR.findall(expression)]
    for name, matchers in chosen:
        labels = set(re.findall(r"(\w+)(?:=|!)", matchers)) - OF_THE_SCRAPE
        assert labels <= seen.labels(name), name


def test_the_dashboard_can_be_imported_with_any_prometheus() -> None:
    made = dashboard()
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= made.keys()
    (source,) = [one for one in made["templating"]["list"] if one["type"] == "datasource"]
    shown = [panel for panel in made["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in shown} == {f"${{{source['name']}}}"}
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in made["panels"]}
    assert len(places) == len(made["panels"])


def test_two_commands_at_once_have_an_id_each_that_their_logs_and_the_database_know(
    office: Office,
) -> None:
    people = [office.person("eileen"), office.person("grace")]
    channel = office.channel(*people)
    with logged() as lines, psycopg.connect(office.conninfo) as connection:
        # Both get stuck in the database, where they can be looked at.
        connection.execute("lock table people in access exclusive mode")
        asked = [office.slack.people.run_command(who, channel, "/findme") for who in people]

        def waiting() -> set[str]:
            with psycopg.connect(office.conninfo, autocommit=True) as other:
                return {str(name) for (name,) in other.execute(WHO_WAITS)}

        eventually(lambda: len(waiting()) == len(people), what="both in the database")
        names = waiting()
        connection.rollback()
        for invocation in asked:
            office.answer(invocation)
        eventually(lambda: len(_commands(lines)) == len(people), what="the end of both")
    ids = _commands(lines)
    assert len(set(ids)) == len(people)
    assert {f"findme {one}" for one in ids} == names
    for one in ids:
        events = [line["event"] for line in lines if line.get("request") == one]
        assert {"photos.found", "request.done"} <= set(events)


def _is_there(lines: Sequence[Mapping[str, Any]], event: str) -> bool:
    return any(line["event"] == event for line in lines)


def _commands(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        line["request"]
        for line in lines
        if line["event"] == "request.done" and line["name"] == "/findme"
    ]


def test_a_photo_is_indexed_under_the_id_of_the_event_that_told_of_it(office: Office) -> None:
    with logged() as lines:
        channel = office.channel()
        # Else that finds the photo.
        eventually(lambda: _is_there(lines, "channel.listed"), what="the channel's first listing")
        office.show(channel, snapshot("grace", 1))
        eventually(lambda: _is_there(lines, "photo.indexed"), what="its log line")
    (indexed,) = [line["request"] for line in lines if line["event"] == "photo.indexed"]
    events = {
        line["name"]: line["request"]
        for line in lines
        if line["event"] == "request.done" and line["request"] == indexed
    }
    assert events.keys() & {"file_shared", "message"}
