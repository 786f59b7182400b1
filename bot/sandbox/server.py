"""The sandbox as a running server on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, WebSocketRoute

from bot.sandbox.acting import People
from bot.sandbox.config import SlackApp, Times
from bot.sandbox.control import Control
from bot.sandbox.delivery import Delivery
from bot.sandbox.faults import Faults
from bot.sandbox.files import FileRoutes
from bot.sandbox.furnishing import Furnishing
from bot.sandbox.interference import Protocol
from bot.sandbox.model import PersonId, TeamId
from bot.sandbox.page.routes import Page
from bot.sandbox.responses import ResponseUrls
from bot.sandbox.state import Clock, Workspace
from bot.sandbox.web_api import WebApi

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
# slack_sdk closes a connection only between two frames that it gets, so that frames which come
# often let a bot stop at once.
PING_INTERVAL_S = 0.2


class _Server(uvicorn.Server):
    """Says when it is ready, and on which loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()


class Sandbox:
    """A local Slack workspace.

    A context manager: inside it, `WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)`
    and Bolt's `SocketModeHandler(app, sandbox.app_token)` work as with Slack. It may be stopped and
    started again; it keeps its state, its port and its credentials. Events that happen while it is
    stopped reach nobody.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        app: SlackApp | None = None,
        times: Times | None = None,
        clock: Clock = time.time,
    ) -> None:
        """Prepare a workspace; port 0 takes any free port at the first start.

        Raises ValueError for a host that is not loopback.
        """
        if not _is_loopback(host):
            msg = f"the sandbox runs on loopback only, not on {host}"
            raise ValueError(msg)
        self.host = host
        self.port = port
        self.workspace = Workspace(app=app or SlackApp(), times=times or Times(), clock=clock)
        self.faults = Faults()
        self.delivery = Delivery(self.workspace)
        urls = ResponseUrls(self.workspace, self.faults)
        self.people = People(self.workspace, self.delivery, urls)
        api = WebApi(self.workspace, self.faults, open_link=self.delivery.sockets.open_link)
        routes: list[BaseRoute] = [
            *api.routes,
            *FileRoutes(self.workspace, self.faults).routes,
            *urls.routes,
            *Control(self.workspace, self.people).routes,
            *Furnishing(self.workspace, self.people).routes,
            *Page(self.workspace).routes,
            WebSocketRoute("/link/", self.delivery.sockets.serve),
        ]
        self.asgi = Starlette(routes=routes)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """`http://host:port`, known once it was started."""
        return self.workspace.origin

    @property
    def api_url(self) -> str:
        """The `base_url` for slack_sdk."""
        return f"{self.origin}/api/"

    @property
    def bot_token(self) -> str:
        """The bot's xoxb- token."""
        return self.workspace.app.bot_token

    @property
    def app_token(self) -> str:
        """The app's xapp- token, for Socket Mode."""
        return self.workspace.app.app_token

    @property
    def signing_secret(self) -> str:
        """What deliveries over HTTP are signed with."""
        return self.workspace.app.signing_secret

    @property
    def team_id(self) -> TeamId:
        """The id of the workspace."""
        return self.workspace.team_id

    @property
    def bot_user_id(self) -> PersonId:
        """The id of the bot as a user."""
        return self.workspace.bot_user_id

    def set_request_url(self, url: str | None) -> None:
        """Deliver to the bot by HTTP (None: by Socket Mode). Raises ConnectionError."""
        self.delivery.set_request_url(url)

    def wait_for_bot(self, *, connections: int = 1, timeout_s: float = 30.0) -> None:
        """Wait until the bot has opened its Socket Mode connections. Raises TimeoutError."""
        self.workspace.wait_for(
            lambda: self.delivery.sockets.connection_count >= connections, timeout_s=timeout_s
        )

    def start(self) -> Self:
        """Bind the port and serve, in a thread of its own. Raises OSError if the port is taken."""
        if self._thread is not None:
            return self
        listener = _listener(self.host, self.port)
        self.port = listener.getsockname()[1]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.workspace.origin = f"http://{shown}:{self.port}"
        config = uvicorn.Config(
            self.asgi,
            log_level="warning",
            access_log=False,
            lifespan="off",
            http=Protocol,
            ws="websockets-sansio",
            ws_ping_interval=PING_INTERVAL_S,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        thread = threading.Thread(
            target=server.run, args=([listener],), name="slack-sandbox", daemon=True
        )
        thread.start()
        if not server.ready.wait(START_TIMEOUT_S) or server.loop is None:
            server.should_exit = True
            msg = "the sandbox did not start"
            raise RuntimeError(msg)
        self.delivery.open(server.loop)
        self._server, self._thread = server, thread
        return self

    def stop(self) -> None:
        """End all connections and the thread."""
        server, thread = self._server, self._thread
        if server is None or thread is None or server.loop is None:
            return
        with self.workspace.change():
            self.workspace.is_stopping = True
        work = asyncio.run_coroutine_threadsafe(self.delivery.close(), server.loop)
        work.result(STOP_TIMEOUT_S)
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)
        self.workspace.is_stopping = False
        self._server = self._thread = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # So that a stopped sandbox can start on its port again at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
