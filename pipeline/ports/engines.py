"""Pictures become faces, by an engine; and what time it is."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from pipeline.domain.arrays import Embeddings, Image, Landmarks
from pipeline.domain.calibration import Curve
from pipeline.domain.model import Detection, EngineId, PhotoFaces, TeamId


class Clock(Protocol):
    """Tells the time, so that decisions can be handed it."""

    def __call__(self) -> datetime:
        """Now, with a time zone."""
        ...


class Detector(Protocol):
    """Finds faces in an image."""

    def detect(
        self, image: Image, *, closer: Callable[[], Image | None] = lambda: None
    ) -> list[Detection]:
        """Every face in the image, strongest first, in px of `image`.

        `closer` gives the same picture at a larger scale (or None), for a detector that sees
        something small.
        """
        ...


class Embedder(Protocol):
    """Turns faces into embeddings; lays them onto its own template first."""

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        ...

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Embeddings (N, D) of the faces at these landmarks, computed as one batch."""
        ...


class FaceReader(Protocol):
    """An engine as the use cases see it: bytes in, faces out."""

    @property
    def engine_id(self) -> EngineId:
        """Under which its embeddings are stored and searched."""
        ...

    @property
    def curve(self) -> Curve:
        """How alike strangers are to it."""
        ...

    def read(self, data: bytes) -> PhotoFaces:
        """Decode, detect, align, embed. Raises UnreadablePhotoError with its reason."""
        ...


class Engines(Protocol):
    """Which engine a workspace's index is made by, now: it can change while the program runs."""

    def of(self, team_id: TeamId) -> FaceReader:
        """The engine of the workspace's index. Raises EngineMismatchError, EngineUnavailableError.

        Asked anew for each photo and each search.
        """
        ...
