"""What people allow: whether somebody may be looked for, and whether they may be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NewType, assert_never

from pipeline.domain.model import UserId

RequestId = NewType("RequestId", int)

ASK_AGAIN_AFTER = timedelta(days=30)
"""So long a no holds for everybody, and silence for the colleague who asked."""

ONCE_LASTS = timedelta(days=1)
"""So long *Just this once* lets the colleague turn the pages of their answer once it is sent."""

MOST_UNANSWERED = 3
"""So many colleagues may wait for one person's word before that person is written to no more."""


class ColleagueSearch(Enum):
    """The workspace's policy on looking for somebody else."""

    ASK = "ask"
    OPEN = "open"
    OFF = "off"


class Allowance(Enum):
    """What somebody said of being found by colleagues, until they say otherwise."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class Answer(Enum):
    """What somebody said when a colleague wanted to look for them."""

    ONCE = "once"
    ALLOWED = "allowed"
    REFUSED = "refused"


class Finding(Enum):
    """Whether a person may be looked for."""

    YES = "yes"
    WITH_CONSENT = "with consent"
    """Only once they agree; nobody learns whether they were asked, and what they said."""
    NOT_HERE = "not here"
    """The workspace's policy."""
    TURNED_OFF = "turned off"
    """They themselves turned Findme off; told to nobody but them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What one person decided; `once_at` is when they allowed a certain question just once.

    `once_sent_at`: since when its answer is on its way, which others may have had to agree to.
    """

    is_told: bool = False
    colleagues: Allowance | None = None
    colleagues_at: datetime | None = None
    out_at: datetime | None = None
    once_at: datetime | None = None
    once_sent_at: datetime | None = None

    @property
    def is_out(self) -> bool:
        """Whether nobody may find them, they themselves included."""
        return self.out_at is not None


NOTHING_SAID = Consent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person was bothered for their consent in the last ASK_AGAIN_AFTER.

    `by_asker` is whether this asker's wish was told to them, unless they allowed it just once and
    the answer was sent. `unanswered` is how many wishes of anybody were told and have no answer.
    """

    by_asker: bool
    unanswered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """A colleague's wish, waiting for a person's word."""

    request_id: RequestId
    asker_id: UserId
    person_id: UserId
    people: Sequence[UserId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A question to which everybody agreed: the asker waits for its answer."""

    request_ids: Sequence[RequestId]
    asker_id: UserId
    question: str


def may_find(
    policy: ColleagueSearch, consent: Consent, *, is_asker: bool, now: datetime
) -> Finding:
    """Whether somebody may be looked for, by themselves (`is_asker`) or a colleague."""
    if is_asker:
        return Finding.TURNED_OFF if consent.is_out else Finding.YES
    match policy:
        case ColleagueSearch.OFF:
            return Finding.NOT_HERE
        case ColleagueSearch.OPEN:
            is_refused = consent.colleagues is Allowance.REFUSED
            is_allowed = not is_refused or _is_allowed_once(consent, now)
        case ColleagueSearch.ASK:
            is_allowed = consent.colleagues is Allowance.ALLOWED or _is_allowed_once(consent, now)
        case _:
            assert_never(policy)
    # Whoever is out is told of like whoever stays silent: that they are out is theirs to say.
    return Finding.YES if is_allowed and not consent.is_out else Finding.WITH_CONSENT


def may_be_asked(consent: Consent, contact: Contact, *, now: datetime) -> bool:
    """Whether a message may ask the person for their consent."""
    if consent.is_out or consent.colleagues is Allowance.ALLOWED:
        return False
    if contact.by_asker or contact.unanswered >= MOST_UNANSWERED:
        return False
    if consent.colleagues is not Allowance.REFUSED or consent.colleagues_at is None:
        return True
    return now - consent.colleagues_at >= ASK_AGAIN_AFTER


def findings(
    policy: ColleagueSearch,
    consents: Mapping[UserId, Consent],
    *,
    asker: UserId,
    people: Sequence[UserId],
    now: datetime,
) -> Mapping[Finding, Sequence[UserId]]:
    """The people of a question, by whether they may be looked for; each of several counts."""
    found: dict[Finding, list[UserId]] = {}
    for user_id in dict.fromkeys(people):
        consent = consents.get(user_id, NOTHING_SAID)
        finding = may_find(policy, consent, is_asker=user_id == asker, now=now)
        found.setdefault(finding, []).append(user_id)
    return found


def _is_allowed_once(consent: Consent, now: datetime) -> bool:
    if consent.once_at is None or now - (consent.once_sent_at or consent.once_at) >= ONCE_LASTS:
        return False
    # A no that came later ends it.
    return (
        consent.colleagues is not Allowance.REFUSED
        or consent.colleagues_at is None
        or consent.colleagues_at < consent.once_at
    )
