"""From a question to a page of its answer: searched anew, since what may be seen changes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from bot.files.thumbnails import Thumbnails
from bot.names import Names, day
from bot.pages import SHOWN_TYPES, Page, Shown
from bot.question import Question
from bot.selfies import Selfies
from pipeline.domain.model import ChannelId, FileId, Match, PhotoId, TeamId, UserId
from pipeline.domain.visibility import Sight
from pipeline.ports import Clock, PhotoStore
from pipeline.usecases.find_photos import FindPhotos, Found, Query
from pipeline.usecases.permit import Permit

THUMBNAIL_PATIENCE_S = 2.0


class Answers:
    """Answers questions for one workspace."""

    def __init__(
        self,
        *,
        find_photos: FindPhotos,
        names: Names,
        thumbnails: Thumbnails,
        selfies: Selfies,
        permit: Permit,
        photos: PhotoStore,
        clock: Clock,
    ) -> None:
        self._find_photos = find_photos
        self._names = names
        self._thumbnails = thumbnails
        self._selfies = selfies
        self._permit = permit
        self._photos = photos
        self._clock = clock

    def sight_of(self, team_id: TeamId, user_id: UserId) -> Sight:
        """What somebody can open now. Raises as `FindPhotos.sight_of` does."""
        return self._find_photos.sight_of(team_id, user_id)

    def can_open(self, team_id: TeamId, photo_id: PhotoId, sight: Sight) -> bool:
        """Whether a photo is in a channel that whoever has this sight can open."""
        return self._find_photos.can_open(team_id, photo_id, sight)

    def still(
        self, team_id: TeamId, asker: UserId, question: Question, photo_ids: Sequence[PhotoId]
    ) -> Collection[PhotoId]:
        """Which of the photos that answered a question its asker may see now.

        Nothing is searched: a selfie may be gone by now, and another picture finds others.
        Raises: ConsentNeededError, ColleagueSearchOffError, TurnedOffError; as `sight_of` does.
        """
        sight = self.sight_of(team_id, asker)
        self._permit(team_id, asker, question.people)
        return self._photos.earliest_shares(
            team_id, photo_ids, channel_ids=sight.open, since=None, until=None
        )

    def found(
        self, team_id: TeamId, asker: UserId, question: Question, *, sight: Sight | None = None
    ) -> Found:
        """All that answers the question. Raises as FindPhotos does, and SelfieGoneError."""
        selfie = None
        if question.selfie:
            selfie = self._selfies.get(team_id, asker, question.selfie).reference
        query = Query(
            asker=asker,
            people=question.people,
            channel_ids=question.channels,
            since=question.since,
            until=question.until,
            only_sure=question.only_sure,
        )
        return self._find_photos(team_id, query, selfie=selfie, sight=sight)

    def page(
        self,
        team_id: TeamId,
        asker: UserId,
        question: Question,
        *,
        size: int,
        where: ChannelId | None = None,
        or_last: bool = False,
        sight: Sight | None = None,
    ) -> Page:
        """A page of at most `size` matches, to be shown in the channel `where`.

        With `or_last` the last page there is, if the question's has become empty. `sight` as for
        FindPhotos. Raises as `found` does.
        """
        found = self.found(team_id, asker, question, sight=sight)
        if or_last and question.first >= len(found.matches):
            question = question.at(max(0, len(found.matches) - 1) // size * size)
        matches = found.matches[question.first : question.first + size]
        return Page(
            asker=asker,
            question=question,
            found=found,
            shown=self.shown(team_id, asker, matches),
            # There both are: the bot can post, and in the name of the asker.
            share_with=where if where in found.joined_ids else None,
        )

    def shown(
        self,
        team_id: TeamId,
        asker: UserId,
        matches: Sequence[Match],
        *,
        tell_of: ChannelId | None = None,
    ) -> list[Shown]:
        """Matches with a picture that Slack can show, and words for who can't see it.

        With `tell_of` no other channel is named: who reads it may not know of them.
        """
        converted = self._thumbnails.for_(team_id, matches, patience_s=THUMBNAIL_PATIENCE_S)
        channels = self._names.channels(team_id)
        if tell_of is not None:
            channels = {one: name for one, name in channels.items() if one == tell_of}
        zone, now = self._names.time_zone_of(asker), self._clock()
        posters = {match.face.share.shared_by for match in matches}
        people = self._names.people([one for one in posters if one is not None])

        def on(when: datetime) -> str:
            return day(when, now=now, zone=zone)

        return [
            Shown(
                match=match,
                file_id=_file_id(match, converted),
                alt_text=_alt_text(match, people, channels, on=on),
            )
            for match in matches
        ]

    def title(self, team_id: TeamId, found: Found) -> str:
        """A word for a file with these photos: the channel, if there is only one."""
        channels = {match.face.share.channel_id for match in found.matches}
        names = self._names.channels(team_id) if len(channels) == 1 else {}
        return next((names[one] for one in channels if one in names), "photos")


def _alt_text(
    match: Match,
    people: Mapping[UserId, str],
    channels: Mapping[ChannelId, str],
    *,
    on: Callable[[datetime], str],
) -> str:
    share = match.face.share
    by = f" by {people[share.shared_by]}" if share.shared_by else ""
    name = channels.get(share.channel_id)
    where = f" in #{name}" if name else ""
    return f"Photo posted{by} on {on(share.shared_at)}{where}"


def _file_id(match: Match, converted: Mapping[PhotoId, FileId]) -> FileId | None:
    if match.face.media_type in SHOWN_TYPES:
        return match.face.file_id
    return converted.get(match.face.photo_id)
