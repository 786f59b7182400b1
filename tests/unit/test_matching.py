"""Near faces become matches: at most one a photo, closest first, reposts collapsed."""

from collections import defaultdict
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.calibration import Limits
from pipeline.domain.matching import judge, ranked, without_reposts
from pipeline.domain.model import Certainty, Match, NearFace, PhotoId
from tests.strategies import near_face, near_faces

SURE, MAYBE = 0.5, 0.7


def judged(near: list[NearFace]) -> list[Match]:
    return judge(near, Limits(sure_distance=SURE, maybe_distance=MAYBE))


def facts(matches: list[Match]) -> list[tuple[PhotoId, float, Certainty]]:
    return [(match.face.photo_id, match.face.distance, match.certainty) for match in matches]


@given(near_faces())
def test_a_photo_matches_once_by_its_closest_face(near: list[NearFace]) -> None:
    closest: dict[PhotoId, float] = defaultdict(lambda: 9.0)
    for face in near:
        closest[face.photo_id] = min(closest[face.photo_id], face.distance)

    matches = judged(near)

    assert {match.face.photo_id: match.face.distance for match in matches} == {
        photo_id: distance for photo_id, distance in closest.items() if distance <= MAYBE
    }
    assert len(matches) == len({match.face.photo_id for match in matches})


@given(near_faces())
def test_every_sure_match_precedes_every_maybe(near: list[NearFace]) -> None:
    certainties = [match.certainty for match in judged(near)]

    sure = certainties.count(Certainty.SURE)
    assert certainties == [Certainty.SURE] * sure + [Certainty.MAYBE] * (len(certainties) - sure)


@given(near_faces())
def test_a_match_is_sure_exactly_up_to_the_sure_distance(near: list[NearFace]) -> None:
    for match in judged(near):
        assert (match.certainty is Certainty.SURE) == (match.face.distance <= SURE)


def test_a_face_at_either_limit_still_counts() -> None:
    matches = judged([near_face(1, distance=SURE), near_face(2, distance=MAYBE)])

    assert [match.certainty for match in matches] == [Certainty.SURE, Certainty.MAYBE]


@given(near_faces(), st.randoms())
def test_the_order_of_faces_changes_no_judgement(near: list[NearFace], random: Random) -> None:
    shuffled = list(near)
    random.shuffle(shuffled)

    assert facts(judged(shuffled)) == facts(judged(near))


def test_the_second_face_of_a_photo_is_somebody_else_however_close() -> None:
    twins = [near_face(1, face_id=1, distance=0.10), near_face(1, face_id=2, distance=0.11)]

    assert [match.face.face_id for match in judged(twins)] == [1]


@given(near_faces())
def test_of_reposts_only_the_earliest_stays(near: list[NearFace]) -> None:
    matches = judged(near)
    posts: dict[bytes, list[tuple[float, int]]] = defaultdict(list)
    for match in matches:
        if match.face.content_hash is not None:
            posted = match.face.share.shared_at.timestamp(), match.face.photo_id
            posts[match.face.content_hash].append(posted)

    kept = without_reposts(matches)

    assert {
        match.face.content_hash: match.face.photo_id
        for match in kept
        if match.face.content_hash is not None
    } == {content: min(posted)[1] for content, posted in posts.items()}


@given(near_faces())
def test_photos_of_unknown_content_are_never_collapsed(near: list[NearFace]) -> None:
    matches = judged(near)

    kept = without_reposts(matches)

    unknown = [match for match in matches if match.face.content_hash is None]
    assert [match for match in kept if match.face.content_hash is None] == unknown


@given(near_faces(), st.randoms())
def test_collapsing_reposts_depends_on_no_order(near: list[NearFace], random: Random) -> None:
    matches = judged(near)
    shuffled = list(matches)
    random.shuffle(shuffled)

    assert without_reposts(shuffled) == without_reposts(matches)


@given(near_faces())
def test_what_is_collapsed_stays_ranked(near: list[NearFace]) -> None:
    kept = without_reposts(judged(near))

    assert kept == ranked(kept)


def test_similarity_is_the_cosine() -> None:
    (match,) = judged([near_face(distance=0.25)])

    assert match.similarity == 0.75
