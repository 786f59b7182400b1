"""Search: how long, and how much of what is there, from ten thousand faces to three million."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import (
    ChannelId,
    FileId,
    NearFace,
    PhotoFaces,
    PhotoId,
    TeamId,
)
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from pipeline.storage import face_index
from pipeline.storage.connect import Database
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.face_index import FaceIndexes
from pipeline.storage.faces import WITHIN, Faces
from pipeline.storage.migrate import migrate
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.match_faces import MatchFaces, Person
from pipeline.usecases.self_calibration import SelfCalibration
from pipeline.vision.engines import load_engine
from pipeline.vision.weights import WeightStore
from pipeline.wiring import now
from tests.benchmarks.crowd import SMALL, TEAM, CrowdedWorkspace, channels
from tests.benchmarks.plots import save_search_plot
from tests.benchmarks.population import Population, fit, lfw_people, similarities
from tests.benchmarks.results import Figure, Goal, Options, Result, Table, percentile
from tests.shared import shared_folder
from tests.strategies import found_photo, photo_faces, share

SIZES = (10_000, 100_000, 1_000_000, 3_000_000)
SHORT_SIZES = (5_000, 40_000)
CLIENTS = 8
QUERIES = 300
EXACT_QUERIES = 60
INSERTED_PHOTOS = 300
MEMORY_BYTES = 6 * 2**30
RECALL_BAR = 0.99
MILLION_MS = 15.0
SMALL_MS = 25.0

INDEX_BYTES = "select pg_relation_size(to_regclass(%(name)s)) as bytes"
TABLE_BYTES = "select pg_total_relation_size('faces') as bytes"


class _Engines:
    """One engine for every workspace; implements ports.Engines."""

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def of(self, team_id: object) -> FaceReader:
        """That one."""
        del team_id
        return self._reader


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question that a search put to the index, and what it met."""

    query: Embedding
    max_distance: float
    met: frozenset[int]


class _Remembering(Faces):
    """Faces that remember what they were asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[_Asked] = []

    def nearest(self, team_id: TeamId, query: Embedding, **asked: Any) -> Sequence[NearFace]:
        """As Faces does."""
        near = super().nearest(team_id, query, **asked)
        met = frozenset(face.face_id for face in near)
        self.asked.append(_Asked(query=query, max_distance=asked["max_distance"], met=met))
        return near


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One way to search at one size."""

    scope: str
    clients: int
    ms: Sequence[float]
    recall: float | None

    def row(self, faces: int, how: str) -> dict[str, Figure]:
        """As a line of the table."""
        return {
            "faces": faces,
            "scope": self.scope,
            "how": how,
            "clients": self.clients,
            "p50 ms": percentile(self.ms, 0.5),
            "p95 ms": percentile(self.ms, 0.95),
            "p99 ms": percentile(self.ms, 0.99),
            "searches/s": 1000.0 * self.clients * len(self.ms) / sum(self.ms),
            "recall": self.recall,
        }


class SearchBench:
    """One workspace that grows, searched at each size."""

    def __init__(
        self, conninfo: str, reader: FaceReader, population: Population, *, seed: int
    ) -> None:
        self._reader = reader
        self.database = Database(conninfo, max_connections=CLIENTS + 2)
        Workspaces(self.database).claim(TEAM, reader.engine_id)
        for channel_id in channels():
            Workspaces(self.database).watch(TEAM, channel_id, channel_id)
        self.crowd = CrowdedWorkspace(
            conninfo=conninfo,
            engine_id=reader.engine_id,
            population=population,
            random=np.random.default_rng(seed),
        )
        self._faces = Faces(self.database)
        self._indexes = FaceIndexes(conninfo, memory_bytes=MEMORY_BYTES)

    def close(self) -> None:
        """Leave the database."""
        self.database.close()

    @property
    def _name(self) -> str:
        return face_index.name_of(TEAM, self._reader.engine_id)

    def grow(self, faces: int) -> dict[str, Figure]:
        """To that size; without the index at first, then with it where it pays."""
        self._indexes.drop(TEAM, engine_id=self._reader.engine_id)
        started = time.monotonic()
        self.crowd.grow_to(faces)
        loaded_s = time.monotonic() - started
        plain = self._inserted_per_s()
        started = time.monotonic()
        is_there = self._indexes.tend(TEAM, engine_id=self._reader.engine_id)
        built_s = time.monotonic() - started
        return {
            "faces": faces,
            "loaded in s": loaded_s,
            "index built in s": built_s if is_there else None,
            "index bytes/face": self._bytes(INDEX_BYTES) / faces if is_there else None,
            "table bytes/face": self._bytes(TABLE_BYTES) / faces,
            "faces/s stored, no index": plain,
            "faces/s stored, index": self._inserted_per_s() if is_there else None,
        }

    @property
    def how(self) -> str:
        """Which way a search of everything goes."""
        with self.database.transaction() as connection:
            index = face_index.of(connection, TEAM, self._reader.engine_id)
        return "exact" if index is None else "hnsw"

    def search(self, scope: str, *, clients: int, queries: int, exact: int) -> Searched:
        """Time whole searches, each as `/findme` does it; and compare some with the exact way."""
        channel_ids = channels() if scope == "all" else [SMALL]
        match_faces = self._matching(self._faces)

        def timed(query: Embedding) -> float:
            started = time.perf_counter()
            person = Person(engine_id=self._reader.engine_id, query=query)
            match_faces.every(TEAM, person, channel_ids)
            return 1000.0 * (time.perf_counter() - started)

        for query in self.crowd.queries(10):
            timed(query)
        asked = self.crowd.queries(queries)
        if clients == 1:
            ms = [timed(query) for query in asked]
        else:
            with ThreadPoolExecutor(clients) as pool:
                ms = list(pool.map(timed, asked))
        recall = self._recall(self.crowd.queries(exact), channel_ids) if exact else None
        return Searched(scope=scope, clients=clients, ms=ms, recall=recall)

    def _recall(self, queries: Sequence[Embedding], channel_ids: Sequence[ChannelId]) -> float:
        """Of the faces within the radius of what a search asks for, the share that it met."""
        faces = _Remembering(self.database)
        match_faces = self._matching(faces)
        for query in queries:
            person = Person(engine_id=self._reader.engine_id, query=query)
            match_faces.every(TEAM, person, channel_ids)
        met = wanted = 0
        for one in faces.asked:
            exact = self._exact(one.query, channel_ids, one.max_distance)
            met += len(exact & one.met)
            wanted += len(exact)
        return met / wanted if wanted else 1.0

    def _matching(self, faces: Faces) -> MatchFaces:
        return MatchFaces(
            faces=faces,
            engines=_Engines(self._reader),
            curves=SelfCalibration(pairs=self._faces, clock=now),
        )

    def _exact(
        self, query: Embedding, channel_ids: Sequence[ChannelId], max_distance: float
    ) -> set[int]:
        values = {
            "team_id": TEAM,
            "engine_id": self._reader.engine_id,
            "query": HalfVector(query),
            "channel_ids": list(channel_ids),
            "max_distance": max_distance,
        }
        with self.database.transaction() as connection:
            return {row["face_id"] for row in connection.execute(WITHIN, values)}

    def _inserted_per_s(self) -> float:
        """Faces a second, stored as indexing stores them: photo by photo, each committed."""
        photos = Photos(self.database)
        files = [FileId(f"X{number}") for number in range(INSERTED_PHOTOS)]
        photos.add(TEAM, [found_photo(file_id, shares=[share("C000")]) for file_id in files])
        with self.database.transaction() as connection:
            rows = connection.execute(
                "select photo_id from photos where team_id = %(team_id)s and state = 'pending'",
                {"team_id": TEAM},
            )
            ids = [PhotoId(row["photo_id"]) for row in rows]
        read = [self._drawn_photo() for _ in ids]
        started = time.perf_counter()
        for photo_id, faces in zip(ids, read, strict=True):
            photos.put_faces(
                TEAM,
                photo_id,
                engine_id=self._reader.engine_id,
                version="1",
                content_hash=b"new",
                faces=faces,
            )
        elapsed_s = time.perf_counter() - started
        for file_id in files:
            photos.delete(TEAM, file_id)
        return sum(len(faces.faces) for faces in read) / elapsed_s

    def _drawn_photo(self) -> PhotoFaces:
        return photo_faces(*self.crowd.queries(5))

    def _bytes(self, statement: str) -> int:
        with psycopg.connect(self.database.conninfo) as connection:
            row = connection.execute(statement, {"name": self._name}).fetchone()
        assert row is not None
        return int(row[0])


def measure(options: Options) -> Result:
    """All sizes; the short way two small ones."""
    models, lfw = shared_folder() / "models", shared_folder() / "data/lfw"
    reader = load_engine(load(Settings, findme_engine="retail"), WeightStore(models))
    people = lfw_people(lfw, reader)
    population = fit(people)
    sizes = SHORT_SIZES if options.is_short else SIZES
    with tempfile.TemporaryDirectory(prefix="findme-bench-") as folder:
        server = EmbeddedServer(Path(folder) / "data")
        try:
            migrate(server.conninfo)
            bench = SearchBench(server.conninfo, reader, population, seed=options.seed)
            try:
                return _measured(bench, sizes, is_like=_likeness(people, population))
            finally:
                bench.close()
        finally:
            server.close()


def _measured(bench: SearchBench, sizes: Sequence[int], *, is_like: str) -> Result:
    built, searched = [], []
    for faces in sizes:
        built.append(bench.grow(faces))
        queries = QUERIES if faces <= BIG else QUERIES // 2
        for scope, clients in (("all", 1), ("all", CLIENTS), ("small", 1), ("small", CLIENTS)):
            exact = EXACT_QUERIES if clients == 1 else 0
            one = bench.search(scope, clients=clients, queries=queries, exact=exact)
            searched.append(one.row(faces, bench.how if scope == "all" else "few photos"))
    return Result(
        tables=[
            Table(title="Search, each as /findme does it", rows=searched, notes=[is_like]),
            Table(title="The index", rows=built),
        ],
        goals=_goals(searched),
        plot=lambda path: save_search_plot(path, searched, built),
    )


BIG = 1_000_000


def _goals(rows: Sequence[dict[str, Figure]]) -> list[Goal]:
    goals = []
    for row in rows:
        where = f"{row['faces']:,} faces, {row['scope']}"
        if row["recall"] is not None:
            goals.append(
                Goal(
                    what=f"recall within the radius, {where}",
                    reached=float(row["recall"]),
                    sense="≥",
                    bar=RECALL_BAR,
                )
            )
        if row["clients"] == 1 and row["faces"] == BIG:
            bar = MILLION_MS if row["scope"] == "all" else SMALL_MS
            goals.append(
                Goal(
                    what=f"p95 of a search, {where}",
                    reached=float(row["p95 ms"] or 0.0),
                    sense="≤",
                    bar=bar,
                    unit=" ms",
                )
            )
    return goals


def _likeness(people: dict[str, list[Embedding]], population: Population) -> str:
    """How like the drawn faces are to the real ones, in words."""
    random = np.random.default_rng(0)
    centres = population.people(len(people), random)
    drawn = {
        str(number): list(population.photos_of(np.repeat(centre[None], 3, axis=0), random))
        for number, centre in enumerate(centres)
    }
    texts = []
    for name, which in (("LFW", people), ("drawn", drawn)):
        same, other = similarities(which)
        texts.append(
            f"{name}: median of one person {np.median(same):.2f}, of two {np.median(other):.2f}, "
            f"one in a thousand of two above {np.quantile(other, 0.999):.2f}"
        )
    return "; ".join(texts)
