"""What Findme knows about a person, in words that can be shown to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.model import ReferenceKind


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
    are the faces they gave their word on; copies of a photo count once.
    """

    references: Sequence[KnownReference]
    confirmed: int
    rejected: int
    alerts_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was known of a person until now: references, verdicts, and whether alerts were on."""

    references: int
    verdicts: int
    alerts: bool
