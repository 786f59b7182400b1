"""What admins may see and do, however they ask for it."""

from collections.abc import Sequence

import structlog
from slack_sdk import WebClient

from bot.blocks.texts import welcome
from bot.calls import call
from bot.pages import Panel
from bot.payloads import is_workspace_admin, reader
from bot.workspace import SlackWorkspace
from pipeline.domain.audit import Act, Entry, Noted
from pipeline.domain.model import ChannelId, IndexCounts, TeamId, UserId
from pipeline.domain.people import Forgotten
from pipeline.domain.visibility import Reader
from pipeline.errors import SourceUnavailableError, UsageError
from pipeline.storage.audit import Audit
from pipeline.storage.counts import Counts
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.runs import Runs
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.forget_person import ForgetPerson
from pipeline.usecases.reindex import Reindex

PROBLEMS = 5
ACTS, LAST_ACTS = 30, 5

log = structlog.get_logger(__name__)


class NotAdminError(UsageError):
    """`/findme-admin` is for the workspace's admins. Ask one of them."""


class NotInvitedError(UsageError):
    """I can't enter that channel by myself: invite me there, by `/invite @findme`."""


class Administration:
    """Workspace admins and the people named in FINDME_ADMINS."""

    def __init__(
        self,
        *,
        workspace: SlackWorkspace,
        admins: frozenset[str],
        reindex: Reindex,
        forget_person: ForgetPerson,
        runs: Runs,
        channels: Workspaces,
        photos: Photos,
        counts: Counts,
        queue: JobQueue,
        audit: Audit,
    ) -> None:
        self._audit = audit
        self._workspace = workspace
        self._admins = admins
        self._reindex = reindex
        self._forget_person = forget_person
        self._runs = runs
        self._channels = channels
        self._photos = photos
        self._counts = counts
        self._queue = queue

    @property
    def _client(self) -> WebClient:
        return self._workspace.client

    def is_admin(self, user_id: UserId) -> bool:
        """Whether they may. Raises SourceUnavailableError."""
        if user_id in self._admins:
            return True
        user = self._workspace.user(user_id)
        # Who is here from another workspace may be an admin of that one.
        is_ours = reader(user, team_id=self._workspace.team_id) is Reader.MEMBER
        return is_ours and is_workspace_admin(user)

    def must_be_admin(self, user_id: UserId) -> None:
        """Raises NotAdminError, SourceUnavailableError."""
        if not self.is_admin(user_id):
            raise NotAdminError

    def panel(self, team_id: TeamId, admin: UserId) -> Panel:
        """How the index is; photos are named of channels that the admin can open.

        Raises: SourceUnavailableError, DatabaseUnavailableError.
        """
        visible = self._workspace.sight_of(admin).open
        counts = self._counts.by_channel(team_id)
        channels = [
            (channel, counts.get(channel.channel_id, IndexCounts()))
            for channel in self._channels.watched(team_id)
        ]
        return Panel(
            engine_id=self._channels.engine(team_id) or "none",
            channels=channels,
            problems=self._photos.problems(team_id, channel_ids=visible, limit=PROBLEMS),
            hidden_problems=sum(
                count.unreadable + count.given_up
                for channel, count in channels
                if channel.channel_id not in visible
            ),
            runs=[
                (run, self._photos.counts(team_id, run_id=run.run_id))
                for run in self._runs.open(team_id)
            ],
            audit=self._audit.latest(team_id, limit=LAST_ACTS),
        )

    def audit(self, team_id: TeamId, admin: UserId) -> Sequence[Noted]:
        """The last acts, newest first; that somebody read them is one, too."""
        acts = self._audit.latest(team_id, limit=ACTS)
        self._audit.add(team_id, Entry(act=Act.READ_AUDIT, actor_id=admin))
        return acts

    def start_reindex(
        self, team_id: TeamId, admin: UserId, channel_id: ChannelId | None = None
    ) -> bool:
        """Read every photo again; a direct message shows how far it is, if Slack takes one.

        False if it doesn't: what has begun goes on without.
        Raises: ReindexRunningError, UsageError, DatabaseUnavailableError.
        """
        run_id = self._reindex(team_id, channel_id=channel_id, requested_by=admin)
        self._note(team_id, Act.REINDEXED, admin, channel_id)
        # A direct message can be updated for as long as it takes; an ephemeral one can't.
        try:
            notice = call(self._client.chat_postMessage, channel=admin, text="🔄 Re-indexing…")
        except SourceUnavailableError as error:
            log.warning("notice.failed", run=run_id, reason=str(error))
            return False
        self._runs.set_notice(team_id, run_id, notice["channel"], notice["ts"])
        return True

    def _note(self, team_id: TeamId, act: Act, admin: UserId, channel_id: ChannelId | None) -> None:
        details = {"channel": channel_id} if channel_id else {}
        self._audit.add(team_id, Entry(act=act, actor_id=admin, details=details))

    def add_channel(self, team_id: TeamId, admin: UserId, channel_id: ChannelId) -> bool:
        """Watch a channel; False if it is watched already.

        Raises: NotInvitedError, SourceUnavailableError.
        """
        is_in = any(channel.channel_id == channel_id for channel in self._workspace.joined())
        if not is_in and not self._workspace.join(channel_id):
            raise NotInvitedError
        name = self._workspace.channel_name(channel_id)
        self._note(team_id, Act.ADDED_CHANNEL, admin, channel_id)
        if self._channels.watch(team_id, channel_id, name, again=True):
            self._queue.enqueue_listing(team_id, channel_id)
            call(self._client.chat_postMessage, channel=channel_id, text=welcome(channel_id))
            return True
        # Slack tells of the entry at once: then its listener watched the channel and said hello.
        return not is_in

    def remove_channel(self, team_id: TeamId, admin: UserId, channel_id: ChannelId) -> None:
        """Forget what a channel alone shows, and leave it alone although the bot is in it.

        Raises: UsageError if it isn't watched.
        """
        if all(known.channel_id != channel_id for known in self._channels.watched(team_id)):
            raise UsageError("I don't watch that channel; `/findme-admin status` names those I do.")
        self._channels.exclude(team_id, channel_id)
        self._note(team_id, Act.REMOVED_CHANNEL, admin, channel_id)

    def forget(self, team_id: TeamId, user_id: UserId, *, by: UserId) -> Forgotten:
        """Delete all that is known of a person's face, and what they chose."""
        return self._forget_person(team_id, user_id, by=by)
