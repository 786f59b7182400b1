"""The answer to `/findme`: within Slack's limits, whatever the photos are called."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import answer as blocks
from bot.pages import Page, Rejected
from bot.payloads import Click, FaceInPhoto
from bot.question import Question
from pipeline.domain.model import Box, Match, PhotoId
from pipeline.usecases.find_photos import Found
from tests.rendering import (
    BEN,
    CAT,
    LONGEST_QUESTION,
    ME,
    WORST_NAME,
    Json,
    elements,
    found,
    match,
    page,
    parsed,
    skeleton,
    sought,
    taken,
)
from tests.strategies import photo_names

TYPES = ["image/png", "image/jpeg", "image/gif", "image/heic", "image/webp", "image/tiff", ""]
FACE = FaceInPhoto(photo_id=PhotoId(7), box=Box(x_px=1.0, y_px=2.0, width_px=30.0, height_px=40.0))
MINE = Question(people=(ME,))
BENS = Question(people=(BEN,))
TOGETHER = Question(people=(BEN, ME, CAT))


def rendered(one: Page, *, pictures: bool = True, noted: Rejected | None = None) -> list[Json]:
    return taken(blocks.answer(one, pictures=pictures, noted=noted))


def rows_of(answer: list[Json]) -> list[Json]:
    """The sections that show a photo."""
    return [each for each in answer if "\n" in each.get("text", {}).get("text", "")]


def many(number: int, **facts: Any) -> Found:
    return found(*(match(each, **facts) for each in range(number)))


def question_of(block_id: str) -> Question:
    body = {
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "actions": [{"action_id": "x", "block_id": block_id}],
    }
    return Click.from_body(body).question


def matches() -> st.SearchStrategy[list[Match]]:
    rows = st.tuples(photo_names(), st.sampled_from(TYPES), st.booleans(), st.booleans())
    return st.lists(rows, max_size=25).map(
        lambda given: [
            match(number, name=name, media_type=kind, sure=sure or confirmed, confirmed=confirmed)
            for number, (name, kind, sure, confirmed) in enumerate(given)
        ]
    )


@given(
    given_matches=matches(),
    number=st.integers(0, 3),
    question=st.sampled_from([MINE, BENS, TOGETHER, LONGEST_QUESTION]),
    faces=st.integers(0, 3),
    pending=st.integers(0, 9999),
    channels=st.integers(0, 3),
    alt_text=photo_names(),
    pictures=st.booleans(),
)
@settings(deadline=None)
def test_slack_takes_every_page_of_every_answer(
    given_matches: list[Match],
    number: int,
    question: Question,
    faces: int,
    pending: int,
    channels: int,
    alt_text: str,
    *,
    pictures: bool,
) -> None:
    everything = found(
        *given_matches,
        people=[sought(one, faces=faces, poor=faces > 1) for one in question.people],
        channels=[f"C{each}" for each in range(channels)],
        pending=pending,
    )
    asked = question.at(number * blocks.PAGE_SIZE)
    rendered(page(everything, asked, share_with="C1", alt_text=alt_text), pictures=pictures)


def longest(first: int = 0) -> Page:
    """Everything that an answer can hold, each as long as can be."""
    everything = found(
        *(match(each, sure=False, name=WORST_NAME) for each in range(10_000)),
        people=[sought(one, faces=999, poor=True) for one in LONGEST_QUESTION.people],
        channels=LONGEST_QUESTION.channels,
        pending=99_999,
    )
    asker = LONGEST_QUESTION.people[0]
    question = LONGEST_QUESTION.at(first)
    return page(everything, question, asker=asker, share_with="C0000000001", alt_text=WORST_NAME)


@pytest.mark.parametrize("first", [0, 9_980, 9_990])
def test_slack_takes_the_largest_answer(first: int) -> None:
    answer = rendered(longest(first), noted=Rejected(face=FACE, also=16))

    assert len(rows_of(answer)) == 10
    assert len(elements(answer)["me"]) == 10
    assert {"undo", "gallery", "send_all", "share"} <= set(elements(answer))
    assert ("more" in elements(answer)) is (first != 9_990)


def test_the_largest_answer_has_every_note_and_every_button() -> None:
    answer = rendered(longest(), noted=Rejected(face=FACE, also=16))

    notes = next(each for each in answer if each["type"] == "context")["elements"]
    assert 2 < len(notes) <= 10
    assert "selfie" in elements(answer)


@given(photo_names(), photo_names())
@settings(deadline=None)
def test_no_name_breaks_out_of_its_place(name: str, alt_text: str) -> None:
    def answer(name: str, alt_text: str) -> list[Json]:
        everything = found(match(1, name=name), match(2, name=name, sure=False))
        return rendered(page(everything, alt_text=alt_text))

    assert skeleton(answer(name, alt_text)) == skeleton(answer("party.jpg", "Photo"))


@given(photo_names())
@settings(deadline=None)
def test_a_name_without_a_link_stays_in_its_place(name: str) -> None:
    one = match(name=name)
    no_link = replace(one, face=replace(one.face, share=replace(one.face.share, permalink="")))

    title, facts = blocks.photo_lines(no_link, found()).split("\n")

    assert re.fullmatch(r"\*(?:[^*_~`<>|]|(?<=[^\W_])_(?=[^\W_]))+\*", title)
    assert facts.startswith("✅ sure · <!date^")


@pytest.mark.parametrize("name", ["", "  ", "\n\t", "\u202e", "\u3164"])
def test_a_photo_without_a_name_that_is_seen_is_called_photo(name: str) -> None:
    (row,) = rows_of(rendered(page(found(match(name=name)))))

    assert "|photo>*" in row["text"]["text"]


def test_an_address_cannot_end_its_link_early() -> None:
    one = match()
    odd = replace(one.face.share, permalink="https://acme.slack.com/files/a|b>c?d&e")
    lines = blocks.photo_lines(replace(one, face=replace(one.face, share=odd)), found())

    link = ("link", "https://acme.slack.com/files/a%7Cb%3Ec?d&amp;e", "party.jpg")
    assert parsed(lines)[1] == link


@pytest.mark.parametrize("alt_text", ["", "\u202e\u200b"])
def test_a_picture_is_always_described(alt_text: str) -> None:
    (row,) = rows_of(rendered(page(found(match()), alt_text=alt_text)))

    assert row["accessory"]["alt_text"] == "Photo"


def test_a_description_is_plain_text_on_one_line() -> None:
    (row,) = rows_of(rendered(page(found(match()), alt_text="By Ann\u202e & <Ben>\nnow")))

    assert row["accessory"]["alt_text"] == "By Ann & <Ben> now"


@pytest.mark.parametrize("media_type", TYPES)
def test_only_what_slack_can_draw_is_shown_as_a_picture(media_type: str) -> None:
    (row,) = rows_of(rendered(page(found(match(7, media_type=media_type)))))

    drawn = {"id": "F7"} if media_type in {"image/png", "image/jpeg", "image/gif"} else None
    assert row.get("accessory", {}).get("slack_file") == drawn


def test_without_pictures_every_photo_is_still_listed() -> None:
    answer = rendered(page(many(2)), pictures=False)

    assert ["accessory" in each for each in rows_of(answer)] == [False, False]


def test_the_first_page_holds_ten_and_a_button_for_the_next() -> None:
    answer = rendered(page(many(23)))

    assert len(rows_of(answer)) == 10
    (button,) = elements(answer)["more"]
    assert (button["text"]["text"], button["value"]) == ("Show 10 more of 13", "10")


def test_the_last_page_holds_the_rest_and_no_button_for_more() -> None:
    answer = rendered(page(many(23), MINE.at(20)))

    assert len(rows_of(answer)) == 3
    assert "more" not in elements(answer)


@given(st.integers(0, 45))
@settings(deadline=None, max_examples=20)
def test_the_pages_together_show_every_photo_once(total: int) -> None:
    everything = many(total)
    seen: list[str] = []
    question: Question | None = MINE
    while question is not None:
        answer = rendered(page(everything, question))
        seen += [each["accessory"]["slack_file"]["id"] for each in rows_of(answer)]
        more = elements(answer).get("more")
        nav = answer[-1].get("block_id", "")
        question = question_of(nav).at(int(more[0]["value"])) if more else None

    assert seen == [f"F{each}" for each in range(total)]
