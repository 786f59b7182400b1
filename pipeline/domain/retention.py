"""How long things are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline.domain.model import FoundPhoto

REFERENCES_UNUSED = timedelta(days=365)
"""References that no search needed for so long expire."""

REQUESTS_KEPT = timedelta(days=30)
"""So long a wish to look for somebody waits for their word, and is known at all."""


def still_kept(photos: Sequence[FoundPhoto], *, after: datetime | None) -> list[FoundPhoto]:
    """Photos that were posted `after` that, each with those of its shares that were.

    A photo whose shares are not known counts by its own age; one of which the source tells
    nothing at all yet, not even that it is a picture, is kept until it does.
    """
    if after is None:
        return list(photos)
    kept = []
    for photo in photos:
        shares = [share for share in photo.shares if share.shared_at >= after]
        is_untold = not photo.media_type
        if shares or (not photo.shares and (photo.posted_at >= after or is_untold)):
            kept.append(replace(photo, shares=shares))
    return kept
