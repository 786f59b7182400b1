"""How alike a workspace's faces are to somebody, told by a random sample of them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.domain.arrays import Embedding, Embeddings, distances, unit
from pipeline.domain.model import Crowd, EngineId, TeamId
from pipeline.storage.connect import Database
from pipeline.storage.sampling import SAMPLE, estimated

# All embeddings in one value, each as pgvector sends it: its dimension and a word that is unused,
# then its numbers.
CROWD = """
with sample as materialized (
    select f.embedding, hashint8(f.face_id) as place from faces f
    where f.team_id = %(team_id)s and f.engine_id = %(engine_id)s
    order by hashint8(f.face_id) limit %(limit)s
)
select count(*) as sampled, max(place) as last,
    coalesce(string_agg(halfvec_send(embedding), ''), '') as embeddings
from sample
"""
_HEADER = 2

# A sample serves so long for each face there is: meanwhile an index grows by some percent at most,
# were a hundred faces a second added. Then it is let go of: templates of people who were deleted
# don't stay in memory, and until then nobody is found by them.
KEPT_S_A_FACE = 5e-4
LEAST_KEPT_S, MOST_KEPT_S = 0.5, 60.0

Key = tuple[TeamId, EngineId]


Later = Callable[[float, Callable[[], None]], None]
"""Calls the function after so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    faces: int
    embeddings: Embeddings


def _later(wait_s: float, function: Callable[[], None]) -> None:
    timer = threading.Timer(wait_s, function)
    timer.daemon = True
    timer.start()


class Crowds:
    """Samples in memory, each until its workspace may have changed by some percent."""

    def __init__(self, database: Database, *, later: Later = _later) -> None:
        self._database = database
        self._later = later
        self._samples: dict[Key, _Sample] = {}

    def of(
        self,
        team_id: TeamId,
        query: Embedding,
        *,
        engine_id: EngineId,
        alike: tuple[float, float],
    ) -> Crowd:
        """About how many faces there are, and how many of SAMPLE of them are alike."""
        sample = self._sample((team_id, engine_id), dimension=len(query))
        distance = distances(sample.embeddings, query)
        return Crowd(
            faces=sample.faces,
            sampled=len(distance),
            alike=int(np.count_nonzero((distance > alike[0]) & (distance <= alike[1]))),
        )

    def _sample(self, key: Key, *, dimension: int) -> _Sample:
        sample = self._samples.get(key)
        if sample is not None:
            return sample
        # Two who come at once both read it: neither waits for the other's database.
        sample = self._read(key, dimension=dimension)
        kept_s = min(sample.faces * KEPT_S_A_FACE, MOST_KEPT_S)
        if kept_s >= LEAST_KEPT_S and self._samples.setdefault(key, sample) is sample:
            try:
                self._later(kept_s, lambda: self._let_go(key))
            except RuntimeError:  # no thread is to be had: then it isn't kept
                self._let_go(key)
        return sample

    def _let_go(self, key: Key) -> None:
        self._samples.pop(key, None)

    def _read(self, key: Key, *, dimension: int) -> _Sample:
        values = {"team_id": key[0], "engine_id": key[1], "limit": SAMPLE}
        with self._database.transaction() as connection:
            row = connection.execute(CROWD, values, binary=True).fetchone()
        assert row is not None  # an aggregate always has a row
        return _Sample(
            faces=estimated(row["sampled"], row["last"]),
            embeddings=_units(row["embeddings"], dimension),
        )


def _units(sent: bytes, dimension: int) -> Embeddings:
    """The embeddings that lie in it one after the other."""
    rows = np.frombuffer(sent, ">f2").reshape(-1, _HEADER + dimension)
    return unit(rows[:, _HEADER:].astype(np.float32))
