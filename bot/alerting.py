"""Tells people of new photos, in their direct messages, at most once."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block

from bot.answers import Answers
from bot.blocks import alert as blocks
from bot.blocks.parts import as_json
from bot.calls import SlackRefusedError, call, is_certain, status_of
from bot.waits import Waits
from bot.web import Client
from pipeline.domain.model import TeamId, UserId
from pipeline.errors import PersonGoneError, SourceUnavailableError
from pipeline.usecases.find_photos import Found

log = structlog.get_logger(__name__)

PAUSE_S = 3600.0
"""What Slack refuses for a reason, an admin's setting or a scope, it will refuse in a minute."""

_GONE = {"user_disabled", "user_not_found", "channel_not_found"}
_PASSING = {"ratelimited", "rate_limited", "service_unavailable", "request_timeout"}


def client_that_tries_once(token: str, api_url: str, *, waits: Waits | None = None) -> Client:
    """A client for messages that must not come twice.

    It doesn't wait where Slack asks for that (429) either: whoever stops the bot would wait too.
    """
    client = Client(token, api_url, waits=waits)
    client.retry_handlers = []
    client.patience_s = 0.0
    return client


class Alerting:
    """What `AlertPeople` composes its messages by."""

    def __init__(self, client: WebClient, answers: Answers) -> None:
        """`client` tries once: `client_that_tries_once`."""
        self._client = client
        self._answers = answers

    def __call__(self, team_id: TeamId, user_id: UserId, found: Found) -> Callable[[], None]:
        """One message about these matches, sent when it is called.

        That raises PersonGoneError, and SourceUnavailableError if Slack refused it; what Slack may
        have got counts as sent. Raises: SourceUnavailableError, PersonGoneError,
        DatabaseUnavailableError.
        """
        shown = self._answers.shown(team_id, user_id, found.matches[: blocks.PHOTOS_SHOWN])

        def send() -> None:
            try:
                self._post(user_id, found, blocks.alert(user_id, found, shown))
            except SlackRefusedError as error:
                if error.code != "invalid_blocks":
                    raise
                # A file that was deleted a moment ago makes Slack refuse the whole message.
                self._post(user_id, found, blocks.alert(user_id, found, shown, pictures=False))

        return lambda: _at_most_once(send)

    def _post(self, user_id: UserId, found: Found, message: list[Block]) -> None:
        call(
            self._client.chat_postMessage,
            channel=user_id,
            text=blocks.summary(found),
            blocks=as_json(message),
        )


def _at_most_once(send: Callable[[], None]) -> None:
    try:
        send()
    except SlackRefusedError as error:
        if not is_certain(error):
            log.warning("alert.perhaps_sent", reason=str(error))
        elif error.code in _GONE:
            raise PersonGoneError from error
        elif status_of(error) == HTTPStatus.TOO_MANY_REQUESTS or error.code in _PASSING:
            raise
        else:
            raise SourceUnavailableError(str(error), retry_after_s=PAUSE_S) from error
    except SourceUnavailableError as error:
        # An answer that was late, or a connection that broke: after Slack had the message, perhaps.
        log.warning("alert.perhaps_sent", reason=str(error))
