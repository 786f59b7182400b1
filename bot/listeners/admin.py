"""`/findme-admin`, and the panel's buttons in a modal or in Home: for admins only."""

from collections.abc import Sequence
from typing import assert_never

from slack_bolt import Ack
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.administration import Administration
from bot.blocks import admin as blocks
from bot.blocks import parts
from bot.blocks.modal import waiting
from bot.calls import in_words
from bot.listeners.home import HomeListeners
from bot.payloads import (
    AddChannelRequest,
    AuditRequest,
    Click,
    Command,
    ForgetRequest,
    Json,
    PanelRequest,
    ReindexRequest,
    RemoveChannelRequest,
    StatusRequest,
    admin_request,
)
from bot.replies import Replies, looking
from bot.views import Views
from pipeline.domain.model import ChannelId, TeamId, UserId
from pipeline.errors import FindmeError

TITLE = "Findme"


class AdminListeners:
    """Commands answer in text; buttons show the panel anew."""

    def __init__(
        self,
        *,
        administration: Administration,
        views: Views,
        replies: Replies,
        home: HomeListeners,
    ) -> None:
        self._administration = administration
        self._views = views
        self._replies = replies
        self._home = home

    def command(self, ack: Ack, body: Json) -> None:
        """`/findme-admin`: the panel, or what ADMIN_USAGE names."""
        ack()
        command = Command.from_body(body)
        if not command.text:
            self._open_panel(command)
            return
        reply = self._replies.to(command.user_id, command.response_url)
        with looking(reply):
            answer = self._answer(command)
        reply.send(*answer)

    def _answer(self, command: Command) -> tuple[str, Sequence[Block] | None]:
        # Before the text is looked at: who may not use it need not learn how it is used.
        self._administration.must_be_admin(command.user_id)
        request = admin_request(command.text)
        if isinstance(request, PanelRequest | StatusRequest):
            panel = self._administration.panel(command.team_id, command.user_id)
            return "Findme status", blocks.status(panel)
        if isinstance(request, AuditRequest):
            acts = self._administration.audit(command.team_id, command.user_id)
            return "What was done", blocks.audit(acts)
        return self._do(request, command.team_id, command.user_id), None

    def _open_panel(self, command: Command) -> None:
        # Slack waits for a modal no longer than 3 s: who may see the panel is asked after it.
        view_id = self._views.open(command.trigger_id, waiting(TITLE))

        def panel(_pictures: bool) -> View:  # noqa: FBT001 - what Views hands over
            self._administration.must_be_admin(command.user_id)
            return blocks.panel_view(self._administration.panel(command.team_id, command.user_id))

        self._views.fill(view_id, TITLE, panel)

    def _do(
        self,
        request: ReindexRequest | AddChannelRequest | RemoveChannelRequest | ForgetRequest,
        team_id: TeamId,
        admin: UserId,
    ) -> str:
        """Do it; what to say then. Raises FindmeErrors that are the sentence to tell."""
        match request:
            case ReindexRequest(channel_id=channel_id):
                if self._administration.start_reindex(team_id, admin, channel_id):
                    progress = "I'll tell you how far it is in our direct messages."
                else:
                    progress = (
                        "I couldn't open the message that shows how far it is; "
                        "`/findme-admin status` does."
                    )
                return f"Re-indexing has begun. {progress}"
            case AddChannelRequest(channel_id=channel_id):
                name = parts.channel_mention(channel_id)
                if self._administration.add_channel(team_id, admin, channel_id):
                    return f"I watch {name} now, and look through what is there."
                return f"I watch {name} already."
            case RemoveChannelRequest(channel_id=channel_id):
                self._administration.remove_channel(team_id, admin, channel_id)
                name = parts.channel_mention(channel_id)
                return f"I forgot the photos of {name} and don't watch it any more."
            case ForgetRequest(user_id=user_id):
                forgotten = self._administration.forget(team_id, user_id, by=admin)
                references, verdicts = forgotten.references, forgotten.verdicts
                who = parts.mention(user_id)
                if forgotten.is_nothing:
                    return f"I knew nothing about {who}."
                return (
                    f"I forgot what I knew about {who}: "
                    f"{references} {'reference' if references == 1 else 'references'} and "
                    f"{verdicts} {'word' if verdicts == 1 else 'words'} of theirs on faces."
                )
            case _:
                assert_never(request)

    def reindex(self, ack: Ack, body: Json) -> None:
        """*Re-index all*."""
        ack()
        self._click(Click.from_body(body), ReindexRequest(channel_id=None))

    def add_channel(self, ack: Ack, body: Json) -> None:
        """A channel was chosen to be watched."""
        ack()
        click = Click.from_body(body)
        self._click(click, AddChannelRequest(channel_id=ChannelId(click.value)))

    def remove_channel(self, ack: Ack, body: Json) -> None:
        """*Remove* beside a channel."""
        ack()
        click = Click.from_body(body)
        self._click(click, RemoveChannelRequest(channel_id=ChannelId(click.value)))

    def refresh(self, ack: Ack, body: Json) -> None:
        """*Refresh*."""
        ack()
        click = Click.from_body(body)
        self._administration.must_be_admin(click.user_id)
        self._show(click, "")

    def _click(
        self,
        click: Click,
        request: ReindexRequest | AddChannelRequest | RemoveChannelRequest | ForgetRequest,
    ) -> None:
        self._administration.must_be_admin(click.user_id)
        try:
            note = self._do(request, click.team_id, click.user_id)
        except FindmeError as error:
            note = in_words(error)
        self._show(click, note)

    def _show(self, click: Click, note: str) -> None:
        if click.is_modal and click.view_id is not None:
            panel = self._administration.panel(click.team_id, click.user_id)
            self._views.update(click.view_id, blocks.panel_view(panel, note=note))
        else:
            self._home.show(click.team_id, click.user_id, admin_note=note)
