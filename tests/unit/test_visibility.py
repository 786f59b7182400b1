"""Who may open what, from facts alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.model import ChannelId
from pipeline.domain.visibility import ChannelFacts, Reader, Sight, sight

PUBLIC, PRIVATE, CLOSED = ChannelId("C1"), ChannelId("C2"), ChannelId("C3")
NOBODIES = (Reader.STRANGER, Reader.APP, Reader.GONE)


def facts(channel_id: str, *, private: bool = False, archived: bool = False) -> ChannelFacts:
    return ChannelFacts(channel_id=ChannelId(channel_id), is_private=private, is_archived=archived)


OF_BOT = (facts(PUBLIC), facts(PRIVATE, private=True), facts(CLOSED, archived=True))
EVERYWHERE = (PUBLIC, PRIVATE, CLOSED, ChannelId("C4"))


def test_a_member_can_open_public_channels_without_being_in_them() -> None:
    seen = sight(Reader.MEMBER, of_bot=OF_BOT, of_reader=())
    assert (seen.open, seen.joined) == ((PUBLIC,), ())


def test_a_member_can_open_private_channels_that_they_are_in() -> None:
    seen = sight(Reader.MEMBER, of_bot=OF_BOT, of_reader=[PRIVATE])
    assert (seen.open, seen.joined) == ((PUBLIC, PRIVATE), (PRIVATE,))


def test_a_guest_can_open_only_channels_that_they_are_in() -> None:
    assert sight(Reader.GUEST, of_bot=OF_BOT, of_reader=()).open == ()
    assert sight(Reader.GUEST, of_bot=OF_BOT, of_reader=[PUBLIC]).open == (PUBLIC,)
    assert sight(Reader.GUEST, of_bot=OF_BOT, of_reader=[PRIVATE]).open == (PRIVATE,)


@pytest.mark.parametrize("reader", NOBODIES)
def test_strangers_apps_and_deactivated_people_can_open_nothing(reader: Reader) -> None:
    assert sight(reader, of_bot=OF_BOT, of_reader=EVERYWHERE) == Sight(reader=reader)


@pytest.mark.parametrize("reader", [Reader.MEMBER, Reader.GUEST])
def test_nobody_sees_a_channel_that_the_bot_is_not_in_or_that_is_archived(reader: Reader) -> None:
    seen = sight(reader, of_bot=OF_BOT, of_reader=EVERYWHERE)
    assert set(seen.open) == set(seen.joined) == {PUBLIC, PRIVATE}


def test_a_sight_among_channels_is_of_no_other() -> None:
    seen = sight(Reader.MEMBER, of_bot=OF_BOT, of_reader=[PUBLIC, PRIVATE])
    assert seen.among({PRIVATE}) == Sight(reader=Reader.MEMBER, open=(PRIVATE,), joined=(PRIVATE,))


ids = st.sampled_from([ChannelId(f"C{number}") for number in range(6)])
channels = st.lists(
    st.builds(ChannelFacts, channel_id=ids, is_private=st.booleans(), is_archived=st.booleans()),
    unique_by=lambda channel: channel.channel_id,
)


@given(reader=st.sampled_from(Reader), of_bot=channels, of_reader=st.frozensets(ids))
def test_a_channel_is_open_exactly_if_one_of_the_rules_says_so(
    reader: Reader, of_bot: list[ChannelFacts], of_reader: frozenset[ChannelId]
) -> None:
    seen = sight(reader, of_bot=of_bot, of_reader=of_reader)
    for channel in of_bot:
        is_in = channel.channel_id in of_reader
        is_told = reader in {Reader.MEMBER, Reader.GUEST} and not channel.is_archived
        by_rule = is_in or (reader is Reader.MEMBER and not channel.is_private)
        assert (channel.channel_id in seen.open) == (is_told and by_rule)
        assert (channel.channel_id in seen.joined) == (is_told and is_in)
    assert {*seen.open, *seen.joined} <= {channel.channel_id for channel in of_bot}


@given(of_bot=channels, of_reader=st.frozensets(ids))
def test_nobody_loses_sight_of_anything_by_becoming_a_member(
    of_bot: list[ChannelFacts], of_reader: frozenset[ChannelId]
) -> None:
    as_guest, as_member = (
        sight(reader, of_bot=of_bot, of_reader=of_reader)
        for reader in (Reader.GUEST, Reader.MEMBER)
    )
    assert {*as_guest.open} <= {*as_member.open}
    assert as_guest.joined == as_member.joined
