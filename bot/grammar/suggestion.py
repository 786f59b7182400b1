"""What somebody may have meant by words that have no place: the nearest command that has sense."""

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches

from bot.grammar.words import NOISE, Kind, Word, plain, words_of
from pipeline.errors import UsageError

_MOST_REPAIRS = 6

# English, as the suggestions are; in another language people see their date left out.
_DATE_WORDS = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
    *("today", "yesterday", "last", "ago", "hours", "days", "week", "weeks", "month", "months"),
)


class MisplacedError(UsageError):
    """Words `at` … `until` have no place; each of `repairs` could stand there instead."""

    def __init__(
        self, problem: str, *, at: int, until: int, repairs: Sequence[Sequence[Word]]
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.until = until
        self.repairs = repairs


def word_repairs(
    word: Word, run: Sequence[Word], *, keywords: Collection[str]
) -> Sequence[Sequence[Word]]:
    """`since` before what may be a date, else a keyword that looks alike, else nothing."""
    alike = get_close_matches(word.key, sorted(keywords), n=2)
    return [[plain("since"), *run[:1]], *([plain(one)] for one in alike), []]


def date_repairs(keyword: Word, run: Sequence[Word]) -> Sequence[Sequence[Word]]:
    """The date with its words spelt well, else an example of one, else neither."""
    spelt = [_spelt(word) for word in run]
    return [[keyword, *spelt], [keyword, plain("monday")], []]


def suggestion(
    words: Sequence[Word], error: MisplacedError, *, read: Callable[[Sequence[Word]], object]
) -> str | None:
    """The words with as little changed as makes sense, ready to be shown.

    `read` raises UsageError for what has no sense. None if nothing near has any.
    """
    for _ in range(_MOST_REPAIRS):
        for repair in error.repairs:
            tried = [*words[: error.at], *repair, *words[error.until :]]
            try:
                read(tried)
            except MisplacedError as next_error:
                if next_error.at <= error.at and repair:
                    continue
                words, error = tried, next_error
                break
            except UsageError:
                continue
            else:
                return _shown(tried, read)
        else:
            return None
    return None


def _shown(words: Sequence[Word], read: Callable[[Sequence[Word]], object]) -> str | None:
    named = [word for word in words if word.key != "/findme"]
    kept = [word for at, word in enumerate(named) if word.key not in NOISE or _joins(named, at)]
    shown = " ".join(["/findme", *(word.as_text() for word in kept)])
    try:
        # Escaping may have changed a date.
        if read(words_of(shown)) != read(words):
            return None
    except UsageError:
        return None
    # A mention may stay a bare id between backticks.
    return shown if any(word.kind is not Kind.PLAIN for word in kept) else f"`{shown}`"


def _joins(words: Sequence[Word], at: int) -> bool:
    """Whether the word stands between two people, as in "me and @colleague"."""
    around = [*words[max(at - 1, 0) : at], *words[at + 1 : at + 2]]
    return [word.kind is Kind.PERSON or word.key == "me" for word in around] == [True, True]


def _spelt(word: Word) -> Word:
    near = get_close_matches(word.key, _DATE_WORDS, n=1, cutoff=0.7)
    return plain(near[0]) if near else word
