"""`/findme`: who asks gets the photos that show them, and nobody else sees the answer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial

import httpx
import pytest

from bot.demo.album import AlbumPhoto
from bot.demo.portraits import portrait, scenery
from bot.sandbox import Channel, FileId, Person
from tests.acceptance.office import (
    Office,
    encoded,
    eventually,
    has_more,
    lines,
    links,
    notes,
    rows,
    shown,
    snapshot,
)


def test_somebody_gets_their_own_photos_and_nobody_elses(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    hers = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    office.show(channel, snapshot("grace"), snapshot("grace", 1))
    answer = office.ask(eileen, channel)
    assert {line.permalink for line in lines(answer)} == links(hers)
    assert answer.text == f"*2 photos of you in <#{channel.id}>*: 2 sure"


def test_a_photo_of_two_people_is_found_by_both(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    posted = office.show(channel, album["lunch (2).jpg"].data)
    found = [lines(office.ask(who, channel)) for who in (eileen, grace)]
    assert [{line.permalink for line in answer} for answer in found] == [links(posted)] * 2


def test_the_answer_is_seen_by_nobody_else(office: Office) -> None:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    office.show(channel, snapshot("eileen"))
    before = office.slack.people.messages(channel)
    answer = office.ask(eileen, channel)
    assert answer.visible_to == eileen.id
    assert office.slack.people.messages(channel) == before
    assert office.slack.people.ephemerals(grace) == []
    assert office.slack.people.ephemerals(office.organiser, channel) == []


def test_each_photo_is_told_with_its_message_poster_day_and_certainty(office: Office) -> None:
    eileen, poster = office.person("eileen"), office.person()
    channel = office.channel(eileen, poster)
    posted = office.post(channel, snapshot("eileen"), "lift-off.jpg", by=poster)
    office.read(posted)
    (line,) = lines(office.ask(eileen, channel))
    assert line.permalink == posted.permalink
    assert line.title == "lift-off.jpg"
    assert line.poster == poster.id
    assert abs(line.posted_at_s - float(posted.ts)) <= 1
    assert line.certainty == "sure"


def test_the_permalink_leads_to_the_message_that_was_posted(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    (posted,) = office.show(channel, snapshot("eileen"))
    (line,) = lines(office.ask(eileen, channel))
    message = httpx.get(line.permalink).json()
    assert message["files"][0]["id"] == posted.file_id


def test_a_name_full_of_markup_is_shown_as_it_is(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    name = "<!channel> *a* & _b_ | <@U1>.jpg"
    posted = office.post(channel, snapshot("eileen"), name)
    office.read(posted)
    (section,) = [
        block
        for block in office.ask(eileen, channel).blocks
        if block["type"] == "section" and posted.permalink in block["text"]["text"]
    ]
    assert "<!channel>" not in section["text"]["text"]
    assert "<@U1>" not in section["text"]["text"]
    assert f"<{posted.permalink}|&lt;!channel&gt; " in section["text"]["text"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "JPEG"),
        ("a.png", "PNG"),
        ("a.gif", "GIF"),
    ],
)
def test_what_slack_can_show_stands_beside_its_line(office: Office, name: str, kind: str) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.post(channel, encoded(snapshot("eileen"), kind), name)
    office.read(posted)
    (line,) = lines(office.ask(eileen, channel))
    assert line.shown == posted.file_id


def test_beside_what_slack_can_not_show_stands_a_converted_thumbnail(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    webp = office.post(channel, encoded(snapshot("eileen"), "WEBP"), "a.webp")
    heic = office.post(channel, album["IMG_3007.HEIC"].data, "IMG_3007.HEIC")
    office.read(webp, heic)
    for who, posted in ((eileen, webp), (grace, heic)):
        file_id = eventually(partial(_shown_file, office, who, channel), what="the thumbnail")
        assert file_id is not None
        assert shown(office.ask(who, channel)) == [posted.permalink]
        assert file_id != posted.file_id
        assert office.slack.people.file(file_id).uploader == office.slack.bot_user_id


def _shown_file(office: Office, who: Person, channel: Channel) -> FileId | None:
    (line,) = lines(office.ask(who, channel))
    return FileId(line.shown) if line.shown else None


def test_the_more_button_leads_to_the_end_and_shows_no_photo_twice(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.show(channel, *(snapshot("eileen", number) for number in range(23)))
    pages = [office.ask(eileen, channel)]
    while has_more(pages[-1]):
        pages.append(office.more(eileen, pages[-1]))
    shown = [line.permalink for page in pages for line in lines(page)]
    assert [len(lines(page)) for page in pages] == [10, 10, 3]
    assert len(shown) == len(set(shown))
    assert set(shown) == links(posted)


def test_sure_photos_come_before_maybe_ones(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    names = ("IMG_2063.jpg", "IMG_2058.jpg", "scan0003.jpg", "thumb_eileen.jpg")
    office.show(channel, *(album[name].data for name in names))
    certainties = [line.certainty for line in lines(office.ask(eileen, channel))]
    assert certainties == sorted(certainties, key=["sure", "maybe"].index)


def test_a_repost_is_shown_once_as_it_was_posted_first(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    first, _ = office.show(channel, snapshot("eileen"), snapshot("eileen"))
    assert [line.permalink for line in lines(office.ask(eileen, channel))] == [first.permalink]


def test_a_photo_shared_again_is_shown_once(office: Office) -> None:
    eileen = office.person("eileen")
    channel, other = office.channel(eileen), office.channel(eileen)
    (posted,) = office.show(channel, snapshot("eileen"))
    office.slack.people.share_again(office.organiser, posted.file_id, other)
    eventually(
        lambda: (
            [row.shares for row in rows(office.conninfo) if row.file_id == posted.file_id] == [2]
        ),
        what="the second share",
    )
    assert [line.permalink for line in lines(office.ask(eileen, channel))] == [posted.permalink]


def test_a_photo_deleted_in_slack_is_never_found_again(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    gone, kept = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    office.slack.people.delete_file(office.organiser, gone.file_id)
    eventually(
        lambda: all(row.file_id != gone.file_id for row in rows(office.conninfo)),
        what="the end of the photo",
    )
    assert [line.permalink for line in lines(office.ask(eileen, channel))] == [kept.permalink]


def test_a_photo_deleted_a_moment_ago_does_not_break_the_answer(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    gone, kept = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    office.lose_events()
    office.slack.people.delete_file(office.organiser, gone.file_id)
    answer = office.ask(eileen, channel)
    assert kept.permalink in {line.permalink for line in lines(answer)}


def test_a_photo_deleted_while_the_bot_was_off_is_not_found_any_more(new_office: Office) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=0.5)
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    gone, kept = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    office.stop_bot()
    office.slack.people.delete_file(office.organiser, gone.file_id)
    office.wait_for_slack_to_give_up("file_deleted")
    office.start_bot(findme_pull_every_s=0.5)
    eventually(
        lambda: {line.permalink for line in lines(office.ask(eileen, channel))} == {kept.permalink},
        what="an answer without the deleted photo",
        timeout_s=10,
    )


def test_a_photo_whose_message_was_deleted_is_not_found_any_more(office: Office) -> None:
    eileen = office.person("eileen")
    hidden, channel = office.channel(private=True), office.channel(eileen)
    (posted,) = office.show(hidden, snapshot("eileen"))
    shared = office.slack.people.share_again(office.organiser, posted.file_id, channel)
    eventually(
        lambda: (
            [line.permalink for line in lines(office.ask(eileen, channel))] == [shared.permalink]
        ),
        what="an answer with the message",
    )
    office.slack.people.delete_message(office.organiser, shared)
    eventually(
        lambda: lines(office.ask(eileen, channel)) == [],
        what="an answer without the message",
        timeout_s=10,
    )


def test_a_colleagues_photos_are_found_by_their_profile_picture(office: Office) -> None:
    eileen, asker = office.person("eileen"), office.person()
    channel = office.channel(eileen, asker)
    posted = office.show(channel, snapshot("eileen"))
    answer = office.ask(asker, channel, f"@{eileen.name}")
    assert {line.permalink for line in lines(answer)} == links(posted)
    assert f"<@{eileen.id}>" in answer.text


@pytest.mark.parametrize("text", ["help", " Help ", "HELP"])
def test_help_names_the_commands(office: Office, text: str) -> None:
    channel = office.channel(with_bot=False)
    answer = office.ask(office.organiser, channel, text)
    assert "`/findme @colleague`" in answer.text
    assert "`/findme selfie`" in answer.text


def test_a_command_that_is_not_understood_is_quoted_as_text(office: Office) -> None:
    channel = office.channel(with_bot=False)
    for text in ("<!channel>", "x<!channel>", "*bold*<http://example.com|here>"):
        answer = office.ask(office.organiser, channel, text)
        assert "<!" not in answer.text
        assert "<http" not in answer.text


def test_without_a_profile_picture_the_answer_asks_for_one(office: Office) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    assert "no profile picture yet" in office.ask(somebody, channel).text


def test_a_colleague_without_a_profile_picture_is_named(office: Office) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    answer = office.ask(office.organiser, channel, f"@{somebody.name}")
    assert answer.text.startswith(f"<@{somebody.id}> has no profile picture")


def test_a_profile_picture_without_a_face_is_told_as_such(office: Office) -> None:
    somebody = office.person(picture=_coffee())
    channel = office.channel(somebody)
    assert "can't see a face in your profile picture" in office.ask(somebody, channel).text


def test_a_profile_picture_with_two_faces_is_told_as_such(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    couple = office.person(picture=album["lunch (2).jpg"].data)
    channel = office.channel(couple)
    office.show(channel, snapshot("eileen"), snapshot("grace"))
    answer = office.ask(couple, channel)
    assert "shows 2 faces; I looked for the largest one" in notes(answer)
    assert len(lines(answer)) == 1


def test_where_nothing_is_found_the_answer_says_where_it_looked(office: Office) -> None:
    grace = office.person("grace")
    channel = office.channel(grace)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(grace, channel)
    assert answer.text == f"I found no photos of you in <#{channel.id}> yet."
    assert "1 channel" in notes(answer)


def test_who_can_open_no_channel_that_the_bot_is_in_is_told_so(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    answer = office.ask(eileen, channel)
    assert lines(answer) == []
    assert "I am in no channel that you can open" in notes(answer)


def test_a_new_profile_picture_is_used_at_once(office: Office) -> None:
    chameleon = office.person("eileen")
    channel = office.channel(chameleon)
    of_eileen, of_grace = office.show(channel, snapshot("eileen"), snapshot("grace"))
    before = lines(office.ask(chameleon, channel))
    office.slack.people.set_picture(chameleon, portrait("grace"))
    after = lines(office.ask(chameleon, channel))
    assert [line.permalink for line in before] == [of_eileen.permalink]
    assert [line.permalink for line in after] == [of_grace.permalink]


def test_an_unchanged_profile_picture_is_not_downloaded_again(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    for _ in range(3):
        office.ask(eileen, channel)
    assert office.avatars_fetched(eileen) == 1


def test_profile_pictures_are_fetched_without_the_token(office: Office) -> None:
    eileen = office.person("eileen")
    office.ask(eileen, office.channel(eileen))
    assert {
        request.authorization for request in office.heard if request.path.startswith("/avatars/")
    } == {""}


def test_an_answer_says_that_new_photos_are_still_being_read(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.ask(eileen, channel)  # the first takes longest
    office.slack.faults.slow("files.download", delay_s=3.0)
    office.post(channel, snapshot("eileen"))
    eventually(lambda: rows(office.conninfo), what="the photo's row")
    assert "still being read" in notes(office.ask(eileen, channel))


def _coffee() -> bytes:
    out = io.BytesIO()
    scenery("coffee").save(out, "JPEG")
    return out.getvalue()
