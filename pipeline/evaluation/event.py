"""Events of which it is known who is in which photo: what each portrait finds, and misses.

The photos go through the program's own index and search, over a temporary database. A photo that
was posted twice (the same bytes) is shown once by a search, and both count as found.
"""

import hashlib
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.calibration import Curve
from pipeline.domain.model import Certainty, EngineId, Match, PhotoFaces
from pipeline.domain.references import reference_from
from pipeline.errors import FindmeError, NoFaceInPictureError, UnreadablePhotoError
from pipeline.evaluation.metrics import NO_FACE, Histogram, Scores, counted
from pipeline.evaluation.pictures import Pictures, threads_of, with_bar
from pipeline.evaluation.strangers import Stranger, index_strangers, read_strangers
from pipeline.evaluation.truth import Event, KnownPhoto, Portrait
from pipeline.folder import LOCAL, channel_of
from pipeline.ports import FaceReader
from pipeline.settings import Settings
from pipeline.shell import index_folder, search_everywhere
from pipeline.usecases.match_faces import MatchFaces
from pipeline.usecases.self_calibration import own_curve
from pipeline.wiring import Runtime

_MAX_PROBLEMS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A match that shows somebody else; `stranger` if it is none of an event's photos."""

    person: str
    query: str
    photo: str
    similarity: float
    certainty: Certainty
    stranger: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A photo of the person that wasn't found; `similarity` of its best face, None without any."""

    person: str
    query: str
    photo: str
    similarity: float | None


@dataclass(slots=True, kw_only=True)
class Tally:
    """Over all queries: `right` and `wrong` matches; of `expected` photos, `found` and `missed`.

    `right` and `found` differ where the same photo was posted twice: one match, two photos.
    """

    right: int = 0
    wrong: list[Wrong] = field(default_factory=list)
    expected: int = 0
    found: int = 0
    missed: list[Missed] = field(default_factory=list)

    @property
    def precision(self) -> float | None:
        """Of the matches shown, the share that is right; None if there are none."""
        shown = self.right + len(self.wrong)
        return self.right / shown if shown else None

    @property
    def recall(self) -> float | None:
        """Of the photos that show who was asked for, the share found; None if there are none."""
        return self.found / self.expected if self.expected else None

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            right=self.right + other.right,
            wrong=self.wrong + other.wrong,
            expected=self.expected + other.expected,
            found=self.found + other.found,
            missed=self.missed + other.missed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """What the portraits of one event found.

    `unreadable` photos and `faceless` portraits come with the reason. What a faceless portrait was
    to find counts as missed.
    """

    name: str
    portraits: int
    photos: int
    indexed_faces: int
    unreadable: Sequence[tuple[str, str]]
    faceless: Sequence[tuple[str, str]]
    sure: Tally
    sure_and_maybe: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsReport:
    """All events; `strangers` is the number of their photos in each index."""

    engine_id: EngineId
    sure_similarity: float
    maybe_similarity: float
    together: bool
    strangers: int
    results: Sequence[EventResult]
    histogram: Histogram

    @property
    def sure(self) -> Tally:
        """Of all events."""
        return sum((result.sure for result in self.results), Tally())

    @property
    def sure_and_maybe(self) -> Tally:
        """Of all events."""
        return sum((result.sure_and_maybe for result in self.results), Tally())


class RememberingReader(FaceReader):
    """Keeps what was read, by the bytes' hash: no score needs a second reading."""

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader
        self._known: dict[bytes, PhotoFaces] = {}

    @property
    def engine_id(self) -> EngineId:
        """Of the reader behind."""
        return self._reader.engine_id

    @property
    def curve(self) -> Curve:
        """Of the reader behind."""
        return self._reader.curve

    def read(self, data: bytes) -> PhotoFaces:
        """Read once, remembered ever after."""
        content = hashlib.sha256(data).digest()
        known = self._known.get(content)
        if known is None:
            known = self._known[content] = self._reader.read(data)
        return known

    def known(self, content: bytes) -> PhotoFaces:
        """What was read of these bytes; no faces if they could not be."""
        return self._known.get(content, PhotoFaces(width_px=0, height_px=0, faces=()))


class KnownIndex:
    """All photos of one index: who is in each, and how similar its best face is to a portrait."""

    def __init__(self, photos: Sequence[KnownPhoto], reader: RememberingReader) -> None:
        """Every photo must have been read before."""
        self._photos = photos
        self._reader = reader
        faces = [reader.known(photo.content).faces for photo in photos]
        self._photo_of_face = np.repeat(np.arange(len(photos)), [len(each) for each in faces])
        embeddings = [face.embedding for each in faces for face in each]
        self._embeddings = np.stack(embeddings) if embeddings else None
        self._rows = {photo.file_id: row for row, photo in enumerate(photos)}
        self._copies: dict[bytes, list[KnownPhoto]] = {}
        for photo in photos:
            self._copies.setdefault(photo.content, []).append(photo)

    def photo_of(self, match: Match) -> KnownPhoto:
        """The photo that was matched."""
        return self._photos[self._rows[match.face.file_id]]

    def is_right(self, person: str, match: Match) -> bool | None:
        """Whether the photo shows the person; None where that counts neither way."""
        copies = self._copies[self.photo_of(match).content]
        if any(person in photo.people for photo in copies):
            return True
        return None if any(person in photo.hard for photo in copies) else False

    def showing(self, person: str) -> list[KnownPhoto]:
        """The photos that are to be found."""
        return [photo for photo in self._photos if person in photo.people]

    def best_similarities(self, portrait: Portrait) -> Scores:
        """Of each photo's face that is most like the portrait's; NO_FACE where there is none."""
        best = np.full(len(self._photos), NO_FACE)
        asked = self._reader.known(hashlib.sha256(portrait.path.read_bytes()).digest())
        if asked.faces and self._embeddings is not None:
            similarity = self._embeddings @ reference_from(asked).embedding
            np.maximum.at(best, self._photo_of_face, similarity)
        return best

    def similarity(self, photo: KnownPhoto, best: Scores) -> float | None:
        """Of one photo; None where there is no face."""
        score = float(best[self._rows[photo.file_id]])
        return score if score > NO_FACE else None

    def genuine_and_impostor(self, person: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which photos show the person, and which don't; neither where it doesn't count."""
        shows = np.array([person in photo.people for photo in self._photos], np.bool_)
        hard = np.array([person in photo.hard for photo in self._photos], np.bool_)
        return shows, ~(shows | hard)


def evaluate_events(
    events: Sequence[Event],
    *,
    settings: Settings,
    engine: FaceReader,
    together: bool = False,
    strangers: Pictures | None = None,
    same: Mapping[str, Collection[str]] | None = None,
    learn: bool = True,
    expand: bool = True,
) -> EventsReport:
    """Index and search each event, in one index or in one each, among strangers if there are any.

    Without `learn` the thresholds are the engine's own, without `expand` the portrait alone is
    searched with. `same` tells which strangers are people of the events after all (`read_same`).
    Raises: DatabaseUnavailableError.
    """
    reader = RememberingReader(engine)
    others: list[Stranger] = []
    if strangers is not None:
        others = read_strangers(
            strangers, reader, same=same or {}, threads=threads_of(settings.findme_workers)
        )
    results: list[EventResult] = []
    nothing = counted(np.empty(0))
    histogram = Histogram(genuine=nothing, impostor=nothing.copy())
    for indexed in [events] if together else [[event] for event in events]:
        with temporary_index(indexed, others, settings=settings, reader=reader) as runtime:
            runtime.match_faces = MatchFaces(
                faces=runtime.faces,
                engines=runtime.engines,
                curves=runtime.curves if learn else own_curve,
                expand=expand,
            )
            photos = [photo for event in indexed for photo in event.photos]
            known = KnownIndex([*photos, *(other.photo for other in others)], reader)
            results += [_measure(runtime, event, known, histogram) for event in indexed]
    return EventsReport(
        engine_id=reader.engine_id,
        sure_similarity=reader.curve.sure,
        maybe_similarity=reader.curve.maybe,
        together=together,
        strangers=len(others),
        results=results,
        histogram=histogram,
    )


@contextmanager
def temporary_index(
    events: Sequence[Event],
    strangers: Sequence[Stranger],
    *,
    settings: Settings,
    reader: FaceReader,
) -> Iterator[Runtime]:
    """A database of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="findme-eval-") as folder:
        own = settings.model_copy(update={"database_url": None, "findme_data_dir": Path(folder)})
        runtime = Runtime(own, reader=reader)
        try:
            if strangers:
                index_strangers(runtime, strangers)
            for event in events:
                index_folder(runtime, event.folder / "photos")
            if runtime.photos.counts(LOCAL).pending:
                raise FindmeError("Indexing did not come to its end; please run it again.")
            yield runtime
        finally:
            runtime.close()


def _measure(
    runtime: Runtime, event: Event, known: KnownIndex, histogram: Histogram
) -> EventResult:
    sure, sure_and_maybe = Tally(), Tally()
    faceless: list[tuple[str, str]] = []
    for portrait in with_bar(
        event.portraits, f"Searching {event.name}", total=len(event.portraits)
    ):
        try:
            matches = search_everywhere(runtime, portrait.path, folder=None).matches
        except (NoFaceInPictureError, UnreadablePhotoError) as error:
            faceless.append((portrait.name, str(error)))
            matches = []
        best = known.best_similarities(portrait)
        certain = [match for match in matches if match.certainty is Certainty.SURE]
        for tally, shown in ((sure, certain), (sure_and_maybe, matches)):
            _count(tally, portrait, shown, known, best)
        genuine, impostor = known.genuine_and_impostor(portrait.person)
        histogram.genuine[:] += counted(best[genuine])
        histogram.impostor[:] += counted(best[impostor])
    channel_id = channel_of(event.folder / "photos")
    problems = runtime.photos.problems(LOCAL, channel_ids=[channel_id], limit=_MAX_PROBLEMS)
    return EventResult(
        name=event.name,
        portraits=len(event.portraits),
        photos=len(event.photos),
        indexed_faces=runtime.photos.counts(LOCAL).faces,
        unreadable=[(name, reason) for name, _, reason in problems],
        faceless=faceless,
        sure=sure,
        sure_and_maybe=sure_and_maybe,
    )


def _count(
    tally: Tally,
    portrait: Portrait,
    matches: Sequence[Match],
    known: KnownIndex,
    best: Scores,
) -> None:
    """Add one query and its matches."""
    person = portrait.person
    found = {known.photo_of(match).content for match in matches}
    for match in matches:
        right = known.is_right(person, match)
        if right:
            tally.right += 1
        elif right is False:
            photo = known.photo_of(match)
            tally.wrong.append(
                Wrong(
                    person=person,
                    query=portrait.name,
                    photo=photo.name,
                    similarity=match.similarity,
                    certainty=match.certainty,
                    stranger=photo.stranger,
                )
            )
    for photo in known.showing(person):
        tally.expected += 1
        if photo.content in found:
            tally.found += 1
        else:
            tally.missed.append(
                Missed(
                    person=person,
                    query=portrait.name,
                    photo=photo.name,
                    similarity=known.similarity(photo, best),
                )
            )
