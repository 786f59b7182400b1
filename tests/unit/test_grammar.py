"""What people type after `/findme`."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.grammar.commands import (
    Asked,
    HelpRequest,
    OwnRequest,
    SelfieRequest,
    command,
    parsed,
)
from bot.grammar.dates import beginning
from bot.question import MOST_CHANNELS, MOST_PEOPLE, Question
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import UsageError

ME = UserId("U1")
NEW_YORK = ZoneInfo("America/New_York")
AUCKLAND = ZoneInfo("Pacific/Auckland")
KOLKATA = ZoneInfo("Asia/Kolkata")
ZONES = st.sampled_from([UTC, NEW_YORK, AUCKLAND, KOLKATA, ZoneInfo("Africa/Cairo")])
FRIDAY = datetime(2026, 5, 15, 14, 30, 5, 123, tzinfo=NEW_YORK)


def asked(text: str, *, now: datetime = FRIDAY, timezone: tzinfo = NEW_YORK) -> Asked:
    return parsed(text, asker=ME, now=now, timezone=timezone)


def typed(text: str, *, now: datetime = FRIDAY, timezone: tzinfo = NEW_YORK) -> str:
    """The question, as one would type it."""
    question = asked(text, now=now, timezone=timezone)
    assert isinstance(question, Question)
    return command(question, asker=ME, timezone=timezone).removeprefix("/findme ")


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as error:
        asked(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", "me"),
        ("  ", "me"),
        ("me", "me"),
        ("ME", "me"),
        ("/findme me", "me"),
        ("<@U1|ann>", "me"),
        ("<@U2|bob>", "<@U2>"),
        ("<@U2>", "<@U2>"),
        ("<@W2|grid>", "<@W2>"),
        ("me <@U2|bob>", "me <@U2>"),
        ("<@U2|bob> me", "<@U2> me"),
        ("me, <@U2|Bob, the builder> and <@U3|c>", "me <@U2> <@U3>"),
        ("me & <@U2|bob>", "me <@U2>"),
        ("me &amp; <@U2|bob>", "me <@U2>"),
        ("me with <@U2|bob> + <@U3>", "me <@U2> <@U3>"),
        ("<@U2|bob><@U3|c>", "<@U2> <@U3>"),
        ("me <@U2|bob> me <@U2|bob> <@U1|ann>", "me <@U2>"),
        ("“me” and \u2018<@U2|bob>\u2019!", "me <@U2>"),
        ("*me* (<@U2|bob>)", "me <@U2>"),
        ("\u2068<@U2|bob>\u2069\xa0 me", "<@U2> me"),
        ("in <#C1|a>", "me in <#C1>"),
        ("in <#C1|>", "me in <#C1>"),
        ("<#G1>", "me in <#G1>"),
        ("in <#C1|a> <#C2|b>", "me in <#C1> <#C2>"),
        ("in <#C1|a> and in <#C2|b>", "me in <#C1> <#C2>"),
        ("in: <#C1|a>, <#C2|b>, <#C1|a>", "me in <#C1> <#C2>"),
        ("sure", "me sure"),
        ("all", "me"),
        ("SURE me SURE", "me sure"),
        ("since monday", "me since 2026-05-11"),
        ("Since Monday sure", "me since 2026-05-11 sure"),
        ("since “12 May” me", "me since 2026-05-12"),
        ("since May 12, 2025 and <@U2>", "<@U2> since 2025-05-12"),
        ("since 3. May", "me since 2026-05-03"),
        ("since 05.06.", "me since 2025-06-05"),
        ("since 3. 5. 2025", "me since 2025-05-03"),
        ("since (12.05.)", "me since 2026-05-12"),
        ("on 12.05", "me since 2026-05-12 until 2026-05-12"),
        ("on 12.05.", "me since 2026-05-12 until 2026-05-12"),
        ("from 1.5. to 10.5. sure", "me since 2026-05-01 until 2026-05-10 sure"),
        ("since 12.05. 17:00", "me since 2026-05-12 17:00:00"),
        ("since 12 May 17:00", "me since 2026-05-12 17:00:00"),
        ("in 05.2025", "me since 2025-05-01 until 2025-05-31"),
        ("since 2025.", "me since 2025-01-01"),
        ("since the day before yesterday", "me since 2026-05-13"),
        ("since last week <#C1>", "me in <#C1> since 2026-05-04"),
        ("since 3 days ago sure", "me since 2026-05-12 sure"),
        ("since the last 3 days", "me since 2026-05-12"),
        ("since may", "me since 2026-05-01"),
        ("since 5pm", "me since 2026-05-14 17:00:00"),
        ("since 2026_05_12", "me since 2026-05-12"),
        ("from 2026-05-12", "me since 2026-05-12"),
        ("after monday", "me since 2026-05-12"),
        ("after 1pm", "me since 2026-05-15 13:00:00"),
        ("until yesterday", "me until 2026-05-14"),
        ("till may", "me until 2026-05-31"),
        ("until 2025", "me until 2025-12-31"),
        ("until tomorrow", "me until 2026-05-16"),
        ("before yesterday", "me until 2026-05-13"),
        ("since april until yesterday", "me since 2026-04-01 until 2026-05-14"),
        ("from monday to wednesday", "me since 2026-05-11 until 2026-05-13"),
        ("from yesterday to today", "me since 2026-05-14 until 2026-05-15"),
        ("on monday", "me since 2026-05-11 until 2026-05-11"),
        ("on 5pm", "me since 2026-05-14 until 2026-05-14"),
        ("today", "me since 2026-05-15 until 2026-05-15"),
        ("<@U2> yesterday sure", "<@U2> since 2026-05-14 until 2026-05-14 sure"),
        ("yesterday evening", "me since 2026-05-14 17:00:00 until 2026-05-14"),
        ("in may in <#C1>", "me in <#C1> since 2026-05-01 until 2026-05-31"),
        ("in 2025", "me since 2025-01-01 until 2025-12-31"),
        (
            "me <@U2|bob> <@U3|c> in <#C1|a> since monday until yesterday sure",
            "me <@U2> <@U3> in <#C1> since 2026-05-11 until 2026-05-14 sure",
        ),
    ],
)
def test_what_is_typed_is_understood(text: str, meant: str) -> None:
    assert typed(text) == meant


@pytest.mark.parametrize("text", ["help", " HELP ", "help me", "?", "--help", "/findme help"])
def test_help_can_be_asked_for(text: str) -> None:
    assert asked(text) == HelpRequest()


@pytest.mark.parametrize("text", ["selfie", "Selfie!", "/findme selfie"])
def test_a_selfie_can_be_asked_for(text: str) -> None:
    assert asked(text) == SelfieRequest()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sinse monday", "I can't place “sinse”. Did you mean `/findme since monday`?"),
        ("me sinse monday sure", "Did you mean `/findme me since monday sure`?"),
        ("monday", "I can't place “monday”. Did you mean `/findme since monday`?"),
        ("me 12 may", "I can't place “12”. Did you mean `/findme me since 12 may`?"),
        ("yesterdy", "I can't place “yesterdy”. Did you mean `/findme yesterday`?"),
        ("foo", "I can't place “foo”. Did you mean `/findme`?"),
        ("photos of me", "I can't place “photos”. Did you mean `/findme me`?"),
        ("me and you", "I can't place “you”. Did you mean `/findme me`?"),
        ("me and you and", "I can't place “you”. Did you mean `/findme me`?"),
        ("foo and me", "Did you mean `/findme me`?"),
        ("me and you since monday", "Did you mean `/findme me since monday`?"),
        ("<@U2|bob> and me, foo", "Did you mean /findme <@U2> and me?"),
        ("since 10.30", "I can't read “10.30” as a date. Did you mean `/findme since monday`?"),
        ("since 3 5 2025", "I can't read “3 5 2025” as a date."),
        ("since monday 10.30", "I can't place “10.30”. Did you mean `/findme since monday`?"),
        ("since 12 may 10", "I can't place “10”. Did you mean `/findme since 12 may`?"),
        ("since 17h", "I can't read “17h” as a date."),
        ("hlep", "Did you mean `/findme help`?"),
        ("selfi", "Did you mean `/findme selfie`?"),
        ("<@U2|bob> shure", "I can't place “shure”. Did you mean /findme <@U2> sure?"),
        ("<#C1|> in", "`in` goes before a #channel. Did you mean /findme <#C1>?"),
        ("since", "`since` needs a date after it. Did you mean `/findme since monday`?"),
        ("since foo", "I can't read “foo” as a date. Did you mean `/findme since monday`?"),
        ("since 99 sure", "I can't read “99” as a date. Did you mean `/findme since monday sure`?"),
        ("until tusday", "I can't read “tusday” as a date. Did you mean `/findme until tuesday`?"),
        ("since may until foo", "Did you mean `/findme since may until monday`?"),
        ("since @x", "`since` needs a date after it. `/findme help` shows what I understand."),
        ("a b c d e f g h", "I can't place “a”. `/findme help` shows what I understand."),
        ("*bold*", "I can't place “∗bold∗”. Did you mean `/findme`?"),
        ("<http://x.y|z>", "I can't place “&lt;http://x.y¦z&gt;”. Did you mean `/findme`?"),
        ("&lt;@U2&gt;", "I can't place “&lt;@U2&gt;”. Did you mean `/findme`?"),
        ("w" * 99, f"I can't place “{'w' * 29}…”. Did you mean `/findme`?"),
        ("@bob", "I know nobody called @bob."),
        ("me @bob,", "I know nobody called @bob."),
        ("#here", "I know no channel #here."),
        ("in #offsite", "I know no channel #offsite."),
        ("in offsite", "I know no channel called offsite."),
        ("me in the <#C1>", "I know no channel called the."),
        ("<!here>", "I can't look for groups yet; name people one by one"),
        ("<!subteam^S1|@team> me", "I can't look for groups yet; name people one by one"),
        ("@channel", "I can't look for groups yet; name people one by one"),
        ("selfie me", "`/findme selfie` goes alone"),
        ("me selfie", "`/findme selfie` goes alone"),
        ("forget", "`/findme forget me` goes alone: type just that and I forget"),
        ("forgetme", "`/findme forget me` goes alone"),
        ("forget me please", "`/findme forget me` goes alone"),
        ("<@U2|bob> forget me", "`/findme forget me` goes alone"),
        ("delete me", "`/findme forget me` goes alone"),
        ("Delete my data!", "`/findme forget me` goes alone"),
        ("mydata", "`/findme my data` goes alone: type just that to get all that I keep"),
        ("data", "`/findme my data` goes alone"),
        ("my data please", "`/findme my data` goes alone"),
        ("me since monday my data", "`/findme my data` goes alone"),
        ("please forget me", "Did you mean `/findme forget me`?"),
        ("my photos", "I can't place “my”."),
        ("sure all", "That says both `sure` and `all`"),
        ("since monday since tuesday", "one `since` is enough"),
        ("on monday since tuesday", "one `since` is enough"),
        ("until monday before tuesday", "one `until` is enough"),
        ("since tomorrow", "“tomorrow” lies ahead"),
        ("since 2030-01-01", "“2030-01-01” lies ahead"),
        ("in 2 months", "“2 months” lies ahead"),
        ("since yesterday until monday", "No time lies between those dates"),
        ("after yesterday until yesterday", "No time lies between those dates"),
    ],
)
def test_a_refusal_names_the_word_and_says_what_to_type(text: str, sentence: str) -> None:
    assert sentence in refusal(text)


def test_people_and_channels_have_a_limit_each() -> None:
    people = [f"<@U{number}>" for number in range(2, MOST_PEOPLE + 2)]
    channels = [f"<#C{number}>" for number in range(MOST_CHANNELS)]
    question = asked(" ".join([*people, *people, *channels, *channels]))
    assert isinstance(question, Question)
    assert len(question.people) == MOST_PEOPLE
    assert len(question.channels) == MOST_CHANNELS
    assert f"at most {MOST_PEOPLE} people" in refusal(" ".join(["me", *people]))
    assert f"at most {MOST_CHANNELS} channels" in refusal(" ".join([*channels, "<#C99>"]))


@pytest.mark.parametrize(
    ("timezone", "day", "starts", "ends"),
    [
        (NEW_YORK, "2026-03-08", "03-08T05:00", "03-09T04:00"),
        (NEW_YORK, "2025-11-02", "11-02T04:00", "11-03T05:00"),
        (AUCKLAND, "2026-04-05", "04-04T11:00", "04-05T12:00"),
        (KOLKATA, "2026-03-08", "03-07T18:30", "03-08T18:30"),
    ],
)
def test_days_are_those_of_the_asker_also_when_clocks_change(
    timezone: tzinfo, day: str, starts: str, ends: str
) -> None:
    question = asked(f"since {day} until {day}", timezone=timezone)
    assert isinstance(question, Question)
    assert question.since
    assert question.until
    assert (f"{question.since:%m-%dT%H:%M}", f"{question.until:%m-%dT%H:%M}") == (starts, ends)
    assert question.since.tzinfo is question.until.tzinfo is UTC


def test_last_monday_begins_at_midnight_where_the_asker_is() -> None:
    # Still Sunday in New York, Monday already in Kolkata and Auckland.
    now = datetime(2026, 5, 18, 1, tzinfo=UTC)
    assert typed("since monday", now=now, timezone=NEW_YORK) == "me since 2026-05-11"
    assert typed("since today", now=now, timezone=KOLKATA) == "me since 2026-05-18"
    assert typed("since yesterday", now=now, timezone=AUCKLAND) == "me since 2026-05-17"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("since monday", "me since 2026-05-11"),
        ("until monday", "me until 2026-05-11"),
        ("on monday", "me since 2026-05-11 until 2026-05-11"),
        ("since last monday", "me since 2026-05-04"),
        ("until last monday", "me until 2026-05-04"),
        ("on last monday", "me since 2026-05-04 until 2026-05-04"),
        ("from last monday to monday", "me since 2026-05-04 until 2026-05-11"),
        ("since monday 9:15", "me since 2026-05-11 09:15:00"),
    ],
)
def test_on_a_monday_monday_is_today_and_last_monday_a_week_ago(text: str, meant: str) -> None:
    assert typed(text, now=datetime(2026, 5, 11, 14, 30, tzinfo=NEW_YORK)) == meant


def test_dates_are_read_in_the_askers_language() -> None:
    question = parsed(
        "since letzte woche sure", asker=ME, now=FRIDAY, timezone=NEW_YORK, languages=("de-DE",)
    )
    assert isinstance(question, Question)
    assert question.since == beginning(date(2026, 5, 4), timezone=NEW_YORK)
    assert question.only_sure


PEOPLE = st.lists(st.sampled_from(["me", "<@U2|bob>", "<@U3|c, d>", "<@W4>"]), max_size=5)
CHANNELS = st.lists(st.sampled_from(["in <#C1|a>", "<#C2|>", "in <#G3>, <#C4>"]), max_size=3)
DATES = st.sampled_from(
    [[], ["since 12 may"], ["until yesterday"], ["since 3 days ago", "until 1pm"], ["today"]]
)
STRICTNESS = st.sampled_from([[], ["sure"], ["all"]])


def _unordered(question: Asked) -> Asked:
    if not isinstance(question, Question):
        return question
    return replace(
        question,
        people=tuple(sorted(question.people)),
        channels=tuple(sorted(question.channels)),
    )


@settings(deadline=None)  # the first date in a language takes longer
@given(
    parts=st.tuples(PEOPLE, CHANNELS, DATES, STRICTNESS).map(lambda lists: [*chain(*lists)]),
    data=st.data(),
)
def test_the_order_of_the_parts_does_not_matter(parts: list[str], data: st.DataObject) -> None:
    glue = data.draw(st.sampled_from([" ", "  ", ", ", " and ", " & "]))
    shuffled = data.draw(st.permutations(parts))
    assert _unordered(asked(glue.join(shuffled))) == _unordered(asked(" ".join(parts)))


FRAGMENTS = (
    *("me", "in", "since", "until", "on", "sure", "all", "help", "selfie", "and", "&amp;", "today"),
    *("forget", "my", "data", "off"),
    *("<@U2|b>", "<@U2222222222|*b*>", "<#C1|>", "<#C111111111>", "<!here>", "<!subteam^S1|@x>"),
    *("monday", "12 may", "2026-05-12", "5pm", "2026_05_12", "sinse", "mondy", "untill", "99", "a"),
    *("@bob", "#x", "<", ">", "*", "_", "`", "~", "|", "&lt;", "“", "<http://x|y>", "\n", "\u202e"),
)
TEXTS = (
    st.text(max_size=200)
    | st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=20).map(" ".join)
    | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
)
MENTION = re.compile(r"<[@#][A-Z0-9]+>")


def _outside_code(sentence: str) -> str:
    """The sentence without the code and the mentions that Findme itself put there."""
    return re.sub(r"`[^`]*`", "", MENTION.sub("", sentence))


@settings(deadline=None)  # the first date in a language takes longer
@given(TEXTS)
def test_any_text_is_a_question_or_a_refusal_that_is_short_and_safe(text: str) -> None:
    try:
        assert isinstance(asked(text), Question | HelpRequest | SelfieRequest | OwnRequest)
    except UsageError as error:
        sentence = str(error)
        assert len(sentence) <= 300
        assert sentence.count("`") % 2 == 0
        assert not set("<>") & set(MENTION.sub("", sentence))
        assert not set("<>*~`|") & set(_outside_code(sentence))
        # Slack begins and ends emphasis at the edge of a word only.
        assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", _outside_code(sentence))
        assert not re.search(r"&(?!amp;|lt;|gt;)", sentence)
        assert "\n" not in sentence


@settings(deadline=None)  # the first date in a language takes longer
@given(
    keyword=st.sampled_from(["since", "until", "after", "before"]),
    words=st.text("0123456789. ", max_size=12),
    language=st.sampled_from(["en-US", "en-GB", "de-DE"]),
)
def test_digits_and_dots_after_a_keyword_bound_whole_days(
    keyword: str, words: str, language: str
) -> None:
    try:
        question = parsed(
            f"{keyword} {words}", asker=ME, now=FRIDAY, timezone=NEW_YORK, languages=(language,)
        )
    except UsageError:
        return
    assert isinstance(question, Question)
    bound = question.since or question.until
    assert bound
    local = bound.astimezone(NEW_YORK)
    assert beginning(local.date(), timezone=NEW_YORK) == bound


@settings(deadline=None)  # the first date in a language takes longer
@given(TEXTS)
def test_a_suggestion_never_ends_with_a_word_that_joins(text: str) -> None:
    sentence = ""
    try:
        asked(f"{text} and you and")
    except UsageError as error:
        sentence = str(error)
    assert not re.search(r" (?:and|with|&amp;|[+–—-])`?\?$", sentence)


@settings(deadline=None)  # the first date in a language takes longer
@given(TEXTS)
def test_a_suggestion_is_is_a_command_that_works(text: str) -> None:
    try:
        asked(text)
    except UsageError as error:
        nearest = re.search(r"Did you mean `?(/findme[^`?]*)`?\?$", str(error))
        assume(nearest)
        assert nearest
        assert asked(nearest[1].removeprefix("/findme"))


def test_every_command_named_in_a_refusal_works() -> None:
    texts = ["x", "<!here>", "selfie me", "forget", "mydata", "a b c d e f g h", "since x"]
    for text in texts:
        for named in re.findall(r"`/findme([^`]*)`", refusal(text)):
            assert asked(named.replace("@colleague", "<@U2|colleague>"))


@st.composite
def questions(draw: st.DrawFn, *, timezone: tzinfo) -> Question:
    ids = st.text("ABC0123456789", min_size=1, max_size=10)
    days = draw(
        st.lists(st.dates(date(1971, 1, 1), date(2026, 5, 14)), min_size=2, max_size=2, unique=True)
    )
    since, until = (beginning(day, timezone=timezone) for day in sorted(days))
    people: Sequence[str] = draw(
        st.lists(ids.map("U{}".format), min_size=1, max_size=MOST_PEOPLE, unique=True)
    )
    channels: Sequence[str] = draw(
        st.lists(ids.map("C{}".format), max_size=MOST_CHANNELS, unique=True)
    )
    return Question(
        people=tuple(map(UserId, people)),
        channels=tuple(map(ChannelId, channels)),
        since=draw(st.sampled_from([since, None])),
        until=draw(st.sampled_from([until, None])),
        only_sure=draw(st.booleans()),
    )


@settings(deadline=None)  # the first date in a language takes longer
@given(timezone=ZONES, data=st.data())
def test_a_question_of_whole_days_can_be_typed_as_its_command_says(
    timezone: tzinfo, data: st.DataObject
) -> None:
    question = data.draw(questions(timezone=timezone))
    text = command(question, asker=ME, timezone=timezone)
    assert asked(text, timezone=timezone) == question


def test_a_question_with_times_can_be_typed_as_its_command_says() -> None:
    since = datetime(2026, 5, 12, 1, 2, 3, tzinfo=UTC)
    question = Question(people=(ME,), since=since, until=since + timedelta(seconds=1))
    text = command(question, asker=ME, timezone=KOLKATA)
    assert text == "/findme me since 2026-05-12 06:32:03 until 2026-05-12 06:32:04"
    assert asked(text, timezone=KOLKATA) == question
