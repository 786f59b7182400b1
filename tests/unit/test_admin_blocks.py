"""What admins see fits into a message, a modal and the Home tab, however much there is."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import admin as blocks
from bot.blocks.texts import HELP, reindex_done, reindex_progress, welcome
from bot.pages import Panel
from pipeline.domain.model import ChannelId, IndexCounts, PhotoState
from tests.rendering import (
    WORST_NAME,
    Json,
    elements,
    mrkdwn_texts,
    parsed,
    plain_texts,
    skeleton,
    taken,
    taken_view,
)
from tests.strategies import photo_names
from tests.unit.panels import HUGE, channel, largest_panel, run

EMPTY = Panel(engine_id="retail", channels=[], problems=[], runs=[])
SMALL = IndexCounts(photos=7, faces=9)


def mentioned(shown: list[Json]) -> list[str]:
    tokens = [token for text in mrkdwn_texts(shown) for token in parsed(text)]
    return [token[1] for token in tokens if token[0] == "channel"]


def healthy(channels: int) -> Panel:
    return replace(EMPTY, channels=[(channel(each), SMALL) for each in range(channels)])


@pytest.mark.parametrize("channels", [0, 1, 20, 21, 200])
def test_slack_takes_the_largest_panel(channels: int) -> None:
    view = taken_view(blocks.panel_view(largest_panel(channels), note="I watch <#C1> already."))

    assert len(view["blocks"]) <= 32
    assert len(elements(view).get("remove_channel", [])) == min(channels, 20)


@pytest.mark.parametrize("panel", [largest_panel(500), healthy(500), healthy(0)])
def test_slack_takes_the_largest_status(panel: Panel) -> None:
    status = taken(blocks.status(panel))

    named = mentioned(status)
    assert named == [one.channel_id for one, _ in panel.channels[: len(named)]]
    hidden = len(panel.channels) - len(named)
    told = [text for text in mrkdwn_texts(status) if text.startswith("… and ")]
    assert told == [f"… and {hidden} channels more."] * bool(hidden)


def test_the_status_names_a_hundred_channels() -> None:
    assert len(mentioned(taken(blocks.status(healthy(100))))) == 100


def test_the_panel_says_how_many_channels_it_leaves_out() -> None:
    texts = mrkdwn_texts(taken_view(blocks.panel_view(healthy(21))))

    assert "… and 1 channel more: see `/findme-admin status`." in texts


@given(photo_names(), photo_names(), photo_names())
@settings(deadline=None)
def test_no_name_and_no_reason_breaks_out_of_its_place(
    name: str, reason: str, problem: str
) -> None:
    def everything(name: str, reason: str, problem: str) -> list[Json]:
        panel = replace(
            EMPTY,
            channels=[(channel(1, problem=problem or "x"), HUGE)],
            problems=[(name, PhotoState.UNREADABLE, reason)],
        )
        view: list[Json] = taken_view(blocks.panel_view(panel))["blocks"]
        return view + taken(blocks.status(panel))

    assert skeleton(everything(name, reason, problem)) == skeleton(everything("a", "b", "c"))


def test_a_reason_is_never_cut_within_an_entity() -> None:
    panel = replace(EMPTY, problems=[("&" * 500, PhotoState.UNREADABLE, "&" * 500)] * 5)

    (told,) = [text for text in mrkdwn_texts(taken(blocks.status(panel))) if "Not in" in text]

    # Its dots are followed by the next line: a whole entity, or none.
    assert told.count("\n") >= 1
    assert all(line.endswith("&amp;…") for line in told.splitlines()[1:])


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (IndexCounts(), "0 photos, 0 faces"),
        (IndexCounts(photos=1, faces=1), "1 photo, 1 face"),
        (IndexCounts(photos=1_000, pending=3, faces=2), "1,000 photos, 2 faces, 3 waiting"),
        (
            IndexCounts(photos=3, unreadable=2, given_up=1),
            "3 photos, 0 faces, 2 unreadable, 1 given up",
        ),
    ],
)
def test_a_channel_tells_how_much_of_it_is_in_the_index(counts: IndexCounts, words: str) -> None:
    panel = replace(EMPTY, channels=[(channel(1), counts)])

    assert f"• <#C0000000001>: {words}" in mrkdwn_texts(taken(blocks.status(panel)))[0]


@pytest.mark.parametrize(
    ("channels", "words"), [(0, "no channel yet"), (1, "1 channel"), (2, "2 ")]
)
def test_the_heading_counts_the_channels(channels: int, words: str) -> None:
    text = mrkdwn_texts(taken(blocks.status(healthy(channels))))[0]

    assert text.startswith(f"*Findme* watches {words}")
    assert "engine `retail`." in text


def test_a_channel_that_could_not_be_read_says_why() -> None:
    panel = replace(EMPTY, channels=[(channel(1, problem="I'm not in <it>"), SMALL)])

    assert "\n   ⚠️ I'm not in &lt;it&gt;" in mrkdwn_texts(taken(blocks.status(panel)))[0]


def test_a_channel_is_removed_by_its_own_button_after_a_question() -> None:
    view = taken_view(blocks.panel_view(healthy(2)))

    remove = elements(view)["remove_channel"]
    assert [each["value"] for each in remove] == ["C0000000000", "C0000000001"]
    assert all(each["confirm"]["text"]["type"] == "plain_text" for each in remove)


def test_no_plain_text_names_a_channel() -> None:
    view = taken_view(blocks.panel_view(healthy(3)))

    assert not any("party" in text or "<#" in text for text in plain_texts(view))


def test_a_note_says_what_a_button_did() -> None:
    texts = mrkdwn_texts(taken_view(blocks.panel_view(EMPTY, note="I watch <#C1> now.")))

    assert any("I watch <#C1> now." in text for text in texts)


@pytest.mark.parametrize(
    ("counts", "listed", "text"),
    [
        (IndexCounts(photos=7, pending=7), False, "🔄 Re-indexing: looking for photos… 7 so far."),
        (IndexCounts(photos=10, pending=7), True, "🔄 Re-indexing: ▰▰▰▱▱▱▱▱▱▱ 3 of 10 photos."),
        (IndexCounts(), True, "🔄 Re-indexing: ▰▰▰▰▰▰▰▰▰▰ 0 of 0 photos."),
    ],
)
def test_a_running_reindex_says_how_far_it_is(
    counts: IndexCounts, text: str, *, listed: bool
) -> None:
    assert reindex_progress(counts, listed=listed) == text
    panel = replace(EMPTY, runs=[(run(listed=listed), counts)])
    assert text in mrkdwn_texts(taken(blocks.status(panel)))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_bar_is_full_only_at_the_end(photos: int, pending: int) -> None:
    counts = IndexCounts(photos=photos, pending=min(photos, pending))

    text = reindex_progress(counts, listed=True)

    assert text.count("▰") + text.count("▱") == 10
    assert ("▱" not in text) is (counts.pending == 0)


@pytest.mark.parametrize(
    ("counts", "end"),
    [
        (IndexCounts(indexed=3, faces=5), "3 photos with 5 faces, 0 without a face. "),
        (
            IndexCounts(indexed=1, faces=1, without_face=1),
            "1 photo with 1 face, 1 without a face. ",
        ),
        (IndexCounts(unreadable=1, given_up=2), "0 without a face, 1 unreadable, 2 given up. "),
    ],
)
def test_a_finished_reindex_says_what_came_of_it(counts: IndexCounts, end: str) -> None:
    assert end in reindex_done(counts)


@pytest.mark.parametrize("text", [HELP, welcome(ChannelId("C1")), reindex_done(HUGE)])
def test_the_sentences_of_the_bot_are_sound_mark_up(text: str) -> None:
    assert len(text) < 3000
    parsed(text)


def test_the_worst_name_is_as_bad_as_it_should_be() -> None:
    assert len(WORST_NAME) > 10_000
