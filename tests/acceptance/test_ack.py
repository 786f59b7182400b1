"""Every listener acknowledges before it works: at once, even while the database is away."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.app import _route
from bot.payloads import FaceInPhoto, block_id
from bot.question import Question
from bot.sandbox import Channel, Invocation, Message, Person, View
from bot.sandbox.delivery import Delivered
from bot.sandbox.inputs import Filled
from pipeline.domain.model import Box, PhotoId, UserId
from pipeline.ports import FaceReader
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.migrate import migrate
from tests.acceptance.office import TRANSPORTS, Office, eventually, open_office, snapshot
from tests.acceptance.surfaces import words

LATEST_MS = 100
# One after the other until one is in time: the machine has other work, in bursts.
PAUSES_S = (0.0, 0.1, 0.3, 1.0, 2.0, 4.0)
AT_ONCE = 30
AWAY = "The database can't be reached just now"

# By how it reaches the bot and by its name; what somebody is to be told, if anything.
COMMANDS = {"/findme": AWAY, "/findme-admin": AWAY}
ACTIONS = {
    "more": AWAY,
    "me": AWAY,
    "not_me": AWAY,
    "verdict": AWAY,
    "undo": AWAY,
    "gallery": AWAY,
    "gallery_page": AWAY,
    "gallery_page_back": AWAY,
    "send_all": AWAY,
    "share": AWAY,
    "selfie": "picture",  # the form: it takes no database
    "alerts_on": AWAY,
    "alerts_off": AWAY,
    "remove_selfie": AWAY,
    "forget_verdicts": AWAY,
    "forget_me": AWAY,
    "home_again": AWAY,
    "consent_allow": AWAY,
    "consent_once": AWAY,
    "consent_refuse": AWAY,
    "colleagues_allow": AWAY,
    "colleagues_refuse": AWAY,
    "turn_off": AWAY,
    "turn_on": AWAY,
    "my_data": AWAY,
    "reindex": AWAY,
    "add_channel": AWAY,
    "remove_channel": AWAY,
    "refresh_panel": AWAY,
}
VIEWS = {
    "share": AWAY,
    "selfie_picture": AWAY,
    "selfie_use": AWAY,
}
EVENTS = (
    "app_home_opened",
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "channel_rename",
    "channel_unarchive",
    "file_deleted",
    "file_shared",
    "file_unshared",
    "group_archive",
    "group_deleted",
    "group_left",
    "group_rename",
    "group_unarchive",
    "member_joined_channel",
    "message",
    "user_change",
    # The last ones: after them the bot rests.
    "tokens_revoked",
    "app_uninstalled",
)


IN_MODALS = ("gallery_page", "gallery_page_back")
LABEL = {"type": "plain_text", "text": "Everything"}


class Table:
    """Stands where the App does, and notes what is routed."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, str]] = []

    def __getattr__(self, kind: str) -> Callable[[str], Callable[[Any], None]]:
        def named(name: str) -> Callable[[Any], None]:
            self.routes.append((kind, name))
            return lambda _: None

        return named


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An office whose database was stopped after everything was there once."""

    office: Office
    boss: Person
    channel: Channel
    buttons: Message


@pytest.fixture(scope="module", params=TRANSPORTS)
def outage(request: pytest.FixtureRequest, engine: FaceReader) -> Iterator[Outage]:
    # Not below pytest's own folder: another run closes that to the user PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="findme-ack-"))
    server = EmbeddedServer(folder / "data")
    migrate(server.conninfo)
    with open_office(server.conninfo, engine, request.param) as office:
        bot = office.start_bot()
        boss = office.person("eileen", admin=True)
        channel = office.channel(boss)
        office.show(channel, snapshot("eileen"))
        office.ask(boss, channel)
        buttons = _buttons(office, boss, channel)
        # Nobody needs to wait for one that won't come.
        bot.runtime.database._pool.timeout = 0.25
        server.close()
        yield Outage(office=office, boss=boss, channel=channel, buttons=buttons)
        again = EmbeddedServer(folder / "data")
        office.stop_bot()
        again.close()
    shutil.rmtree(folder)


def _client(office: Office) -> WebClient:
    return WebClient(token=office.slack.bot_token, base_url=office.slack.api_url)


def _buttons(office: Office, boss: Person, channel: Channel) -> Message:
    """A message of the bot's with every button and menu that it has anywhere."""
    question = Question(people=(UserId(boss.id),))
    box = Box(x_px=1, y_px=1, width_px=50, height_px=50)
    face = FaceInPhoto(photo_id=PhotoId(1), box=box).value()
    values = dict.fromkeys(("me", "not_me", "undo"), face)
    values |= dict.fromkeys(("more", "gallery_page", "gallery_page_back"), "0")
    values |= dict.fromkeys(("consent_allow", "consent_once", "consent_refuse"), "1")
    values |= {"remove_selfie": "none", "remove_channel": channel.id}
    blocks = [
        {
            "type": "actions",
            "block_id": block_id(name, question),
            "elements": [_element(name, values.get(name, "x"), face)],
        }
        for name in ACTIONS
    ]
    _client(office).chat_postMessage(channel=channel.id, text="everything", blocks=blocks)
    return office.said(channel)[-1]


def _element(name: str, value: str, face: str) -> dict[str, Any]:
    if name == "verdict":
        options = [{"text": LABEL, "value": f"me {face}"}]
        return {"type": "overflow", "action_id": name, "options": options}
    if name == "add_channel":
        return {"type": "channels_select", "action_id": name, "placeholder": LABEL}
    return {"type": "button", "action_id": name, "text": LABEL, "value": value}


def _acked(outage: Outage, use: Callable[[], Invocation]) -> Invocation:
    """The invocation that was acknowledged in time, of some: the machine has other work, too."""
    people, came_ms = outage.office.slack.people, []
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        invocation = use()
        outcome = people.outcome(invocation)
        assert outcome.error is None
        assert outcome.ack_ms is not None
        came_ms.append(outcome.ack_ms)
        if outcome.ack_ms <= LATEST_MS:
            return invocation
    raise AssertionError(f"acknowledged after {came_ms} ms")


def _messages(outage: Outage) -> list[Message]:
    """What this person alone was told so far."""
    people, boss = outage.office.slack.people, outage.boss
    return [*people.ephemerals(boss), *people.direct_messages(boss)]


def _is_told(outage: Outage, sentence: str, *, before: Sequence[Message]) -> None:
    """In a new message to this person alone, or in the modal before them."""

    def told() -> bool:
        view = outage.office.slack.people.modal(outage.boss)
        texts = [message.text for message in _messages(outage) if message not in before]
        return any(sentence in text for text in [*texts, words(view) if view else ""])

    eventually(told, what=f"“{sentence}”")


def _without_modal(outage: Outage) -> None:
    people, boss = outage.office.slack.people, outage.boss
    view = people.modal(boss)
    if view is not None:
        people.close_view(boss, view.id)


def test_every_listener_stands_in_this_module(outage: Outage) -> None:
    table: Any = Table()
    bot = outage.office.running
    _route(table, bot.edge.listeners)
    assert sorted(table.routes) == sorted(
        [
            *(("command", name) for name in COMMANDS),
            *(("action", name) for name in ACTIONS),
            *(("view", name) for name in VIEWS),
            *(("event", name) for name in EVENTS),
        ]
    )
    assert len(bot._app._listeners) == len(table.routes), "a listener outside the table"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_acknowledged_at_once(outage: Outage, command: str) -> None:
    people = outage.office.slack.people
    before = _messages(outage)
    _without_modal(outage)
    _acked(outage, lambda: people.run_command(outage.boss, outage.channel, command))
    _is_told(outage, COMMANDS[command], before=before)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_click_is_acknowledged_at_once(outage: Outage, action: str) -> None:
    people = outage.office.slack.people
    value = outage.channel.id if action == "add_channel" else None
    if action == "verdict":
        ((_, menu),) = [
            each for each in people.elements(outage.buttons) if each[1]["action_id"] == action
        ]
        value = menu["options"][0]["value"]
    before = _messages(outage)
    _without_modal(outage)
    place: Message | View = outage.buttons
    if action in IN_MODALS:
        blocks = [block for block in outage.buttons.blocks if action in str(block)]
        place = _opened(outage, {"type": "modal", "title": LABEL, "blocks": blocks})
    _acked(outage, lambda: people.click(outage.boss, place, action, value=value))
    _is_told(outage, ACTIONS[action], before=before)


def _opened(outage: Outage, view: dict[str, Any]) -> View:
    people = outage.office.slack.people
    # A click whose trigger the bot leaves unused.
    trigger_id = people.click(outage.boss, outage.buttons, "undo").trigger_id
    _client(outage.office).views_open(trigger_id=trigger_id, view=view)
    shown = people.modal(outage.boss)
    assert shown is not None
    return shown


@pytest.mark.parametrize("callback", VIEWS)
def test_a_submission_is_acknowledged_at_once(outage: Outage, callback: str) -> None:
    people = outage.office.slack.people
    file = people.upload(outage.boss, "me.jpg", snapshot("eileen"))
    filled: Filled = {("choice-1", "chosen"): ["1"], ("picture", "picture"): [file.id]}
    before = _messages(outage)

    def submit() -> Invocation:
        view = _opened(outage, _view(outage, callback))
        return people.submit_view(outage.boss, view.id, filled=filled)

    _without_modal(outage)
    _acked(outage, submit)
    _is_told(outage, VIEWS[callback], before=before)


def _view(outage: Outage, callback: str) -> dict[str, Any]:
    about = {
        "response_url": "",
        "question": Question(people=(UserId(outage.boss.id),)).code(),
        "channel": outage.channel.id,
        "token": "none",
    }
    options = [{"text": LABEL, "value": "1"}]
    elements = {
        "choice-1": {"type": "checkboxes", "action_id": "chosen", "options": options},
        "picture": {"type": "file_input", "action_id": "picture"},
    }
    return {
        "type": "modal",
        "callback_id": callback,
        "title": LABEL,
        "submit": LABEL,
        "private_metadata": json.dumps(about),
        "blocks": [
            {"type": "input", "block_id": name, "label": LABEL, "element": element}
            for name, element in elements.items()
        ],
    }


def test_many_commands_at_once_are_all_acknowledged_in_time(outage: Outage) -> None:
    people = outage.office.slack.people
    sent = [people.run_command(outage.boss, outage.channel, "/findme") for _ in range(AT_ONCE)]
    outcomes = [people.outcome(invocation, timeout_s=10) for invocation in sent]
    assert {outcome.error for outcome in outcomes} == {None}
    assert max(outcome.ack_ms or 0 for outcome in outcomes) <= 3000
    for invocation in sent:
        assert AWAY in outage.office.answer(invocation).text


def _delivered(outage: Outage, event: str, mark: int) -> list[Delivered]:
    return [each for each in outage.office.slack.delivery.log[mark:] if each.name == event]


def _happens(outage: Outage, event: str) -> None:
    """Something of which Slack tells by that event."""
    office, people = outage.office, outage.office.slack.people
    match event:
        case "app_home_opened":
            people.open_home(outage.boss)
        case "file_shared" | "message":
            office.post(outage.channel, b"no picture")
        case "file_deleted":
            people.delete_file(office.organiser, office.post(outage.channel, b"no").file_id)
        case "file_unshared":
            people.delete_message(office.organiser, office.post(outage.channel, b"no"))
        case "user_change":
            people.set_picture(outage.boss, None)
        case "tokens_revoked":
            people.revoke_tokens()
        case "app_uninstalled":
            people.uninstall_app()
        case _:
            _happens_to_a_channel(office, event)


def _happens_to_a_channel(office: Office, event: str) -> None:
    people = office.slack.people
    place = office.channel(with_bot=False, private=event.startswith("group"))
    people.invite_bot(place, by=office.organiser)
    match event.partition("_")[2]:
        case "left":
            people.kick_bot(place, by=office.organiser)
        case "archive":
            people.archive_channel(place, by=office.organiser)
        case "unarchive":
            people.archive_channel(place, by=office.organiser)
            people.unarchive_channel(place, by=office.organiser)
        case "deleted":
            people.delete_channel(place, by=office.organiser)
        case "rename":
            people.rename_channel(place, f"{place.name}-renamed")
        case _:
            assert event == "member_joined_channel"


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_acknowledged_at_once(outage: Outage, event: str) -> None:
    log, came_ms = outage.office.slack.delivery.log, []
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        mark = len(log)
        _happens(outage, event)
        first = eventually(partial(_delivered, outage, event, mark), what=event)[0]
        assert (first.attempt, first.error) == (0, None)
        came_ms.append(first.ack_ms)
        if first.ack_ms is not None and first.ack_ms <= LATEST_MS:
            return
    pytest.fail(f"acknowledged after {came_ms} ms")
