"""The text of a command -> its words and the people and channels that Slack escaped in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from bot.mrkdwn import escape, shortened

# Commas and double quotes of any shape only part words; `<…>` is Slack's own.
_WORD = re.compile(r"<[^<>]*>|<|[^\s<,،、\uff0c“”„‟«»\"]+")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!.*>")
_GROUP_NAMES = {"@here", "@channel", "@everyone"}

# What Slack's composer and copying leave around words without anybody seeing it.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_AROUND = "*_~`'\u2018’\u201b.…!?:;()[]{}"
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


_MOST_SHOWN = 30  # before it is escaped


class Kind(Enum):
    """What a word is."""

    PERSON = auto()
    CHANNEL = auto()
    GROUP = auto()
    PLAIN = auto()


NOISE = frozenset({"?", "and", "with", "&", "+", "-", "–", "—"})
"""Words that may stand anywhere and mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word: `typed` as it was (for a person or a channel: the id), `key` to compare by."""

    kind: Kind
    typed: str
    key: str = ""

    def as_date(self) -> str:
        """The key, with the dot that says that its number is a day or a month: "3. 5. 2026"."""
        return f"{self.key}." if re.search(r"\d\.\W*$", self.typed) else self.key

    def as_text(self) -> str:
        """As it can stand in a message, and be read again."""
        match self.kind:
            case Kind.PERSON:
                return f"<@{self.typed}>"
            case Kind.CHANNEL:
                return f"<#{self.typed}>"
            case Kind.GROUP | Kind.PLAIN:
                return escape(self.typed)


def plain(typed: str) -> Word:
    """A word that is neither a person nor a channel; its key: lower-case, no marks around it."""
    key = typed.lower().strip(_AROUND) or typed
    return Word(kind=Kind.GROUP if key in _GROUP_NAMES else Kind.PLAIN, typed=typed, key=key)


def words_of(text: str) -> Sequence[Word]:
    """In their order; marks between them left out, but for a question mark: it asks for help."""
    found = _WORD.findall(_UNSEEN.sub("", text))
    return [_word(typed) for typed in found if typed == "?" or typed.strip(_AROUND)]


def shown(typed: str) -> str:
    """What somebody typed, or its beginning, as it can stand in a sentence."""
    return escape(shortened(typed, _MOST_SHOWN))


def _word(typed: str) -> Word:
    if person := _PERSON.fullmatch(typed):
        return Word(kind=Kind.PERSON, typed=person[1])
    if channel := _CHANNEL.fullmatch(typed):
        return Word(kind=Kind.CHANNEL, typed=channel[1])
    if _GROUP.fullmatch(typed):
        return Word(kind=Kind.GROUP, typed=typed)
    for entity, character in _ENTITIES:
        typed = typed.replace(entity, character)
    return plain(typed)
