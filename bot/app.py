"""The Bolt App and its routing table, one line for each listener."""

import secrets
from typing import Any

import structlog
from slack_bolt import App, BoltResponse, Respond
from slack_bolt.authorization import AuthorizeResult

from bot import blocks
from bot.listeners.admin import AdminListeners
from bot.listeners.events import EventListeners
from bot.listeners.find import FindListeners
from bot.workspace import SlackWorkspace
from pipeline.errors import FindmeError

log = structlog.get_logger(__name__)


def build_app(
    workspace: SlackWorkspace,
    *,
    signing_secret: str | None,
    find: FindListeners,
    admin: AdminListeners,
    events: EventListeners,
) -> App:
    """The App with every listener; `signing_secret` is needed in HTTP mode only."""
    we = AuthorizeResult(
        enterprise_id=None,
        team_id=workspace.team_id,
        bot_token=workspace.client.token,
        bot_id=workspace.bot_id,
        bot_user_id=workspace.bot_user_id,
    )

    def authorize(team_id: str | None) -> AuthorizeResult:
        """One app, one workspace: anybody else's request is turned away."""
        if team_id != workspace.team_id:
            raise FindmeError("This Findme serves another workspace.")
        return we

    app = App(
        # Known from the start: Bolt need not ask Slack again who we are.
        authorize=authorize,
        # Bolt wants one even where Socket Mode, which needs none, delivers everything.
        signing_secret=signing_secret or secrets.token_hex(),
    )
    app.command("/findme")(find.command)
    app.command("/findme-admin")(admin.command)
    app.action(blocks.MORE)(find.more)
    app.event("file_shared")(events.file_shared)
    app.event("file_deleted")(events.file_deleted)
    app.event("member_joined_channel")(events.member_joined)
    app.event("channel_left")(events.left)
    app.event("group_left")(events.left)
    app.event("message")(events.message)
    app.error(apologise)
    return app


def apologise(error: Exception, body: dict[str, Any], respond: Respond) -> BoltResponse:
    """The one handler of what a listener raised: a sentence for the user, an id for the log."""
    if isinstance(error, FindmeError):
        log.info("listener.refused", error=type(error).__name__, reason=str(error))
        sentence = str(error)
    else:
        incident = secrets.token_hex(4)
        log.error("listener.failed", incident=incident, exc_info=error)
        sentence = (
            "Something went wrong on my side. If it happens again, tell whoever runs Findme "
            f"the number `{incident}`."
        )
    if body.get("response_url"):
        respond(text=sentence, replace_original=False)
    return BoltResponse(status=200)
