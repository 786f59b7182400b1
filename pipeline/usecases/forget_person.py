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

    def __call__(self, team_id: TeamId, user_id: UserId, *, by: UserId | None) -> Forgotten:
        """References, verdicts, alerts, consents, in one transaction; a second call finds nothing.

        `by` is who wants it: they, an admin, or None for Findme itself. That somebody turned
        Findme off stays, with the template that it takes. Raises: DatabaseUnavailableError.
        """
        forgotten = self._people.forget(team_id, user_id, by=by)
        log.info(
            "person.forgotten",
            references=forgotten.references,
            verdicts=forgotten.verdicts,
            alerts=forgotten.alerts,
            consents=forgotten.consents,
        )
        return forgotten
