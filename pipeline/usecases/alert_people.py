"""Tell people of new photos of them: gathered, not at night, once."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo

import structlog

from pipeline.domain.alerts import Look, Quiet
from pipeline.domain.model import PhotoId, TeamId, UserId
from pipeline.errors import (
    DatabaseUnavailableError,
    FindmeError,
    NoFaceInPictureError,
    NoProfilePictureError,
    PersonGoneError,
    SourceUnavailableError,
    UnreadablePhotoError,
)
from pipeline.ports import AlertStore, Clock, TimeZones
from pipeline.usecases.find_photos import FindPhotos, Found, Query

log = structlog.get_logger(__name__)

GATHER = timedelta(minutes=30)
"""So long the first new photo waits for others."""


class AlertPeople:
    """The tick: whoever turned alerts on is told of what arrived since.

    What was claimed is told at most once: a process that dies between the two tells it never.
    """

    def __init__(
        self,
        *,
        find_photos: FindPhotos,
        alerts: AlertStore,
        people: TimeZones,
        tell: Callable[[TeamId, UserId, Found], None],
        clock: Clock,
        gather: timedelta = GATHER,
        quiet: Quiet | None = None,
    ) -> None:
        """`tell` raises PersonGoneError of whoever can't be told ever again.

        It raises SourceUnavailableError if nothing was told and it is worth another try.
        `quiet` is the night, from 21:00 to 08:00 unless given.
        """
        self._find_photos = find_photos
        self._alerts = alerts
        self._people = people
        self._tell = tell
        self._clock = clock
        self._gather = gather
        self._quiet = quiet or Quiet()

    def __call__(self, team_id: TeamId) -> int:
        """Look for whoever it is time for; returns how many were told.

        What goes wrong with one person keeps nobody else from theirs.
        Raises: DatabaseUnavailableError.
        """
        looks = self._alerts.due(team_id, now=self._clock(), gather=self._gather)
        return sum(self._guarded(team_id, look) for look in looks)

    def _guarded(self, team_id: TeamId, look: Look) -> bool:
        try:
            return self._alert(team_id, look)
        except DatabaseUnavailableError:
            raise  # nobody else can be looked for either
        except PersonGoneError:
            self._alerts.turn_off(team_id, look.user_id)
            log.info("alert.person_gone")
        except (NoProfilePictureError, NoFaceInPictureError, UnreadablePhotoError) as error:
            # As long as nothing arrives, a picture that they changed has nothing new to find.
            self._alerts.looked(team_id, look)
            log.info("alert.nobody_known", error=type(error).__name__)
        except FindmeError as error:
            log.warning("alert.failed", error=type(error).__name__, reason=str(error))
        except Exception:
            log.exception("alert.failed")
        return False

    def _alert(self, team_id: TeamId, look: Look) -> bool:
        user_id, now = look.user_id, self._clock()
        morning = self._quiet.until(now, self._zone_of(user_id))
        if morning is not None:
            self._alerts.wait(team_id, user_id, until=morning)
            return False
        found = self._new(team_id, user_id)
        if not found.sure:
            self._alerts.looked(team_id, look)
            return False
        claimed = self._alerts.claim(team_id, look, _photo_ids(found))
        found = _of(found, claimed)
        if not found.matches:
            return False
        try:
            self._tell(team_id, user_id, found)
        except SourceUnavailableError:
            self._alerts.unclaim(team_id, look, claimed)
            raise
        log.info("alert.told", photos=len(found.matches), sure=found.sure)
        return True

    def _new(self, team_id: TeamId, user_id: UserId) -> Found:
        """What the person would find now, and was not told of."""
        found = self._find_photos(team_id, Query(asker=user_id, people=[user_id]))
        return _of(
            found,
            self._alerts.news(team_id, user_id, _photo_ids(found), channel_ids=found.channel_ids),
        )

    def _zone_of(self, user_id: UserId) -> tzinfo:
        try:
            return self._people.time_zone_of(user_id)
        except PersonGoneError:
            raise
        except FindmeError:
            return UTC


def _photo_ids(found: Found) -> list[PhotoId]:
    return [match.face.photo_id for match in found.matches]


def _of(found: Found, photo_ids: Collection[PhotoId]) -> Found:
    return replace(
        found, matches=[match for match in found.matches if match.face.photo_id in photo_ids]
    )
