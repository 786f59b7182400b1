"""Delivery over HTTP to Bolt's ASGI adapter, and the control routes."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.asgi import SlackRequestHandler
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from tests.contract.conftest import Office, make_photo


@contextmanager
def served(app: App) -> Iterator[str]:
    """Serve a Bolt app; yields its request URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        SlackRequestHandler(app), log_level="warning", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    finally:
        server.should_exit = True
        thread.join(5)


def bolt_app(slack: Sandbox, *, signing_secret: str | None = None) -> App:
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    return App(client=client, signing_secret=signing_secret or slack.signing_secret)


def answering_app(slack: Sandbox) -> App:
    app = bolt_app(slack)

    @app.command("/findme")
    def findme(ack: Ack, respond: Respond, body: dict[str, Any]) -> None:
        if body["text"] == "ack":
            ack("in the ack")
            return
        ack()
        button = {
            "type": "button",
            "action_id": "yes",
            "value": "1",
            "text": {"type": "plain_text", "text": "Yes"},
        }
        respond("you?", blocks=[{"type": "actions", "elements": [button]}])

    @app.action("yes")
    def yes(ack: Ack, respond: Respond) -> None:
        ack()
        respond("thanks", replace_original=True)

    app.event("file_shared")(lambda: None)
    app.event("message")(lambda: None)
    return app


def test_commands_and_clicks_are_posted_signed_and_answered(office: Office) -> None:
    people = office.slack.people
    with served(answering_app(office.slack)) as url:
        office.slack.set_request_url(url)
        (said,) = people.answer_to(people.run_command(office.ann, office.photos, "/findme", "ack"))
        (asked,) = people.answer_to(people.run_command(office.ann, office.photos, "/findme"))
        (thanked,) = people.answer_to(people.click(office.ann, asked, "yes"))
    assert [said.text, thanked.text] == ["in the ack", "thanks"]
    assert thanked.ts == asked.ts


def test_an_event_that_fails_comes_again_with_retry_headers(office: Office) -> None:
    app = answering_app(office.slack)
    tries: list[dict[str, Any]] = []

    @app.middleware
    def fail_once(request: Any, next: Any) -> None:  # noqa: A002 - Bolt's names
        if request.body["event"]["type"] == "file_shared":
            tries.append(dict(request.headers))
            if len(tries) == 1:
                raise RuntimeError
        next()

    slack = office.slack
    with served(app) as url:
        slack.set_request_url(url)
        slack.people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
        log = slack.people.wait_for(
            lambda: [e for e in slack.delivery.log if e.name == "file_shared" and e.attempt]
        )
    assert log[0].error is None
    assert log[0].ack_ms is not None
    assert tries[1]["x-slack-retry-num"] == ["1"]
    assert tries[1]["x-slack-retry-reason"] == ["http_error"]


def test_a_url_that_fails_the_challenge_is_refused(office: Office) -> None:
    app = bolt_app(office.slack, signing_secret="another")  # noqa: S106 - the point of the test
    with served(app) as url, pytest.raises(ConnectionError):
        office.slack.set_request_url(url)
    with pytest.raises(ConnectionError):
        office.slack.set_request_url("http://127.0.0.1:9/slack/events")


def test_a_request_url_survives_a_restart_of_the_sandbox(office: Office) -> None:
    people = office.slack.people
    with served(answering_app(office.slack)) as url:
        office.slack.set_request_url(url)
        office.slack.stop()
        office.slack.start()
        (said,) = people.answer_to(people.run_command(office.ann, office.photos, "/findme", "ack"))
    assert said.text == "in the ack"


def test_a_command_to_a_bot_that_went_away_fails_at_once(office: Office) -> None:
    people = office.slack.people
    with served(answering_app(office.slack)) as url:
        office.slack.set_request_url(url)
    (answer,) = people.answer_to(people.run_command(office.ann, office.photos, "/findme"))
    assert answer.error == "dispatch_failed"


def post(slack: Sandbox, name: str, /, **asked: Any) -> dict[str, Any]:
    answer = httpx.post(f"{slack.origin}/sandbox/{name}", json=asked, timeout=30)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_another_process_can_act_through_the_control_routes(slack: Sandbox) -> None:
    picture = base64.b64encode(make_photo()).decode()
    ann = post(slack, "people", name="Ann Lee", picture=picture)["person"]
    channel = post(slack, "channels", name="photos", members=[ann["id"]], invite_bot=True)
    where = {"person": ann["id"], "channel": channel["channel"]["id"]}
    url = f"{slack.origin}/sandbox/photos"
    raw = httpx.post(url, params=where | {"filename": "a.jpg"}, content=make_photo()).json()
    form = httpx.post(url, data=where, files={"file": ("b.jpg", make_photo())}).json()
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    names = [file["name"] for file in client.files_list(types="images")["files"]]
    assert sorted(names) == ["a.jpg", "b.jpg"]
    assert raw["permalink"] != form["permalink"]
    with served(answering_app(slack)) as request_url:
        slack.set_request_url(request_url)
        asked = post(slack, "commands", **where, command="/findme", wait_s=20)["answers"][0]
        click = post(slack, "clicks", **where, ts=asked["ts"], action_id="yes", wait_s=20)
    assert click["answers"][0]["text"] == "thanks"
    state = httpx.get(f"{slack.origin}/sandbox/state", params={"person": ann["id"]}).json()
    assert [message["text"] for message in state["ephemerals"]] == ["thanks"]
    assert len(state["messages"]) == 2


def test_a_page_can_wait_for_the_next_change(slack: Sandbox) -> None:
    url = f"{slack.origin}/sandbox/state"
    seen = httpx.get(url).json()["revision"]
    timer = threading.Timer(0.2, slack.people.add_person, ["Ann Lee"])
    timer.start()
    state = httpx.get(url, params={"after": seen, "wait_s": 2}).json()
    timer.join()
    assert state["revision"] > seen
    assert state["people"][-1]["name"] == "ann.lee"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_the_control_routes_refuse_a_foreign_host_or_page(
    slack: Sandbox, headers: dict[str, str]
) -> None:
    for call in (
        httpx.get(f"{slack.origin}/sandbox/state", headers=headers),
        httpx.post(f"{slack.origin}/sandbox/people", json={"name": "Eve"}, headers=headers),
    ):
        assert call.status_code == 403
    assert len(slack.workspace.people) == 2


def test_the_control_routes_say_what_is_wrong(slack: Sandbox) -> None:
    base = f"{slack.origin}/sandbox"
    nobody = {"person": "U9", "channel": "C9", "command": "/findme"}
    assert httpx.post(f"{base}/commands", json=nobody).status_code == 404
    assert httpx.post(f"{base}/people", json={}).status_code == 400
    post(slack, "people", name="Ann Lee")
    assert httpx.post(f"{base}/people", json={"name": "Ann Lee"}).status_code == 409
