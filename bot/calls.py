"""Calling Slack's Web API: its errors become ours."""

import re
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from json import JSONDecodeError
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError

from bot.waits import seconds
from bot.web import was_never_sent
from pipeline.errors import (
    FindmeError,
    PhotoGoneError,
    SourceClosedError,
    SourceUnavailableError,
)

SHUT_OUT = (
    "I can't see this workspace any more: Slack takes my token no longer. Whoever runs Findme has "
    "to install the app again."
)

_GONE = {"file_not_found", "file_deleted"}
_PERHAPS_DONE = {"internal_error", "fatal_error"}
"""Of these Slack says that some of it may have succeeded
(https://docs.slack.dev/reference/methods/chat.postMessage)."""

_WORD = re.compile(r"[a-z_]+")
_PEOPLE = {"user_not_found", "user_not_visible", "users_not_found"}


class SlackRefusedError(SourceUnavailableError):
    """Slack refuses what was asked of it; `code` is its own word for why."""

    def __init__(self, sentence: str, *, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(sentence, retry_after_s=retry_after_s)
        self.code = code


class TokenRefusedError(SlackRefusedError, SourceClosedError):
    """Slack takes the bot's token no more: revoked, or the app removed."""


_REFUSED = {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
"""Of the token, whatever is called (https://docs.slack.dev/reference/methods/auth.test)."""


def call(method: Callable[..., Any], **arguments: Any) -> Any:
    """Call the Web API. Raises PhotoGoneError, SlackRefusedError, SourceUnavailableError.

    The sentences name the method and Slack's own word: for whoever runs Findme.
    """
    try:
        return method(**arguments)
    except SlackApiError as error:
        code = _code(error)
        if code in _GONE:
            raise PhotoGoneError from error
        is_page = code == str(int(HTTPStatus.OK))
        kind = TokenRefusedError if code in _REFUSED else SlackRefusedError
        raise kind(
            f"Slack answered `{method.__name__}` with something that is no answer."
            if is_page
            else f"Slack refused `{method.__name__}`: {code}{_advice(error)}.",
            code=code,
            retry_after_s=_retry_after_s(error),
        ) from error
    except (SlackClientError, HTTPException, OSError, JSONDecodeError) as error:
        raise SourceUnavailableError("Slack can't be reached just now.") from error


def is_certain(error: SlackRefusedError) -> bool:
    """Whether nothing was done: Slack itself said so, in its own word or by the status 429."""
    status = status_of(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    # Where no JSON came, there is a sentence of the SDK's or a status instead of Slack's word.
    is_word = _WORD.fullmatch(error.code) is not None
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and is_word and error.code not in _PERHAPS_DONE


def is_perhaps_done(error: SourceUnavailableError) -> bool:
    """Whether what `call` was to do may be done, although it raised this."""
    if isinstance(error, SlackRefusedError):
        return not is_certain(error)
    return not was_never_sent(error.__cause__)


def status_of(error: SlackRefusedError) -> int:
    """The status of the answer that was a refusal."""
    cause = error.__cause__
    assert isinstance(cause, SlackApiError)  # `call` raises it from that alone
    return int(cause.response.status_code)


def in_words(error: FindmeError) -> str:  # noqa: PLR0911 - a sentence for each
    """What a person is told of an error: of Slack's refusals no more than helps them."""
    match error:
        case SlackRefusedError(code="ratelimited" | "429"):
            return "Slack asks me to slow down; please try again in a minute."
        case TokenRefusedError():
            return SHUT_OUT
        case SlackRefusedError(code=code) if code in _PEOPLE:
            return "I can't see that person's profile in Slack."
        case SlackRefusedError(code="200"):
            return "Slack gave me no proper answer just now; please try again in a minute."
        case SlackRefusedError(code="missing_scope"):
            return (
                "Slack doesn't allow me that: whoever runs Findme has to update the app by its "
                "manifest and install it again."
            )
        case SlackRefusedError():
            return (
                "Slack refused that just now; please try again. If it goes on, tell whoever runs "
                f"Findme Slack's word for it: `{error.code}`."
            )
        case _:
            return str(error)


def _code(error: SlackApiError) -> str:
    """Slack's one word for it; where a proxy answers with a page, the SDK puts in a sentence."""
    word = str(error.response.get("error") or "")
    return word if word and " " not in word else str(error.response.status_code)


def _advice(error: SlackApiError) -> str:
    match error.response.get("error"):
        case "missing_scope":
            return f" (add the scope {error.response.get('needed')} and reinstall the app)"
        case code if code in _REFUSED:
            return " (check SLACK_BOT_TOKEN)"
        case _:
            return ""


def _retry_after_s(error: SlackApiError) -> float | None:
    headers = error.response.headers
    return seconds(headers.get("Retry-After")) if headers else None
