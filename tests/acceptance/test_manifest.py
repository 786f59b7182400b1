"""The app manifest declares what the app uses, and nothing that it doesn't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.sandbox import SlackApp
from bot.sandbox.web_api import METHODS
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, eventually, lines, open_office, rows, snapshot

# Scopes that no method call asks for, with the reason for each.
SCOPES_OF_EVENTS = {
    "channels:history": "message.channels",
    "groups:history": "message.groups",
    "commands": "/findme",
}


def _list_under(key: str, text: str) -> list[str]:
    """The plain items of one YAML list; comments are left out."""
    found = re.search(rf"^( *){key}:\n((?:\1  +- .*\n)+)", text, re.MULTILINE)
    assert found is not None, f"the manifest has no {key}"
    return re.findall(r"- ([\w.:/-]+)", found[2])


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """What the sandbox reads of a manifest; no YAML parser is among Findme's packages."""
    text = (files("bot") / "manifest.yaml").read_text()
    commands = re.findall(r"- command: (\S+)((?:\n {6,}.*)*)", text)
    name = re.search(r"display_name: (\S+)", text)
    assert name is not None
    return {
        "features": {
            "bot_user": {"display_name": name[1]},
            "slash_commands": [
                {"command": command, "should_escape": "should_escape: true" in rest}
                for command, rest in commands
            ],
        },
        "oauth_config": {"scopes": {"bot": _list_under("bot", text)}},
        "settings": {
            "event_subscriptions": {"bot_events": _list_under("bot_events", text)},
        },
    }


@pytest.fixture(params=["socket", "http"])
def declared(
    request: pytest.FixtureRequest, conninfo: str, engine: FaceReader, manifest: dict[str, Any]
) -> Iterator[Office]:
    """An office that knows the app by its manifest alone."""
    app = SlackApp.from_manifest(manifest)
    with open_office(conninfo, engine, request.param, app=app) as office:
        yield office


def _a_full_day(office: Office) -> None:
    """Everything that the app does, each part with its effect."""
    people = office.slack.people
    eileen = office.person("eileen")
    office.start_bot()
    channel, private = office.channel(eileen), office.channel(eileen, private=True)
    people.say(office.organiser, channel, "hello")
    people.say(office.organiser, private, "hello")
    photos = [snapshot("eileen", number) for number in range(11)]
    posted = [*office.show(channel, *photos), *office.show(private, snapshot("eileen", 12))]
    first = office.ask(eileen, channel)
    assert len(lines(first)) == 10
    assert len(lines(office.more(eileen, first))) == 2
    assert lines(office.ask(office.organiser, channel, f"@{eileen.name}"))
    assert office.ask(eileen, channel, "help").text
    people.delete_file(office.organiser, posted[0].file_id)
    eventually(lambda: len(rows(office.conninfo)) == 11, what="the end of a photo")
    assert office.admin(office.organiser, channel, "status").blocks
    assert "begun" in office.admin(office.organiser, channel, f"reindex #{channel.name}").text
    eventually(
        lambda: any(m.text.startswith("✅") for m in people.direct_messages(office.organiser)),
        what="the end of the re-index",
    )
    people.kick_bot(channel, by=office.organiser)
    people.kick_bot(private, by=office.organiser)
    eventually(lambda: not rows(office.conninfo), what="the end of all photos")


def _is_trouble(entry: EventDict) -> bool:
    return entry["log_level"] in {"warning", "error", "critical"} or (
        entry["event"] == "listener.refused"
    )


def test_the_app_does_all_it_can_with_what_its_manifest_declares(declared: Office) -> None:
    with capture_logs() as log:
        _a_full_day(declared)
    assert [entry for entry in log if _is_trouble(entry)] == []
    heard = {entry.name for entry in declared.slack.delivery.log}
    assert {entry for entry in declared.slack.delivery.log if entry.error} == set()
    # Each subscription brought something, and what came found a listener.
    wanted = {name.partition(".")[0] for name in declared.slack.workspace.app.events}
    assert wanted <= heard
    # Each scope is asked for by a method that was called, or belongs to an event or a command.
    called = {name for name, count in declared.slack.faults.calls.items() if count}
    asked = {METHODS[name].scope for name in called & set(METHODS)}
    # users.conversations and conversations.info ask by the kind of channel.
    asked |= {"channels:read", "groups:read"}
    assert declared.slack.workspace.app.scopes - asked == set(SCOPES_OF_EVENTS)


def test_the_manifest_has_people_and_channels_sent_as_ids(manifest: dict[str, Any]) -> None:
    commands = manifest["features"]["slash_commands"]
    assert {command["command"] for command in commands} == {"/findme", "/findme-admin"}
    assert all(command["should_escape"] for command in commands)
