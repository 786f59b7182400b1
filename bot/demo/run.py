"""`findme demo`: start everything, let people post and ask, tell how it went."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from bot.demo import report
from bot.demo.event import INDEX_TIMEOUT_S, Event, album_event, own_event, wait_until
from bot.demo.standalone import new_sandbox, started
from bot.sandbox.server import Sandbox
from bot.settings import SlackSettings
from bot.wiring import Bot
from pipeline.errors import WeightsUnavailableError
from pipeline.logs import set_up_logs
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from pipeline.shell import console
from pipeline.vision.engines import DEFAULT_ENGINE, DLIB, load_engine
from pipeline.vision.weights import WeightStore


@dataclass(slots=True, kw_only=True)
class Times:
    """Seconds each step took, by name, in order."""

    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and say that it has begun."""
        started = time.perf_counter()
        yield
        self.steps[name] = time.perf_counter() - started

    @property
    def total(self) -> float:
        """All steps."""
        return sum(self.steps.values())


def run_demo(
    *,
    as_json: bool,
    photos: Path | None,
    selfie: Path | None,
    sheet: Path,
    port: int = 0,
    keep_until: Callable[[], None] | None = None,
    again: str = "findme demo --keep",
) -> None:
    """Run it all and print how it went; nothing of it touches an index that exists already.

    With `keep_until` everything goes on, with the address of its page told, until that returns;
    `again` is the command that does so, for those who ran another. Raises FindmeError.
    """
    set_up_logs("error")
    out = console(stderr=as_json)
    out.quiet = as_json
    times = Times()
    with times.step("engine"):
        reader, note = demo_engine(load(Settings))
    if note:
        console(stderr=True).print(note, markup=False)
    with (
        tempfile.TemporaryDirectory(prefix="findme-demo-") as folder,
        started(new_sandbox(port), command="findme demo") as sandbox,
    ):
        with times.step("album"):
            event = (
                own_event(sandbox, photos, selfie) if photos and selfie else album_event(sandbox)
            )

        def finish(result: report.Result) -> None:
            report.print_times(out, result)
            out.print(f"The matched faces, boxed: {sheet}")
            if as_json:
                json.dump(report.as_json(result), sys.stdout, indent=2, ensure_ascii=False)
                sys.stdout.write("\n")
                sys.stdout.flush()
            if keep_until is None:
                report.print_again(out, again)
            else:
                report.print_page(console(stderr=as_json), sandbox.origin)
                keep_until()

        _play(event, Path(folder), reader=reader, times=times, out=out, sheet=sheet, finish=finish)


def _play(
    event: Event,
    folder: Path,
    *,
    reader: FaceReader,
    times: Times,
    out: Console,
    sheet: Path,
    finish: Callable[[report.Result], None],
) -> None:
    people = event.sandbox.people
    event.post(event.before)
    people.invite_bot(event.channel, by=next(iter(event.people.values())))
    settings = load(Settings, database_url=None, findme_data_dir=folder)
    with times.step("start"):
        bot = Bot(settings, slack_settings(event.sandbox), reader=reader)
        bot.start()
    try:
        with times.step("backfill"):
            _wait_for_photos(bot, len(event.before))
        with times.step("live photos"):
            event.post(event.live)
            _wait_for_photos(bot, len(event.before) + len(event.live))
        counts = bot.runtime.photos.counts(bot.team_id)
        problems = bot.runtime.photos.problems(bot.team_id, limit=20)
        report.print_index(out, counts, problems)
        with times.step("questions"):
            replies = [event.ask(question, bot) for question in event.questions]
        for reply in replies:
            report.print_reply(out, reply)
        with times.step("re-index"):
            ended = event.reindex()
        out.print(f"\nAn admin re-indexes: {ended}", markup=False)
        report.save_answers_sheet(bot, event, sheet)
        result = report.Result(
            engine=reader.engine_id,
            counts=counts,
            replies=replies,
            steps=times.steps,
            seconds=times.total,
        )
        finish(result)
    finally:
        bot.stop()


def demo_engine(settings: Settings) -> tuple[FaceReader, str]:
    """The engine of the settings; the demo alone may fall back to one that needs no download.

    Returns: the engine, and a sentence to show if it is another one than asked for.
    """
    weights = WeightStore(settings.findme_models_dir)
    try:
        return load_engine(settings, weights), ""
    except WeightsUnavailableError as error:
        if settings.findme_engine != DEFAULT_ENGINE:
            raise
        note = (
            f"{error}\nSo the demo runs with the engine 'dlib', which comes as a Python package: "
            "slower, and less accurate than the default."
        )
        fallback = settings.model_copy(update={"findme_engine": DLIB})
        return load_engine(fallback, weights), note


def slack_settings(sandbox: Sandbox) -> SlackSettings:
    """A bot's settings for a local workspace, in Socket Mode."""
    return load(
        SlackSettings,
        slack_bot_token=SecretStr(sandbox.bot_token),
        slack_app_token=SecretStr(sandbox.app_token),
        slack_api_url=sandbox.api_url,
        findme_port=None,
        findme_admins=frozenset(),
    )


def _wait_for_photos(bot: Bot, expected: int) -> None:
    def done() -> bool:
        counts = bot.runtime.photos.counts(bot.team_id)
        return counts.photos >= expected and counts.pending == 0

    wait_until(done, timeout_s=INDEX_TIMEOUT_S, what=f"{expected} photos to be indexed")
