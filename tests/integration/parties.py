"""A folder of photos over a real database, read by one real engine and then by another."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, LiteralString, TypeAlias

import psycopg

from pipeline.domain.calibration import Curve
from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import ChannelId, EngineId, PhotoFaces, PhotoId, TeamId, UserId
from pipeline.folder import LOCAL, channel_of
from pipeline.ports import FaceReader, PhotoSource
from pipeline.settings import Settings, load
from pipeline.storage.connect import Database
from pipeline.storage.engine_changes import EngineChangeStore
from pipeline.usecases.change_engine import ChangeEngine
from pipeline.usecases.find_photos import FindPhotos, Query
from pipeline.wiring import Runtime
from tests.conftest import as_url
from tests.fakes import Colleagues
from tests.shared import shared_folder

PHOTOS = (
    "child1-person-group.jpg",
    "findsimilar.jpg",
    "identification1.jpg",
    "man1-person-group.jpg",
    "test-image-person-group.jpg",
    "woman2-person-group.jpg",
)
"""Daughter, dad, the family of four, man, man and lady, lady: in the order of a folder."""

FACES = dict(zip(PHOTOS, (1, 1, 4, 1, 2, 1), strict=True))
"""How many faces each of them shows."""

PEOPLE = tuple(UserId(name) for name in ("dad", "daughter", "man", "lady"))

Seen: TypeAlias = Sequence[tuple[str, float, str]]
"""An answer: name, similarity and certainty of each photo, in order."""

Answers: TypeAlias = Mapping[UserId, Seen]


def family() -> Path:
    """The photos, and the portraits of who is on them."""
    return shared_folder() / "data/events/family"


def own_network() -> dict[str, str]:
    """The settings of the engine `onnx`, as environment variables."""
    return {
        "FINDME_ONNX_MODEL": str(shared_folder() / "models/mobilefacenet.onnx"),
        "FINDME_ONNX_MEAN": "123.675,116.28,103.53",
        "FINDME_ONNX_STD": "58.395,57.12,57.375",
        "FINDME_ONNX_SURE": "0.45",
        "FINDME_ONNX_MAYBE": "0.3",
    }


def settings_for(**settings: Any) -> Settings:
    """Settings that describe the engine `onnx` too."""
    own = {name.lower(): value for name, value in own_network().items()}
    return load(Settings, findme_models_dir=shared_folder() / "models", **(own | settings))


class Observed(FaceReader):
    """A real engine that a test can step in front of, each time it is about to read a picture."""

    def __init__(self, engine: FaceReader, before: Callable[[int], object] | None = None) -> None:
        """`before` is told how many pictures were read until then."""
        self._engine = engine
        self._before = before
        self._lock = threading.Lock()
        self.reads = 0

    @property
    def engine_id(self) -> EngineId:
        """The real one's."""
        return self._engine.engine_id

    @property
    def curve(self) -> Curve:
        """The real one's."""
        return self._engine.curve

    def read(self, data: bytes) -> PhotoFaces:
        """What the real one sees."""
        with self._lock:
            number, self.reads = self.reads, self.reads + 1
        if self._before is not None:
            self._before(number)
        return self._engine.read(data)


class Party:
    """A watched folder; each runtime stands for a process of its own."""

    def __init__(self, folder: Path, conninfo: str, stack: ExitStack) -> None:
        self.folder = folder
        self.conninfo = conninfo
        self._stack = stack

    @property
    def channel_id(self) -> ChannelId:
        """The folder as a channel."""
        return channel_of(self.folder)

    def open(
        self,
        reader: FaceReader,
        *,
        source: PhotoSource | None = None,
        workers: int = 1,
        loaded: Sequence[FaceReader] = (),
        **settings: Any,
    ) -> Runtime:
        """A process with that engine in its settings; others may be `loaded` already."""
        made = Runtime(
            settings_for(database_url=as_url(self.conninfo), findme_workers=workers, **settings),
            sources={LOCAL: source} if source else None,
            reader=reader,
        )
        made.engines._loaded.update({one.engine_id: one for one in loaded})
        self._stack.callback(made.close)
        return made

    def put(self, *names: str) -> None:
        """Copy photos of the family into the folder."""
        for name in names:
            shutil.copyfile(family() / "photos" / name, self.folder / name)

    def change(self, name: str, like: str) -> None:
        """Another picture under the same name, as if edited later."""
        path = self.folder / name
        before = path.stat().st_mtime_ns
        shutil.copyfile(family() / "photos" / like, path)
        os.utime(path, ns=(before + 10**9, before + 10**9))

    def look(self, runtime: Runtime) -> None:
        """Look for what is new in the folder."""
        runtime.list_channel(LOCAL, self.channel_id)

    def index(self, runtime: Runtime) -> None:
        """List the folder and read what is pending, in this thread."""
        runtime.workspaces.claim(LOCAL, runtime.reader.engine_id)
        runtime.workspaces.watch(LOCAL, self.channel_id, self.folder.name)
        self.look(runtime)
        for photo_id in self.photo_ids(state="pending"):
            runtime.index_photo(LOCAL, photo_id)

    def photo_ids(self, *, state: str | None = None) -> list[PhotoId]:
        """Photos, in the order in which they came."""
        query = "select photo_id from photos where state = coalesce(%s, state) order by photo_id"
        return [PhotoId(photo_id) for (photo_id,) in self.rows(query, state)]

    def photo_id(self, name: str) -> PhotoId:
        """The photo of that name."""
        ((photo_id,),) = self.rows("select photo_id from photos where name = %s", name)
        return PhotoId(photo_id)

    def rows(self, query: LiteralString, *values: object) -> Sequence[tuple[Any, ...]]:
        """Straight from the database."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def states(self) -> dict[str, tuple[str, str | None]]:
        """Of each photo its state and its engine."""
        rows = self.rows("select name, state, engine_id from photos")
        return {name: (state, engine_id) for name, state, engine_id in rows}

    def faces_of(self, engine: FaceReader) -> dict[str, int]:
        """How many faces of that engine each photo has, if any."""
        query = """
            select name, count(*) from faces join photos using (team_id, photo_id)
            where faces.engine_id = %s group by name
        """
        return dict(self.rows(query, engine.engine_id))

    def change_under_way(self) -> tuple[str | None, str | None, int]:
        """The index's engine, the next one, and how many photos are filled."""
        ((present, wanted, fills),) = self.rows(
            "select engine_id, next_engine_id, (select count(*) from fills) from workspaces"
        )
        return present, wanted, fills


class Held(EngineChangeStore):
    """A test can step in when all is filled, each time before the engine is to be switched."""

    def __init__(self, database: Database, before: Callable[[], object]) -> None:
        super().__init__(database)
        self._before = before

    def switch(self, team_id: TeamId, engine_id: EngineId) -> bool:
        """After the step."""
        self._before()
        return super().switch(team_id, engine_id)


def changer(
    runtime: Runtime,
    *,
    sleep: Callable[[float], None] = time.sleep,
    before_switch: Callable[[], object] = lambda: None,
) -> ChangeEngine:
    """The runtime's ChangeEngine, its waits and its last step in the hands of the test."""
    return ChangeEngine(
        read=runtime.read_photo,
        photos=runtime.photos,
        changes=Held(runtime.database, before_switch),
        reader=runtime.reader,
        concurrency=runtime.settings.findme_workers,
        sleep=sleep,
    )


def finder(runtime: Runtime, colleagues: Colleagues) -> FindPhotos:
    """`/findme` in that process."""
    return FindPhotos(
        people=runtime.known_people(colleagues),
        visibility=colleagues,
        channels=runtime.workspaces,
        photos=runtime.photos,
        engines=runtime.engines,
        match_faces=runtime.match_faces,
        permit=runtime.permit(ColleagueSearch.OPEN),
        protected=runtime.opt_outs,
    )


def answer(find: FindPhotos, who: UserId) -> Seen:
    """What somebody is answered."""
    return [
        (match.face.photo_name, match.similarity, match.certainty.value)
        for match in find(LOCAL, Query(asker=who, people=[who])).matches
    ]


def answers(find: FindPhotos) -> Answers:
    """What everybody is answered."""
    return {who: answer(find, who) for who in PEOPLE}


def is_same(one: Seen, other: Seen) -> bool:
    """The same photos with the same certainty; embeddings are stored with 11 bits."""
    return [(name, how) for name, _, how in one] == [(name, how) for name, _, how in other] and all(
        abs(first[1] - second[1]) < 2e-3 for first, second in zip(one, other, strict=True)
    )


def all_same(one: Answers, other: Answers) -> bool:
    """The same for everybody."""
    return all(is_same(one[who], other[who]) for who in PEOPLE)
