"""An unmodified Bolt app on Socket Mode against the sandbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox import NotAllowed, Sandbox
from tests.contract.conftest import FAST, IMPATIENT, Office, furnish, make_photo
from tests.waiting import wait_until

Body = dict[str, Any]

BUTTONS: list[Body] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Is this you?"}},
    {
        "type": "actions",
        "block_id": "verdict",
        "elements": [
            {
                "type": "button",
                "action_id": "yes",
                "value": "42",
                "text": {"type": "plain_text", "text": "That's me"},
            },
            {
                "type": "overflow",
                "action_id": "more",
                "options": [
                    {"text": {"type": "plain_text", "text": "Hide"}, "value": "hide"},
                    {"text": {"type": "plain_text", "text": "Why"}, "value": "why"},
                ],
            },
        ],
    },
]

MODAL = {
    "type": "modal",
    "callback_id": "settings",
    "title": {"type": "plain_text", "text": "Settings"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "typed"},
        },
        {
            "type": "input",
            "block_id": "selfie",
            "optional": True,
            "label": {"type": "plain_text", "text": "Selfie"},
            "element": {"type": "file_input", "action_id": "picture", "filetypes": ["jpg"]},
        },
    ],
}


@dataclass(slots=True)
class Heard:
    """What the app was told, safe to wait on."""

    bodies: list[Body] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def add(self, body: Body) -> None:
        """Note one more."""
        with self.came:
            self.bodies.append(body)
            self.came.notify_all()

    def wait(self, count: int = 1, *, timeout_s: float = 20.0) -> list[Body]:
        """Give all that came, once there are enough."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.bodies) >= count, timeout_s)
            return list(self.bodies)


def noting(heard: Heard) -> Callable[[Body], None]:
    """Make a listener that only notes; Bolt passes arguments by their names."""

    def note(body: Body) -> None:
        heard.add(body)

    return note


def bolt_app(slack: Sandbox) -> App:
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    return App(client=client, signing_secret=slack.signing_secret)


@contextmanager
def connected(slack: Sandbox, app: App) -> Iterator[SocketModeHandler]:
    handler = SocketModeHandler(app, slack.app_token)
    handler.connect()  # type: ignore[no-untyped-call]
    slack.wait_for_bot()
    try:
        yield handler
    finally:
        # The client's queue is only looked at once a second; this wakes it to see that it ends.
        handler.client.closed = True
        handler.client.message_queue.put(None)
        handler.close()  # type: ignore[no-untyped-call]


def listen_to_events(app: App, heard: Heard) -> None:
    """Note the events that findme cares for; ack the rest of what a posted photo fires."""
    for kind in ("file_shared", "member_joined_channel", "channel_left", "file_deleted"):
        app.event(kind)(noting(heard))
    app.event({"type": "message", "subtype": "message_deleted"})(noting(heard))
    app.event({"type": "message", "subtype": "file_share"})(lambda: None)
    app.event({"type": "message", "subtype": "message_changed"})(lambda: None)
    app.event("app_home_opened")(noting(heard))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def app(office: Office, heard: Heard) -> Iterator[App]:
    """A connected app with a command, a button, a menu, a modal and events."""
    app = bolt_app(office.slack)

    @app.command("/findme")
    def findme(ack: Ack, respond: Respond, body: Body, client: WebClient) -> None:
        heard.add(body)
        match body["text"].split(" ")[0]:
            case "ack":
                ack("in the ack")
            case "later":
                ack()
                client.chat_postEphemeral(
                    channel=body["channel_id"], user=body["user_id"], text="posted"
                )
            case "modal":
                ack()
                client.views_open(trigger_id=body["trigger_id"], view=MODAL)
            case "everybody":
                ack()
                respond("for all", response_type="in_channel")
            case _:
                ack()
                respond("Is this you?", blocks=BUTTONS)

    @app.action("yes")
    def yes(ack: Ack, respond: Respond, body: Body) -> None:
        ack()
        heard.add(body)
        respond("Thanks", replace_original=True)

    @app.action("more")
    def more(ack: Ack, respond: Respond, body: Body) -> None:
        ack()
        heard.add(body)
        respond(delete_original=True)

    @app.view("settings")
    def settings(ack: Ack, body: Body) -> None:
        heard.add(body)
        typed = body["view"]["state"]["values"]["name"]["typed"]["value"]
        if typed == "bad":
            ack(response_action="errors", errors={"name": "Not that"})
        else:
            ack()

    listen_to_events(app, heard)
    with connected(office.slack, app):
        yield app


@pytest.mark.usefixtures("app")
def test_a_command_is_acked_and_answered_to_its_person_alone(office: Office) -> None:
    people = office.slack.people
    invocation = people.run_command(office.ann, office.photos, "/findme", "")
    (answer,) = people.answer_to(invocation)
    assert answer.visible_to == office.ann.id
    assert answer.blocks[1]["block_id"] == "verdict"
    outcome = people.outcome(invocation)
    assert outcome.error is None
    assert outcome.ack_ms is not None
    assert people.messages(office.photos) == []


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("text", ["ack", "later"])
def test_an_answer_may_come_in_the_ack_or_through_the_web_api(office: Office, text: str) -> None:
    invocation = office.slack.people.run_command(office.ann, office.photos, "/findme", text)
    (answer,) = office.slack.people.answer_to(invocation)
    assert answer.text == {"ack": "in the ack", "later": "posted"}[text]


@pytest.mark.usefixtures("app")
def test_an_answer_in_the_channel_is_seen_by_all(office: Office) -> None:
    people = office.slack.people
    people.answer_to(people.run_command(office.ann, office.photos, "/findme", "everybody"))
    assert [m.text for m in people.messages(office.photos)] == ["for all"]


@pytest.mark.usefixtures("app")
def test_names_in_a_command_are_escaped(office: Office, heard: Heard) -> None:
    text = "of @ben.ode, in #photos by @nobody a@b.c"
    office.slack.people.run_command(office.ann, office.photos, "/findme", text)
    (body,) = heard.wait()
    assert body["text"] == (
        f"of <@{office.ben.id}|ben.ode>, in <#{office.photos.id}|photos> by @nobody a@b.c"
    )


def test_a_command_that_is_not_acked_in_time_fails_once(impatient_office: Office) -> None:
    office, heard = impatient_office, Heard()
    app, people = bolt_app(office.slack), office.slack.people

    @app.command("/findme")
    def late(ack: Ack, body: Body) -> None:
        heard.add(body)
        time.sleep(1.5)
        ack()

    with connected(office.slack, app):
        invocation = people.run_command(office.ann, office.photos, "/findme", "never")
        (answer,) = people.answer_to(invocation)
        assert answer.error == "operation_timeout"
        time.sleep(0.8)
    assert len(heard.bodies) == 1


def test_a_command_fails_at_once_while_the_bot_is_off(office: Office) -> None:
    people = office.slack.people
    invocation = people.run_command(office.ann, office.photos, "/findme")
    assert people.outcome(invocation, timeout_s=2.5).error == "dispatch_failed"
    assert "dispatch_failed" in people.ephemerals(office.ann)[0].text


def test_nobody_runs_a_command_where_they_are_not(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.slack.people.run_command(office.ben, office.secret, "/findme")
    with pytest.raises(NotAllowed):
        office.slack.people.run_command(office.ben, office.photos, "/unknown")


@pytest.mark.usefixtures("app")
def test_a_button_replaces_the_message_it_is_on(office: Office, heard: Heard) -> None:
    people = office.slack.people
    question = people.answer_to(people.run_command(office.ann, office.photos, "/findme"))[0]
    click = people.click(office.ann, question, "yes")
    (answer,) = people.answer_to(click)
    assert (answer.ts, answer.text, answer.blocks) == (question.ts, "Thanks", ())
    body = heard.wait(2)[-1]
    action = body["actions"][0]
    assert (action["value"], action["block_id"]) == ("42", "verdict")
    assert body["container"]["is_ephemeral"] is True
    with pytest.raises(NotAllowed):
        people.click(office.ann, question, "yes")


@pytest.mark.usefixtures("app")
def test_a_menu_sends_its_option_and_the_message_can_be_deleted(
    office: Office, heard: Heard
) -> None:
    people = office.slack.people
    question = people.answer_to(people.run_command(office.ann, office.photos, "/findme"))[0]
    people.click(office.ann, question, "more", value="hide")
    people.wait_for(lambda: not people.ephemerals(office.ann))
    assert heard.wait(2)[-1]["actions"][0]["selected_option"]["value"] == "hide"


@pytest.mark.usefixtures("app")
def test_a_click_on_a_public_message_carries_the_message(office: Office, heard: Heard) -> None:
    people = office.slack.people
    office.client.chat_postMessage(channel=office.photos.id, text="?", blocks=BUTTONS)
    (message,) = people.messages(office.photos)
    people.answer_to(people.click(office.ben, message, "yes", value="42"))
    assert heard.wait()[0]["message"]["ts"] == message.ts
    assert [m.text for m in people.messages(office.photos)] == ["Thanks"]


@pytest.mark.usefixtures("app")
def test_nobody_clicks_what_another_sees(office: Office) -> None:
    people = office.slack.people
    question = people.answer_to(people.run_command(office.ann, office.photos, "/findme"))[0]
    with pytest.raises(NotAllowed):
        people.click(office.ben, question, "yes")


@pytest.mark.usefixtures("app")
def test_a_modal_opens_shows_errors_and_closes(office: Office, heard: Heard) -> None:
    people = office.slack.people
    people.run_command(office.ann, office.photos, "/findme", "modal")
    view = people.wait_for(lambda: people.modal(office.ann))
    people.outcome(people.submit_view(office.ann, view.id, {"typed": "bad"}))
    refused = people.modal(office.ann)
    assert refused is not None
    assert refused.errors == {"name": "Not that"}
    people.outcome(people.submit_view(office.ann, view.id, {"typed": "good"}))
    assert people.modal(office.ann) is None
    assert len(heard.bodies) == 3


@pytest.mark.usefixtures("app")
def test_a_file_given_in_a_modal_is_the_bots_to_read(office: Office, heard: Heard) -> None:
    people = office.slack.people
    people.run_command(office.ann, office.photos, "/findme", "modal")
    view = people.wait_for(lambda: people.modal(office.ann))
    selfie = people.upload(office.ann, "selfie.jpg", make_photo())
    given = {"typed": "good", "picture": [selfie.id]}
    people.outcome(people.submit_view(office.ann, view.id, given))
    values = heard.wait(2)[-1]["view"]["state"]["values"]
    assert values["selfie"]["picture"]["files"][0]["id"] == selfie.id
    assert office.client.files_info(file=selfie.id)["file"]["name"] == "selfie.jpg"


@pytest.mark.usefixtures("app")
def test_a_photo_in_the_direct_conversation_reaches_the_bot(office: Office, heard: Heard) -> None:
    people = office.slack.people
    direct = people.open_direct(office.ann)
    posted = people.post_photo(office.ann, direct, "selfie.jpg", make_photo())
    assert heard.wait()[0]["event"]["channel_id"] == direct.id
    file = office.client.files_info(file=posted.file_id)["file"]
    assert (file["ims"], file["is_public"]) == ([direct.id], False)


@pytest.mark.usefixtures("app")
def test_a_posted_photo_is_told_by_ids_only(office: Office, heard: Heard) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    event = heard.wait()[0]["event"]
    assert event["file"] == {"id": posted.file_id}
    assert (event["user_id"], event["channel_id"]) == (office.ann.id, office.photos.id)


@pytest.mark.usefixtures("app")
def test_the_bot_hears_nothing_of_channels_it_is_not_in(office: Office, heard: Heard) -> None:
    people = office.slack.people
    people.post_photo(office.ann, office.secret, "a.jpg", make_photo())
    people.invite_bot(office.secret, by=office.ann)
    assert [body["event"]["type"] for body in heard.wait()] == ["member_joined_channel"]


@pytest.mark.usefixtures("app")
def test_leaving_and_deleting_are_told(office: Office, heard: Heard) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    other = people.post_photo(office.ann, office.photos, "b.jpg", make_photo(), text="two")
    heard.wait(2)
    people.delete_message(office.ann, posted)
    people.delete_file(office.ann, other.file_id)
    heard.wait(4)
    people.kick_bot(office.photos, by=office.ann)
    people.open_home(office.ben)
    kinds = [body["event"]["type"] for body in heard.wait(6)]
    assert sorted(kinds) == sorted(
        ["file_shared"] * 2 + ["message", "file_deleted", "channel_left", "app_home_opened"]
    )


@pytest.mark.usefixtures("app")
def test_an_event_in_another_workspaces_channel_names_that_one_and_is_sent_to_this(
    office: Office, heard: Heard
) -> None:
    people, team = office.slack.people, office.slack.team_id
    theirs = people.add_channel("theirs", members=[office.ann, office.ben], foreign=True)
    people.invite_bot(theirs, by=office.ann)
    posted = people.post_photo(office.ann, theirs, "a.jpg", make_photo())
    heard.wait(2)
    people.delete_message(office.ann, posted)
    heard.wait(3)
    people.open_home(office.ben)
    *bodies, home = heard.wait(4)
    for body in bodies:
        assert body["team_id"] != team
        assert body["is_ext_shared_channel"]
        assert body["authorizations"][0]["team_id"] == team
    assert (home["team_id"], home["is_ext_shared_channel"]) == (team, False)


def events_of(slack: Sandbox, name: str) -> Callable[[], list[Any] | None]:
    def found() -> list[Any] | None:
        log = [entry for entry in slack.delivery.log if entry.name == name]
        return log if log and log[-1].error is None else None

    return found


def test_an_event_that_is_not_acked_comes_again_with_its_reason(impatient_office: Office) -> None:
    office = impatient_office
    app, tries = bolt_app(office.slack), Heard()

    @app.middleware
    def stall_at_first(body: Body, request: Any, next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt's names
        if body["event"]["type"] == "file_shared":
            tries.add(body | {"headers": dict(request.headers)})
            if len(tries.bodies) < 3:
                time.sleep(0.6)
                if len(tries.bodies) == 2:
                    # This one is waited for already; the third is in time, however busy we are.
                    office.slack.workspace.times = replace(IMPATIENT, ack_timeout_s=20.0)
                time.sleep(0.6)
        next()

    app.event("file_shared")(lambda: None)
    app.event("message")(lambda: None)
    slack = office.slack
    with connected(slack, app):
        slack.people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
        log = slack.people.wait_for(events_of(slack, "file_shared"))
    assert [entry.attempt for entry in log] == [0, 1, 2]
    assert [entry.error for entry in log] == ["operation_timeout"] * 2 + [None]
    assert len({body["event_id"] for body in tries.bodies}) == 1
    assert tries.bodies[1]["headers"]["x-slack-retry-num"] == ["1"]
    assert tries.bodies[1]["headers"]["x-slack-retry-reason"] == ["timeout"]


def test_an_event_waits_for_the_bot_to_come_back_but_not_for_ever(office: Office) -> None:
    slack, heard = office.slack, Heard()
    slack.people.post_photo(office.ann, office.photos, "lost.jpg", make_photo())
    slack.people.wait_for(
        lambda: [e for e in slack.delivery.log if e.name == "file_shared" and e.attempt == 3]
    )
    app = bolt_app(slack)
    app.event("file_shared")(noting(heard))
    app.event({"type": "message", "subtype": "file_share"})(lambda: None)
    with connected(slack, app):
        posted = slack.people.post_photo(office.ann, office.photos, "b.jpg", make_photo())
        assert [body["event"]["file_id"] for body in heard.wait()] == [posted.file_id]


@pytest.mark.usefixtures("app")
def test_the_bot_connects_anew_when_asked_to(office: Office, heard: Heard) -> None:
    slack = office.slack
    slack.delivery.refresh_connections()
    slack.wait_for_bot(connections=1)
    assert slack.faults.calls["apps.connections.open"] == 2
    slack.people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    assert heard.wait()[0]["event"]["type"] == "file_shared"


@pytest.mark.usefixtures("app")
def test_a_connection_that_was_asked_to_end_carries_nothing_where_there_is_a_new_one(
    office: Office, heard: Heard
) -> None:
    slack = office.slack
    for number in range(1, 11):
        slack.delivery.refresh_connections()
        slack.wait_for_bot()
        slack.people.post_photo(office.ann, office.photos, f"{number}.jpg", make_photo())
        heard.wait(number)
        wait_until(lambda: slack.delivery.is_idle)
    assert [e for e in slack.delivery.log if e.name == "file_shared" and e.error] == []


def test_each_envelope_goes_to_one_of_several_connections(office: Office) -> None:
    slack, heard = office.slack, Heard()
    app = bolt_app(slack)

    @app.command("/findme")
    def findme(ack: Ack, body: Body) -> None:
        heard.add(body)
        ack()

    with connected(slack, app), connected(slack, app):
        slack.wait_for_bot(connections=2)
        for _ in range(4):
            invocation = slack.people.run_command(office.ann, office.photos, "/findme")
            assert slack.people.outcome(invocation).error is None
    assert len(heard.bodies) == 4


def test_a_response_url_takes_five_answers(office: Office) -> None:
    invocation = office.slack.people.run_command(office.ann, office.photos, "/findme")
    assert invocation.response_url
    answers = [httpx.post(invocation.response_url, json={"text": "x"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[-1].json() == {"ok": False, "error": "used_url"}


def test_a_response_url_ends_after_half_an_hour() -> None:
    now_s = [1_700_000_000.0]
    with Sandbox(times=FAST, clock=lambda: now_s[0]) as slack:
        office = furnish(slack)
        invocation = slack.people.run_command(office.ann, office.photos, "/findme")
        assert invocation.response_url
        now_s[0] += 1801
        answer = httpx.post(invocation.response_url, json={"text": "x"})
    assert (answer.status_code, answer.json()["error"]) == (404, "expired_url")


def test_a_response_url_refuses_bad_blocks_without_using_itself_up(office: Office) -> None:
    invocation = office.slack.people.run_command(office.ann, office.photos, "/findme")
    assert invocation.response_url
    bad = {"blocks": [{"type": "section"}]}
    for _ in range(6):
        answer = httpx.post(invocation.response_url, json=bad)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_blocks")
    assert httpx.post(invocation.response_url, json={"text": "x"}).json() == {"ok": True}


def test_a_commands_response_url_has_no_original_to_replace(office: Office) -> None:
    people = office.slack.people
    invocation = people.run_command(office.ann, office.photos, "/findme")
    assert invocation.response_url
    httpx.post(invocation.response_url, json={"text": "one"})
    httpx.post(invocation.response_url, json={"text": "two", "replace_original": True})
    assert [m.text for m in people.answer_to(invocation, at_least=3)][1:] == ["one", "two"]


def test_a_trigger_opens_one_modal_and_expires() -> None:
    now_s = [1_700_000_000.0]
    with Sandbox(times=FAST, clock=lambda: now_s[0]) as slack:
        office = furnish(slack)
        first = slack.people.run_command(office.ann, office.photos, "/findme")
        late = slack.people.run_command(office.ann, office.photos, "/findme")
        office.client.views_open(trigger_id=first.trigger_id, view=MODAL)
        with pytest.raises(Exception, match="exchanged_trigger_id"):
            office.client.views_open(trigger_id=first.trigger_id, view=MODAL)
        now_s[0] += 3.5
        with pytest.raises(Exception, match="expired_trigger_id"):
            office.client.views_open(trigger_id=late.trigger_id, view=MODAL)


def test_a_sandbox_can_stop_under_a_connected_bot(office: Office) -> None:
    app = bolt_app(office.slack)
    with connected(office.slack, app) as handler:
        handler.client.auto_reconnect_enabled = False
        office.slack.stop()
        invocation = office.slack.people.run_command(office.ann, office.photos, "/findme")
        assert office.slack.people.outcome(invocation).error == "dispatch_failed"
