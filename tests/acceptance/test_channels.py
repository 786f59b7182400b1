"""`/findme-admin channels add|remove`: what an admin took out stays out until somebody wants it."""

from __future__ import annotations

import psycopg
import pytest

from bot.sandbox import Channel, Person
from tests.acceptance.office import Office, eventually, lines, links, rows, snapshot
from tests.acceptance.surfaces import everything

FILES = "select p.file_id from photos p join shares s using (photo_id) where s.channel_id = %s"

# What is behind both ways of hearing Slack need not be looked at twice.
one_way = pytest.mark.parametrize("office", ["socket"], indirect=True)


def _says(office: Office, where: Channel, text: str) -> str:
    return office.admin(office.organiser, where, f"channels {text} #{where.name}").text


def _watched(office: Office) -> set[str]:
    bot = office.running
    return {channel.channel_id for channel in bot.runtime.workspaces.watched(bot.team_id)}


def _found(office: Office, who: Person, where: Channel) -> set[str]:
    return {line.permalink for line in lines(office.ask(who, where))}


def _eileen_with_photos(office: Office, *, private: bool = False) -> tuple[Person, Channel]:
    eileen = office.person("eileen")
    channel = office.channel(eileen, private=private)
    office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    return eileen, channel


def _files(office: Office, channel: Channel) -> set[str]:
    """The files of a channel's photos in the index."""
    with psycopg.connect(office.conninfo) as connection:
        return {file_id for (file_id,) in connection.execute(FILES, [channel.id])}


def test_into_a_public_channel_the_bot_goes_by_itself_and_looks_through_it(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    posted = office.post_all(channel, [snapshot("eileen"), snapshot("eileen", 1)])
    answer = _says(office, channel, "add")
    assert answer == f"I watch <#{channel.id}> now, and look through what is there."
    assert office.slack.bot_user_id in office.slack.people.channel(channel).members
    office.read(*posted)
    assert _found(office, eileen, channel) == links(posted)
    # Slack told of the entry as well: the channel is greeted once.
    assert len(office.said(channel)) == 1


@one_way
def test_a_private_channel_has_to_invite_the_bot_and_a_sentence_says_so(office: Office) -> None:
    channel = office.channel(private=True, with_bot=False)
    answer = _says(office, channel, "add")
    assert "invite me there, by `/invite @findme`" in answer
    assert channel.id not in _watched(office)
    office.invite_bot(channel)
    assert channel.id in _watched(office)


@one_way
@pytest.mark.parametrize("private", [False, True])
def test_a_channel_that_is_watched_stays_so_and_is_not_greeted_again(
    office: Office, *, private: bool
) -> None:
    channel = office.channel(private=private)
    assert _says(office, channel, "add") == f"I watch <#{channel.id}> already."
    assert len(office.said(channel)) == 1


@one_way
def test_a_channel_that_is_not_watched_can_not_be_removed(office: Office) -> None:
    channel = office.channel(with_bot=False)
    assert "I don't watch that channel" in _says(office, channel, "remove")


def test_photos_of_a_removed_channel_are_gone_from_answers(office: Office) -> None:
    eileen, channel = _eileen_with_photos(office)
    _, other = _eileen_with_photos(office)
    office.slack.people.invite(eileen, other, by=office.organiser)
    mine = _files(office, channel)
    assert len(mine) == 2
    answer = _says(office, channel, "remove")
    assert answer == f"I forgot the photos of <#{channel.id}> and don't watch it any more."
    assert len(_found(office, eileen, channel)) == 2
    assert mine.isdisjoint(row.file_id for row in rows(office.conninfo))
    assert channel.id not in _watched(office)


@one_way
def test_a_photo_that_another_channel_shows_too_is_still_found_there(office: Office) -> None:
    eileen, channel = _eileen_with_photos(office)
    other = office.channel(eileen)
    (posted,) = office.show(other, snapshot("eileen", 5))
    again = office.slack.people.share_again(office.organiser, posted.file_id, channel)
    eventually(
        lambda: any(again.ts in row for row in everything(office.conninfo)["shares"]),
        what="the second share",
    )
    _says(office, channel, "remove")
    assert _found(office, eileen, other) == {posted.permalink}


@one_way
@pytest.mark.parametrize("private", [False, True])
def test_a_removed_channel_is_not_watched_again_by_the_next_tick_although_the_bot_is_in_it(
    office: Office, *, private: bool
) -> None:
    eileen, channel = _eileen_with_photos(office, private=private)
    _says(office, channel, "remove")
    office.running.pull()
    heard = _files_heard_of(office)
    office.post(channel, snapshot("eileen", 2))
    eventually(lambda: _files_heard_of(office) > heard, what="the event")
    office.running.pull()
    assert channel.id not in _watched(office)
    assert _found(office, eileen, channel) == set()
    assert office.slack.bot_user_id in office.slack.people.channel(channel).members
    assert len(office.said(channel)) == 1


def _files_heard_of(office: Office) -> int:
    return sum(entry.name == "file_shared" for entry in office.slack.delivery.log)


def test_a_removed_channel_stays_out_after_a_restart(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen, channel = _eileen_with_photos(office)
    _says(office, channel, "remove")
    office.stop_bot()
    office.start_bot()
    office.running.pull()
    assert channel.id not in _watched(office)
    assert rows(office.conninfo) == []
    assert _found(office, eileen, channel) == set()


@one_way
def test_a_removed_channel_comes_back_when_an_admin_adds_it(office: Office) -> None:
    eileen, channel = _eileen_with_photos(office)
    _says(office, channel, "remove")
    answer = _says(office, channel, "add")
    assert answer == f"I watch <#{channel.id}> now, and look through what is there."
    eventually(lambda: len(_found(office, eileen, channel)) == 2, what="the photos")


@one_way
def test_a_removed_channel_comes_back_when_somebody_invites_the_bot_again(office: Office) -> None:
    people = office.slack.people
    eileen, channel = _eileen_with_photos(office)
    _says(office, channel, "remove")
    people.kick_bot(channel, by=office.organiser)
    people.invite_bot(channel, by=office.organiser)
    eventually(lambda: channel.id in _watched(office), what="the channel")
    eventually(lambda: len(_found(office, eileen, channel)) == 2, what="the photos")
