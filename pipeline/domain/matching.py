"""Which near faces are the person, and how far that can be relied on."""

from collections.abc import Iterable, Sequence

from pipeline.domain.calibration import Limits
from pipeline.domain.model import Certainty, Match, NearFace, PhotoId


def judge(near: Iterable[NearFace], limits: Limits) -> list[Match]:
    """At most one match a photo, its closest face; the closest match first.

    Distances are cosine distances of the engine that made the embeddings. Nobody stands twice in
    one photo, so a photo's second-best face is somebody else, however close.
    """
    best: dict[PhotoId, NearFace] = {}
    for face in near:
        if face.distance > limits.maybe_distance:
            continue
        known = best.get(face.photo_id)
        if known is None or face.distance < known.distance:
            best[face.photo_id] = face
    matches = [
        Match(
            face=face,
            certainty=Certainty.SURE if face.distance <= limits.sure_distance else Certainty.MAYBE,
        )
        for face in best.values()
    ]
    return ranked(matches)


def ranked(matches: Iterable[Match]) -> list[Match]:
    """Closest first (so every sure match precedes every maybe); equal ones by age."""
    return sorted(matches, key=lambda match: (match.face.distance, match.face.photo_id))


def without_reposts(matches: Sequence[Match]) -> list[Match]:
    """Of photos with the same bytes only the one that was posted first, at its best rank."""
    originals: dict[bytes, Match] = {}
    for match in matches:
        content = match.face.content_hash
        if content is None:
            continue
        first = originals.setdefault(content, match)
        if _posted(match) < _posted(first):
            originals[content] = match
    return ranked(
        match
        for match in matches
        if match.face.content_hash is None or originals[match.face.content_hash] is match
    )


def _posted(match: Match) -> tuple[float, int]:
    return match.face.share.shared_at.timestamp(), match.face.photo_id
