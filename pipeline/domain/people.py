"""What Findme knows about a person, in words that can be shown to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.audit import Noted
from pipeline.domain.consent import Allowance, Answer
from pipeline.domain.model import EngineId, FileId, ReferenceKind, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReference:
    """A picture that a person is known by: not the picture, nor the embedding made of it.

    `origin` names a selfie where it is to be dropped.
    """

    kind: ReferenceKind
    origin: str
    quality: float
    faces_in_picture: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutPerson:
    """Everything that is known about a person.

    `references` are the profile picture, then selfies, the oldest first. `confirmed` and `rejected`
    are the faces they gave their word on; copies of a photo count once. Whoever `is_out` turned
    Findme off; `has_template`: their face is known, so that it is kept out.
    """

    references: Sequence[KnownReference]
    confirmed: int
    rejected: int
    alerts_on: bool
    colleagues: Allowance | None = None
    is_out: bool = False
    has_template: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was known of a person until now: references, verdicts, and whether alerts were on.

    `consents` are what they allowed or refused, and wishes to look for somebody, of theirs and for
    them. `is_out`: they turned Findme off, and that alone is still known.
    """

    references: int
    verdicts: int
    alerts: bool
    consents: int = 0
    is_out: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to forget."""
        return not (self.references or self.verdicts or self.alerts or self.consents)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedOff:
    """What became of a person who turned Findme off: `faces` of theirs went out of the index.

    `has_template`: new faces of theirs are kept out, by one template; without one nobody knows
    which those are.
    """

    forgotten: Forgotten
    faces: int
    has_template: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVerdict:
    """A person's word on a face of a photo; the address is that of its first share."""

    file_id: FileId
    permalink: str | None
    verdict: str
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRequest:
    """A wish to look for somebody, by whom and for whom, and what they said."""

    asker_id: UserId
    person_id: UserId
    asked_at: datetime
    answer: Answer | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReference:
    """A template of a person: what it was made from, by which engine, when, and how good it is."""

    kind: str
    engine_id: EngineId
    quality: float | None
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPhoto:
    """A photo that the person posted, or was told of."""

    file_id: FileId
    permalink: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData:
    """All that is kept about a person, as they may have it; templates without their numbers."""

    references: Sequence[KeptReference]
    verdicts: Sequence[KeptVerdict]
    alerts_on: bool
    told_of: Sequence[KeptPhoto]
    colleagues: Allowance | None
    colleagues_at: datetime | None
    out_at: datetime | None
    requests: Sequence[KeptRequest]
    posted: Sequence[KeptPhoto]
    audit: Sequence[Noted]
    told_at: datetime | None = None
    """When they first read how Findme works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What was too old to be kept."""

    photos: int
    faces: int
    references: int
    requests: int
