"""`/findme-admin`: for admins only; a re-index tells how far it is."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from bot.sandbox import Channel, PostedPhoto
from bot.wiring import NOTICE_EVERY_S
from tests.acceptance.office import Office, eventually, lines, links, rows, snapshot
from tests.acceptance.surfaces import kept_of, modal, words


@pytest.fixture
def busy(new_office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office whose bot tells of its re-index twice a second."""
    monkeypatch.setattr("bot.wiring.NOTICE_EVERY_S", 0.5)
    new_office.start_bot()
    return new_office


def _direct(office: Office) -> list[str]:
    return [message.text for message in office.slack.people.direct_messages(office.organiser)]


def _ended(office: Office) -> str:
    def ended() -> str | None:
        return next((text for text in _direct(office) if text.startswith("✅")), None)

    text = eventually(ended, what="the end of the re-index")
    assert text is not None
    return text


def _filled(office: Office, count: int = 3) -> tuple[Channel, list[PostedPhoto]]:
    channel = office.channel()
    return channel, office.show(channel, *(snapshot("eileen", i) for i in range(count)))


REFUSAL = "`/findme-admin` is for the workspace's admins. Ask one of them."


@pytest.mark.parametrize(
    "text",
    [
        "status",
        "reindex",
        "channels add #{channel}",
        "channels remove #{channel}",
        "forget @{person}",
        "nonsense",
    ],
)
def test_a_normal_person_is_refused_in_one_sentence_whatever_it_was(
    office: Office, text: str
) -> None:
    somebody = office.person("eileen")
    channel = office.channel(somebody)
    office.show(channel, snapshot("eileen"))
    office.ask(somebody, channel)
    typed = text.format(channel=channel.name, person=somebody.name)
    answer = office.admin(somebody, channel, typed)
    assert answer.text == REFUSAL
    assert answer.blocks == ()
    assert office.slack.people.direct_messages(somebody) == []
    assert kept_of(office.conninfo, somebody) == {"person_references": 1}
    assert len(lines(office.ask(somebody, channel))) == 1


def test_a_normal_person_is_refused_the_panel_in_the_same_sentence(office: Office) -> None:
    somebody = office.person()
    office.slack.people.run_command(somebody, office.channel(somebody), "/findme-admin")
    assert words(modal(office, somebody)).splitlines() == [REFUSAL]


def test_an_admin_of_the_workspace_is_allowed(office: Office) -> None:
    channel = office.channel()
    answer = office.admin(office.organiser, channel, "status")
    assert "watches" in answer.blocks[0]["text"]["text"]


def test_who_is_named_in_the_settings_is_allowed(office: Office) -> None:
    channel = office.channel(office.named)
    answer = office.admin(office.named, channel, "status")
    assert "watches" in answer.blocks[0]["text"]["text"]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "reindex everything",
        "status please",
        "channels",
        "channels add",
        "channels add offsite",
        "channels drop #{channel}",
        "forget",
        "forget me",
        "forget #{channel}",
    ],
)
def test_what_is_no_command_is_answered_with_those_that_are(office: Office, text: str) -> None:
    channel = office.channel()
    answer = office.admin(office.organiser, channel, text.format(channel=channel.name))
    assert answer.text.startswith("I don't understand")
    for command in (
        "`/findme-admin` for the panel",
        "`/findme-admin status`",
        "`reindex [#channel]`",
        "`channels add #channel`",
        "`channels remove #channel`",
        "`forget @person`",
    ):
        assert command in answer.text


def test_the_status_tells_channels_counts_and_what_failed(busy: Office) -> None:
    channel, _ = _filled(busy, 2)
    broken = busy.post(channel, b"text", "minutes.jpg")
    busy.read(broken)
    answer = busy.admin(busy.organiser, channel, "status")
    text = words(answer)
    assert "engine `retail`" in text
    assert f"<#{channel.id}>: 3 photos, 2 faces, 1 unreadable" in text
    assert "minutes.jpg: the file is text, not a picture" in text


def test_a_reindex_reads_every_photo_again_and_ends_with_the_counts(busy: Office) -> None:
    channel, posted = _filled(busy)
    before = {row.file_id: row.photo_id for row in rows(busy.conninfo)}
    answer = busy.admin(busy.organiser, channel, "reindex")
    assert "begun" in answer.text
    assert "3 photos with 3 faces" in _ended(busy)
    assert [busy.slack.faults.downloads[photo.file_id] for photo in posted] == [2, 2, 2]
    after = rows(busy.conninfo)
    assert {row.file_id: row.photo_id for row in after} == before
    assert {(row.state, row.faces, row.distinct_faces) for row in after} == {("indexed", 1, 1)}


def test_a_reindex_of_one_channel_leaves_the_others_alone(busy: Office) -> None:
    channel, here = _filled(busy, 2)
    _, elsewhere = _filled(busy, 1)
    busy.admin(busy.organiser, channel, f"reindex #{channel.name}")
    assert "2 photos with 2 faces" in _ended(busy)
    downloads = busy.slack.faults.downloads
    assert [downloads[photo.file_id] for photo in [*here, *elsewhere]] == [2, 2, 1]


def test_a_reindex_finds_what_was_missed_before(busy: Office) -> None:
    channel, _ = _filled(busy, 1)
    listeners = list(busy.slack.workspace.listeners)
    busy.lose_events()
    missed = busy.post(channel, snapshot("grace"))
    busy.slack.workspace.listeners.extend(listeners)
    busy.admin(busy.organiser, channel, "reindex")
    busy.read(missed)
    assert "2 photos with 2 faces" in _ended(busy)


def test_a_second_reindex_is_refused_while_one_runs(busy: Office) -> None:
    channel, _ = _filled(busy)
    busy.slack.faults.slow("files.download", delay_s=2.0, times=3)
    busy.admin(busy.organiser, channel, "reindex")
    answer = busy.admin(busy.organiser, channel, "reindex")
    assert "running already" in answer.text
    _ended(busy)
    assert len(_direct(busy)) == 1


def test_a_reindex_may_follow_one_that_ended(busy: Office) -> None:
    channel, _ = _filled(busy, 1)
    busy.admin(busy.organiser, channel, "reindex")
    _ended(busy)
    assert "begun" in busy.admin(busy.organiser, channel, "reindex").text


def test_the_direct_message_shows_how_far_the_reindex_is(busy: Office) -> None:
    channel, _ = _filled(busy, 6)
    seen: set[str] = set()
    busy.slack.faults.slow("files.download", delay_s=0.8, times=6)
    busy.admin(busy.organiser, channel, "reindex")

    def ended() -> bool:
        seen.update(_direct(busy))
        return any(text.startswith("✅") for text in seen)

    eventually(ended, what="the end of the re-index")
    told = [text for text in seen if "of 6 photos" in text]
    assert len(told) >= 2, seen
    # A bar of ten, as full as the numbers beside it say.
    for text in told:
        bar, done = re.search(r"([▰▱]{10}) (\d) of 6", text).groups()  # type: ignore[union-attr]
        assert abs(bar.count("▰") - 10 * int(done) / 6) < 1


def test_the_direct_message_is_updated_only_when_there_is_something_new(busy: Office) -> None:
    # Slack takes about one message a second in a conversation; chat.update 50 a minute.
    assert NOTICE_EVERY_S >= 3
    channel, _ = _filled(busy, 2)
    told: list[str] = []

    def hear(event: dict[str, Any], _: object) -> None:
        if event.get("subtype") == "message_changed":
            told.append(event["message"]["text"])

    busy.slack.workspace.listeners.append(hear)
    busy.slack.faults.slow("files.download", delay_s=2.0, times=2)
    began = time.monotonic()
    busy.admin(busy.organiser, channel, "reindex")
    _ended(busy)
    # Three ticks at least saw the same numbers.
    assert time.monotonic() - began > 1.9
    assert told[-1].startswith("✅")
    assert len(told) == len(set(told)) == busy.slack.faults.calls["chat.update"]


def test_people_find_their_photos_while_a_reindex_runs(busy: Office) -> None:
    eileen = busy.person("eileen")
    channel = busy.channel(eileen)
    posted = busy.show(channel, *(snapshot("eileen", number) for number in range(4)))
    busy.slack.faults.slow("files.download", delay_s=2.0, times=4)
    busy.admin(busy.organiser, channel, "reindex")
    answer = busy.ask(eileen, channel)
    assert {line.permalink for line in lines(answer)} == links(posted)
    assert not any(text.startswith("✅") for text in _direct(busy))
    _ended(busy)


def test_a_channel_without_the_bot_cannot_be_reindexed(busy: Office) -> None:
    _filled(busy, 1)
    other = busy.channel(with_bot=False)
    answer = busy.admin(busy.organiser, other, f"reindex #{other.name}")
    assert "not watched" in answer.text


def test_where_the_bot_is_in_no_channel_there_is_nothing_to_reindex(busy: Office) -> None:
    channel = busy.channel(with_bot=False)
    answer = busy.admin(busy.organiser, channel, "reindex")
    assert "Invite the bot" in answer.text


def test_the_direct_message_ends_with_the_counts_even_if_slack_takes_it_late(
    busy: Office,
) -> None:
    channel, _ = _filled(busy, 1)
    busy.slack.faults.slow("chat.postMessage", delay_s=2.0)
    busy.admin(busy.organiser, channel, "reindex")
    assert "1 photo with 1 face, " in _ended(busy)


def test_a_reindex_that_was_interrupted_goes_on_and_ends_its_message(busy: Office) -> None:
    channel, _ = _filled(busy, 4)
    busy.slack.faults.slow("files.download", delay_s=1.0, times=4)
    busy.admin(busy.organiser, channel, "reindex")
    busy.stop_bot()
    busy.start_bot()
    assert "4 photos with 4 faces" in _ended(busy)
    assert len(_direct(busy)) == 1


def test_a_re_index_ends_although_slack_takes_no_update_of_its_message(busy: Office) -> None:
    channel, _ = _filled(busy, 2)
    busy.slack.faults.fail("chat.update", error="message_not_found", times=50)
    busy.admin(busy.organiser, channel, "reindex")
    runs, team_id = busy.running.runtime.runs, busy.running.team_id
    eventually(lambda: not runs.open(team_id), what="the end of the re-index")
    assert "2 photos with 2 faces" in _ended(busy)
    assert len(_direct(busy)) == 2


def test_a_re_index_whose_end_slack_takes_nowhere_ends_all_the_same(busy: Office) -> None:
    channel, _ = _filled(busy, 1)
    busy.slack.faults.fail("chat.update", error="message_not_found", times=50)
    busy.slack.faults.slow("files.download", delay_s=1.0)
    busy.admin(busy.organiser, channel, "reindex")
    busy.slack.faults.fail("chat.postMessage", error="messages_tab_disabled", times=50)
    runs, team_id = busy.running.runtime.runs, busy.running.team_id
    eventually(lambda: not runs.open(team_id), what="the end of the re-index")
    busy.slack.faults.clear()
    assert "begun" in busy.admin(busy.organiser, channel, "reindex").text
    assert "1 photo with 1 face" in _ended(busy)


def test_a_re_index_without_a_message_is_told_to_have_begun_and_goes_on(
    busy: Office,
) -> None:
    channel, posted = _filled(busy, 1)
    busy.slack.faults.fail("chat.postMessage", error="messages_tab_disabled")
    answer = busy.admin(busy.organiser, channel, "reindex")
    assert answer.text == (
        "Re-indexing has begun. I couldn't open the message that shows how far it is; "
        "`/findme-admin status` does."
    )
    assert _direct(busy) == []
    eventually(
        lambda: busy.slack.faults.downloads[posted[0].file_id] == 2, what="the second reading"
    )


def test_an_admin_has_a_person_forgotten_and_is_told_what_went(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    office.ask(eileen, channel)
    assert kept_of(office.conninfo, eileen) == {"person_references": 1}
    answer = office.admin(office.organiser, channel, f"forget @{eileen.name}")
    assert f"I forgot what I knew about <@{eileen.id}>: 1 reference" in answer.text
    assert kept_of(office.conninfo, eileen) == {}
    again = office.admin(office.organiser, channel, f"forget @{eileen.name}")
    assert "I knew nothing about" in again.text
