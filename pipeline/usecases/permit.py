"""May the asker look for these people? Asked before every search; the answer to yes is noted."""

from collections.abc import Sequence

from pipeline.domain.audit import Act, Entry
from pipeline.domain.consent import NOTHING_SAID, ColleagueSearch, Consent, Finding, findings
from pipeline.domain.model import TeamId, UserId
from pipeline.errors import ColleagueSearchOffError, ConsentNeededError, TurnedOffError
from pipeline.ports import AuditTrail, Clock, ConsentReader


class Permit:
    """Asks what people decided, by the workspace's policy."""

    def __init__(
        self,
        *,
        consents: ConsentReader,
        audit: AuditTrail,
        policy: ColleagueSearch,
        clock: Clock,
    ) -> None:
        self._consents = consents
        self._audit = audit
        self._policy = policy
        self._clock = clock

    def __call__(self, team_id: TeamId, asker: UserId, people: Sequence[UserId]) -> Consent:
        """The asker's own consent, if all of these people may be looked for.

        Raises: ConsentNeededError with those who have to agree first, ColleagueSearchOffError,
        TurnedOffError; DatabaseUnavailableError.
        """
        consents = self._consents.of(team_id, people, asker=asker)
        by_finding = findings(self._policy, consents, asker=asker, people=people, now=self._clock())
        if Finding.TURNED_OFF in by_finding:
            raise TurnedOffError
        if Finding.NOT_HERE in by_finding:
            raise ColleagueSearchOffError
        if needed := by_finding.get(Finding.WITH_CONSENT):
            raise ConsentNeededError(needed)
        for user_id in by_finding[Finding.YES]:
            if user_id != asker:
                entry = Entry(act=Act.SEARCHED, actor_id=asker, person_id=user_id)
                self._audit.add(team_id, entry)
        return consents.get(asker, NOTHING_SAID)
