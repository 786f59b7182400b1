"""The gallery, the form in which photos are chosen, and the message that shares them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from bot.blocks import gallery as blocks
from bot.blocks import modal
from bot.pages import Page
from bot.payloads import Click
from bot.question import Question
from pipeline.domain.model import ChannelId, Match
from tests.rendering import (
    BEN,
    LONGEST_QUESTION,
    ME,
    WORST_NAME,
    Json,
    elements,
    found,
    match,
    mrkdwn_texts,
    page,
    parsed,
    plain_texts,
    shown,
    skeleton,
    sought,
    taken,
    taken_view,
)
from tests.strategies import photo_names

HERE = ChannelId("C1")
# Some 90 characters in Slack.
RESPONSE_URL = "https://hooks.slack.com/actions/" + "x" * 200
MINE = Question(people=(ME,))


def pages(total: int, first: int = 0, *, size: int = blocks.GALLERY_SIZE) -> Page:
    return page(found(*map(match, range(total))), MINE.at(first), size=size)


def largest(size: int, first: int) -> Page:
    everything = found(
        *(match(each, sure=False, name=WORST_NAME) for each in range(10_000)),
        people=[sought(one, faces=99, poor=True) for one in LONGEST_QUESTION.people],
        channels=LONGEST_QUESTION.channels,
    )
    question = LONGEST_QUESTION.at(first)
    return page(everything, question, asker=question.people[0], size=size, alt_text=WORST_NAME)


def rendered(one: Page, *, pictures: bool = True) -> list[Json]:
    shown: list[Json] = taken_view(blocks.gallery(one, pictures=pictures))["blocks"]
    return shown


@pytest.mark.parametrize("first", [0, 9_920, 9_960])
@pytest.mark.parametrize("pictures", [True, False])
def test_slack_takes_the_largest_gallery(first: int, *, pictures: bool) -> None:
    gallery = rendered(largest(blocks.GALLERY_SIZE, first), pictures=pictures)

    images = [each for each in gallery if each["type"] == "image"]
    assert len(images) == (40 if pictures else 0)
    steps = {"gallery_page"} if first < 9_960 else set()
    assert set(elements(gallery)) == steps | ({"gallery_page_back"} if first else set())


@pytest.mark.parametrize(
    ("total", "first", "back", "onward"),
    [
        (40, 0, None, None),
        (41, 0, None, ("Next 1 ▶", "40")),
        (200, 40, "0", ("Next 40 ▶", "80")),
        (200, 90, "50", ("Next 40 ▶", "130")),
        (100, 80, "40", None),
        (100, 10, "0", ("Next 40 ▶", "50")),
    ],
)
def test_a_gallery_leads_on_and_back(
    total: int, first: int, back: str | None, onward: tuple[str, str] | None
) -> None:
    steps = elements(rendered(pages(total, first)))

    assert [each["value"] for each in steps.get("gallery_page_back", [])] == [back] * bool(back)
    led = [(each["text"]["text"], each["value"]) for each in steps.get("gallery_page", [])]
    assert led == [onward] * bool(onward)


def test_the_steps_of_a_gallery_carry_its_question() -> None:
    row = rendered(pages(200, 40))[-1]
    click = Click.from_body(
        {
            "team": {"id": "T1"},
            "user": {"id": "U1"},
            "view": {"id": "V1", "type": "modal"},
            "actions": [{**row["elements"][0], "block_id": row["block_id"]}],
        }
    )

    assert click.question == MINE.at(40)
    assert click.question.at(int(click.value)) == MINE
    assert (click.view_id, click.is_modal, click.place) == ("V1", True, None)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (pages(3), "*3 photos of you*: 3 sure"),
        (pages(200, 40), "*41–80 of 200*: you"),
        (pages(0), "I found no photos of you yet."),
    ],
)
def test_a_gallery_says_what_it_shows(one: Page, text: str) -> None:
    assert mrkdwn_texts(rendered(one))[0] == text


def test_a_gallery_whose_photos_are_gone_says_so() -> None:
    (text,) = mrkdwn_texts(rendered(pages(10, 40)))

    assert text.startswith("There are no more photos now")


def test_what_slack_cannot_draw_is_listed_in_the_gallery() -> None:
    everything = found(match(1, media_type="image/heic"), match(2))

    gallery = rendered(page(everything, size=40))

    kinds = [each["type"] for each in gallery]
    assert kinds == ["section", "section", "image", "context"]


@given(photo_names(), photo_names())
@settings(deadline=None)
def test_no_name_breaks_out_of_its_place(name: str, alt_text: str) -> None:
    def everything(name: str, alt_text: str) -> list[Json]:
        matches = [match(1, name=name), match(2, name=name, media_type="image/heic")]
        one = page(found(*matches), alt_text=alt_text)
        form = taken_view(blocks.share_form(one, HERE, RESPONSE_URL, pictures=True))
        here_and_elsewhere = [*one.shown, shown(elsewhere(name), alt_text=alt_text)]
        message = taken(blocks.shared(ME, here_and_elsewhere, HERE))
        return [*rendered(one), *form["blocks"], *message]

    assert skeleton(everything(name, alt_text)) == skeleton(everything("party.jpg", "Photo"))


def elsewhere(name: str = "party.jpg") -> Match:
    one = match(3, name=name, media_type="image/heic")
    share = replace(one.face.share, channel_id=ChannelId("C9"))
    return replace(one, face=replace(one.face, share=share))


@pytest.mark.parametrize("pictures", [True, False])
def test_slack_takes_the_largest_form_for_sharing(*, pictures: bool) -> None:
    one = largest(10, 9_980)

    form = taken_view(blocks.share_form(one, HERE, RESPONSE_URL, pictures=pictures))

    inputs = [each for each in form["blocks"] if each["type"] == "input"]
    assert [each["block_id"] for each in inputs] == [blocks.choice_block(n) for n in range(1, 11)]
    assert len({each["element"]["options"][0]["value"] for each in inputs}) == 10


def test_the_form_for_sharing_knows_what_it_is_about() -> None:
    one = pages(12, 10, size=10)
    form = taken_view(blocks.share_form(one, HERE, RESPONSE_URL, pictures=True))

    about = json.loads(form["private_metadata"])
    assert Question.from_code(about["question"]) == MINE.at(10)
    assert (about["channel"], about["response_url"]) == (HERE, RESPONSE_URL)
    values = [each["options"][0]["value"] for each in elements(form)["chosen"]]
    assert values == [str(each.match.face.photo_id) for each in one.shown]


def test_the_form_says_who_will_see_what_is_shared() -> None:
    form = taken_view(blocks.share_form(pages(1), HERE, "", pictures=True))

    assert ("channel", HERE) in parsed(mrkdwn_texts(form)[0])


@given(photo_names())
@settings(deadline=None)
def test_the_label_of_a_choice_is_plain_text(name: str) -> None:
    one = page(found(match(name=name)))
    form = taken_view(blocks.share_form(one, HERE, "", pictures=False))

    (label,) = [each for each in plain_texts(form) if each.startswith("1 · ")]
    assert len(label) <= 70


def test_slack_takes_the_largest_message_that_shares_photos() -> None:
    one = largest(10, 0)

    message = taken(blocks.shared(one.asker, list(one.shown), HERE))

    assert len([each for each in message if each["type"] == "image"]) == 10


def test_a_shared_photo_of_another_channel_has_no_link_and_names_no_channel() -> None:
    message = taken(blocks.shared(ME, [shown(match(1)), shown(elsewhere())], HERE))

    tokens = [token for text in mrkdwn_texts(message) for token in parsed(text)]
    links = [token for token in tokens if token[0] == "link"]
    assert links == [("link", match(1).face.share.permalink, "party.jpg")]
    assert not any(token[0] == "channel" for token in tokens)


def test_a_shared_message_says_who_shares_how_many() -> None:
    assert blocks.shared_text(BEN, 1) == "<@U2> shares 1 photo, found by Findme"
    assert blocks.shared_text(BEN, 3) == "<@U2> shares 3 photos, found by Findme"


@pytest.mark.parametrize("title", ["Gallery", "Share photos", "Use a selfie", "Findme"])
def test_a_modal_can_wait_and_tell(title: str) -> None:
    assert taken_view(modal.waiting(title))["title"]["text"] == title
    assert mrkdwn_texts(taken_view(modal.told(title, "Sorry.")))[0] == "Sorry."
