"""The app manifest declares what the app uses, and nothing that it doesn't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.sandbox import Channel, FileId, Message, Person, SlackApp
from bot.sandbox.web_api import METHODS
from bot.standing import Standing
from pipeline.ports import FaceReader
from pipeline.usecases.alert_people import AlertPeople
from tests.acceptance.office import (
    Office,
    encoded,
    eventually,
    jobs,
    lines,
    open_office,
    rows,
    snapshot,
)
from tests.acceptance.surfaces import home, modal, pictures, press, words

pytestmark = pytest.mark.slow

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
    _every_surface(office, eileen, channel, first)
    people.delete_file(office.organiser, posted[0].file_id)
    eventually(lambda: len(rows(office.conninfo)) == 11, what="the end of a photo")
    assert office.admin(office.organiser, channel, "status").blocks
    assert "begun" in office.admin(office.organiser, channel, f"reindex #{channel.name}").text
    eventually(
        lambda: any(m.text.startswith("✅") for m in people.direct_messages(office.organiser)),
        what="the end of the re-index",
    )
    _an_admins_day(office)
    people.delete_message(office.organiser, posted[1])
    eventually(lambda: len(rows(office.conninfo)) == 10, what="the end of another one")
    people.kick_bot(channel, by=office.organiser)
    people.kick_bot(private, by=office.organiser)
    eventually(lambda: not rows(office.conninfo), what="the end of all photos")
    _the_end(office)


def _the_end(office: Office) -> None:
    """Channels come and go, a colleague leaves, and then the app itself."""
    people = office.slack.people
    for private in (False, True):
        channel = office.channel(private=private)
        by = office.organiser
        people.rename_channel(channel, f"renamed-{channel.name}")
        _is_watched(office, channel, expected=True)
        people.archive_channel(channel, by=by)
        _is_watched(office, channel, expected=False)
        people.unarchive_channel(channel, by=by)
        _is_watched(office, channel, expected=private)
        people.delete_channel(channel, by=by)
        _is_watched(office, channel, expected=False)
    asked = office.slack.faults.calls["users.info"]
    people.deactivate(office.person())
    eventually(lambda: office.slack.faults.calls["users.info"] > asked, what="the look at them")
    people.uninstall_app()
    eventually(
        lambda: office.running.edge.service.standing is Standing.REMOVED, what="the end of it all"
    )
    eventually(lambda: office.slack.delivery.is_idle, what="the end of all events")


def _is_watched(office: Office, channel: Channel, *, expected: bool) -> None:
    bot = office.running

    def is_so() -> bool:
        watched = [str(one.channel_id) for one in bot.runtime.workspaces.watched(bot.team_id)]
        return office.slack.delivery.is_idle and (channel.id in watched) is expected

    eventually(is_so, what="what became of a channel")
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")


def _every_surface(office: Office, eileen: Person, channel: Channel, answer: Message) -> None:
    """Gallery, zip, sharing, a picture that Slack can't show, a selfie, Home, an alert."""
    people = office.slack.people
    people.click(eileen, answer, "gallery")
    shown = modal(office, eileen)
    assert len(pictures(shown)) == 12
    people.close_view(eileen, shown.id)

    people.click(eileen, answer, "send_all")
    eventually(lambda: [m for m in people.direct_messages(eileen) if m.files], what="the zip")

    people.click(eileen, answer, "share")
    form = modal(office, eileen)
    filled = {(block["block_id"], "chosen"): _values(block) for block in form.blocks[1:]}
    (chosen, *_) = [(key, values) for key, values in filled.items() if values]
    people.submit_view(eileen, form.id, filled=dict([chosen]))
    eventually(lambda: len(office.said(channel)) == 2, what="the photo that was shared")

    webp = office.post(channel, encoded(snapshot("eileen", 15), "WEBP"), "a.webp")
    office.read(webp)
    own = eventually(lambda: _own_pictures(office, eileen), what="the picture of a WebP photo")

    typed = people.run_command(eileen, channel, "/findme", "selfie")
    form = modal(office, eileen)
    file = people.upload(eileen, "me.jpg", snapshot("eileen", 16))
    people.submit_view(eileen, form.id, {"picture": [file.id]})
    people.submit_view(eileen, modal(office, eileen, other_than=form).id, {"use": "once"})
    assert lines(office.answer(typed))

    press(office, eileen, home(office, eileen), "alerts_on")
    (alerted,) = office.show(channel, snapshot("eileen", 17))
    edge = office.running.edge
    noon = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12)
    alert_people = AlertPeople(
        find_photos=edge.find_photos,
        alerts=edge.runtime.alerts,
        people=edge.names,
        compose=edge.alerting,
        clock=lambda: noon,
    )
    assert alert_people(office.running.team_id) == 1
    people.delete_file(office.organiser, webp.file_id)
    people.delete_file(office.organiser, alerted.file_id)
    eventually(lambda: len(rows(office.conninfo)) == 12, what="the end of two photos")
    # The bot's own file goes after the photo that it shows.
    edge.thumbnails.sweep(office.running.team_id)
    assert all(office.slack.workspace.file(one).is_deleted for one in own)


def _values(block: dict[str, Any]) -> list[str]:
    return [option["value"] for option in (block.get("element") or {}).get("options", ())]


def _own_pictures(office: Office, who: Person) -> list[FileId]:
    """The bot's own pictures among those in the Home tab."""
    ws = office.slack.workspace
    shown = pictures(home(office, who))
    return [one for one in shown if ws.file(one).uploader == office.slack.bot_user_id]


def _an_admins_day(office: Office) -> None:
    people = office.slack.people
    quiet = office.channel(with_bot=False)
    assert "now" in office.admin(office.organiser, quiet, f"channels add #{quiet.name}").text
    people.run_command(office.organiser, quiet, "/findme-admin")
    panel = modal(office, office.organiser)
    people.click(office.organiser, panel, "remove_channel", value=quiet.id)
    assert "I forgot" in words(modal(office, office.organiser, other_than=panel))
    somebody = office.person()
    told = office.admin(office.organiser, quiet, f"forget @{somebody.name}").text
    assert "I knew nothing about" in told


def _is_trouble(entry: EventDict) -> bool:
    # What the day ends with; either event may come first.
    if entry["event"] in {"workspace.removed", "workspace.shut_out"}:
        return False
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
