"""A verdict stays tied to its face by the face's place in the picture."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.model import Box, FaceId, PhotoId
from pipeline.domain.verdicts import (
    NOTHING_JUDGED,
    SAME_FACE_OVERLAP,
    Candidate,
    JudgedFaces,
    Verdict,
    tied,
)
from tests.strategies import at_distance, boxes

HERE = Box(x_px=100, y_px=100, width_px=60, height_px=80)


def moved(box: Box, *, x_px: float = 0, y_px: float = 0, by: float = 1) -> Box:
    """Shifted, and scaled around its middle."""
    return Box(
        x_px=box.x_px + x_px + box.width_px * (1 - by) / 2,
        y_px=box.y_px + y_px + box.height_px * (1 - by) / 2,
        width_px=box.width_px * by,
        height_px=box.height_px * by,
    )


def candidate(
    box: Box,
    *,
    given_box: Box = HERE,
    photo_id: int = 1,
    face_id: int = 1,
    verdict: Verdict = Verdict.ME,
    distance: float = 0.3,
) -> Candidate:
    return Candidate(
        verdict=verdict,
        given_box=given_box,
        photo_id=PhotoId(photo_id),
        face_id=FaceId(face_id),
        box=box,
        embedding=at_distance(distance),
        quality=0.5,
    )


def candidates() -> st.SearchStrategy[list[Candidate]]:
    """Every face of some photos, once for each verdict on its photo, as the store lists them."""

    def build(
        faces: list[tuple[int, float, float, float]],
        verdicts: list[tuple[int, float, float, Verdict]],
    ) -> list[Candidate]:
        return [
            candidate(
                moved(HERE, x_px=x, y_px=y, by=by),
                given_box=moved(HERE, x_px=given_x, y_px=given_y),
                photo_id=photo_id,
                face_id=face_id,
                verdict=verdict,
            )
            for face_id, (photo_id, x, y, by) in enumerate(faces)
            for given_photo, given_x, given_y, verdict in verdicts
            if given_photo == photo_id
        ]

    near = st.floats(-60, 60)
    photo = st.integers(0, 2)
    return st.builds(
        build,
        st.lists(st.tuples(photo, near, near, st.floats(0.5, 2)), max_size=8),
        st.lists(
            st.tuples(photo, near, near, st.sampled_from(Verdict)),
            max_size=4,
            unique_by=lambda given: given[:3],
        ),
    )


def overlap(face: Candidate) -> float:
    return face.box.overlap(face.given_box)


@given(candidates())
def test_each_verdict_is_tied_to_the_face_it_overlaps_most(faces: list[Candidate]) -> None:
    judged = tied(faces)

    for face in [*judged.confirmed, *judged.rejected]:
        rivals = [
            other
            for other in faces
            if (other.photo_id, other.given_box, other.verdict)
            == (face.photo_id, face.given_box, face.verdict)
        ]
        assert overlap(face) == max(map(overlap, rivals)) >= SAME_FACE_OVERLAP


@given(candidates())
def test_a_verdict_is_tied_wherever_a_face_overlaps_enough(faces: list[Candidate]) -> None:
    judged = tied(faces)

    assert {
        (face.photo_id, face.given_box, face.verdict)
        for face in faces
        if overlap(face) >= SAME_FACE_OVERLAP
    } == {
        (face.photo_id, face.given_box, face.verdict)
        for face in [*judged.confirmed, *judged.rejected]
    }


@given(candidates(), st.randoms())
def test_the_order_of_faces_ties_no_other_verdict(faces: list[Candidate], random: Random) -> None:
    shuffled = list(faces)
    random.shuffle(shuffled)
    one, other = tied(faces), tied(shuffled)

    # Where two faces overlap equally, either will do.
    assert sorted(map(overlap, one.confirmed)) == sorted(map(overlap, other.confirmed))
    assert sorted(map(overlap, one.rejected)) == sorted(map(overlap, other.rejected))


@given(candidates())
def test_what_is_confirmed_was_said_to_be_me(faces: list[Candidate]) -> None:
    judged = tied(faces)

    assert {face.verdict for face in judged.confirmed} <= {Verdict.ME}
    assert {face.verdict for face in judged.rejected} <= {Verdict.NOT_ME}


@given(boxes(), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0.9, 1.1))
def test_a_face_detected_anew_a_tenth_aside_keeps_its_verdict(
    box: Box, x: float, y: float, by: float
) -> None:
    anew = moved(box, x_px=x * box.width_px, y_px=y * box.height_px, by=by)

    judged = tied([candidate(anew, given_box=box)])

    assert len(judged.confirmed) == 1


@given(boxes(), boxes())
def test_faces_that_hardly_overlap_have_nothing_to_do_with_each_other(
    given_box: Box, box: Box
) -> None:
    judged = tied([candidate(box, given_box=given_box)])

    assert bool(judged.confirmed) == (box.overlap(given_box) >= SAME_FACE_OVERLAP)


def test_the_face_beside_it_is_not_meant() -> None:
    neighbour = moved(HERE, x_px=HERE.width_px * 0.6)

    assert not tied([candidate(neighbour)]).confirmed


def test_a_verdict_holds_in_each_photo_that_shows_the_picture() -> None:
    reposts = [candidate(HERE, photo_id=photo_id, face_id=photo_id) for photo_id in (1, 2, 3)]

    assert tied(reposts).confirmed_ids == {1, 2, 3}


def test_rejecting_one_face_confirms_none_and_the_other_way_round() -> None:
    other = moved(HERE, x_px=300)
    faces = [
        candidate(HERE, face_id=1, verdict=Verdict.ME),
        candidate(other, face_id=2, verdict=Verdict.ME),
        candidate(HERE, face_id=1, given_box=other, verdict=Verdict.NOT_ME),
        candidate(other, face_id=2, given_box=other, verdict=Verdict.NOT_ME),
    ]

    judged = tied(faces)

    assert [judged.confirmed_ids, judged.rejected_ids] == [{FaceId(1)}, {FaceId(2)}]


def test_without_faces_nothing_is_judged() -> None:
    judged = tied([])

    assert (judged.confirmed_ids, judged.rejected_ids) == (frozenset(), frozenset())


def test_nothing_is_like_a_rejected_face_where_there_is_none() -> None:
    assert NOTHING_JUDGED.rejected_similarity(at_distance(0.2)) == -1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_the_likest_rejected_face_counts(distances: list[float]) -> None:
    rejected = [
        replace(candidate(HERE, verdict=Verdict.NOT_ME), embedding=at_distance(distance))
        for distance in distances
    ]

    similarity = JudgedFaces(rejected=rejected).rejected_similarity(at_distance(0.0))

    assert similarity == pytest.approx(1 - min(distances), abs=1e-5)
    assert isinstance(similarity, float)
    assert not np.isnan(similarity)
