"""`/findme [me] [@people…] [in #channel…] [since/until DATE] [sure|all]`, to its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from bot.demo.album import AlbumPhoto
from bot.sandbox import Channel, Message, Person, PostedPhoto
from tests.acceptance.office import (
    Office,
    eventually,
    execute,
    lines,
    notes,
    one_way,
    rows,
    shown,
    snapshot,
)
from tests.acceptance.surfaces import element

LISTINGS = """
select count(*) from procrastinate_jobs
where status in ('todo', 'doing') and args->>'channel_id' = %s
"""
BACKDATE = "update shares set shared_at = %s where permalink = %s"
ELSEWHERE = (
    "I look for photos in channels that I am in and you can open; that one isn't among them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Eileen and Grace, and three photos: of each alone, and of both."""

    eileen: Person
    grace: Person
    channel: Channel
    hers: PostedPhoto
    graces: PostedPhoto
    both: PostedPhoto


@pytest.fixture
def party(office: Office, album: Mapping[str, AlbumPhoto]) -> Party:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    hers, graces, both = office.show(
        channel, snapshot("eileen"), snapshot("grace"), album["lunch (2).jpg"].data
    )
    return Party(eileen=eileen, grace=grace, channel=channel, hers=hers, graces=graces, both=both)


def _posted_at(office: Office, posted: PostedPhoto, when: datetime) -> None:
    # A listing that began before it was posted would take it for deleted, since it looks old.
    with psycopg.connect(office.conninfo, autocommit=True) as connection:
        eventually(
            lambda: connection.execute(LISTINGS, [posted.channel]).fetchone() == (0,),
            what="the end of the channel's listing",
        )
    execute(office.conninfo, BACKDATE, when, posted.permalink)


def test_me_and_a_colleague_are_found_where_both_are(office: Office, party: Party) -> None:
    answer = office.ask(party.eileen, party.channel, f"me @{party.grace.name}")
    assert shown(answer) == [party.both.permalink]
    assert answer.text == (
        f"*1 photo of you and <@{party.grace.id}> together in <#{party.channel.id}>*: 1 sure"
    )


@pytest.mark.parametrize("text", ["@{grace} me", "me with @{grace}", "@{grace}, and me?"])
@one_way
def test_people_are_named_in_any_order(office: Office, party: Party, text: str) -> None:
    answer = office.ask(party.eileen, party.channel, text.format(grace=party.grace.name))
    assert shown(answer) == [party.both.permalink]


@one_way
def test_a_colleague_alone_is_found_with_and_without_me(office: Office, party: Party) -> None:
    answer = office.ask(party.eileen, party.channel, f"@{party.grace.name}")
    assert set(shown(answer)) == {party.graces.permalink, party.both.permalink}


@one_way
def test_two_colleagues_together_are_found_by_somebody_without_a_face(
    office: Office, party: Party
) -> None:
    somebody = office.person()
    office.slack.people.invite(somebody, party.channel, by=office.organiser)
    text = f"@{party.eileen.name} @{party.grace.name}"
    answer = office.ask(somebody, party.channel, text)
    assert shown(answer) == [party.both.permalink]
    assert not any(
        element(office, answer, action_id) for action_id in ("me", "not_me", "verdict", "selfie")
    )


@one_way
def test_somebody_twice_is_somebody_once(office: Office, party: Party) -> None:
    answer = office.ask(party.eileen, party.channel, f"me @{party.eileen.name} me")
    assert set(shown(answer)) == {party.hers.permalink, party.both.permalink}


@one_way
def test_who_among_several_has_no_profile_picture_is_named(office: Office, party: Party) -> None:
    somebody = office.person()
    answer = office.ask(party.eileen, party.channel, f"me @{party.grace.name} @{somebody.name}")
    assert answer.text == f"<@{somebody.id}> has no profile picture, so I don't know their face."


def test_in_a_channel_means_in_that_one_alone(office: Office) -> None:
    eileen = office.person("eileen")
    one, other = office.channel(eileen), office.channel(eileen)
    (here,) = office.show(one, snapshot("eileen"))
    (there,) = office.show(other, snapshot("eileen", 1))
    answer = office.ask(eileen, one, f"in #{other.name}")
    assert shown(answer) == [there.permalink]
    assert answer.text == f"*1 photo of you in <#{other.id}>*: 1 sure"
    several = office.ask(eileen, one, f"in #{other.name} #{one.name}")
    assert set(shown(several)) == {here.permalink, there.permalink}
    assert {line.channel for line in lines(several)} == {one.id, other.id}


@one_way
def test_a_photo_in_two_channels_is_told_with_the_one_that_was_asked_for(office: Office) -> None:
    eileen = office.person("eileen")
    one, other = office.channel(eileen), office.channel(eileen)
    (posted,) = office.show(one, snapshot("eileen"))
    again = office.slack.people.share_again(office.organiser, posted.file_id, other)
    eventually(
        lambda: shown(office.ask(eileen, one, f"in #{other.name}")) == [again.permalink],
        what="the second share",
    )
    assert shown(office.ask(eileen, one)) == [posted.permalink]


def test_a_channel_that_can_not_be_searched_is_refused_without_saying_why(office: Office) -> None:
    eileen = office.person("eileen")
    hall = office.channel(eileen)
    strange, private = office.channel(), office.channel(private=True)
    unwatched = office.channel(eileen, with_bot=False)
    for channel in (strange, private, unwatched):
        office.post(channel, snapshot("eileen"))
    answers = [
        office.ask(eileen, hall, f"in #{channel.name}") for channel in (strange, private, unwatched)
    ]
    assert [(answer.text, answer.blocks) for answer in answers] == [(ELSEWHERE, ())] * 3
    guessed = office.ask(eileen, hall, "in <#C999999999>")
    assert guessed.text == ELSEWHERE


def test_days_are_those_of_where_the_asker_lives(office: Office) -> None:
    londoner = office.person("eileen", tz="Europe/London")
    aucklander = office.person("eileen", tz="Pacific/Auckland")
    channel = office.channel(londoner, aucklander)
    (posted,) = office.show(channel, snapshot("eileen"))
    # Half past one at night on 13 May in Auckland, the afternoon of the 12th in London.
    _posted_at(office, posted, datetime(2024, 5, 12, 13, 30, tzinfo=UTC))
    found = {
        (who.tz, text): bool(shown(office.ask(who, channel, text)))
        for who in (londoner, aucklander)
        for text in ("since 2024-05-13", "until 2024-05-12", "on 12 May 2024")
    }
    assert found == {
        ("Europe/London", "since 2024-05-13"): False,
        ("Europe/London", "until 2024-05-12"): True,
        ("Europe/London", "on 12 May 2024"): True,
        ("Pacific/Auckland", "since 2024-05-13"): True,
        ("Pacific/Auckland", "until 2024-05-12"): False,
        ("Pacific/Auckland", "on 12 May 2024"): False,
    }


@one_way
def test_the_day_in_the_alt_text_is_the_askers_too(office: Office) -> None:
    aucklander = office.person("eileen", tz="Pacific/Auckland")
    channel = office.channel(aucklander)
    (posted,) = office.show(channel, snapshot("eileen"))
    _posted_at(office, posted, datetime(2024, 5, 12, 13, 30, tzinfo=UTC))
    (line,) = lines(office.ask(aucklander, channel))
    assert line.alt_text == (
        f"Photo posted by {office.organiser.real_name} on 13 May 2024 in #{channel.name}"
    )


@one_way
def test_since_and_until_bound_the_days_and_are_said_in_the_answer(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    days = office.show(channel, *(snapshot("eileen", number) for number in range(4)))
    for day, posted in enumerate(days, start=10):
        _posted_at(office, posted, datetime(2024, 5, day, 12, tzinfo=UTC))
    answer = office.ask(eileen, channel, "since 2024-05-11 until 2024-05-12")
    assert set(shown(answer)) == {days[1].permalink, days[2].permalink}
    assert answer.text.startswith(f"*2 photos of you in <#{channel.id}> since <!date^")
    assert " until <!date^" in answer.text
    assert shown(office.ask(eileen, channel, "today")) == []


@one_way
def test_sure_leaves_out_what_is_only_perhaps_the_asker(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    (posted, perhaps) = office.show(channel, snapshot("eileen"), snapshot("eileen", blur_px=4))
    assert shown(office.ask(eileen, channel)) == [posted.permalink, perhaps.permalink]
    assert shown(office.ask(eileen, channel, "all")) == [posted.permalink, perhaps.permalink]
    assert shown(office.ask(eileen, channel, "sure")) == [posted.permalink]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("sinse monday", "I can't place “sinse”. Did you mean `/findme since monday`?"),
        ("me nonsense", "I can't place “nonsense”. Did you mean `/findme me`?"),
        (
            "@nobody",
            "I know nobody called @nobody. Type @ and choose from the names that Slack shows.",
        ),
        ("<@U1", "I can't place “&lt;”. `/findme help` shows what I understand."),
    ],
)
def test_a_word_that_has_no_place_is_named_with_the_nearest_command(
    office: Office, text: str, answer: str
) -> None:
    channel = office.channel(with_bot=False)
    assert office.ask(office.organiser, channel, text).text == answer


@one_way
def test_an_answer_in_the_direct_messages_is_seen_by_the_asker_alone(office: Office) -> None:
    # Slack tells of the direct messages of two people in the same way.
    eileen = office.person("eileen")
    office.show(office.channel(eileen), snapshot("eileen"))
    direct = office.slack.people.open_direct(eileen)
    answer = office.ask(eileen, direct)
    assert len(lines(answer)) == 1
    assert answer.visible_to == eileen.id
    assert office.slack.people.direct_messages(eileen) == []


@one_way
def test_the_next_page_asks_the_same_question(office: Office) -> None:
    eileen = office.person("eileen")
    channel, other = office.channel(eileen), office.channel(eileen)
    posted = office.show(channel, *(snapshot("eileen", number) for number in range(11)))
    office.show(other, snapshot("eileen", 12))
    page = office.ask(eileen, other, f"sure in #{channel.name}")
    last = office.more(eileen, page)
    assert {*shown(page), *shown(last)} == {each.permalink for each in posted}
    assert len(shown(last)) == 1


@one_way
def test_what_was_deleted_between_two_pages_is_on_neither(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(12)))
    page = office.ask(eileen, channel)
    kept = set(shown(page))
    (gone, *_) = [row.file_id for row in rows(office.conninfo) if row.file_id in _files(page)]
    office.slack.people.delete_file(office.organiser, gone)
    eventually(
        lambda: all(row.file_id != gone for row in rows(office.conninfo)), what="its deletion"
    )
    last = office.more(eileen, page)
    assert len(shown(last)) == 1
    assert not kept & set(shown(last))
    assert last.text == "*Photos 11–11 of 11* of you"
    assert notes(last) == ""


def _files(message: Message) -> set[str | None]:
    return {line.shown for line in lines(message)}
