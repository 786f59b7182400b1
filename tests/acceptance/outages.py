"""PostgreSQL goes away for a while, under indexing and searches; and what people saw of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.sandbox import Invocation, PostedPhoto
from tests.acceptance.office import LOOKING, Office, eventually, jobs, lines, rows, snapshot
from tests.integration.conftest import OwnServer

AWAY = "The database can't be reached just now; please try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """What an outage came to; `resumed_s` from the database's return to the first photo read."""

    photos: int
    asked: int
    told_away: int
    resumed_s: float
    done_s: float


def outage(office: Office, server: OwnServer, *, photos: int, away_s: float) -> Survived:
    """Stop the server while photos are read and people search; fails if anything is lost by it."""
    people = [office.person("eileen") for _ in range(3)]
    channel = office.channel(*people)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.slow("files.download", delay_s=0.3, times=photos)
    backlog = office.post_all(channel, [snapshot("eileen", 1 + i % 40) for i in range(photos)])
    # All are noted: hundreds of events that wait for the database would keep acknowledgements
    # waiting, and Slackbot would complain beside the bot.
    eventually(lambda: len(rows(office.conninfo)) > photos, what="all photos noted", timeout_s=90)
    eventually(lambda: _read(office) >= 2, what="the first photos", timeout_s=60)
    assert _read(office) < photos, "all were read before the database went"
    server.stop()
    stopped = time.monotonic()
    asked: list[Invocation] = []
    while time.monotonic() < stopped + away_s:
        ask = office.slack.people.run_command
        asked += [ask(person, channel, "/findme") for person in people]
        # Photos go on being posted; Slack tells of them, and nobody can note them.
        backlog.append(office.post(channel, snapshot("eileen", 41 + len(asked) % 10)))
        time.sleep(max(1.0, away_s / 8))
    server.start()
    back = time.monotonic()
    before = _read(office)
    eventually(lambda: _read(office) > before, what="the next photo", timeout_s=60)
    resumed_s = time.monotonic() - back
    _nothing_is_lost(office, backlog)
    done_s = time.monotonic() - back
    told = [_told(office, each) for each in asked]
    away = sum(text == AWAY for text in told)
    answered = [text for text in told if text != AWAY]
    # Whoever asked just before its return may have been answered.
    assert all("photo" in text for text in answered), answered
    assert away >= len(people)
    assert lines(office.ask(people[0], channel))
    return Survived(
        photos=len(backlog) + 1,
        asked=len(asked),
        told_away=away,
        resumed_s=resumed_s,
        done_s=done_s,
    )


def _read(office: Office) -> int:
    return sum(row.state == "indexed" for row in rows(office.conninfo))


def _nothing_is_lost(office: Office, posted: list[PostedPhoto]) -> None:
    found = office.read(*posted, timeout_s=240)
    assert {(row.state, row.faces, row.shares) for row in found} == {("indexed", 1, 1)}
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs", timeout_s=60)


def _told(office: Office, asked: Invocation) -> str:
    """The one sentence, or the one answer."""

    def said() -> list[str]:
        found = office.slack.people.answers_so_far(asked)
        return [message.text for message in found if message.text != LOOKING]

    eventually(said, what="a word", timeout_s=30)
    assert len(said()) == 1, said()
    return said()[0]
