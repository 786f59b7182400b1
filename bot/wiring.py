"""The composition root of the bot process."""

import threading
from collections.abc import Mapping

import structlog
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from bot.app import build_app
from bot.edge import Edge
from bot.files.downloads import Downloads
from bot.files.thumbnails import TICK_EVERY_S
from bot.http import HttpServer, asgi_app
from bot.progress import ReindexNotices
from bot.settings import SlackSettings
from bot.workspace import SlackWorkspace, web_client
from pipeline.domain.model import TeamId
from pipeline.errors import FindmeError, SourceUnavailableError
from pipeline.jobs.schedule import Schedule
from pipeline.ports import FaceReader, PhotoSource
from pipeline.settings import Settings
from pipeline.usecases.find_photos import FindPhotos
from pipeline.usecases.watch_channels import WatchChannels
from pipeline.wiring import Runtime

log = structlog.get_logger(__name__)

HTTP_PORT = 3000
NOTICE_EVERY_S = 3.0
ALERT_EVERY_S = 20.0
GRANTED_EVERY_S = 20.0
DAILY_S = 86_400.0
# slack_sdk sees by a ping only that a connection is lost, and connects anew by the next; four that
# go unanswered are as much.
PING_EVERY_S = 3.0
LOST_EVERY_S = 20.0


def slack_workspace(settings: SlackSettings) -> SlackWorkspace:
    """The workspace of the bot token. Raises SourceUnavailableError."""
    token = settings.slack_bot_token.get_secret_value()
    return SlackWorkspace(
        web_client(token, settings.slack_api_url),
        Downloads(token=token, api_url=settings.slack_api_url),
    )


def slack_sources(settings: SlackSettings) -> Mapping[TeamId, PhotoSource]:
    """Slack as a source of photos, for the commands of the pipeline."""
    workspace = slack_workspace(settings)
    return {workspace.team_id: workspace}


class Bot:
    """One process that does all: listeners, scheduler, worker."""

    def __init__(
        self,
        settings: Settings,
        slack: SlackSettings,
        *,
        reader: FaceReader | None = None,
    ) -> None:
        """Connect to everything. Raises FindmeErrors that say what is missing or wrong."""
        self._slack = slack
        self.workspace = slack_workspace(slack)
        self.team_id = self.workspace.team_id
        self.runtime = Runtime(settings, sources={self.team_id: self.workspace}, reader=reader)
        self.runtime.claim_engine(self.team_id)
        runtime = self.runtime
        self.edge = Edge(
            runtime=runtime,
            workspace=self.workspace,
            downloads=self.workspace.downloads,
            settings=slack,
        )
        self._lost_event = threading.Event()
        secret = slack.slack_signing_secret
        self._app = build_app(
            self.workspace,
            self.edge.listeners,
            self.edge.replies,
            signing_secret=secret.get_secret_value() if secret else None,
            lost_event=self._lost_event.set,
        )
        self._watch = WatchChannels(
            directory=self.workspace, channels=runtime.workspaces, queue=runtime.queue
        )
        self._notices = ReindexNotices(
            self.workspace.client, runs=runtime.runs, photos=runtime.photos
        )
        self._worker = runtime.worker([self.team_id])
        self._schedule = Schedule()
        self._socket: SocketModeHandler | None = None
        self._http: HttpServer | None = None

    @property
    def find_photos(self) -> FindPhotos:
        """What answers `/findme`, without Slack around it."""
        return self.edge.find_photos

    @property
    def port(self) -> int | None:
        """The port of HTTP, if it listens."""
        return self._http.port if self._http else None

    def start(self) -> None:
        """Begin to work and to listen; returns once the bot can be asked."""
        # What was deleted while the bot was off sends no event any more.
        self.runtime.workspaces.compare_anew(self.team_id)
        self._worker.start()
        self._schedule.every(self._slack.findme_pull_every_s, self.pull, name="pull")
        self._schedule.every(
            NOTICE_EVERY_S, lambda: self._notices(self.team_id), name="reindex notices"
        )
        alert_people = self.edge.alert_people
        self._schedule.every(ALERT_EVERY_S, lambda: alert_people(self.team_id), name="alerts")
        thumbnails = self.edge.thumbnails
        self._schedule.every(
            TICK_EVERY_S, lambda: thumbnails.prepare(self.team_id), name="thumbnails ahead"
        )
        self._schedule.every(
            TICK_EVERY_S, lambda: thumbnails.sweep(self.team_id), name="thumbnails of the gone"
        )
        send_granted = self.edge.send_granted
        self._schedule.every(
            GRANTED_EVERY_S, lambda: send_granted(self.team_id), name="answers agreed to"
        )
        self._schedule.every(DAILY_S, self.tidy, name="daily tidying")
        self._schedule.every(LOST_EVERY_S, self._make_good, name="lost events")
        self._schedule.start()
        socket_mode = self._slack.slack_app_token is not None
        port = self._slack.findme_port
        if port is None and not socket_mode:
            port = HTTP_PORT
        if port is not None:
            secret = self._slack.slack_signing_secret
            served = asgi_app(
                None if socket_mode else self._app,
                is_healthy=self._is_healthy,
                signing_secret=secret.get_secret_value() if secret else None,
            )
            self._http = HttpServer(served, host=self._slack.findme_host, port=port)
            self._http.start()
        if self._slack.slack_app_token is not None:
            self._socket = SocketModeHandler(
                self._app,
                self._slack.slack_app_token.get_secret_value(),
                web_client=self.workspace.client,
                ping_interval=PING_EVERY_S,
            )
            _connect(self._socket)
        log.info("bot.started", socket_mode=socket_mode, port=self.port)

    def pull(self) -> None:
        """Look for new channels and photos, now."""
        for channel in self._watch(self.team_id):
            self.workspace.say_hello(channel.channel_id)

    def tidy(self) -> None:
        """Once a day: what is too old goes; whoever is out stays out by the present engine."""
        self.runtime.expire(self.team_id)
        reader = self.runtime.engines.of(self.team_id)
        self.runtime.keep_out(self.team_id, reader, self.workspace)

    def _make_good(self) -> None:
        """An event was lost: a deletion, perhaps, which no listing of what is new would tell."""
        if not self._lost_event.is_set():
            return
        self._lost_event.clear()
        try:
            self.runtime.workspaces.compare_anew(self.team_id)
            self.pull()
        except FindmeError:
            self._lost_event.set()
            raise

    def stop(self) -> None:
        """End in good order: no new work, the jobs under way finished."""
        if self._socket is not None:
            self._socket.close()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
        if self._http is not None:
            self._http.stop()
        self.edge.alert_people.stop()
        # Whoever waits for a zip is told before anything else is waited for.
        self.edge.parcels.stop()
        # Or a sweep that is under way would go on to its end.
        self.edge.thumbnails.stop()
        self._schedule.stop()
        self._worker.stop()
        self.edge.close()
        self.workspace.close()
        self.runtime.close()

    def _is_healthy(self) -> bool:
        return self.runtime.database.is_reachable() and self._worker.is_alive


def _connect(socket: SocketModeHandler) -> None:
    try:
        socket.connect()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    except SlackApiError as error:
        raise SourceUnavailableError(
            f"Slack refuses Socket Mode: {error.response.get('error')}. Check SLACK_APP_TOKEN: "
            "an app-level token, xapp-…, with the scope connections:write."
        ) from error
