"""HTTP: Slack's requests at /slack/events, the health check at /healthz."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn
from slack_bolt import App
from slack_bolt.adapter.asgi import SlackRequestHandler
from slack_bolt.adapter.asgi.http_request import AsgiHttpRequest
from slack_bolt.request import BoltRequest
from slack_bolt.response import BoltResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from bot.signed import RefusedError, is_slacks, read_body
from pipeline.errors import FindmeError

log = structlog.get_logger(__name__)

PATH = "/slack/events"
START_TIMEOUT_S = 10.0
UNSIGNED = 401
NO_SENSE = 400


class _Handler(SlackRequestHandler):
    """Bolt's ASGI handler, its listeners' ack awaited in a thread: the loop goes on meanwhile.

    What isn't signed is not even parsed. A request that comes twice within five minutes is Slack's
    too (it does so itself): every listener is idempotent.
    """

    def __init__(self, app: App, signing_secret: str) -> None:
        super().__init__(app, path=PATH)
        self._signing_secret = signing_secret

    async def dispatch(self, request: AsgiHttpRequest) -> BoltResponse:
        headers = list(request.raw_headers)
        try:
            body = await read_body(request.receive, headers)
        except RefusedError as refused:
            return _refused(refused.status)
        if not is_slacks(self._signing_secret, body, headers, now_s=time.time()):
            return _refused(UNSIGNED)
        try:
            bolt_request = BoltRequest(
                body=body.decode(), query=request.query_string, headers=request.get_headers()
            )
            if bolt_request.body:
                return await asyncio.to_thread(self.app.dispatch, bolt_request)
        # Bolt digs in what it takes for Slack's JSON. What listeners raise, Apology answers.
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            log.warning("request.not_understood", error=type(error).__name__)
        return _refused(NO_SENSE)


def _refused(status: int) -> BoltResponse:
    log.info("request.refused", status=status)
    # Closed: what is still to come of the body would be read to its end otherwise.
    return BoltResponse(status=status, headers={"connection": ["close"]})


def asgi_app(
    app: App | None, *, is_healthy: Callable[[], bool], signing_secret: str | None = None
) -> Starlette:
    """/healthz, and /slack/events where both others are given (in HTTP mode)."""

    def healthz(_request: Request) -> JSONResponse:
        healthy = is_healthy()
        return JSONResponse({"ok": healthy}, status_code=200 if healthy else 503)

    routes: list[BaseRoute] = [Route("/healthz", healthz)]
    if app is not None and signing_secret:
        # an ASGI app; Bolt types its scope more narrowly
        handler: Any = _Handler(app, signing_secret)
        routes.append(Mount("/", app=handler))
    return Starlette(routes=routes)


class HttpServer:
    """uvicorn in a thread."""

    def __init__(self, app: Starlette, *, host: str, port: int) -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    def start(self) -> None:
        """Listen. Raises FindmeError if the port can't be had."""
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise FindmeError(
                    f"Port {self._server.config.port} can't be listened on; set FINDME_PORT "
                    "to a free one."
                )
            time.sleep(0.01)

    def stop(self) -> None:
        """Answer what was asked, then close."""
        self._server.should_exit = True
        self._thread.join()
