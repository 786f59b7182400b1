"""What the audit holds: who did what to whom, and when. No embeddings, no names, no texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pipeline.domain.model import UserId


class Act(Enum):
    """What was done."""

    ASKED = "asked for consent"
    ALLOWED = "allowed colleagues"
    ALLOWED_ONCE = "allowed a colleague once"
    REFUSED = "refused colleagues"
    SEARCHED = "searched for a colleague"
    TURNED_OFF = "turned Findme off"
    TURNED_ON = "turned Findme on"
    FORGOT = "forgot a person"
    FORGOT_SELFIE = "forgot a selfie"
    FORGOT_VERDICTS = "forgot words on faces"
    SENT_DATA = "sent a person their data"
    REINDEXED = "began a re-index"
    ADDED_CHANNEL = "added a channel"
    REMOVED_CHANNEL = "removed a channel"
    READ_AUDIT = "read the audit"
    DELETED_PHOTOS = "deleted photos"
    EXPIRED = "let old data expire"
    PURGED = "deleted the workspace's index"


Details = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act, by `actor_id` (None: Findme by itself), about `person_id` if about somebody."""

    act: Act
    actor_id: UserId | None = None
    person_id: UserId | None = None
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An entry that is kept, and when it was made."""

    entry: Entry
    at: datetime
