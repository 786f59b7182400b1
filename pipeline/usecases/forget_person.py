"""Somebody wants to be forgotten, or an admin wants it for them."""

import structlog

from pipeline.domain.model import TeamId, UserId
from pipeline.domain.people import Forgotten
from pipeline.ports import PersonStore

log = structlog.get_logger(__name__)


class ForgetPerson:
    """Forget everything known of a person's face and choices.

    The photos that show them stay, as do the faces in these: whose they are is known no more.
    """

    def __init__(self, *, people: PersonStore) -> None:
        self._people = people

    def __call__(self, team_id: TeamId, user_id: UserId) -> Forgotten:
        """References, verdicts and alerts, in one transaction; nothing is left for a second call.

        Raises: DatabaseUnavailableError.
        """
        forgotten = self._people.forget(team_id, user_id)
        log.info(
            "person.forgotten",
            references=forgotten.references,
            verdicts=forgotten.verdicts,
            alerts=forgotten.alerts,
        )
        return forgotten
