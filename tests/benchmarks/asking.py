"""People who ask a bot in another process, and the clocks beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from bot.sandbox import Channel, Person, Sandbox, Times
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.migrate import migrate
from tests.benchmarks.event import (
    crowd,
    event_photos,
    large_photos,
    newcomers,
    portraits,
    states,
    wait_until_indexed,
)
from tests.benchmarks.results import Options
from tests.benchmarks.running import BotProcess, folder_for_a_server, settings
from tests.conftest import as_url

LOOKING = "⏳ Looking…"
ANSWER_S = 60.0
LOOK_EVERY_S = 0.02
TOGETHER = 50

Picture = Literal["warm", "cold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked at once, and how often."""

    picture: Picture
    at_once: int
    rounds: int


@dataclass(slots=True, kw_only=True)
class Measured:
    """Times of one load's questions, and what the machine did meanwhile."""

    acks_ms: list[float] = field(default_factory=list)
    answers_ms: list[float] = field(default_factory=list)
    spinners: int = 0
    bot_cpu_ms: float = 0.0
    slack_cpu_ms: float = 0.0
    busy_share: float = 0.0
    took_s: float = 0.0
    indexed: int = 0
    left: int = 0


class Office:
    """A workspace in this process, a bot and its PostgreSQL in others."""

    def __init__(self, slack: Sandbox, conninfo: str, bot: BotProcess) -> None:
        self.slack = slack
        self.conninfo = conninfo
        self.bot = psutil.Process(bot.process.pid)
        self.lobby: Channel
        self._cold: list[Person] = []
        self._warm: list[Person] = []

    def furnish(self, loads: Sequence[Load], *, times: int, large: int, options: Options) -> None:
        """People, an event that is indexed, and a channel of large photos without the bot."""
        people, pictures = self.slack.people, portraits()
        organiser = people.add_person("Olu", admin=True)
        cold = sum(load.at_once * load.rounds for load in loads if load.picture == "cold")
        self._warm = list(newcomers(self.slack, pictures, TOGETHER))
        self._cold = list(newcomers(self.slack, pictures, cold * times))
        everybody = [organiser, *self._warm, *self._cold]
        self.lobby = people.add_channel("event", members=everybody)
        photos = event_photos()
        for number, data in enumerate(photos):
            people.post_photo(organiser, self.lobby, f"event {number}.jpg", data)
        people.invite_bot(self.lobby, by=organiser)
        wait_until_indexed(self.conninfo, self.slack.team_id, least=len(photos))
        size = (300, 2) if options.is_short else (3000, 3)
        crowd(
            self.conninfo,
            self.slack.team_id,
            self.lobby,
            organiser,
            photos=size[0],
            faces=size[1],
            seed=options.seed,
        )
        self._organiser = organiser
        self._backlog = people.add_channel("backlog", members=[organiser])
        for number, data in zip(range(large), _again(large_photos()), strict=False):
            people.post_photo(organiser, self._backlog, f"large {number}.jpg", data)

    def begin_backfill(self) -> None:
        """The bot comes into the channel of large photos, and begins."""
        before = sum(states(self.conninfo, self.slack.team_id).values())
        self.slack.people.invite_bot(self._backlog, by=self._organiser)
        wait_until_indexed(self.conninfo, self.slack.team_id, least=before + 4)

    def warm_up(self) -> None:
        """Everybody of the warm has asked once."""
        self._ask(self._warm, Measured())

    def measure(self, load: Load) -> Measured:
        """Ask, and look at the clocks."""
        measured = Measured()
        begun = time.monotonic()
        cpu_s, own_cpu_s = _cpu_s(self.bot), self._slack_cpu_s()
        before = states(self.conninfo, self.slack.team_id)
        psutil.cpu_percent()
        for number in range(load.rounds):
            if load.picture == "cold":
                asking, self._cold = self._cold[: load.at_once], self._cold[load.at_once :]
            else:
                first = number * load.at_once % TOGETHER
                asking = self._warm[first : first + load.at_once]
            self._ask(asking, measured)
        measured.busy_share = psutil.cpu_percent() / 100
        questions = load.at_once * load.rounds
        measured.bot_cpu_ms = 1000 * (_cpu_s(self.bot) - cpu_s) / questions
        measured.slack_cpu_ms = 1000 * (self._slack_cpu_s() - own_cpu_s) / questions
        after = states(self.conninfo, self.slack.team_id)
        measured.took_s = time.monotonic() - begun
        measured.indexed = after.get("indexed", 0) - before.get("indexed", 0)
        measured.left = after.get("pending", 0)
        return measured

    def _ask(self, people: Sequence[Person], measured: Measured) -> None:
        delivered = len(self.slack.delivery.log)
        asked_s: dict[str, float] = {}
        for person in people:
            now_s = time.time()
            invocation = self.slack.people.run_command(person, self.lobby, "/findme")
            asked_s[invocation.id] = now_s
        waiting = dict(asked_s)
        until_s = time.monotonic() + ANSWER_S
        while waiting:
            time.sleep(LOOK_EVERY_S)
            if time.monotonic() > until_s:
                raise TimeoutError(f"{len(waiting)} questions were not answered")
            for invocation_id, shown_s, text in self._answers():
                # A message's time is that of the workspace's clock when it was posted.
                if invocation_id in waiting and text != LOOKING:
                    measured.answers_ms.append(1000 * (shown_s - waiting.pop(invocation_id)))
        measured.spinners += sum(
            invocation_id in asked_s and text == LOOKING
            for invocation_id, _, text in self._answers()
        )
        for entry in self.slack.delivery.log[delivered:]:
            if entry.kind == "slash_commands":
                assert entry.ack_ms is not None, entry.error
                measured.acks_ms.append(entry.ack_ms)

    def _answers(self) -> list[tuple[str, float, str]]:
        ws = self.slack.workspace
        with ws.changed:
            return [
                (invocation_id, float(message.ts), message.text)
                for message in ws.messages.values()
                for invocation_id in message.answers
            ]

    def _slack_cpu_s(self) -> float:
        thread = self.slack._thread
        assert thread is not None
        assert thread.ident is not None
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def _again(items: Sequence[bytes]) -> Iterator[bytes]:
    while True:
        yield from items


def _cpu_s(process: psutil.Process) -> float:
    """Of a program with all that it started."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def open_office(*, command: Sequence[str | Path]) -> Iterator[Office]:
    """Raises NotHereError."""
    with folder_for_a_server() as folder, Sandbox(times=Times()) as slack:
        server = EmbeddedServer(folder / "postgresql")
        try:
            migrate(server.conninfo)
            env = settings(
                slack,
                folder,
                DATABASE_URL=as_url(server.conninfo),
                FINDME_PULL_EVERY_S="100000",
                FINDME_WORKERS=str(psutil.cpu_count()),
                FINDME_LOG="warning",
            )
            bot = BotProcess(env, folder, command=command)
            try:
                bot.wait_until_ready()
                slack.wait_for_bot()
                yield Office(slack, server.conninfo, bot)
            finally:
                bot.end()
        finally:
            server.close()
