"""Selfies between being looked at and being used: by whichever bot, and not for long."""

import secrets

from pipeline.domain.model import TeamId, UserId
from pipeline.domain.references import Selfie
from pipeline.errors import FindmeError, TurnedOffError
from pipeline.storage.held_selfies import HeldSelfies
from pipeline.usecases.known_people import AddSelfie

TOKEN_BYTES = 6


class SelfieGoneError(FindmeError):
    """That selfie isn't here any more: I hold one for an hour at most. Please choose it again."""


class Selfies:
    """Holds what was seen in a selfie, by a token that only its person can use.

    Whoever forgets the person forgets it, too. Every method raises DatabaseUnavailableError.
    """

    def __init__(self, add_selfie: AddSelfie, *, held: HeldSelfies) -> None:
        self._add = add_selfie
        self._held = held

    def hold(self, team_id: TeamId, user_id: UserId, data: bytes) -> tuple[str, Selfie]:
        """Look at a picture; its token, and what was seen.

        Raises: UnreadablePhotoError, NoFaceInPictureError, TurnedOffError.
        """
        selfie = self._add.read(team_id, data)
        token = secrets.token_hex(TOKEN_BYTES)
        if not self._held.put(team_id, user_id, token, selfie):
            raise TurnedOffError
        return token, selfie

    def get(self, team_id: TeamId, user_id: UserId, token: str) -> Selfie:
        """What was seen. Raises SelfieGoneError: too old, or somebody else's."""
        selfie = self._held.get(team_id, user_id, token)
        if selfie is None or not self._add.is_current(team_id, selfie):
            raise SelfieGoneError
        return selfie

    def keep(self, team_id: TeamId, user_id: UserId, token: str) -> None:
        """From now on the person is known by it too. Raises SelfieGoneError, PoorFaceError."""
        self._add.keep(team_id, user_id, self.get(team_id, user_id, token))
        self._held.drop(team_id, user_id, token)
