"""Tells people of new photos, in their direct messages."""

from slack_sdk import WebClient
from slack_sdk.models.blocks import Block

from bot.answers import Answers
from bot.blocks import alert as blocks
from bot.blocks.parts import as_json
from bot.workspace import call
from pipeline.domain.model import TeamId, UserId
from pipeline.errors import PersonGoneError, SourceUnavailableError
from pipeline.usecases.find_photos import Found

_GONE = ("user_disabled", "user_not_found", "channel_not_found", "account_inactive")


class Alerting:
    """What `AlertPeople` tells by."""

    def __init__(self, client: WebClient, answers: Answers) -> None:
        self._client = client
        self._answers = answers

    def __call__(self, team_id: TeamId, user_id: UserId, found: Found) -> None:
        """One message about these matches. Raises SourceUnavailableError, PersonGoneError."""
        shown = self._answers.shown(team_id, user_id, found.matches[: blocks.PHOTOS_SHOWN])
        try:
            self._post(user_id, found, blocks.alert(user_id, found, shown))
        except SourceUnavailableError as error:
            if any(code in str(error) for code in _GONE):
                raise PersonGoneError from error
            if "invalid_blocks" not in str(error):
                raise
            # A file that was deleted a moment ago makes Slack refuse the whole message.
            self._post(user_id, found, blocks.alert(user_id, found, shown, pictures=False))

    def _post(self, user_id: UserId, found: Found, message: list[Block]) -> None:
        call(
            self._client.chat_postMessage,
            channel=user_id,
            text=blocks.summary(found),
            blocks=as_json(message),
        )
