"""The admin's panel: the same as a modal and in Home, each button updating it in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from bot.sandbox import View
from tests.acceptance.office import Office, eventually, snapshot
from tests.acceptance.surfaces import element, home, modal, press, told, words

Use: TypeAlias = Callable[[View, str, str], View]


@pytest.fixture(scope="module", params=["modal", "home"])
def surface(request: pytest.FixtureRequest) -> str:
    """Where the panel stands."""
    return str(request.param)


@pytest.fixture
def started(new_office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office whose bot tells of its re-index often."""
    monkeypatch.setattr("bot.wiring.NOTICE_EVERY_S", 0.3)
    new_office.start_bot()
    yield new_office
    assert new_office.slack.people.direct_messages(new_office.named) == []


def _opened(office: Office, surface: str) -> View:
    if surface == "home":
        return home(office, office.organiser)
    office.slack.people.run_command(
        office.organiser, office.channel(with_bot=False), "/findme-admin"
    )
    return modal(office, office.organiser)


def _pressed(office: Office, surface: str, view: View, action: str, value: str = "") -> View:
    """Use an element of the panel; the panel as it is then, in the same place."""
    if surface == "home":
        return press(office, office.organiser, view, action, value)
    office.slack.people.click(office.organiser, view, action, value=value or None)
    after = modal(office, office.organiser, other_than=view)
    assert after.id == view.id
    return after


def test_the_panel_shows_channels_counts_errors_and_work_under_way(
    started: Office, surface: str
) -> None:
    office = started
    channel = office.channel()
    office.show(channel, snapshot("eileen"))
    office.read(office.post(channel, b"text", "minutes.jpg"))
    seen = words(_opened(office, surface))
    assert "engine `retail`" in seen
    assert f"<#{channel.id}>: 2 photos, 1 face, 1 unreadable" in seen
    assert "minutes.jpg: the file is text, not a picture" in seen
    assert "Re-indexing" not in seen


def test_a_channel_is_added_by_the_panel_which_says_so_in_its_place(
    started: Office, surface: str
) -> None:
    office = started
    view = _opened(office, surface)
    channel = office.channel(with_bot=False)
    view = _pressed(office, surface, view, "add_channel", channel.id)
    assert f"I watch <#{channel.id}> now" in words(view)
    assert f"<#{channel.id}>: 0 photos" in words(view)


def test_a_private_channel_is_refused_by_the_panel_in_its_place(
    started: Office, surface: str
) -> None:
    office = started
    view = _opened(office, surface)
    channel = office.channel(with_bot=False, private=True)
    view = _pressed(office, surface, view, "add_channel", channel.id)
    assert "invite me there" in words(view)
    assert office.slack.people.direct_messages(office.organiser) == []


def test_a_channel_is_removed_by_the_panel_after_a_question(started: Office, surface: str) -> None:
    office = started
    gone, stays = office.channel(), office.channel()
    view = _opened(office, surface)
    button = element(office, view, "remove_channel")
    assert button is not None
    assert button["confirm"]["confirm"]["text"] == "Remove"
    view = _pressed(office, surface, view, "remove_channel", gone.id)
    assert f"I forgot the photos of <#{gone.id}>" in words(view)
    assert f"<#{gone.id}>: " not in words(view)
    assert f"<#{stays.id}>: " in words(view)
    # The same button, on a panel that somebody else has still open.
    office.running.runtime.workspaces.exclude(office.running.team_id, stays.id)  # type: ignore[arg-type]
    view = _pressed(office, surface, view, "remove_channel", stays.id)
    assert "I don't watch that channel" in words(view)


def test_a_re_index_begins_by_the_panel_which_shows_its_bar(started: Office, surface: str) -> None:
    office = started
    channel = office.channel()
    office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    office.slack.faults.slow("files.download", delay_s=5.0, times=2)
    view = _opened(office, surface)
    view = _pressed(office, surface, view, "reindex")
    assert "Re-indexing has begun" in words(view)
    view = _pressed(office, surface, view, "reindex")
    assert "running already" in words(view)

    def bar() -> bool:
        nonlocal view
        view = _pressed(office, surface, view, "refresh_panel")
        return "🔄 Re-indexing: " in words(view) and "of 2 photos" in words(view)

    eventually(bar, what="the bar")
    (notice,) = told(office, office.organiser)
    eventually(
        lambda: office.slack.people.direct_messages(office.organiser)[0].text.startswith("✅"),
        what="the end of the re-index",
    )
    assert "Re-indexing" not in words(_pressed(office, surface, view, "refresh_panel"))
    assert notice.ts == office.slack.people.direct_messages(office.organiser)[0].ts


def test_a_panel_that_was_closed_meanwhile_brings_no_complaint(started: Office) -> None:
    office = started
    office.slack.faults.slow("users.info", delay_s=0.4, times=2)
    channel = office.channel()
    office.slack.people.run_command(office.organiser, channel, "/findme-admin")
    view = office.slack.people.wait_for(lambda: office.slack.people.modal(office.organiser))
    office.slack.people.close_view(office.organiser, view.id)
    eventually(lambda: office.slack.faults.calls["views.update"], what="the update")
    # What was said of the modal would have come before.
    office.admin(office.organiser, channel, "status")
    assert office.slack.people.direct_messages(office.organiser) == []


def test_what_goes_wrong_is_told_in_the_modal(started: Office) -> None:
    office = started
    office.slack.faults.fail("users.info", error="internal_error", times=3)
    office.slack.people.run_command(office.organiser, office.channel(), "/findme-admin")
    assert "Slack refused that just now" in words(modal(office, office.organiser))
