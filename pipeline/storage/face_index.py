"""An HNSW index over the faces of a large workspace: made when it pays, dropped when it doesn't.

Every face is compared as long as that takes some milliseconds: nothing is missed, nothing is to be
built, kept or tuned. Where a workspace is larger, a partial index of its own serves its engine.

pgvector's index stops after `hnsw.ef_search` rows and filters afterwards; here it goes on
(`hnsw.iterative_scan`) until it is past the distance that is asked for. So what it misses are faces
that the graph doesn't lead to, never those that a filter or a limit cut off.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from psycopg import sql

from pipeline.domain.model import EngineId, TeamId
from pipeline.storage.connect import CONNECT_TIMEOUT_S, Connection, connect, translated
from pipeline.storage.sampling import SAMPLE, estimated

log = structlog.get_logger(__name__)

PREFIX = "faces_near_"

BUILD_FROM = 30_000
"""So many faces take 15 ms to be compared one by one (make bench)."""
DROP_BELOW = 20_000

# Links of a face, and candidates that are looked at to choose them (pgvector's defaults: 16, 64).
LINKS, CANDIDATES = 16, 80
# Candidates of a search. As many rows come at once: with 100,000 faces 100 took a seventh less time
# than 200, and missed nothing either.
EF_SEARCH = 100
# Whoever is met more often than this is looked for among all faces.
MOST_ROWS = 10_000
# A face and its links, while the index is being built, but for its numbers.
BUILD_BYTES = 900
LEAST_MEMORY_BYTES = 64 * 2**20

# Valid: one that is being built, or whose building was broken off, serves nobody.
FIND = """
select from pg_index where indexrelid = to_regclass(%(name)s) and indisvalid
"""
OURS = """
select c.relname, i.indisvalid
from pg_class c join pg_index i on i.indexrelid = c.oid
where i.indrelid = 'faces'::regclass and c.relname like 'faces\\_near\\_%'
"""
SIZE = """
select count(*) as sampled, max(place) as last, min(dimension) as dimension from (
    select hashint8(face_id) as place, vector_dims(embedding) as dimension from faces
    where team_id = %(team_id)s and engine_id = %(engine_id)s
    order by hashint8(face_id) limit %(limit)s
) sample
"""
LOCK = "select pg_try_advisory_lock(hashtextextended('face index', 0)) as is_ours"
# An index that reaches `max_scan_tuples` or the end of its memory doesn't say so: it goes on with
# what it had put aside. So neither may come before the rows that are asked for do.
HOW = """
select set_config('hnsw.ef_search', %(ef_search)s, true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.max_scan_tuples', '2147483647', true),
    set_config('hnsw.scan_mem_multiplier', '16', true), set_config('work_mem', '16MB', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)
"""
BACK = "select set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true)"
BY_DISTANCE = """
select face_id, embedding::halfvec({dimension}) <=> %(query)s as distance from faces
where team_id = %(team_id)s and engine_id = %(engine_id)s
order by embedding::halfvec({dimension}) <=> %(query)s
"""
BUILD = """
create index concurrently {name} on faces
using hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops)
with (m = {links}, ef_construction = {candidates})
where team_id = {team_id} and engine_id = {engine_id}
"""
MEMORY = "select set_config('maintenance_work_mem', %(memory)s, false)"
ALONE = "select set_config('max_parallel_maintenance_workers', '0', false)"
DROP = "drop index concurrently if exists {name}"


def name_of(team_id: TeamId, engine_id: EngineId) -> str:
    """What the index of a workspace's faces of one engine is called."""
    return _names_of(team_id) + _digest(engine_id)


def _names_of(team_id: TeamId) -> str:
    return f"{PREFIX}{_digest(team_id)}_"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def of(connection: Connection, team_id: TeamId, engine_id: EngineId) -> "FaceIndex | None":
    """The index to search with, if there is one."""
    name = name_of(team_id, engine_id)
    if connection.execute(FIND, {"name": name}).fetchone() is None:
        return None
    return FaceIndex(name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceIndex:
    """One workspace's index of one engine's faces."""

    name: str

    def within(
        self, connection: Connection, values: Mapping[str, Any], *, dimension: int
    ) -> list[int] | None:
        """Ids of the faces within `max_distance` of `query`.

        None if the index stopped before it was past that distance: there may be more.
        """
        connection.execute(HOW, {"ef_search": str(EF_SEARCH)})
        statement = sql.SQL(BY_DISTANCE).format(dimension=sql.Literal(dimension))
        max_distance = values["max_distance"]
        met: list[int] = []
        is_past = False
        with connection.cursor("near") as cursor:
            cursor.execute(statement, values)
            while not is_past and len(met) <= MOST_ROWS:
                rows = cursor.fetchmany(EF_SEARCH)
                is_near = [row["distance"] <= max_distance for row in rows]
                met += [row["face_id"] for row, near in zip(rows, is_near, strict=True) if near]
                if len(rows) < EF_SEARCH:
                    break
                # Rows come nearly in order: half a lot of them beyond the distance is past it.
                is_past = not any(is_near[EF_SEARCH // 2 :])
        connection.execute(BACK)
        return met if is_past else None


class _StoppedError(Exception):
    """The next statement is not begun any more."""


class FaceIndexes:
    """Makes and drops the indexes, outside of everybody's transactions."""

    def __init__(self, conninfo: str, *, memory_bytes: int) -> None:
        """`memory_bytes` is the most that building one may take (in the server)."""
        self._conninfo = conninfo
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._building: psycopg.Connection[Any] | None = None
        self._is_stopped = False

    def tend(self, team_id: TeamId, *, engine_id: EngineId) -> bool:
        """Make or drop the workspace's index, as its number of faces asks for.

        True if there is one now. One process does it; for others this returns at once.
        Raises: DatabaseUnavailableError, DatabaseFullError.
        """
        name = name_of(team_id, engine_id)
        with self._alone() as connection:
            if connection is None:
                return False
            values = {"team_id": team_id, "engine_id": engine_id, "limit": SAMPLE}
            sampled, last, dimension = connection.execute(SIZE, values).fetchall()[0]
            faces = estimated(sampled, last)
            is_valid = {row[0]: row[1] for row in connection.execute(OURS)}
            for other in is_valid:
                # Of an engine that the workspace has changed from.
                if other.startswith(_names_of(team_id)) and other != name:
                    self._drop(connection, other)
            if is_valid.get(name) and faces >= DROP_BELOW:
                return True
            if name in is_valid:  # too large for what is there, or its building was broken off
                self._drop(connection, name)
                log.info("face_index.dropped", faces=faces)
            if faces < BUILD_FROM:
                return False
            log.info("face_index.building", faces=faces)
            self._set_memory(connection, faces * (BUILD_BYTES + 2 * dimension))
            statement = sql.SQL(BUILD).format(
                name=sql.Identifier(name),
                dimension=sql.Literal(dimension),
                links=sql.Literal(LINKS),
                candidates=sql.Literal(CANDIDATES),
                team_id=sql.Literal(team_id),
                engine_id=sql.Literal(engine_id),
            )
            try:
                self._must_go_on()
                connection.execute(statement)
            except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory):
                # Several processes share memory through /dev/shm, which containers keep small.
                self._drop(connection, name)
                connection.execute(ALONE)
                self._must_go_on()
                connection.execute(statement)
            log.info("face_index.built", faces=faces)
            return True
        return False  # it was broken off

    def drop(self, team_id: TeamId, *, engine_id: EngineId) -> None:
        """Search that engine's faces one by one again."""
        with self._alone() as connection:
            if connection is not None:
                self._drop(connection, name_of(team_id, engine_id))

    def stop(self) -> None:
        """Break off what is being built; the next one who tends begins anew."""
        with self._lock:
            self._is_stopped = True
            if self._building is None:
                return
            try:
                self._building.cancel_safe(timeout=CONNECT_TIMEOUT_S)
            except psycopg.Error as error:
                # The server is away, and what it built with it.
                log.warning("face_index.not_broken_off", error=type(error).__name__)

    @contextmanager
    def _alone(self) -> Iterator[psycopg.Connection[Any] | None]:
        with translated(), connect(self._conninfo) as connection:
            row = connection.execute(LOCK).fetchone()
            with self._lock:
                is_ours = bool(row and row[0]) and not self._is_stopped
                self._building = connection if is_ours else None
            try:
                yield connection if is_ours else None
            except (psycopg.errors.QueryCanceled, _StoppedError):
                log.info("face_index.broken_off")
            finally:
                with self._lock:
                    self._building = None

    def _set_memory(self, connection: psycopg.Connection[Any], needed_bytes: int) -> None:
        memory_bytes = min(max(needed_bytes, LEAST_MEMORY_BYTES), self._memory_bytes)
        connection.execute(MEMORY, {"memory": f"{memory_bytes // 1024}kB"})

    def _drop(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._must_go_on()
        connection.execute(sql.SQL(DROP).format(name=sql.Identifier(name)))

    def _must_go_on(self) -> None:
        """Before what takes long: a cancel that comes between two statements is lost."""
        with self._lock:
            if self._is_stopped:
                raise _StoppedError
