"""One vector of all that is known of a face; what is poor or another face doesn't speak."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import Reference, ReferenceKind
from pipeline.domain.references import POOR_QUALITY, combined, reference_from, usable
from tests.strategies import at_distance, photo_faces, random_units

PROFILE, SELFIE, CONFIRMED = ReferenceKind.PROFILE, ReferenceKind.SELFIE, ReferenceKind.CONFIRMED
MAYBE_SIMILARITY = 0.3


def reference(
    embedding: Embedding, *, quality: float = 0.5, kind: ReferenceKind = PROFILE
) -> Reference:
    return Reference(embedding=embedding, quality=quality, faces_in_picture=1, kind=kind)


def references() -> st.SearchStrategy[list[Reference]]:
    """One profile picture at most, and some selfies and confirmed faces, of any quality."""
    rows = st.lists(st.tuples(st.floats(0, 1), st.sampled_from([SELFIE, CONFIRMED])), max_size=5)

    def build(
        own: list[tuple[float, ReferenceKind]], profile: float | None, seed: int
    ) -> list[Reference]:
        kinds = own + ([(profile, PROFILE)] if profile is not None else [])
        directions = random_units(len(kinds), 8, seed=seed) if kinds else ()
        return [
            reference(direction, quality=quality, kind=kind)
            for direction, (quality, kind) in zip(directions, kinds, strict=True)
        ]

    return st.builds(build, rows, st.none() | st.floats(0, 1), st.integers(0, 999))


def some() -> st.SearchStrategy[list[Reference]]:
    return references().filter(bool)


def spoken_for(known: Sequence[Reference]) -> list[Reference]:
    return usable(known, maybe_similarity=MAYBE_SIMILARITY)


@given(some())
def test_what_is_combined_has_unit_length(known: list[Reference]) -> None:
    face = combined(known)

    assert np.linalg.norm(face) == pytest.approx(1, abs=1e-5)
    assert face.dtype == np.float32


@given(some(), st.randoms())
def test_the_order_of_references_changes_nothing(known: list[Reference], random: Random) -> None:
    shuffled = list(known)
    random.shuffle(shuffled)

    np.testing.assert_allclose(combined(shuffled), combined(known), atol=1e-5)


def test_one_reference_alone_is_what_it_was() -> None:
    face = at_distance(0.3)

    np.testing.assert_allclose(combined([reference(face, quality=0.0)]), face, atol=1e-6)


@given(st.floats(0, 1), st.floats(0, 1))
def test_of_two_references_the_better_one_says_more(one: float, other: float) -> None:
    worse, better = sorted((one, other))
    known = [
        reference(at_distance(0.5, aside=1), quality=worse),
        reference(at_distance(0.5, aside=2), quality=better),
    ]

    face = combined(known)

    assert face @ known[0].embedding <= face @ known[1].embedding + 1e-6


def test_several_references_have_the_person_in_common() -> None:
    """Each is as far aside as another; their mean is closer to the person than any of them."""
    person = at_distance(0.0)
    known = [reference(at_distance(0.4, aside=aside)) for aside in (1, 2, 3)]

    assert combined(known) @ person > 0.75 > known[0].embedding @ person


@given(references())
def test_a_poor_reference_never_speaks_beside_a_good_one(known: list[Reference]) -> None:
    chosen = spoken_for(known)

    if any(one.quality >= POOR_QUALITY for one in known):
        assert all(one.quality >= POOR_QUALITY for one in chosen)


@given(some())
def test_somebody_speaks_whenever_anybody_is_there(known: list[Reference]) -> None:
    assert spoken_for(known)


def test_of_nothing_nothing_is_usable() -> None:
    assert spoken_for([]) == []


@given(st.lists(st.floats(0, POOR_QUALITY, exclude_max=True), min_size=1, max_size=5))
def test_of_poor_references_the_best_speaks_alone(qualities: list[float]) -> None:
    known = [reference(at_distance(0.2, aside=1 + i), quality=q) for i, q in enumerate(qualities)]

    (chosen,) = spoken_for(known)

    assert chosen.quality == max(qualities)


@given(references())
def test_what_a_person_gave_and_confirmed_speaks_unless_it_is_poor(known: list[Reference]) -> None:
    own = [one for one in known if one.kind is not PROFILE and one.quality >= POOR_QUALITY]
    chosen = {id(one) for one in spoken_for(known)}

    assert {id(one) for one in own} <= chosen


@pytest.mark.parametrize("kind", [SELFIE, CONFIRMED])
def test_a_profile_picture_unlike_the_persons_own_faces_is_left_out(kind: ReferenceKind) -> None:
    own = [reference(at_distance(0.2, aside=aside), kind=kind) for aside in (1, 2)]
    cat = reference(at_distance(1.0, aside=9))

    assert spoken_for([*own, cat]) == own


@pytest.mark.parametrize("kind", [SELFIE, CONFIRMED])
def test_a_profile_picture_like_the_persons_own_faces_speaks_with_them(
    kind: ReferenceKind,
) -> None:
    own = [reference(at_distance(0.2, aside=aside), kind=kind) for aside in (1, 2)]
    profile = reference(at_distance(0.4, aside=3))

    assert spoken_for([*own, profile]) == [*own, profile]


def test_a_profile_picture_is_not_doubted_for_a_poor_selfie() -> None:
    profile = reference(at_distance(1.0, aside=9))
    blurred = reference(at_distance(0.0), quality=POOR_QUALITY / 2, kind=SELFIE)

    assert spoken_for([blurred, profile]) == [profile]


def test_a_profile_picture_alone_speaks_whatever_it_shows() -> None:
    profile = reference(at_distance(1.0, aside=9))

    assert spoken_for([profile]) == [profile]


def test_the_largest_face_of_a_picture_is_the_person() -> None:
    small, large = random_units(2, 8, seed=1)
    faces = photo_faces(small, large)
    object.__setattr__(faces.faces[1].detection.box, "width_px", 70.0)

    read = reference_from(faces, kind=SELFIE)

    np.testing.assert_array_equal(read.embedding, large)
    assert (read.faces_in_picture, read.kind) == (2, SELFIE)
