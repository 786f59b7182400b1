"""Slack's mark-up: text that people wrote, put where it can't break out of its place."""

import re
import unicodedata

# A character that is no control character in Slack's eyes, but looks the same.
_TWINS = str.maketrans("*~`|", "∗∼ˋ¦")
# Slack begins and ends emphasis at the edge of a word only: IMG_2041.jpg is left as it is.
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_UNDERSCORE_TWIN = "ˍ"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_QUOTE, _QUOTE_TWIN = ">", "›"  # noqa: RUF001

# Flags of England, Scotland and the like: a black flag and letters that nobody sees.
_FLAG = re.compile("(\U0001f3f4[\U000e0030-\U000e007a]{3,6}\U000e007f)")
_JOINERS = "\u200c\u200d"  # within Persian words, and within emoji of several people
_NUMBER_SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
_KEPT = frozenset(_JOINERS + _NUMBER_SIGNS)
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_MOST_MARKS = 5  # a Hebrew letter can carry as many; more than that reach into other lines
_ISOLATE, _ISOLATED = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def escape(text: str) -> str:
    """Text that Slack shows as it is, on one line, and takes for no mark-up.

    What is written from right to left doesn't turn what stands beside it.
    """
    line = plain(text)
    if line.startswith(_QUOTE):
        line = _QUOTE_TWIN + line[1:]
    line = line.translate(_ENTITIES).translate(_TWINS)
    line = _EDGE_UNDERSCORE.sub(_UNDERSCORE_TWIN, line)
    if any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in line):
        return f"{_ISOLATE}{line}{_ISOLATED}"
    return line


def shortened(text: str, limit: int) -> str:
    """The first `limit` characters of `plain(text)`: not escaped yet."""
    line = plain(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip(f" {_JOINERS}") + "…"


def plain(text: str) -> str:
    """Text on one line, without characters that are not seen but change what is around them.

    These are control characters, overrides of the direction, zero-width spaces, piles of accents.
    Emoji stay whole. "" if nothing is to be seen at all.
    """
    line = " ".join(text.split())
    line = "".join(
        part if number % 2 else _seen(part) for number, part in enumerate(_FLAG.split(line))
    )
    line = " ".join(line.split())
    line = line.lstrip(f" {_JOINERS}")
    while line and unicodedata.category(line[0])[0] == "M":
        line = line[1:].lstrip(f" {_JOINERS}")
    return line if any(map(_is_visible, line)) else ""


def cut(mrkdwn: str, limit: int) -> str:
    """The first `limit` characters of mark-up; no link, mention or entity is cut in two."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    start = mrkdwn[: limit - 1]
    opened = start.rfind("<")
    if opened > start.rfind(">"):
        start = start[:opened]
    return re.sub(r"&[a-z]{0,3}\Z", "", start) + "…"


def _seen(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for one in text:
        category = unicodedata.category(one)
        if category in _UNSEEN and one not in _KEPT:
            continue
        if one not in _JOINERS:
            marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            kept.append(one)
    return "".join(kept)


def _is_visible(one: str) -> bool:
    category = unicodedata.category(one)
    is_blank = category in _UNSEEN or category[0] in "MZ" or one in _BLANK
    return not is_blank or one in _NUMBER_SIGNS
