"""Photos a second by 1, 2 and 4 `findme worker` on one PostgreSQL, each a process of its own."""

from __future__ import annotations

import atexit
import io
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
from matplotlib.figure import Figure as Drawing
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.demo.portraits import scenery, studio
from bot.sandbox import Sandbox
from pipeline.domain.model import IndexCounts
from pipeline.folder import LOCAL, channel_of
from pipeline.logs import set_up_logs
from pipeline.settings import Settings, load
from pipeline.storage.embedded import EmbeddedServer
from pipeline.wiring import Runtime
from tests.acceptance.test_processes import Program
from tests.benchmarks.results import Options, Result, Table
from tests.conftest import as_url

COUNTS, COUNTS_SHORT = (1, 2, 4), (1, 2)
PHOTOS, PHOTOS_SHORT = 120, 16
WARM_UP = 4
"""Photos for each worker before time is taken: what is only made once is made by then."""
WIDTH_PX, HEIGHT_PX, FACES = 2304, 1728, 5
START_S, LIMIT_S = 120.0, 170.0
POLL_EVERY_S = 0.05

_MODELS = Path(__file__).resolve().parents[2].with_name("shared") / "models"


def measure(options: Options) -> Result:
    """Each number of workers reads the same photos into a database of its own."""
    set_up_logs("warning")
    photos = PHOTOS_SHORT if options.is_short else PHOTOS
    counts = COUNTS_SHORT if options.is_short else COUNTS
    folder = Path(tempfile.mkdtemp(prefix="findme-bench-"))
    # As late as that: the server's package touches its lock once more when Python ends.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with Sandbox() as slack:
        _make_photos(folder / "photos", photos, seed=options.seed)
        _make_photos(folder / "warm-up", WARM_UP * max(counts), seed=options.seed + 1)
        server = EmbeddedServer(folder / "server" / "postgresql")
        try:
            seconds = {
                count: _seconds(count, folder, server.conninfo, slack, photos) for count in counts
            }
        finally:
            server.close()
    rates = {count: photos / seconds[count] for count in counts}
    rows = [
        {"workers": count, "photos/s": rates[count], "ratio to one": rates[count] / rates[1]}
        for count in counts
    ]
    note = (
        f"{photos} JPEGs of {WIDTH_PX}×{HEIGHT_PX} px with {FACES} faces, from disk to rows; "
        f"FINDME_WORKERS=1 in each process, {os.cpu_count()} cores for them and PostgreSQL"
    )
    title = "Workers: processes on one PostgreSQL"
    return Result(
        tables=[Table(title=title, rows=rows, notes=[note])],
        plot=lambda path: _draw(path, rates),
    )


def _seconds(count: int, folder: Path, server: str, slack: Sandbox, photos: int) -> float:
    """From the first job in the queue to the last photo in the index."""
    with ExitStack() as closing:
        conninfo = closing.enter_context(_database(server, f"workers_{count}"))
        models = _models()
        settings = load(Settings, database_url=as_url(conninfo), findme_models_dir=models)
        runtime = Runtime(settings)
        closing.callback(runtime.close)
        runtime.claim_engine(LOCAL)
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "DATABASE_URL": as_url(conninfo),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "FINDME_MODELS_DIR": str(models),
            "FINDME_WORKERS": "1",
        }
        workers = []
        for number in range(count):
            own = folder / f"{count} workers" / str(number)
            own.mkdir(parents=True)
            own_env = env | {"HOME": str(own), "FINDME_DATA_DIR": str(own / "data")}
            workers.append(Program("worker", env=own_env, folder=own))
            closing.callback(_end, workers[-1])
        for worker in workers:
            worker.wait_until_it_says("worker is running", timeout_s=START_S)
        _index(runtime, folder / "warm-up", workers)
        before = runtime.photos.counts(LOCAL)
        seconds = _index(runtime, folder / "photos", workers)
        _check(before, runtime.photos.counts(LOCAL), photos)
        return seconds


def _index(runtime: Runtime, folder: Path, workers: Sequence[Program]) -> float:
    """Have the workers read a folder; the seconds that took."""
    channel = channel_of(folder)
    runtime.workspaces.watch(LOCAL, channel, folder.name)
    began_s = time.perf_counter()
    runtime.list_channel(LOCAL, channel)
    while runtime.photos.pending(LOCAL):
        for worker in workers:
            assert worker.process.poll() is None, worker.text()
        assert time.perf_counter() - began_s < LIMIT_S, "it took too long"
        time.sleep(POLL_EVERY_S)
    return time.perf_counter() - began_s


def _check(before: IndexCounts, after: IndexCounts, photos: int) -> None:
    """A figure is worth nothing if photos were lost, or their faces not found."""
    assert after.indexed - before.indexed == photos, after
    assert after.faces - before.faces >= photos * (FACES - 1), after


def _end(worker: Program) -> None:
    """With its decoders, also where it was about to start one."""
    if worker.process.poll() is None:
        children = psutil.Process(worker.process.pid).children(recursive=True)
        worker.process.kill()
        worker.process.wait()
        for child in children:
            if child.is_running():
                child.kill()


@contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    identifier = sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(identifier))
        yield make_conninfo(server, dbname=name)
        connection.execute(sql.SQL("drop database {} with (force)").format(identifier))


def _models() -> Path:
    """The weights beside the repository, or where `findme models pull` puts them."""
    shared = os.environ.get("FINDME_SHARED")
    beside = Path(shared) / "models" if shared else _MODELS
    return beside if beside.is_dir() else load(Settings).findme_models_dir


def _make_photos(folder: Path, count: int, *, seed: int) -> None:
    """The demo's two people, five times a photo, each time elsewhere and of another size."""
    folder.mkdir()
    chance = random.Random(seed)  # noqa: S311 - not secret, but the same each time
    people = [studio("eileen").convert("RGB"), studio("grace").convert("RGB")]
    background = scenery("coffee").resize((WIDTH_PX, HEIGHT_PX))
    for number in range(count):
        photo = background.copy()
        for place in range(FACES):
            side = chance.randint(380, 450)
            person = people[chance.randrange(2)].resize((side, side))
            x = place * (WIDTH_PX // FACES) + chance.randint(0, WIDTH_PX // FACES - side + 10)
            photo.paste(person, (max(0, x), chance.randint(0, HEIGHT_PX - side)))
        data = io.BytesIO()
        photo.save(data, "JPEG", quality=85)
        (folder / f"{number:04}.jpg").write_bytes(data.getvalue())


def _draw(path: Path, rates: dict[int, float]) -> None:
    drawing = Drawing(figsize=(6, 4), layout="constrained")
    axes = drawing.subplots()
    axes.plot(list(rates), list(rates.values()), "o-", label="measured")
    axes.plot(list(rates), [rates[1] * count for count in rates], ":", label="as many times one")
    axes.set(xlabel="workers", ylabel="photos/s", xticks=list(rates), ylim=(0, None))
    axes.axvline(os.cpu_count() or 1, color="grey", linewidth=0.8)
    axes.set_title(f"findme worker on {os.cpu_count()} cores")
    axes.legend()
    drawing.savefig(path, dpi=150)
