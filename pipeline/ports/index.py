"""The index: photos, channels, faces, jobs, runs, changes of engine."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import (
    Channel,
    ChannelId,
    Crowd,
    EngineId,
    FaceId,
    FileId,
    FoundPhoto,
    NearFace,
    Photo,
    PhotoFaces,
    PhotoId,
    PhotoState,
    Run,
    RunId,
    Share,
    TeamId,
    UserId,
)


class PhotoStore(Protocol):
    """The index of photos, their shares and faces."""

    def add(
        self,
        team_id: TeamId,
        found: Sequence[FoundPhoto],
        *,
        channel_id: ChannelId | None = None,
        run_id: RunId | None = None,
        as_of: datetime | None = None,
    ) -> int:
        """Record photos listed (in a channel: unless it is not watched any more) as pending.

        What the source said is gone since it was asked, at `as_of`, stays so.
        Returns: how many were not known before.
        """
        ...

    def now(self) -> datetime:
        """The time of the clock that all processes have in common."""
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

        False if the photo was deleted, or another version of it listed, or the workspace changed
        its engine, meanwhile.
        """
        ...

    def mark_unreadable(
        self, team_id: TeamId, photo_id: PhotoId, reason: str, *, version: str | None = None
    ) -> None:
        """The file is no picture; its faces go. Nothing if `version` is another one by now."""
        ...

    def mark_given_up(self, team_id: TeamId, photo_id: PhotoId, reason: str) -> None:
        """It could not be fetched or stored, after every retry; faces it had stay."""
        ...

    def delete(self, team_id: TeamId, file_id: FileId) -> bool:
        """Forget a photo with its faces; False if it was unknown."""
        ...

    def unshare(
        self,
        team_id: TeamId,
        file_id: FileId,
        *,
        channel_id: ChannelId | None,
        found: FoundPhoto | None,
        as_of: datetime,
    ) -> int:
        """The file is shown in the channel, or anywhere, only as it was `found` at `as_of`.

        Nowhere at all, if it was not found. Returns: how many appearances are gone.
        """
        ...

    def keep_only(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        found: Sequence[FoundPhoto],
        *,
        before: datetime,
        after: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Forget what the channel showed before `before` and that is not among `found`.

        Only photos posted after `after`, and no later than `until`, where these are given.
        """
        ...

    def retry_given_up(self, team_id: TeamId, channel_id: ChannelId) -> int:
        """Let the channel's photos that could not be had be tried once more."""
        ...

    def earliest_shares(
        self,
        team_id: TeamId,
        photo_ids: Sequence[PhotoId],
        *,
        channel_ids: Sequence[ChannelId],
        since: datetime | None,
        until: datetime | None,
    ) -> Mapping[PhotoId, Share]:
        """Where each photo was first posted, in these channels, from `since` to before `until`.

        Photos that were not posted there and then are missing.
        """
        ...

    def pending(self, team_id: TeamId, channel_ids: Sequence[ChannelId] | None = None) -> int:
        """How many photos wait to be read, of these channels or of all."""
        ...


class ChannelStore(Protocol):
    """The watched channels of a workspace, and those that an admin took out."""

    def turn(self, team_id: TeamId) -> AbstractContextManager[None]:
        """Whoever asks the source what is watched, and writes it, does so in turn."""
        ...

    def watch(
        self, team_id: TeamId, channel_id: ChannelId, name: str, *, again: bool = False
    ) -> bool:
        """Start (or go on) indexing the channel; True if it was not watched before.

        An excluded channel is left alone, unless somebody wants it `again`.
        """
        ...

    def unwatch(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """The bot left: stop indexing the channel and forget what it alone holds.

        If it was excluded, it is not any more.
        """
        ...

    def exclude(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """As if the bot had left the channel, although it is still in it."""
        ...

    def excluded(self, team_id: TeamId) -> Sequence[Channel]:
        """All excluded channels."""
        ...

    def watched(self, team_id: TeamId) -> Sequence[Channel]:
        """All watched channels."""
        ...

    def set_listed(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        *,
        until: datetime,
        whole: bool,
        compared: bool = True,
    ) -> None:
        """Listing need not go back beyond `until` any more; `whole` if all of it was seen.

        A whole listing that was not `compared` is followed by another one.
        """
        ...

    def set_progress(
        self, team_id: TeamId, channel_id: ChannelId, *, began: datetime, down_to: datetime
    ) -> None:
        """What was posted after `down_to` is listed and compared, by a whole listing under way."""
        ...

    def compare_anew(self, team_id: TeamId, channel_id: ChannelId | None = None) -> None:
        """Let the next listing of the channel, or of each, be whole."""
        ...

    def set_problem(self, team_id: TeamId, channel_id: ChannelId, problem: str) -> None:
        """Why the channel could not be listed; the next good listing clears it."""
        ...


class WorkspaceStore(Protocol):
    """A workspace as a whole."""

    def forget_workspace(self, team_id: TeamId) -> Mapping[str, int]:
        """Delete all of it in one transaction; returns how many rows of what."""
        ...


class FaceSearch(Protocol):
    """Nearest faces in the index."""

    def crowd(
        self,
        team_id: TeamId,
        query: Embedding,
        *,
        engine_id: EngineId,
        alike: tuple[float, float],
    ) -> Crowd:
        """How many faces the workspace's index holds, and how many are alike to the query.

        `alike` is the range of distances in which they are counted, whoever may see them.
        """
        ...

    def nearest(
        self,
        team_id: TeamId,
        query: Embedding,
        *,
        engine_id: EngineId,
        channel_ids: Sequence[ChannelId],
        max_distance: float,
        always: Sequence[FaceId] = (),
        known: Sequence[NearFace] = (),
    ) -> Sequence[NearFace]:
        """All faces within `max_distance` of the query in these channels, nearest first.

        The faces `always` are among them however far they are. What the same search met in the same
        channels a moment ago is `known`: it is not read again.
        """
        ...


class ImpostorPairs(Protocol):
    """Pairs of faces that are different people, as far as one can know: those of one photo."""

    def together(self, team_id: TeamId, *, engine_id: EngineId) -> NDArray[np.float32]:
        """Cosine similarities (N,) of a sample of them; poor faces and reposts left out."""
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


class EngineChanges(Protocol):
    """The change of a workspace's index to another engine, while searches go on."""

    def begin(self, team_id: TeamId, engine_id: EngineId) -> None:
        """Fill that engine's faces beside the present ones; what another change filled goes."""
        ...

    def unfilled(
        self, team_id: TeamId, engine_id: EngineId, *, after: PhotoId, limit: int
    ) -> Sequence[PhotoId]:
        """Photos whose faces of that engine are missing, by id, beginning after one."""
        ...

    def progress(self, team_id: TeamId, engine_id: EngineId) -> tuple[int, int]:
        """How many photos are filled, and how many there are to fill."""
        ...

    def fill(
        self,
        team_id: TeamId,
        photo_id: PhotoId,
        *,
        engine_id: EngineId,
        version: str,
        content_hash: bytes,
        faces: PhotoFaces,
    ) -> bool:
        """Store that engine's faces; False if the photo, or the wish to change, has changed."""
        ...

    def leave(
        self,
        team_id: TeamId,
        photo_id: PhotoId,
        *,
        engine_id: EngineId,
        state: PhotoState,
        reason: str,
    ) -> bool:
        """At the switch the photo becomes unreadable or given up; until then it stays as it is.

        False if the wish to change has changed.
        """
        ...

    def switch(self, team_id: TeamId, engine_id: EngineId) -> bool:
        """From now on that engine is the index's, and the old one's faces go, in one transaction.

        False, and nothing changes, while a photo is unfilled.
        """
        ...
