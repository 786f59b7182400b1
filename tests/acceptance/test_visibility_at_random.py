"""Over random workspaces, people, moves and searches: who asks gets what they can open, all of it.

Who may open what is never stale here: the bot misses at will that it was removed, and hears of no
other membership, role or kind of channel at all. Of photos that come or go it hears; what happened
where it was not is made good when it comes back.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.sandbox import Channel, Person, PostedPhoto
from tests.acceptance.visitors import Visitors

EXAMPLES, STEPS = 10, 12

anybody = st.integers(0, 3)
anything = st.integers(0, 99)
somebody = st.frozensets(anybody, min_size=1, max_size=2)


class AnyWorkspace(RuleBasedStateMachine):
    """Moves by the workspace's people; after each, two of them search themselves, in turn."""

    visitors: ClassVar[Visitors]

    def __init__(self) -> None:
        super().__init__()
        self._here = self.visitors
        self._here.begin()
        self._turn = 0

    def teardown(self) -> None:
        self._here.clear()

    def _channel(self, number: int) -> Channel:
        return self._here.channels[number % len(self._here.channels)]

    def _person(self, number: int) -> Person:
        return self._here.people.person(self._here.cast[number])

    def _posted(self, number: int) -> PostedPhoto:
        return self._here.posts[number % len(self._here.posts)]

    @precondition(lambda self: len(self._here.channels) < 5)
    @rule(who=anybody, private=st.booleans(), shared=st.booleans(), with_bot=st.booleans())
    def add_channel(self, who: int, *, private: bool, shared: bool, with_bot: bool) -> None:
        self._here.add_channel(self._here.cast[who], private=private, shared=shared)
        if with_bot:
            self._here.invite_bot(self._here.channels[-1])

    @rule(who=anybody, channel=anything)
    def join(self, who: int, channel: int) -> None:
        here = self._here
        here.act(lambda: here.people.join(here.cast[who], self._channel(channel)))

    @rule(who=anybody, channel=anything)
    def invite(self, who: int, channel: int) -> None:
        here, where = self._here, self._channel(channel)
        here.act(lambda: here.people.invite(here.cast[who], where, by=here.organiser))

    @rule(who=anybody, channel=anything)
    def leave(self, who: int, channel: int) -> None:
        here = self._here
        here.act(lambda: here.people.leave(here.cast[who], self._channel(channel)))

    @rule(channel=anything, is_lost=st.booleans())
    def kick_bot(self, channel: int, *, is_lost: bool) -> None:
        self._here.kick_bot(self._channel(channel), is_lost=is_lost)

    @rule(channel=anything)
    def invite_bot(self, channel: int) -> None:
        self._here.invite_bot(self._channel(channel))

    @rule(channel=anything, private=st.booleans())
    def convert(self, channel: int, *, private: bool) -> None:
        here, where = self._here, self._channel(channel)
        here.act(lambda: here.people.convert_channel(where, by=here.organiser, private=private))

    @rule(channel=anything)
    def archive(self, channel: int) -> None:
        here, where = self._here, self._channel(channel)
        here.act(lambda: here.people.archive_channel(where, by=here.organiser))

    @rule(who=anybody, guest=st.booleans())
    def promote_or_demote(self, who: int, *, guest: bool) -> None:
        here = self._here
        here.act(lambda: here.people.set_guest(here.cast[who], guest=guest))

    @rule(who=st.sampled_from([1, 3]))
    def deactivate(self, who: int) -> None:
        here = self._here
        here.act(lambda: here.people.deactivate(here.cast[who]))

    @rule(channel=anything, shown=somebody)
    def post(self, channel: int, shown: frozenset[int]) -> None:
        self._here.post(self._channel(channel), shown)

    @rule(channel=anything, original=anything)
    def repost(self, channel: int, original: int) -> None:
        self._here.repost(self._channel(channel), self._posted(original))

    @rule(channel=anything, original=anything)
    def post_copy(self, channel: int, original: int) -> None:
        self._here.post_copy(self._channel(channel), self._posted(original))

    @rule(posted=anything)
    def delete_message(self, posted: int) -> None:
        self._here.delete_message(self._posted(posted))

    @rule(posted=anything)
    def delete_file(self, posted: int) -> None:
        self._here.delete_file(self._posted(posted))

    @rule()
    def tick(self) -> None:
        self._here.tick()

    @rule(who=anybody, people=somebody, channel=anything)
    def search(self, who: int, people: frozenset[int], channel: int) -> None:
        """Others, several together, and one channel alone."""
        self._here.check(who, people)
        self._here.check(who, people, self._channel(channel))

    @invariant()
    def everybody_gets_what_they_can_open_and_nothing_else(self) -> None:
        for number in (self._turn % 4, (self._turn + 1) % 4):
            self._here.check(number, frozenset({number}))
        self._turn += 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_answer_holds_what_its_reader_could_not_open_and_each_that_they_could_is_there(
    conninfo: str, tmp_path: Path
) -> None:
    class Here(AnyWorkspace):
        visitors = Visitors(conninfo, tmp_path)

    try:
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Here.visitors.close()
