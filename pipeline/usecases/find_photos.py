"""Who asks, and for whom -> references -> nearest faces they may see -> judged, ranked matches."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from pipeline.domain.calibration import limits_for
from pipeline.domain.matching import judge, without_reposts
from pipeline.domain.model import (
    Certainty,
    ChannelId,
    Match,
    PhotoFaces,
    Reference,
    TeamId,
    UserId,
)
from pipeline.errors import NoFaceInPictureError
from pipeline.ports import (
    ChannelStore,
    FaceReader,
    FaceSearch,
    PhotoStore,
    ProfilePictures,
    ReferenceStore,
    Visibility,
)
from pipeline.telemetry import stage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer: the matches, best first, and what a reader should know of how they came about."""

    matches: Sequence[Match]
    faces_in_picture: int
    channels_searched: int
    photos_pending: int

    @property
    def sure(self) -> int:
        """How many matches are sure."""
        return sum(match.certainty is Certainty.SURE for match in self.matches)


def reference_from(faces: PhotoFaces) -> Reference:
    """The largest face of a picture that shows the person asked for.

    Raises: NoFaceInPictureError.
    """
    if not faces.faces:
        raise NoFaceInPictureError
    face = max(faces.faces, key=lambda face: face.detection.box.short_side_px)
    return Reference(
        embedding=face.embedding, quality=face.quality, faces_in_picture=len(faces.faces)
    )


class MatchFaces:
    """From references to matches, within given channels."""

    def __init__(self, *, faces: FaceSearch, reader: FaceReader) -> None:
        self._faces = faces
        self._reader = reader

    def __call__(
        self, team_id: TeamId, references: Sequence[Reference], channel_ids: Sequence[ChannelId]
    ) -> list[Match]:
        """Matches in these channels, best first; reposts are collapsed."""
        engine_id = self._reader.engine_id
        with stage("search"):
            limits = limits_for(
                self._faces.count(team_id, engine_id=engine_id),
                sure_distance=self._reader.sure_distance,
                maybe_distance=self._reader.maybe_distance,
            )
            near = self._faces.nearest(
                team_id,
                [reference.embedding for reference in references],
                engine_id=engine_id,
                channel_ids=channel_ids,
                max_distance=limits.maybe_distance,
            )
        return without_reposts(judge(near, limits))


class FindPhotos:
    """Answer `/findme`: the photos that show a person, of those that the asker can open."""

    def __init__(
        self,
        *,
        pictures: ProfilePictures,
        visibility: Visibility,
        channels: ChannelStore,
        photos: PhotoStore,
        references: ReferenceStore,
        reader: FaceReader,
        match_faces: MatchFaces,
    ) -> None:
        self._pictures = pictures
        self._visibility = visibility
        self._channels = channels
        self._photos = photos
        self._references = references
        self._reader = reader
        self._match_faces = match_faces

    def __call__(self, team_id: TeamId, *, asker: UserId, target: UserId) -> Found:
        """Photos of `target` in the watched channels that `asker` can see now.

        Raises: NoProfilePictureError, NoFaceInPictureError, SourceUnavailableError,
        DatabaseUnavailableError.
        """
        reference = self._reference(team_id, target)
        watched = {channel.channel_id for channel in self._channels.watched(team_id)}
        visible = [
            channel_id
            for channel_id in self._visibility.channels_of(asker)
            if channel_id in watched
        ]
        matches = self._match_faces(team_id, [reference], visible) if visible else []
        log.info("photos.found", matches=len(matches), channels=len(visible))
        return Found(
            matches=matches,
            faces_in_picture=reference.faces_in_picture,
            channels_searched=len(visible),
            photos_pending=self._photos.pending(team_id, visible),
        )

    def _reference(self, team_id: TeamId, user_id: UserId) -> Reference:
        """From the profile picture; computed once for each picture."""
        picture = self._pictures.picture_of(user_id)
        engine_id = self._reader.engine_id
        known = self._references.profile(
            team_id, user_id, engine_id=engine_id, picture_hash=picture.picture_hash
        )
        if known is not None:
            return known
        reference = reference_from(self._reader.read(self._pictures.fetch(picture)))
        self._references.put_profile(
            team_id,
            user_id,
            engine_id=engine_id,
            picture_hash=picture.picture_hash,
            reference=reference,
        )
        return reference
