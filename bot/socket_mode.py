"""Socket Mode's connection: opened with one clear sentence, closed in bounded time."""

import threading
import time
from contextlib import suppress

from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from pipeline.errors import SourceUnavailableError

CLOSE_S = 4.0
CLOSE_AGAIN_S = 0.2


class SocketMode:
    """Hears Slack over one WebSocket, which it makes anew by itself when it is lost."""

    def __init__(
        self, app: App, app_token: str, *, web_client: WebClient, ping_every_s: float
    ) -> None:
        """Hand to `app` what Slack sends; an app-level token, xapp-…, opens the connection."""
        self._app = app
        self._client = _Client(
            app_token=app_token,
            logger=app.logger,
            web_client=web_client,
            proxy=web_client.proxy,
            ping_interval=ping_every_s,
        )
        self._client.socket_mode_request_listeners.append(self._hear)

    def connect(self) -> None:
        """Hear Slack. Raises SourceUnavailableError if it refuses."""
        try:
            self._client.connect()
        except SlackApiError as error:
            raise SourceUnavailableError(
                f"Slack refuses Socket Mode: {error.response.get('error')}. Check SLACK_APP_TOKEN: "
                "an app-level token, xapp-…, with the scope connections:write."
            ) from error

    def close(self) -> None:
        """Hear nothing more; returns after CLOSE_S at the latest.

        Slack's client marks its session as ended and waits for the thread that reads it. Where that
        thread was just about to begin, it takes the mark away and reads nothing for ever; so the
        mark is set until it is seen.
        """
        closing = threading.Thread(target=self._client.close, name="socket-closing", daemon=True)
        closing.start()
        until_s = time.monotonic() + CLOSE_S
        closing.join(CLOSE_AGAIN_S)
        while closing.is_alive() and time.monotonic() < until_s:
            self._client.current_session_state.terminated = True
            closing.join(CLOSE_AGAIN_S)

    def _hear(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        began_s = time.time()
        send_response(client, request, run_bolt_app(self._app, request), began_s)


class _Client(SocketModeClient):
    """Slack's own, whose threads connect anew as they see fit: here not while it is closed.

    A connection that was being made meanwhile would be left open by its `close`, and what Slack
    sends down that is lost.
    """

    def __init__(self, **given: object) -> None:
        self._connecting = threading.Lock()
        super().__init__(**given)  # type: ignore[arg-type]  # as they are

    def connect(self) -> None:
        with self._connecting:
            if not self.closed:
                super().connect()

    def close(self) -> None:
        self.closed = True  # who waits for the lock makes none
        with self._connecting:
            self.auto_reconnect_enabled = False  # a connection that was made set it anew
            self.current_session_state.terminated = True
        # Its queue is looked at once a second; this wakes it to see that it ends.
        self.message_queue.put(None)
        # Its own threads may let go of the socket between its look at it and its lock.
        with suppress(AttributeError):
            self.disconnect()
        super().close()
