"""`/findme-admin`: re-index and status, for admins only."""

from slack_bolt import Ack, Respond

from bot import blocks
from bot.payloads import Json, ReindexRequest, StatusRequest, admin_request, is_workspace_admin
from bot.workspace import SlackWorkspace
from pipeline.domain.model import UserId
from pipeline.storage.photos import Photos
from pipeline.storage.runs import Runs
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.reindex import Reindex

PROBLEMS = 5


class AdminListeners:
    """Workspace admins and the people named in FINDME_ADMINS."""

    def __init__(
        self,
        *,
        workspace: SlackWorkspace,
        admins: frozenset[str],
        reindex: Reindex,
        runs: Runs,
        channels: Workspaces,
        photos: Photos,
    ) -> None:
        self._workspace = workspace
        self._admins = admins
        self._reindex = reindex
        self._runs = runs
        self._channels = channels
        self._photos = photos

    def command(self, ack: Ack, command: Json, respond: Respond) -> None:
        """`/findme-admin status | reindex [#channel]`."""
        ack()
        request = admin_request(command)
        if not self._is_admin(request.admin):
            respond(text="`/findme-admin` is for the workspace's admins. Ask one of them.")
            return
        match request:
            case StatusRequest():
                self._status(request, respond)
            case ReindexRequest():
                self._start_reindex(request, respond)

    def _is_admin(self, user_id: UserId) -> bool:
        return user_id in self._admins or is_workspace_admin(self._workspace.user(user_id))

    def _status(self, request: StatusRequest, respond: Respond) -> None:
        channels = [
            (channel, self._photos.counts(request.team_id, channel_id=channel.channel_id))
            for channel in self._channels.watched(request.team_id)
        ]
        problems = self._photos.problems(request.team_id, limit=PROBLEMS)
        engine_id = self._channels.engine(request.team_id) or "none"
        page = blocks.status(engine_id, channels, problems)
        respond(text="Findme status", blocks=blocks.as_json(page))

    def _start_reindex(self, request: ReindexRequest, respond: Respond) -> None:
        run_id = self._reindex(
            request.team_id, channel_id=request.channel_id, requested_by=request.admin
        )
        # A direct message can be updated for as long as it takes; an ephemeral one can't.
        notice = self._workspace.client.chat_postMessage(
            channel=request.admin, text="🔄 Re-indexing…"
        )
        self._runs.set_notice(request.team_id, run_id, notice["channel"], notice["ts"])
        respond(text="Re-indexing has begun. I tell you how far it is in our direct messages.")
