"""Putting files into Slack: in three steps, streamed, the token to nobody but the Web API.

`files.getUploadURLExternal` names an address, the bytes are posted there (raw is as good as a
form), `files.completeUploadExternal` makes it a file; without a channel it stays the bot's own
(https://docs.slack.dev/messaging/working-with-files). All of it takes the scope `files:write`.

The `channel_id` has to be a conversation's own: `^[CGDZ][A-Z0-9]{8,}$`, so a person's id is refused
there (slackapi/bolt-js#2115). `chat.postMessage` takes one, and answers with the id of the DM; that
takes `chat:write` alone (https://docs.slack.dev/reference/methods/chat.postMessage).
"""

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import httpx
import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.calls import call
from bot.files.hosts import TOKEN_HOSTS, is_at
from bot.waits import seconds
from pipeline.domain.model import ChannelId, FileId
from pipeline.errors import FindmeError, PhotoGoneError, SourceUnavailableError

TRIES = 3
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
LONGEST_PAUSE_S = 60.0

_PAUSE_S = 2.0
_CHUNK_BYTES = 2**18
# Slack answers 200 with these, too, where it means: not now.
_PASSING = {
    "fatal_error",
    "internal_error",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
}
_ASK_ADMIN = "please ask an admin of the workspace to allow it."
_REFUSALS = {
    "file_uploads_disabled": f"This workspace lets nobody upload files; {_ASK_ADMIN}",
    "file_uploads_except_images_disabled": (
        f"This workspace takes pictures only, no other files; {_ASK_ADMIN}"
    ),
    "file_type_not_allowed": f"This workspace doesn't take files of that kind; {_ASK_ADMIN}",
    "file_upload_size_restricted": f"This workspace doesn't take files that large; {_ASK_ADMIN}",
}

log = structlog.get_logger(__name__)


class UploadRefusedError(SourceUnavailableError):
    """Slack doesn't take that file."""


class UploadStoppedError(SourceUnavailableError):
    """I was restarted on the way; please try again."""


class Uploads:
    """Sends files to one workspace; safe to use from several threads."""

    def __init__(self, client: WebClient, *, transport: httpx.BaseTransport | None = None) -> None:
        """The bytes go to Slack's hosts, and to that of the client's `base_url`."""
        self._client = client
        self._http = httpx.Client(
            timeout=TIMEOUT, follow_redirects=False, transport=transport, trust_env=True
        )

    def upload(
        self,
        content: BinaryIO | bytes,
        *,
        name: str,
        channel_id: ChannelId | None = None,
        comment: str = "",
        stopped: threading.Event | None = None,
    ) -> FileId:
        """Send all of `content`; without a channel the file is shared nowhere, the bot's own.

        What failed half way is begun again from the first step, twice at most. Setting `stopped`
        ends it soon.
        Raises: UploadRefusedError (asking again is no use), UploadStoppedError,
        SourceUnavailableError.
        """
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        stopped = stopped or threading.Event()
        share: dict[str, str] = {"channel_id": channel_id} if channel_id else {}
        share |= {"initial_comment": comment} if comment else {}
        for left in reversed(range(TRIES)):
            try:
                return self._once(file, name, share, stopped)
            except (UploadRefusedError, UploadStoppedError):
                raise
            except SourceUnavailableError as error:
                log.info("upload.failed", tries_left=left, reason=str(error))
                pause_s = error.retry_after_s or _PAUSE_S
                # Sooner than Slack asks is never.
                if not left or pause_s > LONGEST_PAUSE_S:
                    raise
                if stopped.wait(pause_s):
                    raise UploadStoppedError from error
        raise AssertionError("the last try returns or raises")

    def is_read(
        self, file_id: FileId, *, patience_s: float, stopped: threading.Event | None = None
    ) -> bool:
        """Wait until Slack has looked through a file, so that it can be shown; False if it hasn't.

        Until then it has no `mimetype`, and blocks that show it are refused as `invalid slack
        file` (slackapi/java-slack-sdk#1349, slackapi/node-slack-sdk#2040). Takes `files:read`.
        Raises: SourceUnavailableError.
        """
        stopped = stopped or threading.Event()
        until, pause_s = time.monotonic() + patience_s, 0.25
        while True:
            # It may not be known at all yet.
            with suppress(PhotoGoneError):
                if call(self._client.files_info, file=file_id)["file"].get("mimetype"):
                    return True
            left_s = until - time.monotonic()
            if left_s <= 0 or stopped.wait(min(pause_s, left_s)):
                return False
            pause_s = min(2 * pause_s, 2.0)

    def delete(self, file_id: FileId) -> None:
        """Delete a file of the bot's, with the messages that hold nothing else.

        One that is gone already is fine. Raises: SourceUnavailableError.
        """
        with suppress(PhotoGoneError):
            call(self._client.files_delete, file=file_id)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _once(
        self, file: BinaryIO, name: str, share: dict[str, str], stopped: threading.Event
    ) -> FileId:
        length = file.seek(0, io.SEEK_END)
        step = _ask(self._client.files_getUploadURLExternal, filename=name, length=length)
        file_id = FileId(step["file_id"])
        self._send(step["upload_url"], file, length, stopped)
        try:
            _ask(
                self._client.files_completeUploadExternal,
                files=[{"id": file_id, "title": name}],
                **share,
            )
        except SourceUnavailableError:
            # It may be done and the answer lost: begun again, it would be there twice.
            with suppress(FindmeError):
                self.delete(file_id)
            raise
        return file_id

    def _send(self, url: str, file: BinaryIO, length: int, stopped: threading.Event) -> None:
        if not is_at(url, TOKEN_HOSTS, api_url=self._client.base_url):
            raise UploadRefusedError("Slack named a place outside Slack for a file.")
        headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
        try:
            response = self._http.post(url, content=_chunks(file, stopped), headers=headers)
        except httpx.HTTPError as error:
            raise SourceUnavailableError("Slack didn't take a file; try again later.") from error
        if response.is_redirect:
            raise UploadRefusedError("Slack pointed somewhere else for a file.")
        if response.status_code != httpx.codes.OK:
            raise SourceUnavailableError(
                f"Slack answered {response.status_code} to an upload; try again later.",
                retry_after_s=seconds(response.headers.get("Retry-After")),
            )


def _chunks(file: BinaryIO, stopped: threading.Event) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        if stopped.is_set():
            raise UploadStoppedError
        yield chunk


def _ask(method: Callable[..., Any], **arguments: Any) -> Any:
    """As `call`, telling a refusal from a "not now"."""
    try:
        return call(method, **arguments)
    except PhotoGoneError as error:
        raise SourceUnavailableError("Slack lost a file on its way; try again later.") from error
    except SourceUnavailableError as error:
        cause = error.__cause__
        if not isinstance(cause, SlackApiError) or cause.response.status_code != httpx.codes.OK:
            raise
        code = cause.response.get("error")
        if code in _PASSING:
            raise
        raise UploadRefusedError(_REFUSALS.get(code, str(error))) from error
