"""What an answer says: of whom, where, since when, how sure; nothing of other channels."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.blocks import answer as blocks
from bot.pages import Page, Rejected
from bot.question import Question
from pipeline.domain.model import Certainty, ChannelId, Match
from pipeline.usecases.find_photos import Found
from tests.rendering import (
    BEN,
    CAT,
    ME,
    Json,
    elements,
    found,
    match,
    mrkdwn_texts,
    page,
    parsed,
    plain_texts,
    sought,
    taken,
)

MINE = Question(people=(ME,))
BENS = Question(people=(BEN,))
TOGETHER = Question(people=(BEN, ME, CAT))
SINCE = datetime(2026, 5, 1, tzinfo=UTC)
UNTIL = datetime(2026, 5, 4, tzinfo=UTC)
SINCE_TEXT = f"<!date^{SINCE.timestamp():.0f}^{{date_short}}|01 May 2026>"
UNTIL_TEXT = f"<!date^{UNTIL.timestamp() - 1:.0f}^{{date_short}}|03 May 2026>"


def rendered(one: Page, *, pictures: bool = True, noted: Rejected | None = None) -> list[Json]:
    return taken(blocks.answer(one, pictures=pictures, noted=noted))


def many(number: int, **facts: Any) -> Found:
    return found(*(match(each, **facts) for each in range(number)))


@pytest.mark.parametrize(
    ("everything", "question", "text"),
    [
        (many(1), MINE, "*1 photo of you*: 1 sure"),
        (found(match(sure=False)), BENS, "*1 photo of <@U2>*: 1 maybe"),
        (found(match(1), match(2, sure=False)), MINE, "*2 photos of you*: 1 sure, 1 maybe"),
        (many(1_200), MINE, "*1,200 photos of you*: 1,200 sure"),
        (many(2), Question(people=(BEN, CAT)), "*2 photos of <@U2> and <@U3> together*: 2 sure"),
        (many(2), TOGETHER, "*2 photos of you, <@U2> and <@U3> together*: 2 sure"),
        (many(2), replace(MINE, channels=(ChannelId("C1"),)), "*2 photos of you in <#C1>*: 2 sure"),
        (
            many(2),
            replace(MINE, channels=(ChannelId("C1"), ChannelId("C2"))),
            "*2 photos of you in <#C1> and <#C2>*: 2 sure",
        ),
        (many(2), replace(MINE, since=SINCE), f"*2 photos of you since {SINCE_TEXT}*: 2 sure"),
        (
            many(2),
            replace(BENS, channels=(ChannelId("C1"),), since=SINCE, until=UNTIL),
            f"*2 photos of <@U2> in <#C1> since {SINCE_TEXT} until {UNTIL_TEXT}*: 2 sure",
        ),
        (found(), MINE, "I found no photos of you yet."),
        (found(), BENS, "I found no photos of <@U2> yet."),
        (found(), replace(MINE, only_sure=True), "I found no photos of you yet that I am sure of."),
        (found(), replace(MINE, until=UNTIL), f"I found no photos of you until {UNTIL_TEXT}."),
        (many(14), MINE.at(10), "*Photos 11–14 of 14* of you"),
        (many(34), TOGETHER.at(10), "*Photos 11–20 of 34* of you, <@U2> and <@U3> together"),
    ],
)
def test_the_summary_says_what_was_found(everything: Found, question: Question, text: str) -> None:
    assert blocks.summary(page(everything, question)) == text


def test_the_only_channel_that_was_searched_is_named_once() -> None:
    everything = found(match(), channels=["C1"])

    answer = rendered(page(everything))

    named = [token for text in mrkdwn_texts(answer) for token in parsed(text)]
    assert named.count(("channel", "C1")) == 1
    assert blocks.summary(page(everything)) == "*1 photo of you in <#C1>*: 1 sure"


def test_no_channel_is_named_but_those_of_the_question_and_the_photos() -> None:
    everything = found(match(), channels=["C1", "C8", "C9"])

    answer = rendered(page(everything, share_with="C8"))

    named = [token for text in mrkdwn_texts(answer) for token in parsed(text)]
    assert {token for token in named if token[0] == "channel"} == {("channel", "C1")}
    assert not any("C8" in text or "C9" in text for text in plain_texts(answer))


@pytest.mark.parametrize(("total", "first"), [(5, 10), (0, 10), (10, 10)])
def test_a_page_that_is_no_longer_there_says_so(total: int, first: int) -> None:
    answer = rendered(page(many(total), MINE.at(first)))

    (text,) = mrkdwn_texts(answer)
    assert text.startswith("There are no more photos now")
    assert elements(answer) == {}


@pytest.mark.parametrize(
    ("everything", "question", "notes"),
    [
        (found(channels=[]), MINE, ["I am in no channel that you can open: "]),
        (found(match(), people=[sought(faces=3)]), MINE, ["Your profile picture shows 3 faces; "]),
        (
            found(match(), people=[sought(BEN, faces=2)]),
            BENS,
            ["<@U2>'s profile picture shows 2 faces; "],
        ),
        (
            found(match(), people=[sought(poor=True), sought(BEN, faces=2, poor=True)]),
            TOGETHER,
            [
                "Your profile picture shows a face that is small, ",
                "<@U2>'s profile picture shows a face that is small, ",
                "<@U2>'s profile picture shows 2 faces; ",
            ],
        ),
        (found(match(), pending=1), MINE, ["1 new photo is still being read; "]),
        (found(match(), pending=2_000), MINE, ["2,000 new photos are still being read; "]),
        (found(pending=2), MINE, ["2 new photos are still being read; "]),
        (found(channels=["C1"]), MINE, ["I looked in 1 channel that you can open. "]),
        (found(), MINE, ["I looked in 2 channels that you can open. "]),
        (found(match()), MINE, []),
        (found(*many(12).matches, people=[sought(faces=3)], pending=3), MINE.at(10), []),
    ],
)
def test_the_notes_say_what_to_know_of_the_answer(
    everything: Found, question: Question, notes: list[str]
) -> None:
    told = blocks.notes(page(everything, question))

    assert len(told) == len(notes)
    for note, start in zip(told, notes, strict=True):
        assert note.startswith(start)


@pytest.mark.parametrize(
    ("one", "mark"),
    [
        (match(), "✅ sure · "),
        (match(sure=False), "🤔 maybe · "),
        (match(confirmed=True), "✅ sure, as you said · "),
    ],
)
def test_each_photo_says_how_sure_it_is_and_who_posted_it_when_and_where(
    one: Match, mark: str
) -> None:
    facts = blocks.photo_lines(one, found()).split("\n")[1]

    assert facts.startswith(f"{mark}<!date^")
    assert facts.endswith(" by <@U1> in <#C1>")


def test_a_photo_that_nobody_is_known_to_have_posted_names_nobody() -> None:
    one = match()
    by_nobody = replace(one.face.share, shared_by=None)
    lines = blocks.photo_lines(replace(one, face=replace(one.face, share=by_nobody)), found())

    assert " by " not in lines


def test_what_is_sure_is_counted_by_certainty() -> None:
    everything = found(match(1), match(2, sure=False), match(3))

    assert [one.certainty for one in everything.matches].count(Certainty.SURE) == 2
    assert blocks.summary(page(everything)).endswith("2 sure, 1 maybe")
