"""Modals and Home tabs: opened at once, filled when there is something to show."""

from collections.abc import Callable

from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.workspace import call
from pipeline.domain.model import UserId
from pipeline.errors import SourceUnavailableError


class Views:
    """Opens, updates and publishes views. Every method raises SourceUnavailableError."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def open(self, trigger_id: str, view: View) -> str:
        """Show a modal, within 3 s of what the person did; its id."""
        answer = call(self._client.views_open, trigger_id=trigger_id, view=view.to_dict())
        return str(answer["view"]["id"])

    def update(self, view_id: str, view: View) -> None:
        """Show something else in it; a modal that was closed meanwhile is none."""
        call(self._client.views_update, view_id=view_id, view=view.to_dict())

    def update_with_pictures(self, view_id: str, view: Callable[[bool], View]) -> None:
        """`view(True)`, or where Slack refuses a picture `view(False)`, without any."""
        try:
            self.update(view_id, view(True))
        except SourceUnavailableError:
            # A file that was deleted a moment ago would make Slack refuse all of it.
            self.update(view_id, view(False))

    def publish_with_pictures(self, user_id: UserId, view: Callable[[bool], View]) -> None:
        """Set a person's Home tab, as `update_with_pictures` does a modal."""
        try:
            self.publish(user_id, view(True))
        except SourceUnavailableError:
            self.publish(user_id, view(False))

    def publish(self, user_id: UserId, view: View) -> None:
        """Set a person's Home tab."""
        call(self._client.views_publish, user_id=user_id, view=view.to_dict())
