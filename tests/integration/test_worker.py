"""Jobs are done, retried, rescued or given up, whatever dies under them."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.model import ChannelId, IndexCounts, PhotoId, PhotoState, TeamId
from pipeline.errors import DatabaseUnavailableError, SourceUnavailableError
from pipeline.folder import LOCAL, channel_of
from pipeline.jobs import worker
from pipeline.jobs.worker import JobHandlers, Worker
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from pipeline.storage import connect
from pipeline.wiring import Runtime
from tests.conftest import as_url
from tests.fakes import FlakySource
from tests.integration.conftest import OwnServer
from tests.shared import shared_folder
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(worker, "HEARTBEAT_EVERY_S", 0.2)
    monkeypatch.setattr(worker, "DEAD_AFTER_S", 1.0)
    monkeypatch.setattr(worker, "RECONNECT_AFTER_S", 0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "party"
    made.mkdir()
    return made


@pytest.fixture
def channel_id(runtime: Runtime, folder: Path) -> ChannelId:
    """The folder, watched."""
    return watched(runtime, folder)


def watched(runtime: Runtime, folder: Path) -> ChannelId:
    runtime.claim_engine(LOCAL)
    runtime.workspaces.watch(LOCAL, channel_of(folder), "party")
    return channel_of(folder)


def put(folder: Path, *names: str) -> None:
    """The same photo of one face, under these names."""
    source = shared_folder() / "data/events/family/photos/detection1.jpg"
    for name in names:
        shutil.copyfile(source, folder / name)


def until(condition: Callable[[], bool]) -> None:
    wait_until(condition, timeout_s=PATIENCE_S)


def work_off(runtime: Runtime) -> None:
    """Run a worker until nothing is pending."""
    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).pending == 0)
    finally:
        working.stop()


def jobs(conninfo: str) -> list[tuple[str, str]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(
            "select task_name, status::text from procrastinate_jobs order by id"
        ).fetchall()


def taken_by_the_dead(conninfo: str, *, attempts: int = 0) -> None:
    """Leave every job in the hands of a worker that was killed an hour ago."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "with dead as (insert into procrastinate_workers (last_heartbeat) "
            "values (now() - interval '1 hour') returning id) "
            "update procrastinate_jobs set status = 'doing', attempts = %(attempts)s, "
            "worker_id = dead.id from dead",
            {"attempts": attempts},
        )


def test_pending_photos_are_indexed_and_their_jobs_go(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, *(f"{i}.jpg" for i in range(12)))
    runtime.list_channel(LOCAL, channel_id)

    work_off(runtime)

    assert runtime.photos.counts(LOCAL) == IndexCounts(photos=12, indexed=12, faces=12)
    assert jobs(runtime.conninfo) == []


def test_a_listing_asked_for_is_done(runtime: Runtime, folder: Path, channel_id: ChannelId) -> None:
    put(folder, "a.jpg")
    runtime.queue.enqueue_listing(LOCAL, channel_id)

    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).indexed == 1)
    finally:
        working.stop()

    assert jobs(runtime.conninfo) == []


def test_a_source_that_fails_twice_is_asked_a_third_time(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    source = FlakySource({"a.jpg": [SourceUnavailableError(), OSError("broken pipe")]})
    runtime.sources[LOCAL] = source
    put(folder, "a.jpg", "b.jpg")
    runtime.list_channel(LOCAL, channel_id)

    work_off(runtime)

    assert source.downloads == {"a.jpg": 3, "b.jpg": 1}
    assert runtime.photos.counts(LOCAL).indexed == 2


def test_a_retry_waits_as_long_as_the_source_asks(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    runtime.sources[LOCAL] = FlakySource({"a.jpg": [SourceUnavailableError(retry_after_s=2.0)]})
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    started = time.monotonic()

    work_off(runtime)

    assert time.monotonic() - started >= 2.0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SourceUnavailableError("Slack can't be reached."), "Slack can't be reached."),
        (ZeroDivisionError(), "an unexpected error (ZeroDivisionError); the log has it"),
    ],
)
def test_a_photo_that_fails_every_time_is_given_up_with_its_reason(  # fixtures
    runtime: Runtime,
    folder: Path,
    channel_id: ChannelId,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 3)
    monkeypatch.setattr(worker, "PATIENT_ATTEMPTS", 3)
    source = FlakySource({"a.jpg": [error] * 99})
    runtime.sources[LOCAL] = source
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)

    work_off(runtime)

    assert source.downloads == {"a.jpg": 3}
    assert runtime.photos.problems(LOCAL, limit=9) == [("a.jpg", PhotoState.GIVEN_UP, reason)]
    until(lambda: jobs(runtime.conninfo) == [("index_photo", "failed")])


def test_a_photo_that_was_given_up_is_tried_again_once_it_changes(
    runtime: Runtime, folder: Path, channel_id: ChannelId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(worker, "PATIENT_ATTEMPTS", 1)
    runtime.sources[LOCAL] = FlakySource({"a.jpg": [SourceUnavailableError()]})
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    work_off(runtime)
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)

    work_off(runtime)

    assert runtime.photos.counts(LOCAL).indexed == 1


def test_a_job_left_by_a_dead_worker_is_rescued(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "a.jpg", "b.jpg")
    runtime.list_channel(LOCAL, channel_id)
    taken_by_the_dead(runtime.conninfo)

    work_off(runtime)

    assert runtime.photos.counts(LOCAL).indexed == 2


def test_the_jobs_of_a_living_worker_are_left_to_it(
    runtime: Runtime, folder: Path, channel_id: ChannelId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "DEAD_AFTER_S", 3.0)

    class Slow(FlakySource):
        def download(self, photo):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            data = super().download(photo)
            time.sleep(6.0)  # longer than a silent worker is taken for dead
            return data

    source = Slow()
    runtime.sources[LOCAL] = source
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    other = runtime.worker([LOCAL])
    other.start()
    try:
        work_off(runtime)
    finally:
        other.stop()

    assert source.downloads == {"a.jpg": 1}


def test_a_workers_jobs_are_those_of_its_workspaces(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    other = TeamId("T9")
    runtime.workspaces.claim(other, runtime.reader.engine_id)
    runtime.workspaces.watch(other, channel_id, "party")
    runtime.sources[other] = FlakySource()
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    runtime.list_channel(other, channel_id)

    work_off(runtime)

    assert (runtime.photos.counts(LOCAL).pending, runtime.photos.counts(other).pending) == (0, 1)


def test_a_listing_that_kills_the_worker_is_not_taken_for_a_photo(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "a.jpg")
    runtime.queue.enqueue_listing(LOCAL, channel_id)
    taken_by_the_dead(runtime.conninfo, attempts=9)
    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).indexed == 1)
    finally:
        working.stop()


def test_stopping_waits_for_the_photo_under_way(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    done: list[str] = []
    has_begun = threading.Event()

    def slowly(*_: object) -> None:
        done.append("begun")
        has_begun.set()
        time.sleep(1.0)
        done.append("ended")

    working = Worker(
        runtime.conninfo,
        team_ids=[LOCAL],
        handlers=JobHandlers(
            index_photo=slowly,
            give_up=lambda *_: None,
            list_channel=lambda *_: None,
            set_aside=runtime.queue.set_aside,
        ),
        concurrency=1,
    )
    working.start()
    assert has_begun.wait(60)

    working.stop()

    assert done == ["begun", "ended"]
    assert not working.is_alive
    working.stop()  # safe to call twice


class LateWord(threading.Event):
    """The word to stop comes just after it was looked for, and before there is a task to cancel."""

    def __init__(self) -> None:
        super().__init__()
        self._looked = False

    def is_set(self) -> bool:
        seen, first = super().is_set(), not self._looked
        self._looked = True
        if first:
            self.set()
        return seen


def test_a_worker_that_is_told_to_stop_as_it_takes_up_its_work_ends(runtime: Runtime) -> None:
    working = runtime.worker([LOCAL])
    working._stopping = LateWord()
    working.start()
    until(lambda: not working.is_alive)


@pytest.fixture
def own_runtime(own_server: OwnServer, models: Path, engine: FaceReader) -> Iterator[Runtime]:
    """A runtime over a server that can be stopped."""
    settings = load(Settings, database_url=as_url(own_server.conninfo), findme_models_dir=models)
    made = Runtime(settings, reader=engine)
    yield made
    made.close()


def test_work_goes_on_after_the_database_was_restarted(
    own_server: OwnServer, own_runtime: Runtime, folder: Path
) -> None:
    runtime = own_runtime
    channel_id = watched(runtime, folder)
    put(folder, *(f"{i:02}.jpg" for i in range(40)))
    runtime.list_channel(LOCAL, channel_id)
    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).indexed >= 5)
        own_server.restart()
        put(folder, "later.jpg")
        runtime.list_channel(LOCAL, channel_id)

        until(lambda: runtime.photos.counts(LOCAL).pending == 0)
    finally:
        working.stop()

    assert runtime.photos.counts(LOCAL) == IndexCounts(photos=41, indexed=41, faces=41)


def test_a_stopped_database_is_unavailable_until_it_is_back(
    own_server: OwnServer, own_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "POOL_TIMEOUT_S", 1.0)
    before = own_runtime.photos.counts(LOCAL)

    def answers() -> bool:
        try:
            return own_runtime.photos.counts(LOCAL) == before
        except DatabaseUnavailableError:
            return False

    own_server.stop()
    try:
        with pytest.raises(DatabaseUnavailableError):
            own_runtime.photos.get(LOCAL, PhotoId(1))
    finally:
        own_server.start()

    until(answers)


def test_a_start_without_a_database_says_so(
    own_server: OwnServer, models: Path, engine: FaceReader
) -> None:
    settings = load(Settings, database_url=as_url(own_server.conninfo), findme_models_dir=models)
    own_server.stop()
    try:
        with pytest.raises(DatabaseUnavailableError, match="Check DATABASE_URL"):
            Runtime(settings, reader=engine).claim_engine(LOCAL)
    finally:
        own_server.start()
