"""Channels are listed, photos are read: each step can run twice with the same result."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import structlog

from pipeline.domain.model import (
    Channel,
    ChannelId,
    FileId,
    FoundPhoto,
    Photo,
    PhotoFaces,
    PhotoId,
    PhotoState,
    TeamId,
)
from pipeline.domain.retention import still_kept
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError
from pipeline.ports import (
    ChannelStore,
    Clock,
    Engines,
    FaceReader,
    PhotoSource,
    PhotoStore,
    Queue,
    RunStore,
)
from pipeline.telemetry import PHOTOS, stage

log = structlog.get_logger(__name__)

# Clocks differ, and a source may list a photo a little after it was posted.
LISTING_OVERLAP = timedelta(minutes=10)
LISTING_BATCH = 100

KeptAfter = Callable[[TeamId], datetime | None]
"""From when on a workspace's photos are kept; None: all of them."""
COMPARE_EVERY = timedelta(days=1)


class Outcome(Enum):
    """What became of one photo."""

    INDEXED = "indexed"
    UNREADABLE = "unreadable"
    GONE = "gone"
    SKIPPED = "skipped"


class ListChannel:
    """Record what is new in a channel, and give each new photo a job."""

    def __init__(
        self,
        *,
        sources: Mapping[TeamId, PhotoSource],
        channels: ChannelStore,
        photos: PhotoStore,
        runs: RunStore,
        queue: Queue,
        clock: Clock,
        kept_after: KeptAfter = lambda _: None,
    ) -> None:
        self._kept_after = kept_after
        self._sources = sources
        self._channels = channels
        self._photos = photos
        self._runs = runs
        self._queue = queue
        self._clock = clock

    def __call__(self, team_id: TeamId, channel_id: ChannelId) -> int:
        """List one watched channel, whole if a re-index asks for it; returns how many are new.

        A whole listing that was broken off goes on where it was.
        Raises: SourceUnavailableError; what was listed by then is kept.
        """
        channel = next(
            (known for known in self._channels.watched(team_id) if known.channel_id == channel_id),
            None,
        )
        if channel is None:
            return 0
        started = self._clock()
        run_ids = self._runs.listing(team_id, channel_id)
        since = None if run_ids else _since(channel, started)
        source = self._sources[team_id]
        going_on = since is None and channel.listing_began is not None
        began = channel.listing_began if going_on and channel.listing_began else started
        until = channel.listed_down_to if going_on else None
        new = 0
        seen: list[FoundPhoto] = []
        walk = _Walk(until) if since is None and source.newest_first else None
        as_of = self._photos.now()
        try:
            found = source.list_new(channel_id, since=since, until=until)
            kept_after = self._kept_after(team_id)
            for photos in _batches(found, LISTING_BATCH):
                new += self._photos.add(
                    team_id,
                    still_kept(photos, after=kept_after),
                    channel_id=channel_id,
                    run_id=run_ids[-1] if run_ids else None,
                    as_of=as_of,
                )
                self._queue.enqueue_pending(team_id)
                seen += photos
                if walk is not None and walk.go_on(photos):
                    self._compare(team_id, channel_id, walk, began)
        except SourceUnavailableError as error:
            if not self._is_watched(team_id, channel_id):
                return new  # the bot was removed meanwhile: it is told no more, and needs no more
            self._channels.set_problem(team_id, channel_id, str(error))
            raise
        compared = since is not None or self._forget_unlisted(
            team_id, channel_id, seen, walk=walk, began=began, in_part=going_on
        )
        # A re-index makes known photos pending although nothing new is listed.
        self._queue.enqueue_pending(team_id)
        self._channels.set_listed(
            team_id, channel_id, until=began, whole=since is None, compared=compared
        )
        self._runs.listed(team_id, channel_id, run_ids)
        log.info("channel.listed", channel=channel_id, new=new, whole=since is None)
        if self._runs.listing(team_id, channel_id):
            # A re-index was asked for meanwhile.
            return new + self(team_id, channel_id)
        return new

    def _forget_unlisted(
        self,
        team_id: TeamId,
        channel_id: ChannelId,
        seen: Sequence[FoundPhoto],
        *,
        walk: "_Walk | None",
        began: datetime,
        in_part: bool,
    ) -> bool:
        """The events of some deletions were lost: while the bot was off, say.

        False if too little of the channel was seen to tell.
        """
        # What couldn't be had for hours may be there again.
        self._photos.retry_given_up(team_id, channel_id)
        if walk is not None and walk.is_straight:
            self._photos.keep_only(
                team_id, channel_id, walk.at_end, before=began, until=walk.down_to
            )
            return True
        if in_part:
            return False
        self._photos.keep_only(team_id, channel_id, seen, before=began)
        return True

    def _is_watched(self, team_id: TeamId, channel_id: ChannelId) -> bool:
        return any(known.channel_id == channel_id for known in self._channels.watched(team_id))

    def _compare(
        self, team_id: TeamId, channel_id: ChannelId, walk: "_Walk", began: datetime
    ) -> None:
        """Forget what the last step should have met and didn't; go on from here after a failure."""
        down_to = walk.down_to
        assert down_to is not None  # a step was made
        self._photos.keep_only(
            team_id, channel_id, walk.met, before=began, after=down_to, until=walk.step_from
        )
        self._channels.set_progress(team_id, channel_id, began=began, down_to=down_to)


class _Walk:
    """Goes down a channel from the newest photo, batch by batch; times are those of posting."""

    def __init__(self, until: datetime | None) -> None:
        self.step_from: datetime | None = None
        self.down_to = until
        """All after it was met; what was posted at that very moment, perhaps not."""
        self.met: list[FoundPhoto] = []
        """In the last step, and before it at the moment at which it began."""
        self.at_end: list[FoundPhoto] = []
        """Posted at the moment `down_to`."""
        self.is_straight = True
        """False once a photo is newer than one before it: no step can be trusted then."""

    def go_on(self, photos: Sequence[FoundPhoto]) -> bool:
        """One step; False if the walk leads nowhere."""
        times = [photo.posted_at for photo in photos]
        newest = times if self.down_to is None else [self.down_to, *times]
        self.is_straight = self.is_straight and newest == sorted(newest, reverse=True)
        if not self.is_straight:
            return False
        self.met = [*self.at_end, *photos]
        if self.down_to != times[-1]:
            self.at_end = []
        self.at_end += [photo for photo in photos if photo.posted_at == times[-1]]
        self.step_from, self.down_to = self.down_to, times[-1]
        return True


class AddPhoto:
    """A photo was posted just now."""

    def __init__(
        self,
        *,
        sources: Mapping[TeamId, PhotoSource],
        channels: ChannelStore,
        photos: PhotoStore,
        queue: Queue,
        kept_after: KeptAfter = lambda _: None,
    ) -> None:
        self._kept_after = kept_after
        self._sources = sources
        self._channels = channels
        self._photos = photos
        self._queue = queue

    def __call__(self, team_id: TeamId, channel_id: ChannelId, file_id: FileId) -> bool:
        """Queue the photo; False if it is none, or its channel isn't watched.

        Raises: SourceUnavailableError.
        """
        watched = {channel.channel_id for channel in self._channels.watched(team_id)}
        if channel_id not in watched:
            return False
        as_of = self._photos.now()
        try:
            found = self._sources[team_id].describe(file_id, channel_id=channel_id)
        except PhotoGoneError:
            return False
        kept = still_kept([found], after=self._kept_after(team_id))
        if not kept or not found.media_type.startswith("image/"):
            return False
        self._photos.add(team_id, kept, channel_id=channel_id, as_of=as_of)
        self._queue.enqueue_pending(team_id, live=True)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFaces:
    """What an engine saw in a photo: the photo as its source described it, its bytes' hash."""

    photo: Photo
    content_hash: bytes
    faces: PhotoFaces


class ReadPhoto:
    """Download one photo and find its faces."""

    def __init__(self, *, sources: Mapping[TeamId, PhotoSource], photos: PhotoStore) -> None:
        self._sources = sources
        self._photos = photos

    def __call__(self, photo: Photo, reader: FaceReader) -> ReadFaces:
        """Raises: PhotoGoneError, UnreadablePhotoError, SourceUnavailableError."""
        source = self._sources[photo.team_id]
        with stage("download"):
            photo = self._complete(photo, source)
            data = source.download(photo)
        return ReadFaces(
            photo=photo, content_hash=hashlib.sha256(data).digest(), faces=reader.read(data)
        )

    def _complete(self, photo: Photo, source: PhotoSource) -> Photo:
        """The photo with its address and shares; some sources list photos without them."""
        if photo.url is not None and photo.has_shares:
            return photo
        as_of = self._photos.now()
        found: FoundPhoto = source.describe(photo.file_id)
        self._photos.add(photo.team_id, [found], as_of=as_of)
        completed = self._photos.get(photo.team_id, photo.photo_id)
        if completed is None or not completed.media_type.startswith("image/"):
            raise PhotoGoneError
        if found.shares and not completed.has_shares:
            # The channel that it was listed in was left meanwhile, or the message deleted.
            raise PhotoGoneError
        return completed


class IndexPhoto:
    """Bring one pending photo into the index."""

    def __init__(self, *, read: ReadPhoto, photos: PhotoStore, engines: Engines) -> None:
        self._read = read
        self._photos = photos
        self._engines = engines

    def __call__(self, team_id: TeamId, photo_id: PhotoId) -> Outcome:
        """Index one pending photo; a photo that isn't pending is left alone.

        Raises: SourceUnavailableError, DatabaseUnavailableError: worth another try.
        """
        try:
            outcome = self._index(team_id, photo_id)
        except Exception:
            PHOTOS.labels(outcome="failed").inc()
            raise
        PHOTOS.labels(outcome=outcome.value).inc()
        return outcome

    def _index(self, team_id: TeamId, photo_id: PhotoId) -> Outcome:
        photo = self._photos.get(team_id, photo_id)
        if photo is None or photo.state is not PhotoState.PENDING:
            return Outcome.SKIPPED
        reader = self._engines.of(team_id)
        try:
            read = self._read(photo, reader)
        except PhotoGoneError:
            self._photos.delete(photo.team_id, photo.file_id)
            log.info("photo.gone", photo=photo.photo_id)
            return Outcome.GONE
        except UnreadablePhotoError as error:
            self._photos.mark_unreadable(
                photo.team_id, photo.photo_id, str(error), version=photo.version
            )
            log.info("photo.unreadable", photo=photo.photo_id, reason=str(error))
            return Outcome.UNREADABLE
        with stage("store"):
            is_stored = self._photos.put_faces(
                photo.team_id,
                photo.photo_id,
                engine_id=reader.engine_id,
                version=read.photo.version,
                content_hash=read.content_hash,
                faces=read.faces,
            )
        if is_stored:
            log.info("photo.indexed", photo=photo.photo_id, faces=len(read.faces.faces))
            return Outcome.INDEXED
        if self._engines.of(team_id).engine_id != reader.engine_id:
            # The index was switched to another engine meanwhile; that one has to see it.
            return self._index(team_id, photo_id)
        return Outcome.SKIPPED


def _since(channel: Channel, now: datetime) -> datetime | None:
    """How far back to list: all of it at first, and once a day."""
    if channel.listed_until is None or channel.compared_at is None:
        return None
    if now - channel.compared_at >= COMPARE_EVERY:
        return None
    return channel.listed_until - LISTING_OVERLAP


def _batches(found: Iterable[FoundPhoto], size: int) -> Iterator[list[FoundPhoto]]:
    """What came before a failure is a batch, too."""
    batch: list[FoundPhoto] = []
    try:
        for photo in found:
            batch.append(photo)
            if len(batch) == size:
                yield batch
                batch = []
    except SourceUnavailableError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
