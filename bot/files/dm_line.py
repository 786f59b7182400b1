"""A line in somebody's direct messages that tells how far something is."""

import time

import structlog
from slack_sdk import WebClient

from bot.blocks import parts
from bot.calls import call
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import PhotoGoneError, SourceUnavailableError

log = structlog.get_logger(__name__)


class DmLine:
    """One message of the bot's, edited now and then. For one thread at a time."""

    def __init__(self, client: WebClient, user_id: UserId, text: str, *, every_s: float) -> None:
        """Post it. `chat.postMessage` takes a person's id and answers with that of the DM.

        Raises: SourceUnavailableError.
        """
        self._client = client
        self._every_s = every_s
        self._text = text
        answer = call(client.chat_postMessage, channel=user_id, text=text, blocks=_blocks(text))
        self.channel_id = ChannelId(answer["channel"])
        """The direct messages with that person."""
        self._ts = str(answer["ts"])
        self._changed_s = time.monotonic()

    def show(self, text: str) -> None:
        """Tell the state on the way: not too often, not what stands there already.

        Whether that works doesn't matter.
        """
        if time.monotonic() - self._changed_s >= self._every_s:
            self._update(text)

    def end(self, text: str) -> None:
        """Tell what came of it; in a new message if this one can't be changed.

        Raises: SourceUnavailableError.
        """
        if not self._update(text):
            call(
                self._client.chat_postMessage,
                channel=self.channel_id,
                text=text,
                blocks=_blocks(text),
            )

    def _update(self, text: str) -> bool:
        if text == self._text:
            return True
        try:
            call(
                self._client.chat_update,
                channel=self.channel_id,
                ts=self._ts,
                text=text,
                blocks=_blocks(text),
            )
        except (PhotoGoneError, SourceUnavailableError) as error:
            log.info("line.not_updated", reason=str(error))
            return False
        finally:
            self._changed_s = time.monotonic()
        self._text = text
        return True


def _blocks(text: str) -> list[dict[str, object]]:
    """In a block no name of a photo becomes a link, as it would in plain text."""
    return parts.as_json([parts.text(text)])
