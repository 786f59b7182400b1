"""Who asks, and for whom -> references -> nearest faces they may see -> judged, ranked matches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

import structlog

from pipeline.domain.matching import together, without_reposts
from pipeline.domain.model import (
    Certainty,
    ChannelId,
    Match,
    PhotoId,
    Reference,
    TeamId,
    UserId,
)
from pipeline.domain.opt_outs import is_of_another, without
from pipeline.domain.visibility import Reader, Sight
from pipeline.errors import (
    ChannelNotSearchedError,
    NotAMemberError,
    PersonGoneError,
    PictureError,
)
from pipeline.ports import ChannelStore, Engines, PhotoStore, Protected, Visibility
from pipeline.telemetry import SEARCH_SECONDS
from pipeline.usecases.known_people import KnownPeople, KnownPerson
from pipeline.usecases.match_faces import MatchFaces, Person
from pipeline.usecases.permit import Permit

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
class Sought:
    """Somebody who was looked for, and what a reader should know of the picture they go by.

    `is_poor` if a face too small, blurred or turned away to find much is all there is.
    """

    user_id: UserId
    faces_in_picture: int
    is_poor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer: the matches, best first, and what a reader should know of how they came about.

    `channel_ids` are those that were searched, `visible_ids` all that could have been, and
    `joined_ids` those of them that the asker is in. A photo of several people is a match of the
    asker's face, or else of the first person's.
    """

    matches: Sequence[Match]
    sought: Sequence[Sought]
    channel_ids: Sequence[ChannelId]
    photos_pending: int
    visible_ids: Sequence[ChannelId] = ()
    joined_ids: Sequence[ChannelId] = ()
    is_first: bool = False
    """The asker was never told how Findme works."""

    @property
    def sure(self) -> int:
        """How many matches are sure."""
        return sum(match.certainty is Certainty.SURE for match in self.matches)


class FindPhotos:
    """Answer `/findme`: the photos that show people, of those that the asker can open."""

    def __init__(
        self,
        *,
        people: KnownPeople,
        visibility: Visibility,
        channels: ChannelStore,
        photos: PhotoStore,
        engines: Engines,
        match_faces: MatchFaces,
        permit: Permit,
        protected: Protected,
    ) -> None:
        self._permit = permit
        self._protected = protected
        self._people = people
        self._visibility = visibility
        self._channels = channels
        self._photos = photos
        self._engines = engines
        self._match_faces = match_faces

    def __call__(
        self,
        team_id: TeamId,
        query: Query,
        *,
        selfie: Reference | None = None,
        sight: Sight | None = None,
    ) -> Found:
        """Photos in the watched channels that the asker can open now.

        The asker is looked for by `selfie` alone, if that is given. `sight` is theirs, where the
        same click asked for it a moment ago.
        Raises: NoProfilePictureError, NoFaceInPictureError, UnreadablePhotoError, each with the
        `user_id` it is about; ConsentNeededError with the people who have to agree first;
        ColleagueSearchOffError, TurnedOffError; ChannelNotSearchedError; and
        as `sight_of` does.
        """
        with SEARCH_SECONDS.time():
            return self._answer(team_id, query, selfie=selfie, sight=sight)

    def _answer(
        self,
        team_id: TeamId,
        query: Query,
        *,
        selfie: Reference | None,
        sight: Sight | None,
    ) -> Found:
        # Who may ask nothing here learns nothing of anybody's consent either.
        sight = sight or self.sight_of(team_id, query.asker)
        visible = sight.open
        consent = self._permit(team_id, query.asker, query.people)
        if not set(query.channel_ids) <= set(visible):
            raise ChannelNotSearchedError
        scope = query.channel_ids or visible
        known, found = self._found(team_id, query, visible, selfie)
        matches = without_reposts(self._within(team_id, found, query, scope))
        if query.only_sure:
            matches = [match for match in matches if match.certainty is Certainty.SURE]
        log.info("photos.found", matches=len(matches), people=len(known), channels=len(scope))
        return Found(
            matches=matches,
            sought=[
                Sought(
                    user_id=user_id,
                    faces_in_picture=one.faces_in_picture,
                    is_poor=one.is_poor,
                )
                for user_id, one in known.items()
            ],
            channel_ids=scope,
            visible_ids=visible,
            joined_ids=sight.joined,
            photos_pending=self._photos.pending(team_id, scope),
            is_first=not consent.is_told,
        )

    def sight_of(self, team_id: TeamId, user_id: UserId) -> Sight:
        """The watched channels that somebody can open now; asked at the source each time.

        Raises: NotAMemberError, PersonGoneError of whoever is shown nothing;
        SourceUnavailableError, DatabaseUnavailableError.
        """
        sight = self._visibility.sight_of(user_id)
        match sight.reader:
            case Reader.MEMBER | Reader.GUEST:
                watched = {channel.channel_id for channel in self._channels.watched(team_id)}
                return sight.among(watched)
            case Reader.STRANGER | Reader.APP:
                raise NotAMemberError
            case Reader.GONE:
                raise PersonGoneError
            case _:
                assert_never(sight.reader)

    def can_open(self, team_id: TeamId, photo_id: PhotoId, sight: Sight) -> bool:
        """Whether a photo is in a channel that whoever has this sight can open."""
        return photo_id in self._photos.earliest_shares(
            team_id, [photo_id], channel_ids=sight.open, since=None, until=None
        )

    def _found(
        self,
        team_id: TeamId,
        query: Query,
        visible: Sequence[ChannelId],
        selfie: Reference | None,
    ) -> tuple[dict[UserId, KnownPerson], list[Match]]:
        """In every channel, whatever was asked for: so a narrower question never finds more."""
        # The asker comes first: it is their face that a verdict on the photo is about.
        people = sorted(dict.fromkeys(query.people), key=lambda one: one != query.asker)
        while True:
            known = {
                user_id: self._known(team_id, user_id, selfie if user_id == query.asker else None)
                for user_id in people
            }
            found = [
                self._matches(team_id, user_id, one.person, visible)
                for user_id, one in known.items()
            ]
            # The index may have been switched to another engine meanwhile: ask that one.
            engine_id = self._engines.of(team_id).engine_id
            if all(engine_id == one.person.engine_id for one in known.values()):
                return known, together(found)

    def _matches(
        self, team_id: TeamId, user_id: UserId, person: Person, visible: Sequence[ChannelId]
    ) -> list[Match]:
        """One person's, but none that are of somebody who is out."""
        templates = self._protected.templates(team_id, engine_id=person.engine_id)
        if is_of_another(person.query, templates, user_id=user_id):
            # Nothing is found, as if nothing were there: that they are out is theirs to say.
            return []
        if not visible:
            return []
        matches = self._match_faces.every(team_id, person, visible)
        if not templates:
            return matches
        return without(matches, templates, maybe=self._engines.of(team_id).curve.maybe)

    def _known(self, team_id: TeamId, user_id: UserId, selfie: Reference | None) -> KnownPerson:
        try:
            return self._people(team_id, user_id, only=selfie)
        except PictureError as error:
            error.user_id = user_id
            raise

    def _within(
        self, team_id: TeamId, found: Sequence[Match], query: Query, scope: Sequence[ChannelId]
    ) -> list[Match]:
        """Those posted where and when it was asked for, each with its earliest share there."""
        if not query.channel_ids and query.since is None and query.until is None:
            return list(found)
        shares = self._photos.earliest_shares(
            team_id,
            [match.face.photo_id for match in found],
            channel_ids=scope,
            since=query.since,
            until=query.until,
        )
        return [
            replace(match, face=replace(match.face, share=shares[match.face.photo_id]))
            for match in found
            if match.face.photo_id in shares
        ]
