"""Calling Slack's Web API: its errors become ours."""

from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

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


def retry_handlers() -> Sequence[RetryHandler]:
    """What waits as Slack asks (429), and tries again what a network or a server broke."""
    return [
        ConnectionErrorRetryHandler(max_retry_count=2),
        RateLimitErrorRetryHandler(max_retry_count=3),
        ServerErrorRetryHandler(max_retry_count=2),
    ]


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
        kind = TokenRefusedError if code in _REFUSED else SlackRefusedError
        raise kind(
            f"Slack refused `{method.__name__}`: {code}{_advice(error)}.",
            code=code,
            retry_after_s=_retry_after_s(error),
        ) from error
    except (SlackClientError, HTTPException, OSError) as error:
        raise SourceUnavailableError("Slack can't be reached just now.") from error


def in_words(error: FindmeError) -> str:
    """What a person is told of an error: of Slack's refusals no more than helps them."""
    match error:
        case SlackRefusedError(code="ratelimited" | "429"):
            return "Slack asks me to slow down; please try again in a minute."
        case TokenRefusedError():
            return SHUT_OUT
        case SlackRefusedError(code=code) if code in _PEOPLE:
            return "I can't see that person's profile in Slack."
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
    value = error.response.headers.get("Retry-After") if error.response.headers else None
    return float(value) if value else None
