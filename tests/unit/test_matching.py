"""Near faces become matches: at most one a photo, closest first, reposts collapsed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.domain.calibration import Limits
from pipeline.domain.matching import judge, ranked, together, without_reposts
from pipeline.domain.model import Certainty, Match, NearFace, PhotoId
from pipeline.domain.references import POOR_QUALITY
from pipeline.domain.verdicts import NOTHING_JUDGED, Candidate, JudgedFaces, Verdict
from tests.strategies import QUERY, at_distance, near_face, near_faces, towards

SURE, MAYBE = 0.5, 0.7
AHEAD, SAME, POOR = 0.2, 0.125, 0.06
LIMITS = Limits(
    sure_distance=SURE,
    maybe_distance=MAYBE,
    alone_distance=0.4,
    hint_distance=0.6,
    reach_distance=0.85,
    ahead_distance=AHEAD,
    same_face_distance=SAME,
    poor_distance=POOR,
)


def judged(near: Sequence[NearFace], words: JudgedFaces = NOTHING_JUDGED) -> list[Match]:
    return judge(near, LIMITS, words)


def candidate(face: NearFace, verdict: Verdict) -> Candidate:
    """The person's word on this very face."""
    return Candidate(
        verdict=verdict,
        given_box=face.box,
        photo_id=face.photo_id,
        face_id=face.face_id,
        box=face.box,
        embedding=face.embedding,
        quality=face.quality,
    )


def said(*, me: Sequence[NearFace] = (), not_me: Sequence[NearFace] = ()) -> JudgedFaces:
    return JudgedFaces(
        confirmed=[candidate(face, Verdict.ME) for face in me],
        rejected=[candidate(face, Verdict.NOT_ME) for face in not_me],
    )


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
def test_a_match_is_sure_up_to_the_sure_distance_where_nobody_else_is_about_as_close(
    near: list[NearFace],
) -> None:
    for match in judged(near):
        best = match.face
        rivals = [
            face
            for face in near
            if face.photo_id == best.photo_id
            and face is not best
            and face.distance <= MAYBE
            and face.distance - best.distance < AHEAD
            and float(face.embedding @ best.embedding) < 1 - SAME
        ]
        assert (match.certainty is Certainty.SURE) == (best.distance <= SURE and not rivals)


def test_a_face_at_either_limit_still_counts() -> None:
    matches = judged([near_face(1, distance=SURE), near_face(2, distance=MAYBE)])

    assert [match.certainty for match in matches] == [Certainty.SURE, Certainty.MAYBE]


@given(near_faces(), st.randoms())
def test_the_order_of_faces_changes_no_judgement(near: list[NearFace], random: Random) -> None:
    shuffled = list(near)
    random.shuffle(shuffled)

    assert facts(judged(shuffled)) == facts(judged(near))


def test_of_two_faces_about_as_close_the_closest_is_shown_and_it_is_a_maybe() -> None:
    twins = [near_face(1, face_id=1, distance=0.20), near_face(1, face_id=2, distance=0.21)]

    assert [(match.face.face_id, match.certainty) for match in judged(twins)] == [
        (1, Certainty.MAYBE)
    ]


def test_a_face_far_ahead_of_the_photos_others_is_sure() -> None:
    friends = [
        near_face(1, face_id=1, distance=0.3),
        near_face(1, face_id=2, distance=0.3 + AHEAD),
        near_face(1, face_id=3, distance=0.69),
    ]

    assert [(match.face.face_id, match.certainty) for match in judged(friends)] == [
        (1, Certainty.SURE)
    ]


def test_twins_in_two_photos_are_both_sure() -> None:
    """Only within one photo is it known that they are two."""
    apart = [near_face(1, face_id=1, distance=0.20), near_face(2, face_id=2, distance=0.21)]

    assert [match.certainty for match in judged(apart)] == [Certainty.SURE] * 2


def test_the_same_face_twice_as_in_a_mirror_stays_sure() -> None:
    seen = at_distance(0.30)
    mirrored = towards(seen, at_distance(0.30, aside=2), distance=SAME - 0.01)
    further = 1 - float(mirrored @ QUERY)
    mirror = [
        near_face(1, face_id=1, distance=0.30, embedding=seen),
        near_face(1, face_id=2, distance=further, embedding=mirrored),
    ]

    assert [match.certainty for match in judged(mirror)] == [Certainty.SURE]


def test_the_same_face_twice_beside_a_twin_is_a_maybe() -> None:
    faces = [
        near_face(1, face_id=1, distance=0.20),
        near_face(
            1, face_id=2, distance=0.20, embedding=near_face(face_id=1, distance=0.2).embedding
        ),
        near_face(1, face_id=3, distance=0.21),
    ]

    assert [match.certainty for match in judged(faces)] == [Certainty.MAYBE]


@given(st.floats(0, 2), st.floats(0, 1), st.floats(0, 1))
def test_the_poorer_a_face_the_closer_it_must_be(distance: float, one: float, two: float) -> None:
    rank = {(): 0, (Certainty.MAYBE,): 1, (Certainty.SURE,): 2}
    poorer, better = (
        rank[tuple(match.certainty for match in judged([near_face(distance=distance, quality=q)]))]
        for q in sorted((one, two))
    )

    assert poorer <= better


def test_a_face_of_no_quality_must_be_closer_by_what_the_limits_say() -> None:
    faces = [
        near_face(photo_id, face_id=photo_id, distance=distance, quality=0)
        for photo_id, distance in enumerate(
            [SURE - POOR - 1e-6, SURE - POOR + 1e-6, MAYBE - POOR - 1e-6, MAYBE - POOR + 1e-6]
        )
    ]

    assert [(match.face.photo_id, match.certainty) for match in judged(faces)] == [
        (0, Certainty.SURE),
        (1, Certainty.MAYBE),
        (2, Certainty.MAYBE),
    ]


@given(st.floats(POOR_QUALITY, 1))
def test_from_a_certain_quality_on_every_face_counts_the_same(quality: float) -> None:
    faces = [
        near_face(1, face_id=1, distance=SURE, quality=quality),
        near_face(2, face_id=2, distance=MAYBE, quality=quality),
    ]

    assert [match.certainty for match in judged(faces)] == [Certainty.SURE, Certainty.MAYBE]


@given(near_faces(), st.sets(st.integers(0, 29)))
def test_a_rejected_face_never_matches(near: list[NearFace], numbers: set[int]) -> None:
    rejected = [near[number] for number in numbers if number < len(near)]

    matches = judged(near, said(not_me=rejected))

    assert {match.face.face_id for match in matches}.isdisjoint(face.face_id for face in rejected)


@given(near_faces(), st.integers(0, 29), st.floats(0, SAME - 0.001), st.floats(0, 1))
def test_nor_does_a_near_duplicate_of_it(
    near: list[NearFace], number: int, distance: float, quality: float
) -> None:
    """Another size, another compression: hardly another embedding."""
    assume(number < len(near))
    rejected = near[number]
    copy = near_face(
        99,
        face_id=99,
        distance=rejected.distance,
        quality=quality,
        embedding=towards(rejected.embedding, at_distance(1, aside=63), distance=distance),
    )

    matches = judged([*near, copy], said(not_me=[rejected]))

    assert 99 not in {match.face.photo_id for match in matches}


@given(near_faces(), st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_a_match_more_like_a_rejected_face_than_like_the_person_is_never_sure(
    near: list[NearFace], distances: list[float]
) -> None:
    elsewhere = [
        near_face(90 + number, face_id=90 + number, distance=distance)
        for number, distance in enumerate(distances)
    ]

    for match in judged(near, said(not_me=elsewhere)):
        likest = max(float(match.face.embedding @ face.embedding) for face in elsewhere)
        if likest > match.similarity:
            assert match.certainty is Certainty.MAYBE


def test_a_match_less_like_a_rejected_face_than_like_the_person_stays_sure() -> None:
    lookalike = near_face(2, face_id=2, distance=0.5)

    (match,) = judged([near_face(1, face_id=1, distance=0.3)], said(not_me=[lookalike]))

    assert match.certainty is Certainty.SURE


def test_who_is_rejected_is_no_rival_any_more() -> None:
    """One of two twins: the other one, the person said."""
    twins = [near_face(1, face_id=1, distance=0.30), near_face(1, face_id=2, distance=0.20)]

    (match,) = judged(twins, said(not_me=[twins[1]]))

    assert match.face.face_id == 1


@given(near_faces(), st.integers(0, 29))
def test_a_confirmed_face_is_sure_and_wins_over_closer_ones(
    near: list[NearFace], number: int
) -> None:
    assume(number < len(near))
    confirmed = near[number]

    (match,) = (
        match
        for match in judged(near, said(me=[confirmed]))
        if match.face.photo_id == confirmed.photo_id
    )

    assert (match.face, match.certainty, match.confirmed) == (confirmed, Certainty.SURE, True)


@given(near_faces(), st.sets(st.integers(0, 29)))
def test_rejecting_a_face_makes_no_photo_surer_that_does_not_show_it(
    near: list[NearFace], numbers: set[int]
) -> None:
    """Where it is shown it was a rival, and is none any more."""
    rejected = [near[number] for number in numbers if number < len(near)]
    showing = {
        face.photo_id
        for face in near
        for other in rejected
        if face is other or float(face.embedding @ other.embedding) >= 1 - SAME - 1e-6
    }

    before, after = (
        {match.face.photo_id for match in matches if match.certainty is Certainty.SURE}
        for matches in (judged(near), judged(near, said(not_me=rejected)))
    )

    assert after - showing <= before


def test_only_the_person_confirms() -> None:
    assert not any(match.confirmed for match in judged([near_face(distance=0.0)]))


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


def test_a_repost_is_as_sure_as_the_surest_of_its_copies() -> None:
    """They are the same picture: what one of them proves, it proves of all."""
    rival = near_face(1, face_id=2, distance=0.31, content_hash=b"a")
    copies = [
        near_face(1, face_id=1, distance=0.30, content_hash=b"a", day=0),
        rival,
        near_face(2, face_id=3, distance=0.30, content_hash=b"a", day=1),
    ]

    (match,) = without_reposts(judged(copies))

    assert (match.face.photo_id, match.certainty) == (1, Certainty.SURE)


@given(near_faces())
def test_collapsing_reposts_makes_none_less_sure(near: list[NearFace]) -> None:
    matches = judged(near)
    sure = {match.face.content_hash for match in matches if match.certainty is Certainty.SURE} - {
        None
    }

    kept = without_reposts(matches)

    assert {match.face.content_hash for match in kept if match.certainty is Certainty.SURE} - {
        None
    } == sure


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


def match(photo_id: int, face_id: int, *, distance: float = 0.2, is_sure: bool = True) -> Match:
    return Match(
        face=near_face(photo_id, face_id=face_id, distance=distance),
        certainty=Certainty.SURE if is_sure else Certainty.MAYBE,
    )


def test_photos_that_show_several_people_are_those_that_each_of_them_is_in() -> None:
    mine = [match(1, 11), match(2, 21), match(3, 31)]
    theirs = [match(2, 22), match(3, 32), match(4, 42)]
    others = [match(3, 33), match(2, 23), match(1, 13)]

    assert [one.face.photo_id for one in together([mine, theirs, others])] == [2, 3]


def test_together_the_matches_are_of_the_first_persons_faces() -> None:
    found = together([[match(1, 11)], [match(1, 12)]])

    assert [one.face.face_id for one in found] == [11]


def test_two_people_need_a_face_each() -> None:
    assert together([[match(1, 11)], [match(1, 11)]]) == []


def test_together_is_as_certain_as_the_least_certain_of_them() -> None:
    mine = [match(1, 11, distance=0.1), match(2, 21, distance=0.4, is_sure=False)]
    theirs = [match(1, 12, distance=0.6, is_sure=False), match(2, 22, distance=0.1)]

    assert facts(together([mine, theirs])) == [
        (PhotoId(2), 0.4, Certainty.MAYBE),
        (PhotoId(1), 0.6, Certainty.MAYBE),
    ]


def test_together_sure_photos_come_first_then_the_closest_of_the_furthest() -> None:
    mine = [match(1, 11, distance=0.1), match(2, 21, distance=0.2), match(3, 31, distance=0.0)]
    theirs = [
        match(1, 12, distance=0.4),
        match(2, 22, distance=0.3),
        match(3, 32, distance=0.1, is_sure=False),
    ]

    assert [one.face.photo_id for one in together([mine, theirs])] == [2, 1, 3]


@given(near_faces())
def test_one_person_alone_is_together_with_nobody_else(near: list[NearFace]) -> None:
    found = judged(near)

    assert together([found]) == found


@given(near_faces(), near_faces())
def test_together_never_shows_a_photo_that_one_of_them_is_not_in(
    near: list[NearFace], others: list[NearFace]
) -> None:
    mine, theirs = judged(near), judged(others)
    ids = [{one.face.photo_id for one in found} for found in (mine, theirs)]

    found = together([mine, theirs])

    assert {one.face.photo_id for one in found} <= ids[0] & ids[1]
    assert found == ranked(found)


def test_a_confirmed_photo_is_no_more_than_a_maybe_where_a_colleague_may_not_be_in_it() -> None:
    mine = [replace(match(1, 11), confirmed=True)]

    (found,) = together([mine, [match(1, 12, is_sure=False)]])

    assert (found.certainty, found.confirmed) == (Certainty.MAYBE, False)
