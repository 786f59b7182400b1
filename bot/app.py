"""The Bolt App and its routing table, one line for each listener."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import structlog
from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult

from bot.blocks import admin as admin_blocks
from bot.blocks import answer, consent, gallery, home, selfie
from bot.calls import SHUT_OUT, in_words
from bot.deliveries import AckThenTake, OnlyWhileOpen, TakenElsewhereError, TakenOnce
from bot.listeners import Listeners
from bot.payloads import Delivery
from bot.replies import Replies
from bot.turns import Arrivals
from bot.workspace import SlackWorkspace
from pipeline.domain.model import TeamId, UserId
from pipeline.errors import DatabaseUnavailableError, FindmeError, UsageError
from pipeline.requests import new_request_id, request, request_id
from pipeline.telemetry import REQUEST_SECONDS, Outcome

log = structlog.get_logger(__name__)


NOBODY = UserId("")
ARRIVED_S = "findme_arrived_s"

Listener: TypeAlias = Callable[[Ack, dict[str, Any]], None]

# So many people may wait for a slow database at once before an acknowledgement has to wait too.
LISTENERS_AT_ONCE = 256


def build_app(
    workspace: SlackWorkspace,
    listeners: Listeners,
    replies: Replies,
    *,
    signing_secret: str | None,
    is_open: Callable[[], bool],
    take: Callable[[TeamId, str], bool],
) -> App:
    """The App with every listener; `signing_secret` is needed in HTTP mode only.

    While it is not `is_open`, nobody's listener is called. `take` says whether a delivery, by its
    key, is this bot's to answer, and may raise DatabaseUnavailableError.
    """
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

    executor = ThreadPoolExecutor(LISTENERS_AT_ONCE, thread_name_prefix="listener")

    def shut_out(response_url: str) -> None:
        executor.submit(_tell_shut_out, replies, response_url)

    arrivals = Arrivals()
    app = CountingApp(
        arrivals,
        # Known from the start: Bolt need not ask Slack again who we are.
        authorize=authorize,
        # Bolt wants one even where Socket Mode delivers everything. That needs none: the bot opens
        # the connection itself, to Slack, over TLS and with its app token.
        signing_secret=signing_secret or secrets.token_hex(),
        listener_executor=executor,
    )
    app.use(_note_arrival)
    taken = TakenOnce()
    app.use(OnlyWhileOpen(is_open=is_open, tell=shut_out).__call__)
    app.use(taken.__call__)
    apology = Apology(replies, failed=(taken.forget, listeners.events.failed))

    def is_ours(body: dict[str, Any]) -> bool:
        delivery = Delivery.from_body(body)
        if delivery.is_event or delivery.key is None:
            return True
        try:
            return take(workspace.team_id, delivery.key)
        except DatabaseUnavailableError:
            # Who asked is told so; better twice than not at all.
            return True

    _route(Guarded(app, apology, is_ours=is_ours, let_pass=arrivals.let_pass), listeners)
    app.error(apology)
    return app


def _tell_shut_out(replies: Replies, response_url: str) -> None:
    try:
        replies.to(NOBODY, response_url).send(SHUT_OUT)
    except FindmeError as error:
        log.warning("reply.refused", reason=str(error))


def _note_arrival(context: BoltContext, next_: Callable[[], BoltResponse]) -> BoltResponse:
    """Bolt middleware: how long something waits for a thread is part of what it takes."""
    context[ARRIVED_S] = time.perf_counter()
    return next_()


class CountingApp(App):
    """An App that tells what has come and has no response yet, which is its acknowledgement.

    No middleware could: Bolt calls the next one after it has returned.
    """

    def __init__(self, arrivals: Arrivals, **options: Any) -> None:
        super().__init__(**options)
        self._arrivals = arrivals

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        """As Bolt does it."""
        with self._arrivals.one():
            return super().dispatch(req)


class Guarded:
    """Stands before the App: what a listener raises goes to the apology, and never to Bolt.

    Over HTTP, Bolt answers now and then with a 500 where a listener raised after it acknowledged:
    its two threads share one variable (slack_bolt.listener.thread_runner, 1.x).
    """

    def __init__(
        self,
        app: App,
        apology: "Apology",
        *,
        is_ours: Callable[[dict[str, Any]], bool],
        let_pass: Callable[[], object],
    ) -> None:
        """`is_ours`: whether no other bot answers it.

        `let_pass` returns when no other request waits to be acknowledged.
        """
        self._app = app
        self._apology = apology
        self._is_ours = is_ours
        self._let_pass = let_pass

    def command(self, name: str) -> Callable[[Listener], object]:
        """A slash command."""
        return lambda listener: self._app.command(name)(self._guard(listener, "command", name))

    def action(self, name: str) -> Callable[[Listener], object]:
        """A button or a menu."""
        return lambda listener: self._app.action(name)(self._guard(listener, "action", name))

    def view(self, name: str) -> Callable[[Listener], object]:
        """A modal that is submitted."""
        return lambda listener: self._app.view(name)(self._guard(listener, "view", name))

    def event(self, name: str) -> Callable[[Listener], object]:
        """Something that happened."""
        return lambda listener: self._app.event(name)(self._guard(listener, "event", name))

    def _guard(self, listener: Listener, kind: str, name: str) -> Callable[..., None]:
        def guarded(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
            outcome: Outcome = "answered"
            with request():
                try:
                    listener(AckThenTake(ack, lambda: self._is_taken(body)), body)
                except TakenElsewhereError:
                    log.info("delivery.taken_elsewhere")
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
                    outcome = "refused" if isinstance(error, FindmeError) else "failed"
                    if ack.response is None:
                        ack()
                    self._apology(error, body)
                took_s = time.perf_counter() - context[ARRIVED_S]
                log.info(
                    "request.done", kind=kind, name=name, outcome=outcome, ms=round(took_s * 1000)
                )
            REQUEST_SECONDS.labels(kind=kind, name=name, outcome=outcome).observe(took_s)

        return guarded

    def _is_taken(self, body: dict[str, Any]) -> bool:
        self._let_pass()
        return self._is_ours(body)


def _route(app: Guarded, listeners: Listeners) -> None:
    find, selfies, photos = listeners.find, listeners.selfie, listeners.gallery
    app.command("/findme")(find.command)
    app.action(answer.MORE)(find.more)
    app.action(answer.ME)(find.said_me)
    app.action(answer.NOT_ME)(find.said_not_me)
    app.action(answer.VERDICT_MENU)(find.said)
    app.action(answer.UNDO)(find.undo)
    app.action(answer.GALLERY)(photos.gallery)
    app.action(gallery.GALLERY_PAGE)(photos.gallery_page)
    app.action(gallery.GALLERY_PAGE_BACK)(photos.gallery_page)
    app.action(answer.SEND_ALL)(photos.send_all)
    app.action(answer.SHARE)(photos.share)
    app.view(gallery.SHARE_VIEW)(photos.shared)
    app.action(answer.SELFIE)(selfies.button)
    app.view(selfie.PICTURE_VIEW)(selfies.given)
    app.view(selfie.USE_VIEW)(selfies.used)
    mine = listeners.home
    app.event("app_home_opened")(mine.opened)
    app.action(home.ALERTS_ON)(mine.alerts_on)
    app.action(home.ALERTS_OFF)(mine.alerts_off)
    app.action(home.REMOVE_SELFIE)(mine.remove_selfie)
    app.action(home.FORGET_VERDICTS)(mine.forget_verdicts)
    app.action(home.FORGET_ME)(mine.forget_me)
    app.action(home.HOME_AGAIN)(mine.refresh)
    own = listeners.consent
    app.action(consent.ALLOW)(own.allowed)
    app.action(consent.ONCE)(own.once)
    app.action(consent.REFUSE)(own.refused)
    app.action(consent.COLLEAGUES_ALLOW)(own.colleagues_allowed)
    app.action(consent.COLLEAGUES_REFUSE)(own.colleagues_refused)
    app.action(consent.TURN_OFF)(own.turn_off)
    app.action(consent.TURN_ON)(own.turn_on)
    app.action(consent.MY_DATA)(own.my_data)
    admin = listeners.admin
    app.command("/findme-admin")(admin.command)
    app.action(admin_blocks.REINDEX)(admin.reindex)
    app.action(admin_blocks.ADD_CHANNEL)(admin.add_channel)
    app.action(admin_blocks.REMOVE_CHANNEL)(admin.remove_channel)
    app.action(admin_blocks.REFRESH)(admin.refresh)
    events = listeners.events
    app.event("file_shared")(events.file_shared)
    app.event("file_unshared")(events.file_unshared)
    app.event("file_deleted")(events.file_deleted)
    app.event("message")(events.message)
    app.event("member_joined_channel")(events.member_joined)
    for kind in ("channel", "group"):
        for what in ("left", "archive", "deleted", "rename"):
            app.event(f"{kind}_{what}")(events.channel_changed)
        app.event(f"{kind}_unarchive")(events.channel_opened)
    app.event("user_change")(events.user_changed)
    app.event("tokens_revoked")(events.tokens_revoked)
    app.event("app_uninstalled")(events.uninstalled)


class Apology:
    """The one handler of what a listener raised: a sentence for the user, an id for the log."""

    def __init__(
        self, replies: Replies, *, failed: Sequence[Callable[[dict[str, Any]], object]] = ()
    ) -> None:
        """`failed` are told of every body whose listener raised."""
        self._replies = replies
        self._failed = failed

    def __call__(self, error: Exception, body: dict[str, Any]) -> BoltResponse:
        """Tell whoever typed or clicked; nobody asked for an event."""
        if isinstance(error, FindmeError):
            # What somebody typed is quoted to them, and to nobody else.
            reason = None if isinstance(error, UsageError) else str(error)
            log.info("listener.refused", error=type(error).__name__, reason=reason)
            sentence = in_words(error)
        else:
            # What stands in all its log lines leads to them.
            incident = request_id() or new_request_id()
            log.error("listener.failed", incident=incident, exc_info=error)
            sentence = (
                "Something went wrong on my side. If it happens again, tell whoever runs Findme "
                f"the number `{incident}`."
            )
        for tell in self._failed:
            tell(body)
        user_id = body.get("user_id") or (body.get("user") or {}).get("id")
        if user_id:
            try:
                self._replies.to(UserId(user_id), body.get("response_url") or "").send(sentence)
            except FindmeError as unreachable:
                log.warning("apology.failed", reason=str(unreachable))
        return BoltResponse(status=200)
