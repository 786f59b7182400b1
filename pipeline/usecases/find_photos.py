"""Who asks, and for whom -> references -> nearest faces they may see -> judged, ranked matches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from pipeline.domain.model import Certainty, ChannelId, Match, TeamId, UserId
from pipeline.ports import ChannelStore, Engines, PhotoStore, Visibility
from pipeline.usecases.known_people import KnownPeople, KnownPerson
from pipeline.usecases.match_faces import MatchFaces

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Photos that show all of `people` together, among those that `asker` can open now.

    Without `channel_ids` every channel is meant. `since` is inclusive, `until` exclusive.
    """

    asker: UserId
    people: Sequence[UserId]
    channel_ids: Sequence[ChannelId] = ()
    since: datetime | None = None
    until: datetime | None = None
    only_sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer: the matches, best first, and what a reader should know of how they came about.

    `is_poor` if the only reference is a face too small, blurred or turned away to find much.
    """

    matches: Sequence[Match]
    faces_in_picture: int
    channels_searched: int
    photos_pending: int
    is_poor: bool = False

    @property
    def sure(self) -> int:
        """How many matches are sure."""
        return sum(match.certainty is Certainty.SURE for match in self.matches)


class FindPhotos:
    """Answer `/findme`: the photos that show a person, of those that the asker can open."""

    def __init__(
        self,
        *,
        people: KnownPeople,
        visibility: Visibility,
        channels: ChannelStore,
        photos: PhotoStore,
        engines: Engines,
        match_faces: MatchFaces,
    ) -> None:
        self._people = people
        self._visibility = visibility
        self._channels = channels
        self._photos = photos
        self._engines = engines
        self._match_faces = match_faces

    def __call__(self, team_id: TeamId, *, asker: UserId, target: UserId) -> Found:
        """Photos of `target` in the watched channels that `asker` can see now.

        Raises: NoProfilePictureError, NoFaceInPictureError, SourceUnavailableError,
        DatabaseUnavailableError.
        """
        watched = {channel.channel_id for channel in self._channels.watched(team_id)}
        visible = [
            channel_id
            for channel_id in self._visibility.channels_of(asker)
            if channel_id in watched
        ]
        known, matches = self._matches(team_id, target, visible)
        log.info("photos.found", matches=len(matches), channels=len(visible))
        return Found(
            matches=matches,
            faces_in_picture=known.faces_in_picture,
            channels_searched=len(visible),
            photos_pending=self._photos.pending(team_id, visible),
            is_poor=known.is_poor,
        )

    def _matches(
        self, team_id: TeamId, target: UserId, visible: Sequence[ChannelId]
    ) -> tuple[KnownPerson, Sequence[Match]]:
        while True:
            known = self._people(team_id, target)
            matches = self._match_faces(team_id, known.person, visible) if visible else []
            # The index may have been switched to another engine meanwhile: ask that one.
            if self._engines.of(team_id).engine_id == known.person.engine_id:
                return known, matches
