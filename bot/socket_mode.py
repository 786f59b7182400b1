"""Socket Mode's connection: opened with one clear sentence, closed in bounded time."""

import threading
import time
from contextlib import suppress

from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from pipeline.errors import SourceUnavailableError

CLOSE_S = 4.0
CLOSE_AGAIN_S = 0.2


def connect(socket: SocketModeHandler) -> None:
    """Hear Slack. Raises SourceUnavailableError if it refuses."""
    try:
        socket.connect()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    except SlackApiError as error:
        raise SourceUnavailableError(
            f"Slack refuses Socket Mode: {error.response.get('error')}. Check SLACK_APP_TOKEN: "
            "an app-level token, xapp-…, with the scope connections:write."
        ) from error


def close(socket: SocketModeHandler) -> None:
    """Hear nothing more; returns after CLOSE_S at the latest.

    Slack's client marks its session as ended and waits for the thread that reads it. Where that
    thread was just about to begin, it takes the mark away and reads nothing for ever; so the mark
    is set until it is seen.
    """
    closing = threading.Thread(target=_close, args=[socket], name="socket-closing", daemon=True)
    closing.start()
    until_s = time.monotonic() + CLOSE_S
    closing.join(CLOSE_AGAIN_S)
    while closing.is_alive() and time.monotonic() < until_s:
        socket.client.current_session_state.terminated = True
        closing.join(CLOSE_AGAIN_S)


def _close(socket: SocketModeHandler) -> None:
    # Its own threads may let go of the socket between its look at it and its lock.
    with suppress(AttributeError):
        socket.close()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
