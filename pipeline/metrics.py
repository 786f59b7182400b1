"""/metrics for Prometheus, on a listener of its own: Slack's endpoint shows none of it.

What this process counts comes from `pipeline.telemetry`, what the database knows is asked for when
somebody looks, and seldom enough to cost next to nothing.
"""

import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Generic, TypeVar
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.domain.backlog import JOB_STATES, JobCount
from pipeline.domain.model import PhotoState, TeamId
from pipeline.errors import FindmeError
from pipeline.requests import request
from pipeline.storage.backlog import Backlog
from pipeline.storage.connect import Database
from pipeline.storage.jobs import INDEX_PHOTO, LIST_CHANNEL

log = structlog.get_logger(__name__)

KEPT_S = 10.0
SHARE_OF_TIME = 0.02
"""What takes longer to ask is asked for less often: at most this part of one connection's time."""

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """An answer that is good for a while, the longer the longer it took. Thread-safe."""

    def __init__(
        self,
        ask: Callable[[], _T],
        *,
        kept_s: float = KEPT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._kept_s = kept_s
        self._clock = clock
        self._answer: _T | None = None
        self._until_s = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> _T:
        """The answer. Raises what `ask` raises."""
        with self._lock:
            began_s = self._clock()
            if self._answer is None or began_s >= self._until_s:
                self._answer = self._ask()
                now_s = self._clock()
                self._until_s = now_s + max(self._kept_s, (now_s - began_s) / SHARE_OF_TIME)
            return self._answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Of all workspaces of the process together: there are no ids in metrics."""

    states: dict[PhotoState, int] = field(default_factory=lambda: dict.fromkeys(PhotoState, 0))
    jobs: Sequence[JobCount]
    oldest_s: float
    workers: int
    size_bytes: int
    faces: int
    engines: Sequence[str]


class IndexCollector(Collector):
    """What the database knows."""

    def __init__(
        self,
        database: Database,
        *,
        team_ids: Sequence[TeamId],
        engine_of: Callable[[TeamId], str | None],
        dead_after_s: float,
    ) -> None:
        """A worker that was not heard of for `dead_after_s` counts no more."""
        self._database = database
        self._backlog = Backlog(database)
        self._team_ids = list(team_ids)
        self._engine_of = engine_of
        self._dead_after_s = dead_after_s
        self._seen = Kept(self._look)

    def collect(self) -> Iterator[Metric]:
        """Everything; without the index where the database is away."""
        yield _gauge(
            "build_info",
            "Which Findme this is.",
            1,
            version=version("findme"),
            python=platform.python_version(),
        )
        try:
            with request():
                seen = self._seen()
        except FindmeError:
            yield _gauge("database_up", "Whether the database answers.", 0)
        else:
            yield _gauge("database_up", "Whether the database answers.", 1)
            yield from _of_index(seen)
        yield from _of_pool(self._database.pool_stats())

    def _look(self) -> _Seen:
        states = dict.fromkeys(PhotoState, 0)
        jobs: list[JobCount] = []
        for team_id in self._team_ids:
            for state, photos in self._backlog.states(team_id).items():
                states[state] += photos
            jobs += self._backlog.jobs(team_id)
        return _Seen(
            states=states,
            jobs=jobs,
            oldest_s=max(self._backlog.oldest_s(team_id) for team_id in self._team_ids),
            workers=self._backlog.workers(dead_after_s=self._dead_after_s),
            size_bytes=self._backlog.size_bytes(),
            faces=self._backlog.about_faces(),
            engines=sorted({e for team_id in self._team_ids if (e := self._engine_of(team_id))}),
        )


def _of_index(seen: _Seen) -> Iterator[Metric]:
    photos = GaugeMetricFamily("findme_index_photos", "Photos by state.", labels=["state"])
    for state, count in seen.states.items():
        photos.add_metric([state.value], count)
    yield photos
    jobs = GaugeMetricFamily(
        "findme_jobs",
        "Jobs by task and state; those that are retrying wait for their next try.",
        labels=["task", "state"],
    )
    totals = {(task, state): 0 for task in (INDEX_PHOTO, LIST_CHANNEL) for state in JOB_STATES}
    for one in seen.jobs:
        totals[one.task, one.state] = totals.get((one.task, one.state), 0) + one.jobs
    for (task, job_state), count in totals.items():
        jobs.add_metric([task, job_state], count)
    yield jobs
    yield _gauge(
        "oldest_job_seconds", "How long the oldest job that could run has waited.", seen.oldest_s
    )
    yield _gauge("workers", "Workers that gave a sign of life lately.", seen.workers)
    yield _gauge("database_size_bytes", "Size of the database.", seen.size_bytes)
    yield _gauge("index_faces", "Faces in the index, as PostgreSQL estimates them.", seen.faces)
    engines = GaugeMetricFamily("findme_index_info", "The index's engine.", labels=["engine"])
    for engine in seen.engines:
        engines.add_metric([engine], 1)
    yield engines


def _of_pool(stats: dict[str, int]) -> Iterator[Metric]:
    connections = GaugeMetricFamily(
        "findme_database_connections", "The pool's connections, by state.", labels=["state"]
    )
    idle = stats.get("pool_available", 0)
    connections.add_metric(["idle"], idle)
    connections.add_metric(["used"], max(0, stats.get("pool_size", 0) - idle))
    yield connections
    yield _gauge("database_connections_max", "How many there may be.", stats.get("pool_max", 0))
    yield _gauge(
        "database_waiting", "Who waits for a connection.", stats.get("requests_waiting", 0)
    )
    yield _counter(
        "database_transactions", "Connections that were asked for.", stats.get("requests_num", 0)
    )
    yield _counter(
        "database_wait_seconds",
        "Time that was waited for them.",
        stats.get("requests_wait_ms", 0) / 1000,
    )
    yield _counter(
        "database_refused", "Those that nobody got in time.", stats.get("requests_errors", 0)
    )


def _gauge(name: str, says: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(f"findme_{name}", says, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"findme_{name}", says, value=value)


class MetricsServer:
    """Answers Prometheus, in threads of its own."""

    def __init__(self, collector: Collector, *, host: str, port: int) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(REGISTRY)
        self._registry.register(collector)
        self._host = host
        self._port = port
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        assert self._server is not None
        return int(self._server.server_port)

    def start(self) -> None:
        """Listen. Raises FindmeError if the port can't be had."""
        try:
            self._server, self._thread = start_http_server(
                self._port, self._host, registry=self._registry
            )
        except (OSError, OverflowError) as error:
            raise FindmeError(
                f"Port {self._port} of {self._host} can't be listened on; set FINDME_METRICS_PORT "
                "to a free one (each bot and worker of a machine has its own)."
            ) from error
        log.info("metrics.served", host=self._host, port=self.port)

    def stop(self) -> None:
        """Listen no more. Safe to call twice."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        server.server_close()
        self._thread.join()
