"""Files that the bot puts into Slack, over real HTTP: streamed, begun again, the token nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.files.uploads import TRIES, UploadRefusedError, Uploads, UploadStoppedError
from bot.sandbox import UPLOAD, Sandbox, SharedFile
from bot.sandbox import FileId as SlackFileId
from bot.workspace import web_client
from pipeline.domain.model import ChannelId, FileId
from pipeline.errors import SourceUnavailableError
from tests.acceptance.office import FAST, Heard, Traffic

DATA = bytes(range(256)) * 4000
NAME = "photos.zip"
FIRST, LAST = "files.getUploadURLExternal", "files.completeUploadExternal"
LARGE_BYTES = 160_000_000
MOST_GROWTH_BYTES = 40_000_000

CHILD = """
import resource, sys, tempfile
from bot.files.uploads import Uploads
from bot.workspace import web_client

uploads = Uploads(web_client(sys.argv[1], sys.argv[2]))
uploads.upload(b"warm", name="warm.bin")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with tempfile.TemporaryFile() as file:
    file.truncate(int(sys.argv[3]))
    uploads.upload(file, name="large.zip")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture
def heard() -> list[Heard]:
    """Every request that the workspace gets."""
    return []


@pytest.fixture
def slack(heard: list[Heard]) -> Iterator[Sandbox]:
    sandbox = Sandbox(times=FAST)
    sandbox.asgi.add_middleware(Traffic, heard=heard)
    with sandbox:
        yield sandbox


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[Heard]]]:
    """An address on another host (another port), and what is asked there."""
    heard: list[Heard] = []
    sandbox = Sandbox()
    sandbox.asgi.add_middleware(Traffic, heard=heard)
    with sandbox:
        yield f"{sandbox.origin}/upload/v1/F000000001", heard


@pytest.fixture
def uploads(slack: Sandbox) -> Iterator[Uploads]:
    opened = Uploads(web_client(slack.bot_token, slack.api_url))
    yield opened
    opened.close()


@pytest.fixture
def direct(slack: Sandbox) -> ChannelId:
    """Ann's direct messages with the bot."""
    ann = slack.people.add_person("Ann Lee")
    return ChannelId(slack.people.open_direct(ann).id)


class CutOnce(httpx.HTTPTransport):
    """The first request breaks off after its first bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests > 1:
            return super().handle_request(request)
        assert isinstance(request.stream, httpx.SyncByteStream)
        next(iter(request.stream))
        raise httpx.WriteError("cut off", request=request)


class ForgetfulClient(WebClient):
    """The first answer to the last step gets lost on its way back."""

    lost = 0

    def files_completeUploadExternal(self, **arguments: Any) -> SlackResponse:  # noqa: N802
        answer = super().files_completeUploadExternal(**arguments)
        if not self.lost:
            self.lost = 1
            raise ConnectionResetError
        return answer


def stored(slack: Sandbox, file_id: FileId) -> SharedFile:
    return slack.people.file(SlackFileId(file_id))


def own_files(slack: Sandbox) -> list[str]:
    return [file.id for file in slack.workspace.files.values() if not file.is_deleted]


def test_a_file_arrives_whole_and_is_shared_where_it_should_be(
    slack: Sandbox, uploads: Uploads, direct: ChannelId
) -> None:
    file_id = uploads.upload(DATA, name=NAME, channel_id=direct, comment="here")
    file = stored(slack, file_id)
    assert (file.name, file.title, file.data) == (NAME, NAME, DATA)
    assert {str(share.channel) for share in file.shares} == {direct}
    (message,) = slack.workspace.messages.values()
    assert message.text == "here"


def test_a_file_without_a_channel_is_shared_nowhere(slack: Sandbox, uploads: Uploads) -> None:
    file_id = uploads.upload(DATA, name="thumbnail.jpg")
    file = stored(slack, file_id)
    assert file.shares == ()
    assert not slack.workspace.messages


def test_the_token_goes_to_the_web_api_alone(
    uploads: Uploads, direct: ChannelId, heard: list[Heard]
) -> None:
    uploads.upload(DATA, name=NAME, channel_id=direct)
    sent = [request for request in heard if request.path.startswith("/upload/")]
    assert [request.authorization for request in sent] == [""]
    assert all("token" not in request.path for request in sent)


@pytest.mark.parametrize("step", [FIRST, LAST])
@pytest.mark.parametrize("status", [429, 500])
def test_a_step_that_fails_is_tried_again(
    slack: Sandbox, uploads: Uploads, direct: ChannelId, step: str, status: int
) -> None:
    slack.faults.fail(step, status=status, headers={"Retry-After": "1"})
    uploads.upload(DATA, name=NAME, channel_id=direct)
    assert len(own_files(slack)) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 404])
def test_bytes_that_are_not_taken_are_sent_again_from_the_first_step(
    slack: Sandbox, uploads: Uploads, direct: ChannelId, status: int
) -> None:
    slack.faults.fail(UPLOAD, status=status, headers={"Retry-After": "0.1"}, times=TRIES - 1)
    file_id = uploads.upload(DATA, name=NAME, channel_id=direct)
    assert stored(slack, file_id).data == DATA
    assert slack.faults.calls[FIRST] == slack.faults.calls[UPLOAD] == TRIES
    assert slack.faults.calls[LAST] == 1


def test_an_upload_waits_as_long_as_slack_asks_for(slack: Sandbox, uploads: Uploads) -> None:
    slack.faults.fail(UPLOAD, status=429, headers={"Retry-After": "1.5"})
    started_s = time.monotonic()
    uploads.upload(DATA, name=NAME)
    assert time.monotonic() - started_s >= 1.5


def test_an_upload_that_is_cut_off_is_begun_again(slack: Sandbox) -> None:
    transport = CutOnce()
    uploads = Uploads(web_client(slack.bot_token, slack.api_url), transport=transport)
    file_id = uploads.upload(DATA, name=NAME)
    assert stored(slack, file_id).data == DATA
    assert transport.requests == 2
    uploads.close()


def test_an_upload_is_given_up_after_three_tries(slack: Sandbox, uploads: Uploads) -> None:
    slack.faults.fail(UPLOAD, status=500, headers={"Retry-After": "0.1"}, times=9)
    with pytest.raises(SourceUnavailableError, match="Slack answered 500 to an upload"):
        uploads.upload(DATA, name=NAME)
    assert slack.faults.calls[UPLOAD] == TRIES
    assert own_files(slack) == []


def test_a_file_whose_last_answer_was_lost_is_not_there_twice(
    slack: Sandbox, direct: ChannelId
) -> None:
    client = ForgetfulClient(slack.bot_token, base_url=slack.api_url)
    uploads = Uploads(client)
    file_id = uploads.upload(DATA, name=NAME, channel_id=direct)
    assert client.lost == 1
    assert own_files(slack) == [file_id]
    assert len(slack.workspace.messages) == 1
    uploads.close()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("file_uploads_disabled", "lets nobody upload files; please ask an admin"),
        ("file_uploads_except_images_disabled", "takes pictures only"),
        ("missing_scope", "add the scope"),
    ],
)
def test_a_refusal_is_told_in_words_and_not_asked_again(
    slack: Sandbox, uploads: Uploads, code: str, sentence: str
) -> None:
    slack.faults.fail(FIRST, error=code, times=9)
    with pytest.raises(UploadRefusedError, match=sentence):
        uploads.upload(DATA, name=NAME)
    assert slack.faults.calls[FIRST] == 1


def test_a_person_is_no_place_to_upload_to(slack: Sandbox, uploads: Uploads) -> None:
    ann = slack.people.add_person("Ann Lee")
    with pytest.raises(UploadRefusedError, match="invalid_arguments"):
        uploads.upload(DATA, name=NAME, channel_id=ChannelId(ann.id))


def test_nothing_is_sent_to_another_host(
    slack: Sandbox, uploads: Uploads, stranger: tuple[str, list[Heard]]
) -> None:
    url, asked = stranger
    slack.faults.fail(FIRST, body={"ok": True, "upload_url": url, "file_id": "F000000001"})
    with pytest.raises(UploadRefusedError, match="outside Slack"):
        uploads.upload(DATA, name=NAME)
    assert asked == []


def test_no_redirect_is_followed(
    slack: Sandbox, uploads: Uploads, stranger: tuple[str, list[Heard]]
) -> None:
    url, asked = stranger
    slack.faults.fail(UPLOAD, status=307, headers={"Location": url})
    with pytest.raises(UploadRefusedError, match="somewhere else"):
        uploads.upload(DATA, name=NAME)
    assert asked == []


def test_an_upload_can_be_stopped_on_the_way(slack: Sandbox, uploads: Uploads) -> None:
    stopped = threading.Event()
    slack.faults.fail(UPLOAD, status=429, headers={"Retry-After": "30"})
    threading.Timer(0.3, stopped.set).start()
    started_s = time.monotonic()
    with pytest.raises(UploadStoppedError):
        uploads.upload(DATA, name=NAME, stopped=stopped)
    assert time.monotonic() - started_s < 5


def test_a_file_is_read_once_slack_knows_its_type(slack: Sandbox, uploads: Uploads) -> None:
    file_id = uploads.upload(DATA, name="thumbnail.jpg")
    unread = {"ok": True, "file": {"id": file_id, "mimetype": "", "filetype": ""}}
    slack.faults.fail("files.info", body=unread, times=2)
    assert uploads.is_read(file_id, patience_s=10)
    assert slack.faults.calls["files.info"] == 3
    slack.faults.fail("files.info", body=unread, times=9)
    assert not uploads.is_read(file_id, patience_s=0.3)


def test_deleting_a_file_that_is_gone_is_fine(slack: Sandbox, uploads: Uploads) -> None:
    file_id = uploads.upload(DATA, name=NAME)
    uploads.delete(file_id)
    uploads.delete(file_id)
    uploads.delete(FileId("F999999999"))
    assert own_files(slack) == []


def test_a_large_file_takes_no_memory_on_its_way(slack: Sandbox) -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD, slack.bot_token, slack.api_url, str(LARGE_BYTES)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    grown_bytes = int(child.stdout) * 1024
    assert grown_bytes < MOST_GROWTH_BYTES
    sizes = sorted(len(file.data) for file in slack.workspace.files.values())
    assert sizes == [4, LARGE_BYTES]
