"""Photos come into the index: those from before, those of now, each once."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest

from bot.demo.album import AlbumPhoto
from tests.acceptance.office import Office, eventually, jobs, lines, links, rows, snapshot


def test_photos_posted_before_the_bot_was_invited_are_found_after_the_invitation(
    office: Office,
) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    posted = office.post_all(channel, [snapshot("eileen", number) for number in range(3)])
    office.invite_bot(channel)
    office.read(*posted)
    assert {line.permalink for line in lines(office.ask(eileen, channel))} == links(posted)


def test_photos_posted_while_the_bot_was_off_come_in_once_it_runs_again(
    any_new_office: Office,
) -> None:
    office = any_new_office
    eileen = office.person("eileen")
    office.start_bot()
    channel = office.channel(eileen)
    office.stop_bot()
    posted = office.post_all(channel, [snapshot("eileen", number) for number in range(2)])
    office.wait_for_slack_to_give_up("file_shared", len(posted))
    office.start_bot()
    office.read(*posted)
    assert {line.permalink for line in lines(office.ask(eileen, channel))} == links(posted)


def test_a_bot_that_was_invited_while_it_was_off_says_hello_and_looks_through_the_channel(
    any_new_office: Office,
) -> None:
    office = any_new_office
    channel = office.channel()
    posted = office.post(channel, snapshot("eileen"))
    office.start_bot()
    office.read(posted)
    assert len(eventually(lambda: office.said(channel), what="the hello")) == 1


def test_a_photo_whose_event_was_lost_comes_in_with_the_next_tick(new_office: Office) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=0.5)
    channel = office.channel()
    office.lose_events()
    posted = office.post(channel, snapshot("eileen"))
    (row,) = office.read(posted)
    assert row.state == "indexed"


def test_the_bot_says_hello_once_when_it_comes_and_not_again_when_it_starts_again(
    any_new_office: Office,
) -> None:
    office = any_new_office
    office.start_bot()
    channel = office.channel()
    office.stop_bot()
    office.start_bot()
    posted = office.post(channel, snapshot("eileen"))
    office.read(posted)
    (hello,) = office.said(channel)
    assert "/findme" in hello.text


def test_a_photo_posted_just_now_is_found_without_any_tick(office: Office) -> None:
    grace = office.person("grace")
    channel = office.channel(grace)
    (posted,) = office.show(channel, snapshot("grace"))
    assert [line.permalink for line in lines(office.ask(grace, channel))] == [posted.permalink]


def test_every_event_delivered_four_times_leaves_one_row_one_job_and_one_hello(
    any_new_office: Office,
) -> None:
    office = any_new_office
    office.slack.workspace.listeners.extend([office.slack.delivery.hear] * 3)
    office.start_bot()
    eileen = office.person("eileen")
    channels = [office.channel(eileen) for _ in range(3)]
    posted = [office.post(channel, snapshot("eileen", i)) for i, channel in enumerate(channels)]
    office.read(*posted)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    _wait_for_deliveries(office, "file_shared", 4 * len(channels))
    _wait_for_deliveries(office, "member_joined_channel", 4 * len(channels))
    assert [len(office.said(channel)) for channel in channels] == [1, 1, 1]
    found = rows(office.conninfo)
    assert len(found) == len(posted)
    assert {(row.shares, row.faces) for row in found} == {(1, 1)}
    assert all(count == 1 for count in office.slack.faults.downloads.values())


def test_an_event_that_slack_sends_again_for_want_of_an_answer_changes_nothing(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot()
    channel = office.channel()
    office.slack.faults.slow("files.info", delay_s=0.3)
    posted = office.post(channel, snapshot("eileen"))
    office.read(posted)
    office.slack.delivery.refresh_connections()
    again = office.slack.people.share_again(office.organiser, posted.file_id, channel)
    eventually(lambda: rows(office.conninfo)[0].shares == 2, what="the second share")
    assert again.file_id == posted.file_id
    assert [row.faces for row in rows(office.conninfo)] == [1]


def test_what_is_no_picture_is_unreadable_with_a_reason(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    channel = office.channel(with_bot=False)
    before = [
        office.post(channel, album["notes.jpg"].data, "notes.jpg"),
        office.post(channel, album["IMG_2080.jpg"].data, "IMG_2080.jpg"),
    ]
    office.invite_bot(channel)
    live = [
        office.post(channel, album["notes.jpg"].data + b"more", "notes 2.jpg"),
        office.post(channel, album["IMG_2080.jpg"].data[:140], "IMG_2081.jpg"),
        office.post(channel, b"", "empty.png"),
    ]
    found = office.read(*before, *live)
    assert {row.state for row in found} == {"unreadable"}
    assert [row.reason for row in found] == [
        "the file is text, not a picture",
        "the picture is damaged or cut off",
        "the file is text, not a picture",
        "the picture is damaged or cut off",
        "the file is empty",
    ]


def test_files_that_are_no_images_are_ignored(office: Office) -> None:
    channel = office.channel(with_bot=False)
    before = office.post(channel, b"%PDF-1.7", "agenda.pdf")
    office.invite_bot(channel)
    live = office.post(channel, b"hello", "notes.txt")
    photo = office.post(channel, snapshot("eileen"))
    office.read(photo)
    assert {row.file_id for row in rows(office.conninfo)} & {before.file_id, live.file_id} == set()


def test_a_photo_from_another_company_is_found_and_shown_like_any_other(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    posted = office.slack.people.post_photo(
        office.organiser, channel, "guest.jpg", snapshot("eileen"), foreign=True
    )
    office.invite_bot(channel)
    office.read(posted)
    (line,) = lines(office.ask(eileen, channel))
    assert (line.permalink, line.shown) == (posted.permalink, posted.file_id)


@pytest.mark.slow
def test_photos_posted_in_one_burst_are_all_read_without_any_tick(any_new_office: Office) -> None:
    office = any_new_office
    office.start_bot()
    channel = office.channel()
    for burst in range(12):
        # The reading is quick, so that the queueing of one meets that of the next.
        posted = office.post_all(channel, [b"no picture %d" % burst] * 8)
        office.read(*posted, timeout_s=6)
    assert len(rows(office.conninfo)) == 96


def test_a_missed_invitation_and_a_tick_at_the_same_moment_give_one_hello(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot(findme_pull_every_s=0.05)
    channels = [office.channel() for _ in range(8)]
    ticks = office.slack.faults.calls["users.conversations"]
    eventually(
        lambda: office.slack.faults.calls["users.conversations"] >= ticks + 2, what="two ticks"
    )
    assert [len(office.said(channel)) for channel in channels] == [1] * 8


def test_photos_keep_their_place_when_the_database_is_looked_at_in_sql(office: Office) -> None:
    channel = office.channel()
    (posted,) = office.show(channel, snapshot("grace"))
    with psycopg.connect(office.conninfo) as connection:
        shares = connection.execute(
            "select s.channel_id, s.ts, s.permalink from shares s join photos p using (photo_id) "
            "where p.file_id = %(file_id)s",
            {"file_id": posted.file_id},
        ).fetchall()
    assert shares == [(channel.id, posted.ts, posted.permalink)]


def _wait_for_deliveries(office: Office, name: str, count: int) -> None:
    log = office.slack.delivery.log
    eventually(
        lambda: sum(entry.name == name and entry.error is None for entry in log) >= count,
        what=f"{count} deliveries of {name}",
    )
