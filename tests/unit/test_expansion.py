"""What was found leads to more, once, and only as far as it can be relied on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.domain.calibration import Limits
from pipeline.domain.expansion import SEEDS, WEAK_ADDS, Extension, extended, merged, within_reach
from pipeline.domain.matching import judge, ranked
from pipeline.domain.model import Certainty, Match, NearFace
from pipeline.domain.references import POOR_QUALITY
from tests.strategies import QUERY, at_distance, near_face, near_faces, towards

SURE, MAYBE, ALONE, HINT, REACH = 0.5, 0.7, 0.4, 0.6, 0.85
LIMITS = Limits(
    sure_distance=SURE,
    maybe_distance=MAYBE,
    alone_distance=ALONE,
    hint_distance=HINT,
    reach_distance=REACH,
    ahead_distance=0.2,
    same_face_distance=0.125,
    poor_distance=0.06,
)


def match(
    photo_id: int,
    distance: float,
    *,
    sure: bool | None = None,
    quality: float = 0.5,
    confirmed: bool = False,
    face_id: int | None = None,
) -> Match:
    """Sure up to SURE, unless it is said."""
    face = near_face(
        photo_id,
        face_id=photo_id if face_id is None else face_id,
        distance=distance,
        quality=quality,
    )
    is_sure = distance <= SURE if sure is None else sure
    return Match(
        face=face,
        certainty=Certainty.SURE if is_sure else Certainty.MAYBE,
        confirmed=confirmed,
    )


def matches() -> st.SearchStrategy[list[Match]]:
    """As they are found, of any quality, some confirmed."""

    def build(rows: list[tuple[float, float, bool]]) -> list[Match]:
        return ranked(
            match(photo_id, distance, quality=quality, confirmed=confirmed, sure=confirmed or None)
            for photo_id, (distance, quality, confirmed) in enumerate(rows)
        )

    rows = st.tuples(st.floats(0.05, MAYBE), st.floats(0, 1), st.sampled_from([False] * 3 + [True]))
    return st.lists(rows, max_size=8).map(build)


def seeds_of(found: Sequence[Match], extension: Extension) -> list[int]:
    """Which photos' faces the extension was made of: their directions are all different."""
    return [
        one.face.photo_id for one in found if extension.embedding[1 + one.face.face_id % 63] > 1e-4
    ]


def directions(embeddings: Sequence[NearFace]) -> list[float]:
    return [1.0 - float(face.embedding @ QUERY) for face in embeddings]


def searched(
    found: Sequence[Match], extension: Extension, index: Sequence[NearFace]
) -> list[Match]:
    """As MatchFaces does: what the extension is near to, judged by the same limits."""
    near = [
        near_face(
            face.photo_id,
            face_id=face.face_id,
            quality=face.quality,
            embedding=face.embedding,
            distance=max(0.0, 1.0 - float(face.embedding @ extension.embedding)),
        )
        for face in index
    ]
    reached = within_reach(near, QUERY, LIMITS)
    return merged(found, judge(reached, LIMITS), query=QUERY, extension=extension, limits=LIMITS)


def hand_made(*, is_proof: bool) -> Extension:
    return Extension(embedding=at_distance(0.2, aside=40), is_proof=is_proof)


def test_nothing_found_extends_nothing() -> None:
    assert extended(QUERY, [], LIMITS) is None


@given(matches())
def test_an_extension_has_unit_length(found: list[Match]) -> None:
    extension = extended(QUERY, found, LIMITS)
    assume(extension is not None)

    assert extension is not None
    assert np.linalg.norm(extension.embedding) == pytest.approx(1, abs=1e-5)


@given(matches())
def test_neither_poor_nor_confirmed_faces_extend_and_at_most_a_few_do(found: list[Match]) -> None:
    extension = extended(QUERY, found, LIMITS)
    assume(extension is not None)
    assert extension is not None

    seeds = set(seeds_of(found, extension))

    assert 1 <= len(seeds) <= SEEDS
    for one in found:
        if one.face.photo_id in seeds:
            assert not one.confirmed
            assert one.face.quality >= POOR_QUALITY


@given(matches())
def test_the_surest_faces_extend(found: list[Match]) -> None:
    extension = extended(QUERY, found, LIMITS)
    fit = [one for one in found if not one.confirmed and one.face.quality >= POOR_QUALITY]
    sure = [one.face.photo_id for one in fit if one.certainty is Certainty.SURE]

    if sure:
        assert extension is not None
        assert seeds_of(found, extension) == sure[:SEEDS]
    elif extension is not None:
        hint = fit[0]
        assert hint.face.distance <= HINT
        assert seeds_of(found, extension) == [hint.face.photo_id]
    else:
        assert all(one.face.distance > HINT for one in fit)


@given(matches())
def test_a_maybe_proves_nothing_nor_does_a_single_sure_face_that_strangers_might_reach(
    found: list[Match],
) -> None:
    extension = extended(QUERY, found, LIMITS)
    assume(extension is not None)
    assert extension is not None
    sure = [
        one.face.distance
        for one in found
        if one.certainty is Certainty.SURE
        and not one.confirmed
        and not one.contested
        and one.face.quality >= POOR_QUALITY
    ]

    assert extension.is_proof == (len(sure) >= SEEDS or any(d <= ALONE for d in sure))


@given(matches())
def test_a_contested_face_leads_nowhere(found: list[Match]) -> None:
    contested = [replace(match, contested=True) for match in found]

    assert extended(QUERY, contested, LIMITS) is None


@given(near_faces())
def test_nothing_beyond_reach_of_the_references_is_taken(near: list[NearFace]) -> None:
    reached = within_reach(near, QUERY, LIMITS)

    assert all(distance <= REACH + 1e-6 for distance in directions(reached))
    assert len(reached) >= sum(distance < REACH - 1e-6 for distance in directions(near))


@given(matches(), near_faces())
def test_nothing_found_gets_lost_or_less_sure(found: list[Match], index: list[NearFace]) -> None:
    extension = extended(QUERY, found, LIMITS)
    assume(extension is not None)
    assert extension is not None

    after = {one.face.photo_id: one for one in searched(found, extension, index)}

    for one in found:
        now = after[one.face.photo_id]
        assert now.face.face_id == one.face.face_id
        assert now.confirmed == one.confirmed
        assert now.certainty in {one.certainty, Certainty.SURE}


@given(matches(), near_faces())
def test_without_proof_few_photos_are_added_and_none_gets_sure(
    found: list[Match], index: list[NearFace]
) -> None:
    extension = Extension(embedding=at_distance(0.1, aside=3), is_proof=False)

    after = searched(found, extension, index)

    known = {one.face.photo_id: one for one in found}
    added = [one for one in after if one.face.photo_id not in known]
    assert len(added) <= WEAK_ADDS
    assert all(one.certainty is Certainty.MAYBE for one in added)
    assert {one.face.photo_id for one in after if one.certainty is Certainty.SURE} <= {
        one.face.photo_id for one in found if one.certainty is Certainty.SURE
    }


def test_without_proof_the_closest_are_added() -> None:
    further = [match(photo_id, 0.1 * photo_id) for photo_id in range(1, 6)]

    after = merged(
        [], ranked(further), query=QUERY, extension=hand_made(is_proof=False), limits=LIMITS
    )

    assert [one.face.photo_id for one in after] == [1, 2, 3]


def test_with_proof_every_photo_is_added() -> None:
    further = [match(photo_id, 0.1 * photo_id) for photo_id in range(1, 6)]

    after = merged(
        [], ranked(further), query=QUERY, extension=hand_made(is_proof=True), limits=LIMITS
    )

    assert [one.face.photo_id for one in after] == [1, 2, 3, 4, 5]


@given(found=matches(), index=near_faces(), is_proof=st.booleans())
def test_nothing_gets_sure_that_the_references_alone_would_not_call_a_maybe(
    found: list[Match],
    index: list[NearFace],
    *,
    is_proof: bool,
) -> None:
    extension = Extension(embedding=at_distance(0.3, aside=2), is_proof=is_proof)
    before = {one.face.photo_id for one in found if one.certainty is Certainty.SURE}

    after = searched(found, extension, index)

    for one in after:
        if one.certainty is Certainty.SURE and one.face.photo_id not in before:
            assert 1 - float(one.face.embedding @ QUERY) <= MAYBE + 1e-6


@given(found=matches(), index=near_faces(), is_proof=st.booleans())
def test_what_is_merged_is_ranked_and_holds_each_photo_once(
    found: list[Match],
    index: list[NearFace],
    *,
    is_proof: bool,
) -> None:
    extension = Extension(embedding=at_distance(0.3, aside=2), is_proof=is_proof)

    after = searched(found, extension, index)

    assert after == ranked(after)
    assert len({one.face.photo_id for one in after}) == len(after)


def test_an_angle_that_the_portrait_does_not_show_is_found_by_way_of_others() -> None:
    """Half turned away: a maybe of the portrait, sure beside the faces that were found by it."""
    found = [match(1, 0.3), match(2, 0.35)]
    extension = extended(QUERY, found, LIMITS)
    assert extension is not None
    between = found[0].face.embedding + found[1].face.embedding - 0.7 * QUERY
    turned = near_face(3, face_id=3, embedding=towards(QUERY, between, distance=0.65))

    after = searched(found, extension, [turned])

    assert {one.face.photo_id: one.certainty for one in after} == dict.fromkeys(
        (1, 2, 3), Certainty.SURE
    )


def test_a_maybe_whose_face_is_another_one_by_way_of_others_stays_what_it_was() -> None:
    found = [match(1, 0.6, face_id=1)]
    other_face = [match(1, 0.1, face_id=2)]

    (after,) = merged(
        found, other_face, query=QUERY, extension=hand_made(is_proof=True), limits=LIMITS
    )

    assert (after.face.face_id, after.certainty) == (1, Certainty.MAYBE)
