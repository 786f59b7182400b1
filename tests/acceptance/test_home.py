"""App Home: my photos, alerts, what is known of me and how it goes; nobody else's panel."""

from __future__ import annotations

import pytest

from bot.demo.portraits import portrait
from bot.sandbox import Channel, ChannelId, Message, Person, View, changes
from bot.sandbox.model import Ts
from tests.acceptance.office import Line, Office, eventually, lines, snapshot
from tests.acceptance.surfaces import element, home, kept_of, modal, pictures, press, told, words

# What is behind both ways of hearing Slack need not be looked at twice.
one_way = pytest.mark.parametrize("office", ["socket"], indirect=True)


def _eileen_with_photos(office: Office, count: int = 1) -> tuple[Person, Channel]:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(count)))
    return eileen, channel


def test_the_latest_photos_are_shown_the_newest_first(office: Office) -> None:
    eileen, channel = _eileen_with_photos(office, 5)
    newest = office.post(channel, snapshot("eileen", 7), "newest.jpg")
    office.read(newest)
    page = home(office, eileen)
    assert "*6 photos of you*: 6 sure. The latest:" in words(page)
    shown = lines_of(page)
    assert len(shown) == len(pictures(page)) == 4
    assert shown[0].permalink == newest.permalink
    times = [line.posted_at_s for line in shown]
    assert times == sorted(times, reverse=True)


def lines_of(page: View) -> list[Line]:
    """The photos of a view, as those of an answer are read."""
    sections = [b for b in page.blocks if b["type"] == "section" and "<http" in b["text"]["text"]]
    return lines(
        Message(channel=ChannelId(""), ts=Ts(""), author=page.person, blocks=tuple(sections))
    )


@one_way
def test_home_shows_and_counts_only_what_its_person_may_see(office: Office) -> None:
    eileen, _ = _eileen_with_photos(office)
    office.show(office.channel(private=True), snapshot("eileen", 3), snapshot("eileen", 4))
    assert "*1 photo of you*: 1 sure" in words(home(office, eileen))


@one_way
def test_home_tells_what_is_known_in_words(office: Office) -> None:
    eileen, _ = _eileen_with_photos(office)
    page = home(office, eileen)
    assert "• The face in your profile picture: clear, I will know you well by it." in words(page)
    assert "I keep no pictures." in words(page)
    assert "🔕 *Off.*" in words(page)


@one_way
def test_without_a_profile_picture_home_says_so_and_takes_a_selfie(office: Office) -> None:
    somebody = office.person()
    office.channel(somebody)
    page = home(office, somebody)
    assert "You have no profile picture yet" in words(page)
    assert element(office, page, "gallery") is None
    office.slack.people.click(somebody, page, "selfie")
    assert "A picture of you" in words(modal(office, somebody))
    assert "Nothing yet" in words(page)


@one_way
def test_whoever_is_in_no_photo_is_told_that_they_will_be_shown_here(office: Office) -> None:
    eileen = office.person("eileen")
    office.channel(eileen)
    assert "I found no photos of you yet" in words(home(office, eileen))


@one_way
def test_alerts_are_turned_on_and_off_and_home_says_what_will_happen(office: Office) -> None:
    eileen, _ = _eileen_with_photos(office)
    on = press(office, eileen, home(office, eileen), "alerts_on")
    assert "🔔 *On.*" in words(on)
    assert "gathered, never at night, and never twice for one photo" in words(on)
    assert "✅ I'll tell you when there are new photos." in words(on)
    assert kept_of(office.conninfo, eileen)["alerts"] == 1
    off = press(office, eileen, on, "alerts_off")
    assert "🔕 *Off.*" in words(off)
    assert "alerts" not in kept_of(office.conninfo, eileen)
    assert office.slack.people.direct_messages(eileen) == []


@one_way
def test_a_note_is_gone_when_home_is_opened_again(office: Office) -> None:
    eileen, _ = _eileen_with_photos(office)
    on = press(office, eileen, home(office, eileen), "alerts_on")
    assert "I'll tell you" in words(on)
    assert "I'll tell you" not in words(home(office, eileen))


@one_way
def test_ones_word_on_faces_is_counted_and_taken_back(office: Office) -> None:
    people = office.slack.people
    eileen, channel = _eileen_with_photos(office, 2)
    answer = office.ask(eileen, channel)
    menu = next(e for _, e in people.elements(answer) if e["action_id"] == "verdict")
    not_me = next(o["value"] for o in menu["options"] if "Not me" in o["text"]["text"])
    office.answer(people.click(eileen, answer, "verdict", value=not_me))
    page = home(office, eileen)
    assert "• Your word on faces: 1 that are not." in words(page)
    # Both show the same face: who rejects it in one photo rejects its copies.
    assert "I found no photos of you yet" in words(page)
    taken_back = element(office, page, "forget_verdicts")
    assert taken_back is not None
    assert taken_back["confirm"]["text"]["text"] == (
        "I forget which faces you said are you or not."
    )
    page = press(office, eileen, page, "forget_verdicts")
    assert "I forgot what you said of faces." in words(page)
    assert "*2 photos of you*" in words(page)
    assert "Your word on faces" not in words(page)


def test_delete_all_asks_and_then_leaves_nothing_of_the_person_in_any_table(
    office: Office,
) -> None:
    people = office.slack.people
    eileen, channel = _eileen_with_photos(office, 2)
    answer = office.ask(eileen, channel)
    menu = next(e for _, e in people.elements(answer) if e["action_id"] == "verdict")
    office.answer(people.click(eileen, answer, "verdict", value=menu["options"][0]["value"]))
    typed = people.run_command(eileen, channel, "/findme", "selfie")
    form = modal(office, eileen)
    file = people.upload(eileen, "me.jpg", portrait("eileen"))
    people.submit_view(eileen, form.id, {"picture": [file.id]})
    people.submit_view(eileen, modal(office, eileen, other_than=form).id, {"use": "keep"})
    office.answer(typed)
    page = press(office, eileen, home(office, eileen), "alerts_on")
    kept = kept_of(office.conninfo, eileen)
    assert kept.pop("person_references") == 2
    assert kept.pop("alerts") == 1
    assert kept, "her word on a face is kept somewhere"

    delete = element(office, page, "forget_me")
    assert delete is not None
    assert "I forget your selfies" in delete["confirm"]["text"]["text"]
    page = press(office, eileen, page, "forget_me")
    assert "All of it is deleted" in words(page)
    assert kept_of(office.conninfo, eileen) == {}
    # The photos themselves stay, and asking anew begins anew.
    assert len(lines(office.ask(eileen, channel))) == 2


@one_way
def test_the_gallery_and_the_zip_are_had_from_home(office: Office) -> None:
    people = office.slack.people
    eileen, _ = _eileen_with_photos(office, 5)
    page = home(office, eileen)
    people.click(eileen, page, "gallery")
    shown = modal(office, eileen)
    assert len(pictures(shown)) == 5
    people.close_view(eileen, shown.id)
    people.click(eileen, page, "send_all")
    eventually(lambda: [m for m in people.direct_messages(eileen) if m.files], what="the zip")


@one_way
def test_the_messages_tab_publishes_nothing(office: Office) -> None:
    somebody, other = office.person("eileen"), office.person("grace")
    ws = office.slack.workspace
    ws.emit(
        {
            "type": "app_home_opened",
            "user": somebody.id,
            "channel": changes.open_direct(ws, somebody.id).id,
            "tab": "messages",
            "event_ts": ws.new_ts(),
        }
    )
    eventually(
        lambda: any(e.name == "app_home_opened" for e in office.slack.delivery.log),
        what="the event",
    )
    home(office, other)
    assert office.slack.people.home(somebody) is None


def test_admins_see_the_panel_and_nobody_else_does(office: Office) -> None:
    somebody = office.person("eileen")
    assert "For admins" not in words(home(office, somebody))
    for admin in (office.organiser, office.named):
        page = home(office, admin)
        assert "For admins" in words(page)
        assert element(office, page, "reindex") is not None
        assert "engine `retail`" in words(page)


@one_way
@pytest.mark.parametrize("action", ["reindex", "refresh_panel", "remove_channel", "add_channel"])
def test_who_is_no_admin_any_more_can_not_use_a_panel_that_is_still_shown(
    office: Office, action: str
) -> None:
    bot, ws = office.running, office.slack.workspace
    former = office.person("eileen", admin=True)
    mine = office.channel(former)
    page = home(office, former)
    assert "For admins" in words(page)
    changes.update_person(ws, former.id, is_admin=False)
    used = element(office, page, action)
    assert used is not None
    channels = {"add_channel": office.channel(with_bot=False), "remove_channel": mine}
    value = channels[action].id if action in channels else used.get("value")
    office.slack.people.click(former, page, action, value=value)
    (refusal,) = told(office, former)
    assert "for the workspace's admins" in refusal.text
    watched = {one.channel_id for one in bot.runtime.workspaces.watched(bot.team_id)}
    assert action != "add_channel" or value not in watched
    assert action != "remove_channel" or value in watched
    assert bot.runtime.runs.open(bot.team_id) == []
    assert "For admins" not in words(home(office, former))


@one_way
def test_a_photo_deleted_a_moment_ago_does_not_keep_home_from_being_shown(office: Office) -> None:
    eileen, channel = _eileen_with_photos(office)
    gone = office.post(channel, snapshot("eileen", 5))
    office.read(gone)
    office.slack.faults.fail(
        "views.publish", body={"ok": False, "error": "invalid_arguments"}, times=1
    )
    page = home(office, eileen)
    assert pictures(page) == []
    assert gone.permalink in {line.permalink for line in lines_of(page)}
