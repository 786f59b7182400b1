"""The modals that take a selfie, and the sentences of why somebody can't be looked for."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from bot.blocks import selfie as blocks
from bot.question import Question
from bot.refusals import refusal
from bot.sandbox.block_checks import view_problems
from pipeline.domain.model import Reference, ReferenceKind
from pipeline.errors import (
    NoFaceInPictureError,
    NoProfilePictureError,
    PictureError,
    UnreadablePhotoError,
)
from tests.rendering import (
    BEN,
    LONGEST_QUESTION,
    ME,
    Json,
    elements,
    mrkdwn_texts,
    parsed,
    skeleton,
    taken,
    taken_view,
)
from tests.strategies import photo_names

RESPONSE_URL = "https://hooks.slack.com/commands/" + "x" * 200
TOKEN = "ab" * 6
MINE = Question(people=(ME,))


def reference(quality: float = 0.6, *, faces: int = 1) -> Reference:
    return Reference(
        embedding=np.eye(1, 64, dtype=np.float32)[0],
        quality=quality,
        faces_in_picture=faces,
        kind=ReferenceKind.SELFIE,
    )


@pytest.mark.parametrize("problem", ["", "I can't see a face."])
@pytest.mark.parametrize("response_url", ["", RESPONSE_URL])
def test_slack_takes_the_form_for_a_picture(problem: str, response_url: str) -> None:
    view = taken_view(blocks.ask({"response_url": response_url}, problem=problem))

    assert json.loads(view["private_metadata"]) == {"response_url": response_url}
    assert ("⚠️" in mrkdwn_texts(view)[0]) is bool(problem)
    (picture,) = elements(view)["picture"]
    assert picture["max_files"] == 1


def test_a_problem_that_is_too_long_is_cut() -> None:
    view: Json = blocks.ask({}, problem="&amp; <@U1> " * 1_000).to_dict()

    assert view_problems(view, may_show=lambda _: True) == []
    parsed(mrkdwn_texts(view)[0])


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        (0.9, "clear, I will know you well by it"),
        (0.5, "clear, I will know you well by it"),
        (0.3, "good enough"),
        (0.0, "too small, blurred or turned away to know you by"),
    ],
)
def test_what_a_selfie_is_worth_is_told_in_words(quality: float, words: str) -> None:
    view = taken_view(
        blocks.judged(reference(quality), {"response_url": RESPONSE_URL}, token=TOKEN)
    )

    assert mrkdwn_texts(view)[0] == f"I see one face in your picture: *{words}*."
    assert json.loads(view["private_metadata"]) == {
        "response_url": RESPONSE_URL,
        "token": TOKEN,
    }


def test_a_selfie_is_kept_or_used_once() -> None:
    view = taken_view(blocks.judged(reference(), {}, token=TOKEN))

    (use,) = elements(view)["use"]
    assert [each["value"] for each in use["options"]] == [blocks.KEEP, blocks.ONCE]
    assert use["initial_option"] == use["options"][0]


@pytest.mark.parametrize(
    ("one", "start"),
    [
        (reference(faces=3), "I see 3 faces in that picture, "),
        (reference(0.01), "The face in that picture is too small, "),
    ],
)
def test_a_selfie_that_is_of_no_use_is_told_why(one: Reference, start: str) -> None:
    assert blocks.unusable(one).startswith(start)


def error(kind: type[PictureError], *, of: str | None = None, reason: str = "") -> PictureError:
    made = kind(reason or None)
    made.user_id = of
    return made


@pytest.mark.parametrize(
    ("kind", "about_me", "about_ben"),
    [
        (NoProfilePictureError, "You have no profile picture", "<@U2> has no profile picture"),
        (NoFaceInPictureError, "I can't see a face in your", "I can't see a face in <@U2>'s"),
        (UnreadablePhotoError, "I can't read your profile", "I can't read <@U2>'s profile"),
    ],
)
def test_a_refusal_says_whose_picture_it_is_about(
    kind: type[PictureError], about_me: str, about_ben: str
) -> None:
    together = Question(people=(ME, BEN))
    mine, my_blocks = refusal(error(kind, of=ME), together, ME)
    nobodys, _ = refusal(error(kind), together, ME)
    theirs, their_blocks = refusal(error(kind, of=BEN), together, ME)

    assert mine.startswith(about_me)
    assert nobodys == mine
    assert theirs.startswith(about_ben)
    assert set(elements(taken(my_blocks))) == {"selfie"}
    assert elements(taken(their_blocks)) == {}


@pytest.mark.parametrize("of", [LONGEST_QUESTION.people[0], LONGEST_QUESTION.people[1]])
def test_slack_takes_the_longest_refusal(of: str) -> None:
    asker = LONGEST_QUESTION.people[0]
    one = error(UnreadablePhotoError, of=of, reason="&<>" * 5_000)

    sentence, shown = refusal(one, LONGEST_QUESTION, asker)

    assert taken(shown)[0]["text"]["text"] == sentence


@given(photo_names())
@settings(deadline=None)
def test_no_reason_breaks_out_of_its_place(reason: str) -> None:
    def shown(reason: str) -> list[Json]:
        one = error(UnreadablePhotoError, of=BEN, reason=f"x{reason}")
        sentence, told = refusal(one, MINE, ME)
        parsed(sentence)
        return taken(told)

    assert skeleton(shown(reason)) == skeleton(shown("it is damaged"))


def test_a_reason_that_ends_in_a_full_stop_gets_no_second_one() -> None:
    sentence, _ = refusal(error(UnreadablePhotoError, of=BEN, reason="It is text."), MINE, ME)

    assert sentence.endswith("It is text.")
