"""What a search is asked for, and its code."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.grammar.commands import parsed
from bot.question import MOST_CHANNELS, MOST_PEOPLE, Question
from pipeline.domain.model import ChannelId, UserId

IDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=12)
SECONDS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds of Hypothesis have none
    lambda when: when.replace(microsecond=0)
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    return Question(
        people=tuple(map(UserId, draw(st.lists(IDS, min_size=1, max_size=MOST_PEOPLE)))),
        channels=tuple(map(ChannelId, draw(st.lists(IDS, max_size=MOST_CHANNELS)))),
        since=draw(st.none() | SECONDS),
        until=draw(st.none() | SECONDS),
        only_sure=draw(st.booleans()),
        selfie=draw(st.just("") | IDS),
        first=draw(st.integers(0, 1_000_000)),
    )


@given(questions())
def test_a_code_gives_its_question_again(question: Question) -> None:
    assert Question.from_code(question.code()) == question


def test_the_code_of_the_largest_question_fits_a_block_id() -> None:
    text = " ".join(
        (
            *(f"<@U{number:010}|somebody>" for number in range(MOST_PEOPLE)),
            *(f"<#C{number:010}|somewhere>" for number in range(MOST_CHANNELS)),
            "since 2010-05-12 10:11:12 until 2199-12-31 10:11:12 sure",
        )
    )
    question = parsed(text, asker=UserId("U0"), now=datetime(2026, 5, 15, tzinfo=UTC), timezone=UTC)
    assert isinstance(question, Question)
    assert (len(question.people), len(question.channels)) == (MOST_PEOPLE, MOST_CHANNELS)
    assert question.since
    assert question.until
    assert question.only_sure
    assert len(question.at(999_999).code()) <= 240


def test_the_next_page_is_the_same_question_from_another_match_on() -> None:
    question = Question(people=(UserId("U1"),), only_sure=True)
    assert question.at(6) == Question(people=(UserId("U1"),), only_sure=True, first=6)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "U1",
        "U1|||||",
        "U1|||||||0",
        "U1|||||x|",
        "U1||soon||||0",
        "U1||99999999999999999999||||0",
        "U1||99999999999999||||0",
        "U1||||yes||0",
        "U1||||||00",
        "U1,,U2||||||0",
    ],
)
def test_anything_but_a_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Question.from_code(code)


@given(st.text() | st.text("U1C|,s-0", max_size=20))
def test_whatever_a_button_carries_it_is_a_question_or_a_value_error(code: str) -> None:
    try:
        question = Question.from_code(code)
    except ValueError:
        return
    assert question.code() == code
