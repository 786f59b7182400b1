"""The local workspace breaks as networks and Slack do, and keeps Slack's limits."""

from __future__ import annotations

import http.client
import time
from urllib.parse import urlsplit

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox import DOWNLOAD, Breakage, Sandbox


def _call(slack: Sandbox, method: str = "api.test") -> httpx.Response:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    return httpx.post(f"{slack.api_url}{method}", headers=headers, timeout=10)


def test_a_reset_comes_before_any_byte(slack: Sandbox) -> None:
    slack.faults.break_off("api.test", Breakage.RESET)
    with pytest.raises(httpx.ReadError):
        _call(slack)
    assert _call(slack).json()["ok"]


def test_an_answer_is_cut_in_the_middle(slack: Sandbox) -> None:
    slack.faults.break_off("api.test", Breakage.CUT)
    with pytest.raises(httpx.RemoteProtocolError):
        _call(slack)


def test_half_of_a_file_comes(slack: Sandbox) -> None:
    ann = slack.people.add_person("Ann")
    channel = slack.people.add_channel("photos", members=[ann])
    slack.people.invite_bot(channel, by=ann)
    posted = slack.people.post_photo(ann, channel, "a.jpg", b"x" * 1000)
    slack.faults.break_off(DOWNLOAD, Breakage.CUT)
    path = f"/files-pri/{slack.team_id}-{posted.file_id}/a.jpg"
    connection = http.client.HTTPConnection(urlsplit(slack.origin).netloc, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {slack.bot_token}"})
    with pytest.raises(http.client.IncompleteRead) as caught:
        connection.getresponse().read()
    connection.close()
    assert (caught.value.partial, caught.value.expected) == (b"x" * 500, 500)


def test_an_answer_drips(slack: Sandbox) -> None:
    slack.faults.break_off("api.test", Breakage.DRIP)
    came, started_s = 0, 0.0
    with httpx.stream("POST", f"{slack.api_url}api.test", timeout=10) as answer:
        for part in answer.iter_bytes():
            started_s = started_s or time.monotonic()
            came += len(part)
            if time.monotonic() - started_s > 0.5:
                break
    assert 2 <= came <= 20


def test_what_slack_took_is_done_although_its_answer_is_lost(slack: Sandbox) -> None:
    ann = slack.people.add_person("Ann")
    client = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    slack.faults.break_off("chat.postMessage", Breakage.RESET, is_taken=True)
    with pytest.raises(ConnectionResetError):
        client.chat_postMessage(channel=ann.id, text="hello")
    assert [m.text for m in slack.people.direct_messages(ann)] == ["hello"]


def test_beyond_a_limit_comes_429_and_who_asks_too_soon_is_noted(slack: Sandbox) -> None:
    slack.faults.limit("api.test", calls=1, per_s=2.0)
    assert _call(slack).status_code == 200
    refused = _call(slack)
    # On a busy machine a second may pass between the two.
    assert (refused.status_code, refused.headers["Retry-After"] in {"1", "2"}) == (429, True)
    assert slack.faults.violations == []
    time.sleep(0.5)
    assert _call(slack).status_code == 429
    assert [violation.method for violation in slack.faults.violations] == ["api.test"]
    time.sleep(2.05)
    assert _call(slack).status_code == 200
    assert len(slack.faults.violations) == 1


def test_a_limited_page_holds_no_more_than_it_may(slack: Sandbox) -> None:
    ann = slack.people.add_person("Ann")
    channel = slack.people.add_channel("photos", members=[ann])
    slack.people.invite_bot(channel, by=ann)
    for number in range(20):
        slack.people.post_photo(ann, channel, f"{number}.jpg", b"x")
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    for method in ("conversations.history", "files.list"):
        slack.faults.limit(method, calls=1, per_s=60.0, page=15)
    history = client.conversations_history(channel=channel.id, limit=200)
    files = client.files_list(channel=channel.id, count=200)
    assert (len(history["messages"]), history["has_more"]) == (15, True)
    assert (len(files["files"]), files["paging"]["pages"]) == (15, 2)
    with pytest.raises(SlackApiError) as caught:
        client.files_list(channel=channel.id)
    assert caught.value.response.headers["Retry-After"] == "60"
