"""What people wrote stays in its place: it is no mark-up, and turns nothing beside it."""

# ruff: noqa: RUF001 - letters of other scripts, and such as look alike, are the subject

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.mrkdwn import cut, escape, plain, shortened
from tests.rendering import assert_directions_end, is_unseen, parsed
from tests.strategies import photo_names

FAMILY = "👨\u200d👩\u200d👧"
EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("&amp;", "&amp;amp;"),
        ("a\n\tb", "a b"),
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("*_~`|", "∗ˍ∼ˋ¦"),
        ("_a_ or b_", "ˍaˍ or bˍ"),
        ("a__b (_c)", "aˍˍb (ˍc)"),
        (">>> so", "›&gt;&gt; so"),
        ("😀 party", "😀 party"),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
def test_text_is_shown_as_it_is(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_what_is_written_from_right_to_left_turns_nothing_beside_it() -> None:
    assert escape("חתונה 12") == "\u2068חתונה 12\u2069"


@given(photo_names() | st.text())
def test_escaped_text_holds_no_mark_up(text: str) -> None:
    escaped = escape(text)
    assert not set("<>*~`|\n") & set(escaped)
    assert not EDGE_UNDERSCORE.search(escaped)
    assert not re.search(r"&(?!(?:amp|lt|gt);)", escaped)
    assert {token[0] for token in parsed(escaped)} <= {"text"}
    assert_directions_end(escaped)


@pytest.mark.parametrize(
    "text",
    [FAMILY, ENGLAND, "❤️", "❤️\u200d🔥", "1️⃣", "👍🏽", "🇮🇱", "می\u200cخواهم", "é", "שִׁ֔", "ก็"],
)
def test_emoji_and_letters_of_every_script_stay_whole(text: str) -> None:
    assert plain(text) == text
    assert plain(f"a {text} b") == f"a {text} b"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u202egpj.exe", "agpj.exe"),
        ("\u2067a\u2069", "a"),
        ("a\u200bb\ufeff\u200e", "ab"),
        ("a\x00\x1b[1mb", "a[1mb"),
        ("a\ud83d", "a"),
        ("  a \u2028 b\r\n", "a b"),
        ("\u0301a", "a"),
        ("\U000e0041a", "a"),
        ("e" + "\u0301" * 50 + "!", "e" + "\u0301" * 5 + "!"),
        ("e" + "\u0301\u200d" * 50, "e" + "\u0301\u200d" * 5),
    ],
)
def test_what_is_not_seen_is_left_out(text: str, seen: str) -> None:
    assert plain(text) == seen


@pytest.mark.parametrize(
    "text", ["", " \n", "\u200b", "\u200d", "\u3164", "\u2800 \u0301", "\u202e"]
)
def test_text_of_which_nothing_is_seen_is_none(text: str) -> None:
    assert plain(text) == ""
    assert escape(text) == ""
    assert shortened(text, 10) == ""


@given(photo_names())
@example("\u200d\n😀")
def test_plain_text_is_one_line_without_unseen_characters(text: str) -> None:
    line = plain(text)
    assert not any(is_unseen(one) for one in line)
    assert line == " ".join(line.split())
    assert plain(line) == line


@given(photo_names(), st.integers(1, 60))
def test_shortened_text_is_no_longer_than_its_limit(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == plain(text) or short.endswith("…")


@given(
    st.lists(st.sampled_from(["<@U1>", "&amp;", "<https://a.example|b>", "word", "\n"])).map(
        "".join
    ),
    st.integers(1, 80),
)
def test_cutting_mark_up_leaves_links_and_entities_whole(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= limit
    parsed(short)
