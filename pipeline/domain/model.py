"""The nouns of Findme, as frozen values. `DESIGN.md` words, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType

from pipeline.domain.arrays import Embedding, Landmarks

TeamId = NewType("TeamId", str)
ChannelId = NewType("ChannelId", str)
UserId = NewType("UserId", str)
FileId = NewType("FileId", str)
PhotoId = NewType("PhotoId", int)
FaceId = NewType("FaceId", int)
RunId = NewType("RunId", int)
EngineId = NewType("EngineId", str)


CRASHED_READERS = "reading it stopped the program several times"
"""Why a photo is set aside for good: reading it again would stop the program again."""


class PhotoState(Enum):
    """Where a photo is on its way into the index."""

    PENDING = "pending"
    INDEXED = "indexed"
    UNREADABLE = "unreadable"
    GIVEN_UP = "given up"


class ReferenceKind(Enum):
    """Where a reference comes from."""

    PROFILE = "profile"
    SELFIE = "selfie"
    CONFIRMED = "confirmed"


class Certainty(Enum):
    """How far a match can be relied on."""

    SURE = "sure"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An upright rectangle, in px of the upright image; it may reach past the edges."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float

    @property
    def short_side_px(self) -> float:
        """The smaller of width and height."""
        return min(self.width_px, self.height_px)

    def overlap(self, other: "Box") -> float:
        """Intersection over union with another box, 0 to 1."""
        width = min(self.x_px + self.width_px, other.x_px + other.width_px) - max(
            self.x_px, other.x_px
        )
        height = min(self.y_px + self.height_px, other.y_px + other.height_px) - max(
            self.y_px, other.y_px
        )
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.width_px * self.height_px + other.width_px * other.height_px - shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A face as a detector sees it."""

    box: Box
    landmarks: Landmarks
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A detected face with its embedding, ready to be stored or compared."""

    detection: Detection
    quality: float
    embedding: Embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFaces:
    """All that one photo says: its upright size in px, and its faces."""

    width_px: int
    height_px: int
    faces: Sequence[Face]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One appearance of a photo in a channel."""

    channel_id: ChannelId
    ts: str
    permalink: str
    shared_by: UserId | None
    shared_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPhoto:
    """A photo as its source lists it; `shares` may still be unknown (empty)."""

    file_id: FileId
    name: str
    media_type: str
    url: str | None
    version: str
    posted_by: UserId | None
    posted_at: datetime
    shares: Sequence[Share] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo as the index knows it."""

    team_id: TeamId
    photo_id: PhotoId
    file_id: FileId
    name: str
    media_type: str
    url: str | None
    version: str
    state: PhotoState
    has_shares: bool
    engine_id: EngineId | None
    width_px: int | None = None
    """Of the upright photo at its full size; None until it is indexed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel; how far back listing need not go, when all of it was compared, what failed.

    A listing of all of it that is under way began at `listing_began` and came to `listed_down_to`.
    """

    channel_id: ChannelId
    name: str
    listed_until: datetime | None = None
    compared_at: datetime | None = None
    listing_began: datetime | None = None
    listed_down_to: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePicture:
    """A person's profile picture: `picture_hash` changes with it."""

    picture_hash: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An embedding known to be a person, and how many faces its picture showed."""

    embedding: Embedding
    quality: float
    faces_in_picture: int
    kind: ReferenceKind = ReferenceKind.PROFILE


@dataclass(frozen=True, slots=True, kw_only=True)
class NearFace:
    """A stored face near a reference, with the photo and the one share that the asker can open."""

    photo_id: PhotoId
    file_id: FileId
    photo_name: str
    media_type: str
    content_hash: bytes | None
    posted_by: UserId | None
    posted_at: datetime
    share: Share
    face_id: FaceId
    box: Box
    quality: float
    embedding: Embedding = field(compare=False, repr=False)
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many `faces` an index holds, and how alike they are to somebody.

    Of `sampled` faces, drawn at random where there are many, `alike` lie in the range of distances
    that was asked about.
    """

    faces: int
    sampled: int
    alike: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A face judged to be the person; `similarity` is the cosine, 1 is identical.

    It is that with the references, or with these and the faces that extended the query, whichever
    is closer.
    """

    face: NearFace
    certainty: Certainty
    confirmed: bool = False
    """The person said so."""
    contested: bool = False
    """Another face of the photo, or one that the person rejected, is about as much like it."""

    @property
    def similarity(self) -> float:
        """Cosine of the angle between face and reference."""
        return 1.0 - self.face.distance


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCounts:
    """How much of a scope is in the index."""

    photos: int = 0
    pending: int = 0
    indexed: int = 0
    unreadable: int = 0
    given_up: int = 0
    without_face: int = 0
    faces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A re-index that someone asked for, and the message that shows how far it is."""

    team_id: TeamId
    run_id: RunId
    listed: bool
    notice_channel: str | None
    notice_ts: str | None
    started_at: datetime
