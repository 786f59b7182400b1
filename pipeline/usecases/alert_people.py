"""Tell people of new photos of them: gathered, not at night, once."""

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

import structlog

from pipeline.domain.alerts import Look, Quiet
from pipeline.domain.model import PhotoId, TeamId, UserId
from pipeline.errors import (
    DatabaseUnavailableError,
    FindmeError,
    NoFaceInPictureError,
    NoProfilePictureError,
    NotAMemberError,
    PersonGoneError,
    SourceUnavailableError,
    TurnedOffError,
    UnreadablePhotoError,
)
from pipeline.ports import AlertStore, Clock, TimeZones
from pipeline.usecases.find_photos import FindPhotos, Found, Query

log = structlog.get_logger(__name__)

GATHER = timedelta(minutes=30)
"""So long the first new photo waits for others."""

MOST_AT_A_TICK = 30
"""People: the others' turn comes at the next tick. A message each stays far below any limit."""

PAUSE = timedelta(minutes=1)
LONG_PAUSE = timedelta(hours=1)
"""Each try is a whole search: so long whoever could not be told is left alone."""


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
        compose: Callable[[TeamId, UserId, Found], Callable[[], None]],
        clock: Clock,
        gather: timedelta = GATHER,
        quiet: Quiet | None = None,
        most: int = MOST_AT_A_TICK,
    ) -> None:
        """`compose` makes a message, which is sent when it is called.

        Sending raises PersonGoneError of whoever can't be told ever again, and
        SourceUnavailableError only if it is certain that nothing was sent. After any other error
        it counts as told. `quiet` is the night, from 21:00 to 08:00 unless given; `most` people
        are looked for at a tick.
        """
        self._find_photos = find_photos
        self._alerts = alerts
        self._people = people
        self._compose = compose
        self._clock = clock
        self._gather = gather
        self._quiet = quiet or Quiet()
        self._most = most
        self._stopped = threading.Event()

    def __call__(self, team_id: TeamId) -> int:
        """Look for whoever it is time for; returns how many were told.

        What goes wrong with one person keeps nobody else from theirs.
        Raises: DatabaseUnavailableError, BusyError.
        """
        if self._stopped.is_set():
            return 0
        told = 0
        for look in self._alerts.due(
            team_id, now=self._clock(), gather=self._gather, limit=self._most
        ):
            if self._stopped.is_set():
                break
            told += self._guarded(team_id, look)
        return told

    def stop(self) -> None:
        """End a tick under way with the person that it is at, and begin no more."""
        self._stopped.set()

    def _guarded(self, team_id: TeamId, look: Look) -> bool:
        try:
            return self._alert(team_id, look)
        except DatabaseUnavailableError:
            raise  # nobody else can be looked for either
        except (PersonGoneError, TurnedOffError) as error:
            self._alerts.turn_off(team_id, look.user_id)
            log.info("alert.nobody_to_tell", error=type(error).__name__)
        except (
            NoProfilePictureError,
            NoFaceInPictureError,
            UnreadablePhotoError,
            NotAMemberError,
        ) as error:
            # As long as nothing arrives, a picture that they changed has nothing new to find.
            self._alerts.looked(team_id, look)
            log.info("alert.nobody_known", error=type(error).__name__)
        except FindmeError as error:
            self._pause(team_id, look, max(PAUSE, _asked_for(error)))
            log.warning("alert.failed", error=type(error).__name__, reason=str(error))
        except Exception:
            self._pause(team_id, look, LONG_PAUSE)
            log.exception("alert.failed")
        return False

    def _pause(self, team_id: TeamId, look: Look, pause: timedelta) -> None:
        self._alerts.wait(team_id, look.user_id, until=self._clock() + pause)

    def _alert(self, team_id: TeamId, look: Look) -> bool:
        user_id, now = look.user_id, self._clock()
        morning = self._quiet.until(now, self._people.time_zone_of(user_id))
        if morning is not None:
            self._alerts.wait(team_id, user_id, until=morning)
            return False
        found = self._new(team_id, user_id)
        if not found.sure:
            self._alerts.looked(team_id, look)
            return False
        # Before anything is claimed: what fails until then is tried again.
        send = self._compose(team_id, user_id, found)
        claimed = self._alerts.claim(team_id, look, _photo_ids(found))
        if len(claimed) < len(found.matches):
            found = _of(found, claimed)
            if not found.matches:
                return False
            send = self._composed_anew(team_id, look, found)
        try:
            send()
        except SourceUnavailableError:
            self._alerts.unclaim(team_id, look, claimed)
            raise
        log.info("alert.told", photos=len(found.matches), sure=found.sure)
        return True

    def _composed_anew(self, team_id: TeamId, look: Look, found: Found) -> Callable[[], None]:
        """Of what was claimed, since somebody deleted some of it just now."""
        try:
            return self._compose(team_id, look.user_id, found)
        except Exception:
            self._alerts.unclaim(team_id, look, _photo_ids(found))
            raise

    def _new(self, team_id: TeamId, user_id: UserId) -> Found:
        """What the person would find now, and was not told of."""
        found = self._find_photos(team_id, Query(asker=user_id, people=[user_id]))
        return _of(
            found,
            self._alerts.news(team_id, user_id, _photo_ids(found), channel_ids=found.channel_ids),
        )


def _asked_for(error: FindmeError) -> timedelta:
    """How long the source wants to be left alone."""
    seconds = error.retry_after_s if isinstance(error, SourceUnavailableError) else None
    return timedelta(seconds=seconds or 0)


def _photo_ids(found: Found) -> list[PhotoId]:
    return [match.face.photo_id for match in found.matches]


def _of(found: Found, photo_ids: Collection[PhotoId]) -> Found:
    return replace(
        found, matches=[match for match in found.matches if match.face.photo_id in photo_ids]
    )
