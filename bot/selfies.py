"""Selfies between being looked at and being used: in memory alone, and not for long."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from pipeline.domain.model import TeamId, UserId
from pipeline.errors import FindmeError
from pipeline.usecases.known_people import AddSelfie, Selfie

LIFE_S = 3600.0
MOST = 1_000
TOKEN_BYTES = 6


class SelfieGoneError(FindmeError):
    """That selfie isn't here any more: I hold one for an hour at most. Please choose it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    team_id: TeamId
    user_id: UserId
    selfie: Selfie
    until_s: float


class Selfies:
    """Holds what was seen in a selfie, by a token that only its person can use."""

    def __init__(self, add_selfie: AddSelfie) -> None:
        self._add = add_selfie
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._lock = threading.Lock()

    def hold(self, team_id: TeamId, user_id: UserId, data: bytes) -> tuple[str, Selfie]:
        """Look at a picture; its token, and what was seen.

        Raises: UnreadablePhotoError, NoFaceInPictureError.
        """
        selfie = self._add.read(team_id, data)
        token = secrets.token_hex(TOKEN_BYTES)
        now_s = time.monotonic()
        held = _Held(team_id=team_id, user_id=user_id, selfie=selfie, until_s=now_s + LIFE_S)
        with self._lock:
            self._held[token] = held
            for old in [key for key, one in self._held.items() if one.until_s < now_s]:
                del self._held[old]
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        return token, selfie

    def get(self, team_id: TeamId, user_id: UserId, token: str) -> Selfie:
        """What was seen. Raises SelfieGoneError: too old, or somebody else's."""
        with self._lock:
            held = self._held.get(token)
        if (
            held is None
            or (held.team_id, held.user_id) != (team_id, user_id)
            or held.until_s < time.monotonic()
            or not self._add.is_current(team_id, held.selfie)
        ):
            raise SelfieGoneError
        return held.selfie

    def keep(self, team_id: TeamId, user_id: UserId, token: str) -> None:
        """From now on the person is known by it too. Raises SelfieGoneError, PoorFaceError."""
        self._add.keep(team_id, user_id, self.get(team_id, user_id, token))

    def forget(self, user_id: UserId) -> None:
        """Drop all of a person's."""
        with self._lock:
            for token in [key for key, one in self._held.items() if one.user_id == user_id]:
                del self._held[token]
