"""Modals and Home tabs: opened at once, filled when there is something to show."""

from collections.abc import Callable

import structlog
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.modal import told
from bot.calls import SlackRefusedError, call, in_words
from pipeline.domain.model import UserId
from pipeline.errors import FindmeError, UsageError

log = structlog.get_logger(__name__)


FAILED = "Something went wrong on my side; I tell you more in a message."
"""What a modal says in the end that waited for something that failed."""


class TooLateError(UsageError):
    """That took me too long just now; please do it once more."""


class Views:
    """Opens, updates and publishes views. Every method raises SourceUnavailableError."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def open(self, trigger_id: str, view: View) -> str:
        """Show a modal, within 3 s of what the person did; its id. Raises TooLateError too."""
        try:
            answer = call(self._client.views_open, trigger_id=trigger_id, view=view.to_dict())
        except SlackRefusedError as error:
            if "trigger" in error.code:
                raise TooLateError from error
            raise
        return str(answer["view"]["id"])

    def update(self, view_id: str, view: View) -> None:
        """Show something else in it, unless the person closed it meanwhile."""
        try:
            call(self._client.views_update, view_id=view_id, view=view.to_dict())
        except SlackRefusedError as error:
            if error.code != "not_found":
                raise
            log.info("view.closed")

    def fill(self, view_id: str, title: str, make: Callable[[bool], View]) -> None:
        """Show what `make` makes in a modal that waits for it, or say there why it can't be made.

        `make(True)`, or where Slack refuses a picture `make(False)`, without any. What nobody
        foresaw is raised again, for whoever apologises; that one can't know that a modal waits.
        """
        try:
            self.update_with_pictures(view_id, make)
        except FindmeError as error:
            self.update(view_id, told(title, in_words(error)))
        except Exception:
            self.update(view_id, told(title, FAILED))
            raise

    def update_with_pictures(self, view_id: str, view: Callable[[bool], View]) -> None:
        """`view(True)`, or where Slack refuses a picture `view(False)`, without any."""
        try:
            self.update(view_id, view(True))
        except SlackRefusedError:
            # A file that was deleted a moment ago would make Slack refuse all of it.
            self.update(view_id, view(False))

    def publish_with_pictures(self, user_id: UserId, view: Callable[[bool], View]) -> None:
        """Set a person's Home tab, as `update_with_pictures` does a modal."""
        try:
            self.publish(user_id, view(True))
        except SlackRefusedError:
            self.publish(user_id, view(False))

    def publish(self, user_id: UserId, view: View) -> None:
        """Set a person's Home tab."""
        call(self._client.views_publish, user_id=user_id, view=view.to_dict())
