"""Builds what the bot shows, and reads it as Slack does: apart from the code that rendered it."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.blocks.parts import TEXT_LIMIT, as_json
from bot.pages import Page, Shown
from bot.question import Question
from bot.sandbox.block_checks import (
    MESSAGE_CHARACTERS_MAX,
    characters,
    problems,
    view_problems,
)
from pipeline.domain.model import Certainty, ChannelId, FileId, Match, UserId
from pipeline.usecases.find_photos import Found, Sought
from tests.strategies import near_face

ME, BEN, CAT = UserId("U1"), UserId("U2"), UserId("U3")
Json = dict[str, Any]

# The most that a question can be: eight people, five channels, both dates, a selfie.
LONGEST_QUESTION = Question(
    people=tuple(UserId(f"U{number:010}") for number in range(8)),
    channels=tuple(ChannelId(f"C{number:010}") for number in range(5)),
    since=datetime.fromisoformat("2020-01-01T00:00:00+00:00"),
    until=datetime.fromisoformat("2199-12-31T00:00:00+00:00"),
    only_sure=True,
    selfie="0123456789ab",
    first=9990,
)
WORST_NAME = (
    "&<!channel>*_~`|\u202e<@U0000000000> \U0001f468\u200d\U0001f469\u200d\U0001f467שמח" * 300
)
"""More than 10,000 characters, full of mark-up."""


def match(number: int = 1, *, sure: bool = True, confirmed: bool = False, **facts: Any) -> Match:
    certainty = Certainty.SURE if sure else Certainty.MAYBE
    face = near_face(number, distance=0.01, **facts)
    return Match(face=face, certainty=certainty, confirmed=confirmed)


def shown(one: Match, *, alt_text: str = "Photo posted on 1 May") -> Shown:
    kind = one.face.media_type
    drawn = kind in {"image/png", "image/jpeg", "image/gif"}
    return Shown(match=one, file_id=FileId(one.face.file_id) if drawn else None, alt_text=alt_text)


def sought(user_id: UserId = ME, *, faces: int = 1, poor: bool = False) -> Sought:
    return Sought(user_id=user_id, faces_in_picture=faces, is_poor=poor)


def found(
    *matches: Match,
    people: Sequence[Sought] = (),
    channels: Sequence[str] = ("C1", "C2"),
    pending: int = 0,
) -> Found:
    return Found(
        matches=matches,
        sought=people or [sought()],
        channel_ids=[ChannelId(one) for one in channels],
        photos_pending=pending,
    )


def page(
    everything: Found,
    question: Question | None = None,
    *,
    asker: UserId = ME,
    size: int = 10,
    share_with: str | None = None,
    alt_text: str = "Photo posted on 1 May",
) -> Page:
    question = question or Question(people=(asker,))
    here = everything.matches[question.first : question.first + size]
    return Page(
        asker=asker,
        question=question,
        found=everything,
        shown=[shown(one, alt_text=alt_text) for one in here],
        share_with=ChannelId(share_with) if share_with else None,
    )


def taken(blocks: Sequence[Block]) -> list[Json]:
    """The JSON of a message, which Slack would take."""
    answer: list[Json] = as_json(blocks)
    assert problems(answer, in_view=False, may_show=_may_show) == []
    assert characters(answer) <= MESSAGE_CHARACTERS_MAX
    _hold_what_the_checks_know_nothing_of(answer)
    return answer


def taken_view(view: View) -> Json:
    """The JSON of a modal or a Home tab, which Slack would take."""
    answer: Json = view.to_dict()
    assert view_problems(answer, may_show=_may_show) == []
    _hold_what_the_checks_know_nothing_of(answer["blocks"])
    return answer


def _may_show(slack_file: Json) -> bool:
    return set(slack_file) == {"id"}


def _hold_what_the_checks_know_nothing_of(blocks: list[Json]) -> None:
    for text in plain_texts(blocks):
        assert "\n" not in text
        assert not any(is_unseen(one) for one in text), ascii(text)
    # Else Slack makes links of what only looks like one: an address or "#party" in a name.
    assert all(each["verbatim"] for each in every(blocks) if each.get("type") == "mrkdwn")
    for text in mrkdwn_texts(blocks):
        assert not cut_off(text), text
        parsed(text)
        for line in text.split("\n"):
            assert_directions_end(line)


def cut_off(text: str) -> bool:
    """Whether a text was too long for its place: what the bot writes itself never is."""
    return text.endswith("…") and len(text) > TEXT_LIMIT - 10


def is_unseen(one: str) -> bool:
    """Control characters, and those that turn what stands beside them."""
    return (
        unicodedata.category(one) in {"Cc", "Cs"}
        or one in "\u200b\u200e\u200f\ufeff"
        or ("\u202a" <= one <= "\u202e" or "\u2066" <= one <= "\u2069")
    )


def assert_directions_end(line: str) -> None:
    """No override, and every isolate is closed on its line."""
    depth = 0
    for one in line:
        if one == "\u2068":
            depth += 1
        elif one == "\u2069":
            depth -= 1
        else:
            assert not is_unseen(one), ascii(line)
        assert depth in {0, 1}
    assert depth == 0, ascii(line)


def every(value: Any) -> Iterator[Json]:
    """All objects in it."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from every(each)


def mrkdwn_texts(blocks: Any) -> list[str]:
    return [each["text"] for each in every(blocks) if each.get("type") == "mrkdwn"]


def plain_texts(blocks: Any) -> list[str]:
    """Labels, headings, and what is read out in place of a picture."""
    return [each["text"] for each in every(blocks) if each.get("type") == "plain_text"] + [
        each["alt_text"] for each in every(blocks) if "alt_text" in each
    ]


def elements(blocks: Any) -> dict[str, list[Json]]:
    """Buttons and menus by their action."""
    found: dict[str, list[Json]] = {}
    for each in every(blocks):
        if "action_id" in each:
            found.setdefault(each["action_id"], []).append(each)
    return found


_TOKEN = re.compile(r"<([^<>\n]*)>|([^<>]+)")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")


# Slack begins and ends emphasis at the edge of a word; IMG_1.jpg has none.
_MARKS = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])")


def parsed(mrkdwn: str) -> list[tuple[str, ...]]:
    """What Slack makes of mark-up: text, people, channels, dates, links with their labels."""
    tokens: list[tuple[str, ...]] = []
    end = 0
    for token in _TOKEN.finditer(mrkdwn):
        assert token.start() == end, mrkdwn
        end = token.end()
        special, text = token.groups()
        if text is not None:
            assert "&" not in _ENTITY.sub("", text), mrkdwn
            tokens.append(("text", text))
            continue
        what, *label = special.split("|")
        assert len(label) <= 1, mrkdwn
        assert "&" not in _ENTITY.sub("", special), mrkdwn
        if person := re.fullmatch(r"@([UW]\w+)", what):
            tokens.append(("person", person[1]))
        elif channel := re.fullmatch(r"#([CG]\w+)", what):
            tokens.append(("channel", channel[1]))
        elif re.fullmatch(r"!date\^-?\d+\^[^|]+", what):
            tokens.append(("date", what))
        elif re.fullmatch(r"https://[^\s|]+", what):
            tokens.append(("link", what, *label))
        else:
            raise AssertionError(f"nothing that Slack knows: {special}")
    assert end == len(mrkdwn), mrkdwn
    return tokens


def skeleton(blocks: Any) -> list[tuple[Any, ...]]:
    """All but the words: what is mentioned and linked, how many lines, which mark-up."""
    return [
        (
            [token[:2] for token in parsed(text) if token[0] != "text"],
            text.count("\n"),
            _MARKS.findall(text),
        )
        for text in mrkdwn_texts(blocks)
    ]
