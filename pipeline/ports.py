"""What the use cases need from the outside, as small protocols that belong to them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from pipeline.domain.arrays import Embedding, Embeddings, Image, Landmarks
from pipeline.domain.model import (
    Channel,
    ChannelId,
    Detection,
    EngineId,
    FileId,
    FoundPhoto,
    NearFace,
    Photo,
    PhotoFaces,
    PhotoId,
    ProfilePicture,
    Reference,
    Run,
    RunId,
    TeamId,
    UserId,
)


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
    def maybe_distance(self) -> float:
        """Cosine distance up to which a face may be the person, in a small index."""
        ...

    @property
    def sure_distance(self) -> float:
        """Cosine distance up to which it is, in a small index."""
        ...

    def read(self, data: bytes) -> PhotoFaces:
        """Decode, detect, align, embed. Raises UnreadablePhotoError with its reason."""
        ...


class PhotoSource(Protocol):
    """Where photos come from: a Slack workspace, a folder on disk."""

    def list_new(self, channel_id: ChannelId, *, since: datetime | None) -> Iterable[FoundPhoto]:
        """Photos posted to the channel after `since` (all, if None); may hold known ones.

        Raises: SourceUnavailableError.
        """
        ...

    def describe(self, file_id: FileId, *, channel_id: ChannelId | None = None) -> FoundPhoto:
        """One photo with its shares, the one in `channel_id` among them if that is given.

        Raises: PhotoGoneError, SourceUnavailableError.
        """
        ...

    def download(self, photo: Photo) -> bytes:
        """The file's bytes. Raises PhotoGoneError, UnreadablePhotoError, SourceUnavailableError."""
        ...


class PhotoStore(Protocol):
    """The index of photos, their shares and faces."""

    def add(
        self,
        team_id: TeamId,
        found: Sequence[FoundPhoto],
        *,
        channel_id: ChannelId | None = None,
        run_id: RunId | None = None,
    ) -> int:
        """Record photos listed (in a channel: unless it is not watched any more) as pending.

        Returns: how many were not known before.
        """
        ...

    def get(self, team_id: TeamId, photo_id: PhotoId) -> Photo | None:
        """The photo, or None once it is deleted."""
        ...

    def put_faces(
        self,
        team_id: TeamId,
        photo_id: PhotoId,
        *,
        engine_id: EngineId,
        version: str,
        content_hash: bytes,
        faces: PhotoFaces,
    ) -> bool:
        """Replace the photo's faces and mark it indexed, in one transaction.

        False if the photo was deleted, or another version of it listed, meanwhile.
        """
        ...

    def mark_unreadable(self, team_id: TeamId, photo_id: PhotoId, reason: str) -> None:
        """The file is no picture; its faces go."""
        ...

    def mark_given_up(self, team_id: TeamId, photo_id: PhotoId, reason: str) -> None:
        """It could not be fetched or stored, after every retry; faces it had stay."""
        ...

    def delete(self, team_id: TeamId, file_id: FileId) -> bool:
        """Forget a photo with its faces; False if it was unknown."""
        ...

    def keep_only(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        file_ids: Sequence[FileId],
        *,
        before: datetime,
    ) -> int:
        """Forget what the channel showed before `before` and that is not among `file_ids`."""
        ...

    def pending(self, team_id: TeamId, channel_ids: Sequence[ChannelId] | None = None) -> int:
        """How many photos wait to be read, of these channels or of all."""
        ...


class ChannelStore(Protocol):
    """The watched channels of a workspace."""

    def watch(self, team_id: TeamId, channel_id: ChannelId, name: str) -> bool:
        """Start (or go on) indexing the channel; True if it was not watched before."""
        ...

    def unwatch(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """Stop indexing the channel and forget what it alone holds."""
        ...

    def watched(self, team_id: TeamId) -> Sequence[Channel]:
        """All watched channels."""
        ...

    def set_listed(
        self, team_id: TeamId, channel_id: ChannelId, *, until: datetime, whole: bool
    ) -> None:
        """Listing need not go back beyond `until` any more; `whole` if all of it was seen."""
        ...

    def set_problem(self, team_id: TeamId, channel_id: ChannelId, problem: str) -> None:
        """Why the channel could not be listed; the next good listing clears it."""
        ...


class FaceSearch(Protocol):
    """Nearest faces in the index."""

    def count(self, team_id: TeamId, *, engine_id: EngineId) -> int:
        """How many faces the workspace's index holds."""
        ...

    def nearest(
        self,
        team_id: TeamId,
        references: Sequence[Embedding],
        *,
        engine_id: EngineId,
        channel_ids: Sequence[ChannelId],
        max_distance: float,
    ) -> Sequence[NearFace]:
        """All faces within `max_distance` of any reference, in these channels, nearest first."""
        ...


class ReferenceStore(Protocol):
    """Embeddings known to be a person."""

    def profile(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId, picture_hash: str
    ) -> Reference | None:
        """The cached reference from exactly this profile picture."""
        ...

    def put_profile(
        self,
        team_id: TeamId,
        user_id: UserId,
        *,
        engine_id: EngineId,
        picture_hash: str,
        reference: Reference,
    ) -> None:
        """Cache it; references from the person's earlier profile pictures go."""
        ...


class ProfilePictures(Protocol):
    """The pictures by which people know each other."""

    def picture_of(self, user_id: UserId) -> ProfilePicture:
        """The present picture. Raises NoProfilePictureError, SourceUnavailableError."""
        ...

    def fetch(self, picture: ProfilePicture) -> bytes:
        """Its bytes. Raises NoProfilePictureError, SourceUnavailableError."""
        ...


class Visibility(Protocol):
    """Who may open what, asked at the source each time."""

    def channels_of(self, user_id: UserId) -> Sequence[ChannelId]:
        """Every channel whose photos the person can open now. Raises SourceUnavailableError."""
        ...


class ChannelDirectory(Protocol):
    """The channels that the bot is in."""

    def joined(self) -> Sequence[Channel]:
        """Every channel the bot is a member of now. Raises SourceUnavailableError."""
        ...


class Queue(Protocol):
    """Work to be done by some worker, at least once."""

    def enqueue_pending(self, team_id: TeamId, *, live: bool = False) -> int:
        """Give each pending photo that has no job one; `live` ones go first. Returns how many."""
        ...

    def enqueue_listing(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """List a channel soon; asking twice is the same as once."""
        ...


class RunStore(Protocol):
    """Re-indexes under way and done."""

    def start(
        self, team_id: TeamId, channel_ids: Sequence[ChannelId], *, requested_by: UserId | None
    ) -> RunId:
        """A new run: every photo of these channels becomes pending."""
        ...

    def set_notice(self, team_id: TeamId, run_id: RunId, channel: str, ts: str) -> None:
        """Which message shows its progress."""
        ...

    def listing(self, team_id: TeamId, channel_id: ChannelId) -> Sequence[RunId]:
        """The runs that wait for this channel to be listed whole."""
        ...

    def listed(self, team_id: TeamId, channel_id: ChannelId, run_ids: Sequence[RunId]) -> None:
        """The channel was listed whole for these runs."""
        ...

    def open(self, team_id: TeamId) -> Sequence[Run]:
        """Runs whose end has not been told."""
        ...

    def finish(self, team_id: TeamId, run_id: RunId) -> None:
        """Its end has been told."""
        ...
