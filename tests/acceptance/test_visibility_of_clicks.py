"""Who may see what is asked of Slack again on every click; no event has to have told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest

from bot.sandbox import DOWNLOAD, Channel, Message, Person, PostedPhoto, View
from bot.sandbox.inputs import Filled
from pipeline.ports import FaceReader
from tests.acceptance.office import (
    WAIT_S,
    Office,
    eventually,
    has_more,
    open_office,
    shown,
    snapshot,
)
from tests.acceptance.surfaces import element, home, modal, press
from tests.conftest import TEMPLATE, _new_database

GONE = "That photo, or the face in it, is not there any more; search again."
VERDICTS = "select count(*) from verdicts where user_id = %s"


@pytest.fixture(scope="module")
def office(server: str, engine: FaceReader) -> Iterator[Office]:
    """An office whose bot goes by no tick."""
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine) as opened,
    ):
        opened.start_bot(findme_pull_every_s=3600)
        yield opened


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three photos are two pages."""
    monkeypatch.setattr("bot.blocks.answer.PAGE_SIZE", 2)
    monkeypatch.setattr("bot.blocks.gallery.GALLERY_SIZE", 2)


def _made_private_and_left(office: Office, who: Person, channel: Channel) -> None:
    office.slack.people.convert_channel(channel, by=office.organiser, private=True)
    office.slack.people.leave(who, channel)


def _made_a_guest_and_left(office: Office, who: Person, channel: Channel) -> None:
    office.slack.people.set_guest(who, guest=True)
    office.slack.people.leave(who, channel)


def _bot_removed(office: Office, _: Person, channel: Channel) -> None:
    office.slack.people.kick_bot(channel, by=office.organiser)


def _archived(office: Office, _: Person, channel: Channel) -> None:
    office.slack.people.archive_channel(channel, by=office.organiser)


LOSSES: Mapping[str, Callable[[Office, Person, Channel], None]] = {
    "made private and left": _made_private_and_left,
    "made a guest and left": _made_a_guest_and_left,
    "bot removed": _bot_removed,
    "archived": _archived,
}


class Scene:
    """Eileen, a full member, with all surfaces before her that show a channel's photos."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.who = office.person("eileen", member=True)
        self.channel = office.channel(self.who)
        self.hall = office.channel(self.who, with_bot=False)
        self.posted: list[PostedPhoto] = office.show(
            self.channel, *(snapshot("eileen", number) for number in range(3))
        )
        self.answer = office.ask(self.who, self.hall)
        self.there = office.ask(self.who, self.channel)
        self.gallery = self.opened("gallery")
        self.tab = home(office, self.who)

    def opened(self, action_id: str) -> View:
        """The modal that a button of the answer opens."""
        before = self.office.slack.people.modal(self.who)
        self.office.slack.people.click(self.who, self.answer, action_id)
        return modal(self.office, self.who, other_than=before)

    def shows(self, place: Message | View) -> bool:
        """Whether a photo of the channel is there, as a link or as a picture."""
        text = str(place.blocks)
        return any(one.permalink in text or one.file_id in text for one in self.posted)


@pytest.fixture
def scene(office: Office) -> Iterator[Scene]:
    """All that happens to it from now on is told by no event."""
    made = Scene(office)
    heard = office.slack.workspace.listeners[:]
    office.lose_events()
    yield made
    office.slack.workspace.listeners[:] = heard
    office.slack.people.archive_channel(made.channel, by=office.organiser)


def test_what_a_full_member_sees_before_it_is_there_on_every_surface(scene: Scene) -> None:
    """Or else the next test would prove nothing."""
    office, who = scene.office, scene.who
    assert has_more(scene.answer)
    for place in (scene.answer, scene.there, scene.gallery, scene.tab):
        assert scene.shows(place)
    assert scene.shows(office.more(who, scene.answer))
    assert scene.shows(press(office, who, scene.tab, "alerts_on"))
    assert scene.shows(_turned(scene))
    assert scene.shows(_judged(scene))
    assert scene.shows(_form(scene))


@pytest.mark.parametrize("loss", LOSSES)
def test_after_it_nothing_is_on_any_surface_nor_can_be_judged_or_sent(
    scene: Scene, loss: str
) -> None:
    office, who, people = scene.office, scene.who, scene.office.slack.people
    LOSSES[loss](office, who, scene.channel)
    assert not scene.shows(office.ask(who, scene.hall))
    assert not scene.shows(office.ask(who, scene.hall, f"in #{scene.channel.name}"))
    assert not scene.shows(office.more(who, scene.answer))
    assert not scene.shows(press(office, who, scene.tab, "alerts_on"))
    assert not scene.shows(_turned(scene))
    assert not scene.shows(scene.opened("gallery"))
    sent = office.answer(people.click(who, scene.answer, "send_all"))
    assert sent.text.startswith("There are no photos now that you could see.")
    assert _judged(scene).text == GONE
    assert _verdicts(office, who) == 0
    assert not any(one.files for one in people.direct_messages(who))


# Where the bot is removed it can't fetch what it would pack.
@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "bot removed"])
def test_after_it_what_is_packed_already_is_not_sent(scene: Scene, loss: str) -> None:
    office, who = scene.office, scene.who
    _packing(office, who, scene.answer)
    LOSSES[loss](office, who, scene.channel)
    assert _ending(office, who) == (
        "❌ You can't see these photos any more; type `/findme` to look again."
    )
    assert not any(one.files for one in office.slack.people.direct_messages(who))


def test_photos_of_a_colleague_who_takes_their_word_back_are_not_sent_though_packed(
    scene: Scene,
) -> None:
    office, asker = scene.office, scene.office.person(member=True)
    office.slack.people.invite(asker, scene.hall, by=office.organiser)
    answer = office.ask(asker, scene.hall, f"@{scene.who.name}")
    assert scene.shows(answer)
    _packing(office, asker, answer)
    press(office, scene.who, scene.tab, "colleagues_refuse")
    assert _ending(office, asker) == "❌ I show photos of a colleague only if they agree."
    assert not any(one.files for one in office.slack.people.direct_messages(asker))


@pytest.mark.parametrize("loss", LOSSES)
def test_after_it_no_form_shares_anything(scene: Scene, loss: str) -> None:
    office, who = scene.office, scene.who
    form = _form(scene)
    LOSSES[loss](office, who, scene.channel)
    before = len(office.said(scene.channel))
    assert _submitted(scene, form) == (
        "Nothing was shared. You and I are not both in that channel any more."
    )
    assert len(office.said(scene.channel)) == before


def test_outside_a_public_channel_a_full_member_sees_its_photos_but_shares_nothing_there(
    scene: Scene,
) -> None:
    office, who, people = scene.office, scene.who, scene.office.slack.people
    form = _form(scene)
    people.leave(who, scene.channel)
    answer = office.ask(who, scene.hall)
    assert scene.shows(answer)
    assert len(shown(answer)) == 2
    assert element(office, answer, "share") is None
    before = len(office.said(scene.channel))
    assert _submitted(scene, form) == (
        "Nothing was shared. You and I are not both in that channel any more."
    )
    assert len(office.said(scene.channel)) == before


def _turned(scene: Scene) -> View:
    """The gallery's next page."""
    people = scene.office.slack.people
    people.click(scene.who, scene.gallery, "gallery_page")
    people.wait_for(
        lambda: (view := people._ws.view(scene.gallery.id)) and view.hash != scene.gallery.hash,
        timeout_s=WAIT_S,
    )
    turned = people._ws.view(scene.gallery.id)
    assert turned is not None
    return turned


def _judged(scene: Scene) -> Message:
    """*That's me* on the first photo of the answer."""
    people = scene.office.slack.people
    block_id, value = next(
        (block_id, found["options"][0]["value"])
        for block_id, found in people.elements(scene.answer)
        if found.get("action_id") == "verdict"
    )
    return scene.office.answer(
        people.click(scene.who, scene.answer, "verdict", value=value, block_id=block_id)
    )


def _packing(office: Office, who: Person, answer: Message) -> None:
    """*Send me all*, once the first photo is being fetched."""
    before = office.slack.faults.calls[DOWNLOAD]
    office.slack.faults.slow(DOWNLOAD, delay_s=3.0)
    office.click(who, answer, "send_all")
    eventually(lambda: office.slack.faults.calls[DOWNLOAD] > before, what="the packing")


def _ending(office: Office, who: Person) -> str:
    """What the direct messages say of the parcel in the end."""

    def ended() -> str | None:
        texts = [one.text for one in office.slack.people.direct_messages(who) if not one.files]
        return next((text for text in texts if not text.startswith("📦")), None)

    return office.slack.people.wait_for(ended, timeout_s=WAIT_S)


def _form(scene: Scene) -> View:
    """*Share here*, in the channel."""
    before = scene.office.slack.people.modal(scene.who)
    scene.office.slack.people.click(scene.who, scene.there, "share")
    return modal(scene.office, scene.who, other_than=before)


def _submitted(scene: Scene, form: View) -> str:
    """What is told of sharing every photo of the form."""
    people = scene.office.slack.people
    chosen: Filled = {
        (block_id, "chosen"): [found["options"][0]["value"]]
        for block_id, found in people.elements(form)
        if found.get("action_id") == "chosen"
    }
    told = len(people.ephemerals(scene.who, scene.channel))
    people.submit_view(scene.who, form.id, filled=chosen)
    return people.wait_for(
        lambda: people.ephemerals(scene.who, scene.channel)[told:], timeout_s=WAIT_S
    )[0].text


def _verdicts(office: Office, who: Person) -> int:
    with psycopg.connect(office.conninfo) as connection:
        row = connection.execute(VERDICTS, [who.id]).fetchone()
    assert row is not None
    return int(row[0])
