"""The composition root of the bot process."""

from collections.abc import Callable, Mapping

import structlog

from bot.app import build_app
from bot.edge import Edge
from bot.files.downloads import Downloads
from bot.files.thumbnails import TICK_EVERY_S
from bot.http import HttpServer, asgi_app
from bot.progress import ReindexNotices
from bot.settings import SlackSettings
from bot.socket_mode import SocketMode
from bot.workspace import SlackWorkspace, web_client
from pipeline.domain.model import TeamId
from pipeline.errors import FindmeError
from pipeline.jobs.schedule import Schedule, not_within
from pipeline.ports import FaceReader, PhotoSource
from pipeline.settings import Settings
from pipeline.storage.deliveries import LIFE_S
from pipeline.usecases.find_photos import FindPhotos
from pipeline.wiring import Runtime

log = structlog.get_logger(__name__)

HTTP_PORT = 3000
NOTICE_EVERY_S = 3.0
ALERT_EVERY_S = 20.0
GRANTED_EVERY_S = 20.0
DAILY_S = 86_400.0
TIDY_LOOK_EVERY_S = 3600.0
"""At the moment that a bot begins another one may lead, day by day."""
# slack_sdk sees by a ping only that a connection is lost, and connects anew by the next; four that
# go unanswered are as much.
PING_EVERY_S = 3.0
FOLLOW_EVERY_S = 45.0
"""A channel that was left, or a token that was revoked, is noticed within a minute."""
PERSON_EVERY_S = 1.0
"""`users.info` is Tier 4, some 100 a minute, and answers need it, too."""
LOST_EVERY_S = 20.0
INDEX_EVERY_S = 600.0


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
        try:
            self.runtime.claim_engine(self.team_id)
        except BaseException:
            # A pool that nobody closes complains when the program ends.
            self.runtime.close()
            self.workspace.close()
            raise
        runtime = self.runtime
        self.edge = Edge(
            runtime=runtime,
            workspace=self.workspace,
            downloads=self.workspace.downloads,
            settings=slack,
        )
        secret = slack.slack_signing_secret
        self._app = build_app(
            self.workspace,
            self.edge.listeners,
            self.edge.replies,
            signing_secret=secret.get_secret_value() if secret else None,
            is_open=lambda: self.edge.service.is_open,
            take=runtime.deliveries.take,
        )
        self._notices = ReindexNotices(
            self.workspace.client, runs=runtime.runs, photos=runtime.photos
        )
        self._service = self.edge.service
        self._schedule = Schedule()
        self._leader = runtime.leader(self.team_id)
        self._socket: SocketMode | None = None
        self._http: HttpServer | None = None
        self.metrics = self.runtime.metrics()

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
        if self.metrics is not None:
            self.metrics.start()
        self._service.start()
        self._lead(self._slack.findme_pull_every_s, self.pull, name="pull")
        follow_every_s = min(FOLLOW_EVERY_S, self._slack.findme_pull_every_s)
        self._every(follow_every_s, self.follow, name="channels")
        self._schedule.every(follow_every_s, self._look, name="token")
        self._lead(PERSON_EVERY_S, self.check_next_person, name="people")
        self._lead(NOTICE_EVERY_S, lambda: self._notices(self.team_id), name="reindex notices")
        alert_people = self.edge.alert_people
        self._lead(ALERT_EVERY_S, lambda: alert_people(self.team_id), name="alerts")
        thumbnails = self.edge.thumbnails
        self._lead(TICK_EVERY_S, lambda: thumbnails.prepare(self.team_id), name="thumbnails ahead")
        self._lead(
            TICK_EVERY_S, lambda: thumbnails.sweep(self.team_id), name="thumbnails of the gone"
        )
        send_granted = self.edge.send_granted
        self._lead(GRANTED_EVERY_S, lambda: send_granted(self.team_id), name="answers agreed to")
        tidy_daily = self._led(not_within(DAILY_S, self.tidy))
        self._schedule.every(TIDY_LOOK_EVERY_S, tidy_daily, name="daily tidying")
        self._lead(INDEX_EVERY_S, lambda: self.runtime.tend_index(self.team_id), name="face index")
        self._lead(LIFE_S, self.forget_passing, name="what is of use for minutes")
        self._every(LOST_EVERY_S, self._make_good, name="lost events")
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
            self._socket = SocketMode(
                self._app,
                self._slack.slack_app_token.get_secret_value(),
                web_client=self.workspace.client,
                ping_every_s=PING_EVERY_S,
            )
            self._socket.connect()
        log.info("bot.started", socket_mode=socket_mode, port=self.port)

    def _every(self, seconds: float, action: Callable[[], object], *, name: str) -> None:
        self._schedule.every(seconds, self._service.while_open(action), name=name)

    def _lead(self, seconds: float, action: Callable[[], object], *, name: str) -> None:
        """As `_every`, but of several bots of this workspace one does it."""
        self._every(seconds, self._led(action), name=name)

    def _led(self, action: Callable[[], object]) -> Callable[[], None]:
        def tick() -> None:
            if self._leader.is_me():
                action()

        return tick

    def _look(self) -> None:
        if not self._service.is_open:
            # Another bot, with a token that works, may be there.
            self._leader.rest()
        self._service.look()

    def pull(self) -> None:
        """Look for new channels and photos, now."""
        for channel in self.edge.watch_channels(self.team_id):
            self.edge.greeting(channel.channel_id)

    def follow(self) -> None:
        """Look for new and left channels, now."""
        for channel in self.edge.watch_channels.follow(self.team_id):
            self.edge.greeting(channel.channel_id)

    def tidy(self) -> None:
        """Once a day: what is too old goes; whoever is out stays out by the present engine."""
        self.runtime.expire(self.team_id)
        self.runtime.queue.drop_ended(self.team_id)
        reader = self.runtime.engines.of(self.team_id)
        self.runtime.keep_out(self.team_id, reader, self.workspace)

    def forget_passing(self) -> None:
        """Deliveries and selfies that were to be kept for a moment."""
        self.runtime.deliveries.drop_old(self.team_id)
        self.runtime.held_selfies.drop_old(self.team_id)

    def check_next_person(self) -> None:
        """Look whether somebody who is known is still there."""
        self.edge.check_people(self.team_id)

    def _make_good(self) -> None:
        """An event was lost: a deletion, perhaps, which no listing of what is new would tell."""
        events = self.edge.listeners.events
        if not events.has_missed():
            return
        try:
            self.runtime.workspaces.compare_anew(self.team_id)
            self.pull()
        except FindmeError:
            events.missed()
            raise

    def stop(self) -> None:
        """End in good order: no new work, the jobs under way finished."""
        if self._socket is not None:
            self._socket.close()
        if self._http is not None:
            self._http.stop()
        if self.metrics is not None:
            self.metrics.stop()
        # Or the building of an index would be waited for.
        self.runtime.face_indexes.stop()
        self.edge.alert_people.stop()
        # Whoever waits for a zip is told before anything else is waited for.
        self.edge.parcels.stop()
        # Or a sweep that is under way would go on to its end.
        self.edge.thumbnails.stop()
        self._schedule.stop()
        self._leader.close()
        self._service.stop()
        self.edge.close()
        self.workspace.close()
        self.runtime.close()

    def _is_healthy(self) -> bool:
        return self.runtime.database.is_reachable() and self._service.is_healthy
