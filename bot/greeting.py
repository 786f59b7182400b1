"""The bot says hello where it comes in."""

import structlog
from slack_sdk import WebClient

from bot.blocks.texts import welcome
from bot.calls import TokenRefusedError, call
from pipeline.domain.model import ChannelId
from pipeline.errors import SourceUnavailableError

log = structlog.get_logger(__name__)


class Greeting:
    """One message; a channel that takes none is watched all the same."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def __call__(self, channel_id: ChannelId) -> None:
        """Say hello. Raises TokenRefusedError."""
        try:
            call(self._client.chat_postMessage, channel=channel_id, text=welcome(channel_id))
        except TokenRefusedError:
            raise
        except SourceUnavailableError as error:
            log.warning("channel.not_greeted", channel=channel_id, reason=str(error))
