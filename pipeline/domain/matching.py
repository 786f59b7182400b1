"""Which near faces are the person, and how far that can be relied on."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.domain.calibration import Limits
from pipeline.domain.model import Certainty, Match, NearFace, PhotoId
from pipeline.domain.references import POOR_QUALITY
from pipeline.domain.verdicts import NOTHING_JUDGED, JudgedFaces


def judge(
    near: Iterable[NearFace], limits: Limits, judged: JudgedFaces = NOTHING_JUDGED
) -> list[Match]:
    """At most one match a photo, its closest face; the closest match first.

    Distances are cosine distances of the engine that made the embeddings. Nobody stands twice in
    one photo, so a photo's second-best face is somebody else, however close; and if that one is
    about as close, nobody can be sure which of them it is.
    """
    photos: dict[PhotoId, list[NearFace]] = defaultdict(list)
    for face in near:
        if _may_be(face, limits, judged):
            photos[face.photo_id].append(face)
    return ranked(_match(faces, limits, judged) for faces in photos.values())


def ranked(matches: Iterable[Match]) -> list[Match]:
    """Sure ones first, then by distance; equal ones by age."""
    return sorted(
        matches,
        key=lambda match: (
            match.certainty is not Certainty.SURE,
            match.face.distance,
            match.face.photo_id,
        ),
    )


def without_reposts(matches: Sequence[Match]) -> list[Match]:
    """Of photos with the same bytes only the one that was posted first, as the best was judged."""
    originals: dict[bytes, Match] = {}
    for match in ranked(matches):
        content = match.face.content_hash
        if content is None:
            continue
        first = originals.setdefault(content, match)
        if _posted(match) < _posted(first):
            originals[content] = replace(match, certainty=first.certainty)
    return ranked(
        originals[match.face.content_hash] if match.face.content_hash is not None else match
        for match in matches
        if match.face.content_hash is None or originals[match.face.content_hash].face is match.face
    )


def together(found: Sequence[Sequence[Match]]) -> list[Match]:
    """Photos that show everybody, of what was found of each: the matches of the first person.

    Everybody needs a face of their own, and the least certain of them decides how certain a photo
    is.
    """
    first, *others = found
    theirs = [{match.face.photo_id: match for match in matches} for matches in others]
    groups = [
        [match, *(each[match.face.photo_id] for each in theirs if match.face.photo_id in each)]
        for match in first
    ]
    return ranked(
        _least_certain(group)
        for group in groups
        if len({match.face.face_id for match in group}) == len(found)
    )


def _least_certain(group: Sequence[Match]) -> Match:
    is_sure = all(match.certainty is Certainty.SURE for match in group)
    return replace(
        group[0],
        face=replace(group[0].face, distance=max(match.face.distance for match in group)),
        certainty=Certainty.SURE if is_sure else Certainty.MAYBE,
        confirmed=group[0].confirmed and is_sure,
    )


def _may_be(face: NearFace, limits: Limits, judged: JudgedFaces) -> bool:
    if face.face_id in judged.confirmed_ids:
        return True
    if face.face_id in judged.rejected_ids:
        return False
    copied = 1.0 - judged.rejected_similarity(face.embedding) <= limits.same_face_distance
    return not copied and _judged_distance(face, limits) <= limits.maybe_distance


def _match(faces: Sequence[NearFace], limits: Limits, judged: JudgedFaces) -> Match:
    """Of one photo's faces that may be the person."""
    for face in faces:
        if face.face_id in judged.confirmed_ids:
            return Match(face=face, certainty=Certainty.SURE, confirmed=True)
    best, *others = sorted(faces, key=lambda face: (face.distance, face.face_id))
    contested = judged.rejected_similarity(best.embedding) > 1.0 - best.distance or not all(
        _is_behind(other, best, limits) for other in others
    )
    is_sure = not contested and _judged_distance(best, limits) <= limits.sure_distance
    return Match(
        face=best,
        certainty=Certainty.SURE if is_sure else Certainty.MAYBE,
        contested=contested,
    )


def _judged_distance(face: NearFace, limits: Limits) -> float:
    """A poor face must be closer than a good one to count the same."""
    lacking = max(0.0, 1.0 - face.quality / POOR_QUALITY)
    return face.distance + lacking * limits.poor_distance


def _is_behind(other: NearFace, best: NearFace, limits: Limits) -> bool:
    """Far behind, or the same face twice: a mirror, a screen, a collage."""
    if other.distance - best.distance >= limits.ahead_distance:
        return True
    return 1.0 - float(other.embedding @ best.embedding) <= limits.same_face_distance


def _posted(match: Match) -> tuple[float, int]:
    return match.face.share.shared_at.timestamp(), match.face.photo_id
