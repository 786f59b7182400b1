"""Where an answer goes: to the place that was asked from, or into the person's direct messages."""

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.models.blocks import Block
from slack_sdk.webhook import WebhookResponse

from bot.blocks.parts import as_json
from bot.calls import SlackRefusedError, call, is_perhaps_done
from bot.waits import Waits
from bot.web import ResponseUrl, was_never_sent
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import FindmeError, SourceUnavailableError
from pipeline.requests import carried

OK = 200
BAD_REQUEST = 400
SPINNER_AFTER_S = 1.0
LOOKING = "⏳ Looking…"
_WORD = re.compile(r"[a-z_]{1,40}")

log = structlog.get_logger(__name__)


class AnswerUncertainError(SourceUnavailableError):
    """Slack didn't tell me whether you got my answer; if you don't see it, please ask once more."""


class Spinner:
    """How long somebody has waited for an answer, and whether they were told to."""

    def __init__(self) -> None:
        """From now on."""
        self._began_s = time.monotonic()
        self.is_shown = False

    @property
    def due_s(self) -> float:
        """In how many seconds."""
        return max(0.0, self._began_s + SPINNER_AFTER_S - time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One place to answer to: `response_url` where Slack gave one, else a direct message.

    Only who asked sees the answer; with `stays` everybody in that conversation does.
    """

    client: WebClient
    user_id: UserId
    response_url: str = ""
    stays: bool = False
    waits: Waits = field(default_factory=Waits)
    spinner: Spinner = field(default_factory=Spinner, compare=False)

    def send(
        self, text: str, blocks: Sequence[Block] | None = None, *, replace: bool = False
    ) -> bool:
        """Answer, in place of the message that was clicked if `replace`.

        By a direct message where a `response_url` lived too long, was used too often, or goes on
        failing. False if Slack refuses what is to be shown.

        `text` is the notification, and all there is without blocks.
        Raises: SourceUnavailableError; AnswerUncertainError where the answer may have come: it is
        not sent again, since nobody should get it twice.
        """
        shown = as_json(blocks) if blocks else None
        if not self.response_url:
            return self._post(text, shown)
        answer = self._answer(text, shown, replace=replace)
        if answer.status_code == OK and not _is_page(answer):
            return True
        log.warning("reply.refused", status=answer.status_code, reason=_word(answer.body))
        if answer.status_code == BAD_REQUEST:
            return False
        # Half an hour in a modal, a busy server: the answer is wanted all the same.
        return self._post(text, shown)

    def _answer(
        self, text: str, blocks: list[dict[str, object]] | None, *, replace: bool
    ) -> WebhookResponse:
        kind = "in_channel" if self.stays else "ephemeral"
        # Put in its place twice, a message is there once.
        place = ResponseUrl(self.response_url, waits=self.waits, once=not replace)
        try:
            return place.send(
                text=text,
                blocks=blocks,
                replace_original=replace,
                # What is replaced stays what it was.
                response_type=None if replace else kind,
            )
        except (SlackClientError, HTTPException, OSError) as error:
            if replace or was_never_sent(error):
                raise SourceUnavailableError("Slack can't be reached just now.") from error
            raise AnswerUncertainError from error

    def _post(self, text: str, blocks: list[dict[str, object]] | None) -> bool:
        try:
            call(self.client.chat_postMessage, channel=self.user_id, text=text, blocks=blocks)
        except SourceUnavailableError as error:
            is_refused = isinstance(error, SlackRefusedError)
            log.warning("reply.refused" if is_refused else "reply.uncertain", reason=str(error))
            if is_perhaps_done(error):
                raise AnswerUncertainError from error
            if is_refused:
                return False
            raise
        return True


def _is_page(answer: WebhookResponse) -> bool:
    """Whether something stands between Slack and us, or in Slack's place: "ok" is what it says."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in answer.headers.items()}
    return headers.get("content-type", "").startswith("text/html")


def _word(body: str) -> str | None:
    """Slack's one word for why; a page, or what quotes the blocks, is not for a log."""
    return body if _WORD.fullmatch(body) else None


class Replies:
    """Makes replies."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._waits = Waits()

    def to(
        self, user_id: UserId, response_url: str = "", *, channel_id: ChannelId | None = None
    ) -> Reply:
        """An answer to what somebody asked.

        `channel_id`: where a message of the bot's own was clicked that everybody there can see. If
        those are direct messages, the answer stays there, too. A command says less: it may be typed
        in the direct messages of two people, and the answer is for one of them.
        """
        return Reply(
            client=self._client,
            user_id=user_id,
            response_url=response_url,
            waits=self._waits,
            stays=(channel_id or "").startswith("D"),
        )


@contextmanager
def looking(reply: Reply) -> Iterator[None]:
    """Say "Looking…", once, if the reply takes longer than SPINNER_AFTER_S; never after the end."""
    if reply.spinner.is_shown:
        yield
        return

    def say() -> None:
        reply.spinner.is_shown = True
        try:
            reply.send(LOOKING)
        except FindmeError as error:
            log.warning("reply.refused", reason=str(error))

    timer = threading.Timer(reply.spinner.due_s, carried(say))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        # It may be on its way just now, and what comes next is the answer.
        timer.join()
