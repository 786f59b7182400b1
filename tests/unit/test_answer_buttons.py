"""What can be done with an answer, and by whom."""

from dataclasses import replace
from typing import Any

import pytest

from bot.blocks import answer as blocks
from bot.pages import Page, Rejected
from bot.payloads import Click, FaceInPhoto, StaleButtonError
from bot.question import Question
from pipeline.domain.model import Box, PhotoId
from pipeline.domain.verdicts import Verdict
from pipeline.usecases.find_photos import Found
from tests.rendering import (
    BEN,
    CAT,
    LONGEST_QUESTION,
    ME,
    Json,
    elements,
    found,
    match,
    page,
    sought,
    taken,
)

FACE = FaceInPhoto(photo_id=PhotoId(7), box=Box(x_px=1.0, y_px=2.0, width_px=30.0, height_px=40.0))
MINE = Question(people=(ME,))
BENS = Question(people=(BEN,))
TOGETHER = Question(people=(BEN, ME, CAT))


NOTED = Rejected(face=FACE, also=16)


def rendered(one: Page, *, pictures: bool = True, noted: Rejected | None = None) -> list[Json]:
    return taken(blocks.answer(one, pictures=pictures, noted=noted))


def many(number: int, **facts: Any) -> Found:
    return found(*(match(each, **facts) for each in range(number)))


def question_of(block_id: str) -> Question:
    body = {
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "actions": [{"action_id": "x", "block_id": block_id}],
    }
    return Click.from_body(body).question


@pytest.mark.parametrize(
    ("question", "has_verdicts"), [(MINE, True), (TOGETHER, True), (BENS, False)]
)
def test_a_word_on_a_match_is_asked_only_of_whoever_it_shows(
    question: Question, *, has_verdicts: bool
) -> None:
    answer = rendered(page(found(match(1), match(2, sure=False)), question))

    verdicts = {"me", "not_me", "verdict"} & set(elements(answer))
    assert verdicts == ({"me", "not_me", "verdict"} if has_verdicts else set())


def test_a_maybe_has_its_two_buttons_in_the_open() -> None:
    answer = rendered(page(found(match(3, sure=False))))

    (me,), (not_me,) = elements(answer)["me"], elements(answer)["not_me"]
    assert (me["text"]["text"], not_me["text"]["text"]) == ("That's me", "Not me")
    assert FaceInPhoto.from_value(me["value"]).photo_id == 3
    assert me["value"] == not_me["value"]
    assert "verdict" not in elements(answer)


@pytest.mark.parametrize(
    ("confirmed", "labels"), [(False, ["That's me", "Not me"]), (True, ["Not me"])]
)
def test_a_sure_photo_has_them_in_its_menu(labels: list[str], *, confirmed: bool) -> None:
    answer = rendered(page(found(match(3, confirmed=confirmed))))

    (menu,) = elements(answer)["verdict"]
    assert menu["type"] == "overflow"
    assert [option["text"]["text"] for option in menu["options"]] == labels
    said = [blocks.verdict_of(option["value"]) for option in menu["options"]]
    assert [verdict for verdict, _ in said] == [Verdict.ME, Verdict.NOT_ME][-len(labels) :]
    assert {face.photo_id for _, face in said} == {3}


@pytest.mark.parametrize("value", ["", "me", "perhaps 1:2:3:4:5", "me 1:2:3", "1:2:3:4:5"])
def test_an_option_of_an_earlier_version_is_stale(value: str) -> None:
    with pytest.raises(StaleButtonError):
        blocks.verdict_of(value)


@pytest.mark.parametrize(("share_with", "offered"), [(None, False), ("C1", True)])
def test_photos_can_be_shared_only_where_there_is_a_channel(
    share_with: str | None, *, offered: bool
) -> None:
    answer = rendered(page(many(2), share_with=share_with))

    assert ("share" in elements(answer)) is offered


def test_an_empty_answer_offers_nothing_to_do_with_photos() -> None:
    assert elements(rendered(page(found(), share_with="C1"))) == {}


@pytest.mark.parametrize(
    ("who", "question", "offered"),
    [
        (sought(poor=True), MINE, True),
        (sought(faces=2), MINE, True),
        (sought(faces=2), TOGETHER, True),
        (sought(), MINE, False),
        (sought(BEN, faces=2, poor=True), BENS, False),
        (sought(BEN, poor=True), TOGETHER, False),
    ],
)
def test_a_selfie_is_offered_where_one_of_the_asker_would_help(
    who: Any, question: Question, *, offered: bool
) -> None:
    answer = rendered(page(found(match(), people=[who]), question))

    assert ("selfie" in elements(answer)) is offered


def test_a_face_that_was_rejected_can_be_taken_back() -> None:
    answer = rendered(page(many(1), MINE), noted=Rejected(face=FACE, also=16))

    (undo,) = elements(answer)["undo"]
    assert "nor 16 photos more in which it looks just the same" in answer[0]["text"]["text"]
    assert FaceInPhoto.from_value(undo["value"]) == FACE
    assert question_of(answer[0]["block_id"]) == MINE


def test_every_row_carries_its_question() -> None:
    question = replace(LONGEST_QUESTION, first=0)
    asker = question.people[3]
    answer = rendered(
        page(many(12, sure=False), question, asker=asker), noted=Rejected(face=FACE, also=16)
    )

    block_ids = [each["block_id"] for each in answer if "block_id" in each]
    assert len(block_ids) == 12
    assert {question_of(one) for one in block_ids} == {question}


def test_the_way_to_a_selfie_carries_the_question() -> None:
    answer = taken(blocks.with_selfie_button("I don't know your face.", BENS))

    assert question_of(answer[1]["block_id"]) == BENS
    assert list(elements(answer)) == ["selfie"]
