"""Whose face is kept out: those as close to a template as strangers hardly ever are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.calibration import Curve
from pipeline.domain.model import Certainty, Match, UserId
from pipeline.domain.opt_outs import Template, is_of_another, max_distance, without
from tests.strategies import QUERY, at_distance, near_face, towards

CURVE = Curve(sure=0.45, maybe=0.29)
MAYBE = CURVE.maybe
ANN, BEN = UserId("U1"), UserId("U2")
ANN_OUT = Template(user_id=ANN, embedding=QUERY, max_distance=0.5)
BEN_OUT = Template(user_id=BEN, embedding=at_distance(1.0, aside=2), max_distance=0.5)


def match(similarity: float, *, likeness: float, confirmed: bool = False) -> Match:
    """A face so much like the person it was found for, and so much like ANN."""
    face = near_face(distance=1.0 - similarity, embedding=at_distance(1.0 - likeness))
    return Match(face=face, certainty=Certainty.MAYBE, confirmed=confirmed)


def test_a_face_is_kept_out_from_where_the_engine_is_sure() -> None:
    assert max_distance(CURVE) == pytest.approx(1.0 - CURVE.sure)


@given(st.floats(0.2, 0.8), st.floats(0.01, 0.15))
def test_a_face_that_only_may_be_theirs_is_never_kept_out(sure: float, gap: float) -> None:
    curve = Curve(sure=sure, maybe=sure - gap)

    assert 0.0 < max_distance(curve) < 1.0 - curve.maybe


def test_somebody_else_with_their_face_is_not_looked_for() -> None:
    assert is_of_another(at_distance(0.49), [BEN_OUT, ANN_OUT], user_id=BEN)
    assert not is_of_another(at_distance(0.51), [BEN_OUT, ANN_OUT], user_id=BEN)


def test_a_face_of_nobody_in_particular_is_not_looked_for_either() -> None:
    assert is_of_another(QUERY, [ANN_OUT], user_id=None)


def test_their_own_face_is_not_that_of_another() -> None:
    assert not is_of_another(QUERY, [ANN_OUT], user_id=ANN)


def test_where_nobody_is_out_everybody_is_looked_for() -> None:
    assert not is_of_another(QUERY, [], user_id=BEN)


def test_a_face_more_like_somebody_who_is_out_is_left_out() -> None:
    theirs = match(0.4, likeness=0.41)
    own = match(0.4, likeness=0.39)

    assert without([theirs, own], [ANN_OUT], maybe=MAYBE) == [own]


def test_a_face_that_cannot_be_theirs_stays() -> None:
    unlike = match(0.1, likeness=MAYBE - 0.01)

    assert without([unlike], [ANN_OUT], maybe=MAYBE) == [unlike]


def test_a_face_that_its_person_confirmed_stays() -> None:
    confirmed = match(0.4, likeness=0.9, confirmed=True)

    assert without([confirmed], [ANN_OUT], maybe=MAYBE) == [confirmed]


def test_where_nobody_is_out_everything_stays() -> None:
    matches = [match(0.4, likeness=0.9)]

    assert without(matches, [], maybe=MAYBE) == matches


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6),
    st.permutations([ANN_OUT, BEN_OUT]),
)
def test_each_template_counts_in_whatever_order(
    faces: list[tuple[float, float]], templates: list[Template]
) -> None:
    matches = [
        Match(
            face=near_face(
                distance=1.0 - similarity,
                embedding=towards(BEN_OUT.embedding, QUERY, distance=distance),
            ),
            certainty=Certainty.SURE,
        )
        for similarity, distance in faces
    ]

    one_after_the_other = without(without(matches, [ANN_OUT], maybe=MAYBE), [BEN_OUT], maybe=MAYBE)
    assert without(matches, templates, maybe=MAYBE) == one_after_the_other
