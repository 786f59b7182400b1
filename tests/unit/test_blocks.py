"""Answers stay within Slack's limits, and no photo's name can break out of its link."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import blocks, mrkdwn
from bot.payloads import FindRequest
from pipeline.domain.model import (
    Certainty,
    Channel,
    ChannelId,
    IndexCounts,
    Match,
    PhotoState,
    TeamId,
    UserId,
)
from pipeline.usecases.find_photos import Found
from tests.strategies import near_face, photo_names

# https://docs.slack.dev/reference/block-kit/blocks
MAX_BLOCKS, MAX_SECTION, MAX_ALT, MAX_VALUE, MAX_BUTTON = 50, 3000, 2000, 2000, 75
LINK = re.compile(r"\*<(https://[^|<>]+)\|([^<>|\n]+)>\*")
TYPES = ["image/png", "image/jpeg", "image/gif", "image/heic", "image/webp", "image/tiff", ""]


def match(number: int = 1, *, sure: bool = True, **facts: Any) -> Match:
    certainty = Certainty.SURE if sure else Certainty.MAYBE
    return Match(face=near_face(number, distance=0.01 * number, **facts), certainty=certainty)


def found(*matches: Match, faces: int = 1, channels: int = 2, pending: int = 0) -> Found:
    return Found(
        matches=matches,
        faces_in_picture=faces,
        channels_searched=channels,
        photos_pending=pending,
    )


def request(*, first: int = 0, target: str = "U1") -> FindRequest:
    return FindRequest(team_id=TeamId("T1"), asker=UserId("U1"), target=UserId(target), first=first)


def rendered(found: Found, request: FindRequest, *, pictures: bool = True) -> list[dict[str, Any]]:
    return blocks.as_json(blocks.answer(found, request, pictures=pictures))


def photos_of(page: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections that show a photo."""
    return [block for block in page[1:] if block["type"] == "section"]


def matches() -> st.SearchStrategy[list[Match]]:
    rows = st.lists(st.tuples(photo_names(), st.sampled_from(TYPES), st.booleans()), max_size=35)
    return rows.map(
        lambda given: [
            match(number, name=name, media_type=kind, sure=sure)
            for number, (name, kind, sure) in enumerate(given)
        ]
    )


@given(
    shown=matches(),
    page=st.integers(0, 4),
    faces=st.integers(0, 3),
    pending=st.integers(0, 9999),
    mine=st.booleans(),
)
@settings(deadline=None)
def test_every_page_stays_within_the_limits_of_slack(
    shown: list[Match], page: int, faces: int, pending: int, *, mine: bool
) -> None:
    asked = request(first=page * blocks.PAGE_SIZE, target="U1" if mine else "U2")

    answer = rendered(found(*shown, faces=faces, pending=pending), asked)

    assert len(answer) <= MAX_BLOCKS
    for block in answer:
        if block["type"] == "section":
            assert 0 < len(block["text"]["text"]) <= MAX_SECTION
            assert len(block.get("accessory", {}).get("alt_text", "")) <= MAX_ALT
        elif block["type"] == "actions":
            (button,) = block["elements"]
            assert len(button["value"]) <= MAX_VALUE
            assert len(button["text"]["text"]) <= MAX_BUTTON
        else:
            assert all(0 < len(note["text"]) <= MAX_SECTION for note in block["elements"])


@given(photo_names())
@settings(deadline=None)
def test_no_name_breaks_out_of_its_link(name: str) -> None:
    (section,) = photos_of(rendered(found(match(name=name)), request()))

    link, facts = section["text"]["text"].split("\n")
    parts = LINK.fullmatch(link)
    assert parts, link
    assert parts[1] == near_face().share.permalink
    assert not set("*_~`") & set(parts[2])
    assert facts.startswith("✅ sure · ")


@given(photo_names())
@example("x" + "&" * 60)
@settings(deadline=None)
def test_every_ampersand_of_a_name_is_whole(name: str) -> None:
    (section,) = photos_of(rendered(found(match(name=name)), request()))

    title = section["text"]["text"].split("\n")[0]
    assert not re.search(r"&(?!(?:amp|lt|gt);)", title)


def test_the_description_of_a_photo_is_plain_text() -> None:
    (section,) = photos_of(rendered(found(match(name="Ann & Ben")), request()))

    assert section["accessory"]["alt_text"] == "Photo Ann & Ben, posted on 01 May 2026"


@pytest.mark.parametrize("name", ["", "  ", "\n\t"])
def test_a_photo_without_a_name_is_called_photo(name: str) -> None:
    (section,) = photos_of(rendered(found(match(name=name)), request()))

    assert "|photo>*" in section["text"]["text"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("&amp;", "&amp;amp;"),
        ("a\n\tb", "a b"),
        ("IMG_1.jpg", "IMGˍ1.jpg"),
        ("😀 חתונה", "😀 חתונה"),
    ],
)
def test_text_is_shown_as_it_is(text: str, escaped: str) -> None:
    assert mrkdwn.escape(text) == escaped


@given(st.text())
def test_escaped_text_holds_no_mark_up(text: str) -> None:
    escaped = mrkdwn.escape(text)

    assert not set("<>*_~`|\n") & set(escaped)
    assert not re.search(r"&(?!(?:amp|lt|gt);)", escaped)


@pytest.mark.parametrize("media_type", TYPES)
def test_only_png_jpeg_and_gif_are_shown_as_pictures(media_type: str) -> None:
    (section,) = photos_of(rendered(found(match(media_type=media_type)), request()))

    shown = media_type in {"image/png", "image/jpeg", "image/gif"}
    assert ("accessory" in section) is shown


def test_a_picture_is_shown_by_its_file_id() -> None:
    (section,) = photos_of(rendered(found(match(7)), request()))

    assert section["accessory"]["slack_file"] == {"id": "F7"}


def test_without_pictures_every_photo_is_still_listed() -> None:
    answer = rendered(found(match(1), match(2)), request(), pictures=False)

    assert ["accessory" in section for section in photos_of(answer)] == [False, False]


def test_the_first_page_holds_ten_and_a_button_for_the_rest() -> None:
    page = rendered(found(*(match(i) for i in range(23))), request())

    assert len(photos_of(page)) == 10
    (button,) = page[-1]["elements"]
    assert button["text"]["text"] == "Show 10 more of 13"
    assert button["value"] == request().more_value(10)


def test_the_last_page_holds_the_rest_and_no_button() -> None:
    page = rendered(found(*(match(i) for i in range(23))), request(first=20))

    assert len(photos_of(page)) == 3
    assert page[-1]["type"] == "section"


@given(st.integers(0, 60))
@settings(deadline=None)
def test_the_pages_together_show_every_match_once(total: int) -> None:
    everything = found(*(match(i) for i in range(total)))
    shown: list[str] = []
    asked: FindRequest | None = request()
    while asked is not None:
        page = rendered(everything, asked)
        shown += [section["accessory"]["slack_file"]["id"] for section in photos_of(page)]
        more = page[-1]["elements"][0] if page[-1]["type"] == "actions" else None
        body = {"team": {"id": "T1"}, "user": {"id": "U1"}, "actions": [more]}
        asked = FindRequest.from_more(body) if more else None

    assert shown == [f"F{i}" for i in range(total)]


@pytest.mark.parametrize(
    ("answer", "asked", "text"),
    [
        (found(), request(), "I found no photos of you yet."),
        (found(), request(target="U2"), "I found no photos of <@U2> yet."),
        (found(match()), request(), "*1 photo of you*: 1 sure"),
        (found(match(sure=False)), request(target="U2"), "*1 photo of <@U2>*: 1 maybe"),
        (found(match(1), match(2, sure=False)), request(), "*2 photos of you*: 1 sure, 1 maybe"),
        (found(*[match(i) for i in range(14)]), request(first=10), "Photos 11–14 of 14"),
    ],
)
def test_the_summary_says_how_many_and_how_sure(
    answer: Found, asked: FindRequest, text: str
) -> None:
    assert blocks.summary(answer, asked) == text


def test_a_page_that_is_no_longer_there_says_so_sensibly() -> None:
    summary = blocks.summary(found(*(match(i) for i in range(5))), request(first=10))

    assert "11–5" not in summary


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (found(channels=0), "You and I share no channel"),
        (found(match(), faces=3), "Your profile picture shows 3 faces"),
        (found(match(), pending=1), "1 new photo is still being read"),
        (found(match(), pending=2), "2 new photos are still being read"),
        (found(channels=1), "I looked in 1 channel that"),
        (found(channels=2), "I looked in 2 channels that"),
    ],
)
def test_a_note_says_what_to_know_of_the_answer(answer: Found, note: str) -> None:
    page = rendered(answer, request())

    assert page[1]["type"] == "context"
    assert page[1]["elements"][0]["text"].startswith(note)


def test_a_plain_answer_has_no_note() -> None:
    page = rendered(found(match()), request())

    assert [block["type"] for block in page] == ["section", "section"]


def test_later_pages_have_no_notes() -> None:
    page = rendered(found(*(match(i) for i in range(12)), faces=3, pending=3), request(first=10))

    assert [block["type"] for block in page] == ["section"] * 3


@given(st.integers(0, 400), st.lists(st.tuples(photo_names(), photo_names()), max_size=9))
@settings(deadline=None, max_examples=40)
def test_the_status_stays_within_the_limits_of_slack(
    channels: int, problems: list[tuple[str, str]]
) -> None:
    huge = IndexCounts(
        photos=999_999, pending=999_999, faces=9_999_999, unreadable=99_999, given_up=99_999
    )
    rows = [
        (Channel(channel_id=ChannelId(f"C0123456{i:03}"), name="n"), huge) for i in range(channels)
    ]
    told = [(name, PhotoState.UNREADABLE, reason) for name, reason in problems]

    page: Any = blocks.as_json(blocks.status("retail", rows, told))

    assert len(page) <= MAX_BLOCKS
    assert all(0 < len(block["text"]["text"]) <= MAX_SECTION for block in page)


@pytest.mark.parametrize(
    ("counts", "listed", "text"),
    [
        (IndexCounts(photos=7, pending=7), False, "🔄 Re-indexing: looking for photos… 7 so far."),
        (IndexCounts(photos=10, pending=7), True, "🔄 Re-indexing: ▰▰▰▱▱▱▱▱▱▱ 3 of 10 photos."),
        (IndexCounts(), True, "🔄 Re-indexing: ▰▰▰▰▰▰▰▰▰▰ 0 of 0 photos."),
    ],
)
def test_a_running_reindex_says_how_far_it_is(
    counts: IndexCounts, text: str, *, listed: bool
) -> None:
    assert blocks.reindex_progress(counts, listed=listed) == text


@pytest.mark.parametrize(
    ("counts", "end"),
    [
        (IndexCounts(indexed=3, faces=5), "3 photos with 5 faces, 0 without a face. "),
        (IndexCounts(unreadable=1, given_up=2), "0 without a face, 1 unreadable, 2 given up. "),
    ],
)
def test_a_finished_reindex_says_what_came_of_it(counts: IndexCounts, end: str) -> None:
    assert end in blocks.reindex_done(counts)
