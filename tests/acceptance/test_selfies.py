"""Selfies: given in a modal, told of in words, kept as a reference or used once; never the file."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from bot.blocks.selfie import KEPT, USED
from bot.demo.portraits import Who, portrait, scenery, studio
from bot.listeners.find import TAKEN
from bot.sandbox import Channel, Invocation, Message, Person, View
from tests.acceptance.office import Office, eventually, execute, lines, links, snapshot
from tests.acceptance.surfaces import (
    BUSY,
    element,
    everything,
    home,
    kept_of,
    modal,
    pictures,
    press,
    told,
    words,
)

# What is behind both ways of hearing Slack need not be looked at twice.
one_way = pytest.mark.parametrize("office", ["socket"], indirect=True)


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _couple() -> bytes:
    picture = Image.new("RGB", (800, 400))
    picture.paste(Image.open(io.BytesIO(portrait("eileen"))).resize((400, 400)), (0, 0))
    picture.paste(Image.open(io.BytesIO(portrait("grace"))).resize((400, 400)), (400, 0))
    return _jpeg(picture)


def _far_away(who: Who) -> bytes:
    """One face, small and out of focus."""
    picture = studio(who).resize((150, 150)).filter(ImageFilter.GaussianBlur(2.2))
    background = Image.new("RGB", (400, 400), (90, 100, 110))
    background.paste(picture, (125, 125))
    return _jpeg(background)


def _asks(office: Office, who: Person, where: Channel) -> tuple[Invocation, View]:
    """`/findme selfie`: what was typed, and the modal."""
    typed = office.slack.people.run_command(who, where, "/findme", "selfie")
    return typed, modal(office, who)


def _gives(office: Office, who: Person, data: bytes, name: str = "me.jpg") -> View:
    """Put a picture into the modal; what it shows then."""
    view = modal(office, who)
    file = office.slack.people.upload(who, name, data)
    office.slack.people.submit_view(who, view.id, {"picture": [file.id]})
    return modal(office, who, other_than=view)


def _uses(office: Office, who: Person, how: str) -> None:
    office.slack.people.submit_view(who, modal(office, who).id, {"use": how})
    office.slack.people.wait_for(lambda: office.slack.people.modal(who) is None)


def _token(view: View) -> str:
    (_, _, token) = str(view.content["private_metadata"]).rpartition('"token": "')
    return token.rstrip('"}')


def _selfies_of(office: Office, who: Person) -> int:
    with_selfies = [
        row for row in everything(office.conninfo)["person_references"] if "selfie" in row
    ]
    return sum(who.id in row for row in with_selfies)


def _nameless_with_photos(office: Office, count: int = 2) -> tuple[Person, Channel, set[str]]:
    """Somebody without a profile picture, in a channel with photos of Eileen and of Grace."""
    somebody = office.person()
    channel = office.channel(somebody)
    hers = office.show(channel, *(snapshot("eileen", number) for number in range(count)))
    office.show(channel, snapshot("grace", count))
    return somebody, channel, links(hers)


def _found(message: Message) -> set[str]:
    return {line.permalink for line in lines(message)}


def test_a_selfie_that_is_kept_finds_its_person_from_then_on(office: Office) -> None:
    somebody, channel, hers = _nameless_with_photos(office)
    typed, form = _asks(office, somebody, channel)
    assert "10 MB at most" in words(form)
    judged = _gives(office, somebody, snapshot("eileen", 9))
    assert "I see one face in your picture: *clear" in words(judged)
    assert "Keep it" in words(judged)
    assert _selfies_of(office, somebody) == 0
    _uses(office, somebody, "keep")
    assert _found(office.answer(typed)) == hers
    assert _selfies_of(office, somebody) == 1
    assert _found(office.ask(somebody, channel)) == hers


@one_way
def test_a_kept_selfie_stands_in_home_and_is_forgotten_there(office: Office) -> None:
    somebody, channel, _ = _nameless_with_photos(office, 1)
    typed, _ = _asks(office, somebody, channel)
    _gives(office, somebody, snapshot("eileen", 9))
    _uses(office, somebody, "keep")
    office.answer(typed)
    page = home(office, somebody)
    assert "A selfie from <!date^" in words(page)
    assert "clear, I will know you well by it" in words(page)
    page = press(office, somebody, page, "remove_selfie")
    assert "I forgot that selfie." in words(page)
    assert "A selfie from" not in words(page)
    assert kept_of(office.conninfo, somebody) == {}
    assert "no profile picture yet" in office.ask(somebody, channel).text


@one_way
def test_the_same_selfie_given_twice_is_kept_once(office: Office) -> None:
    somebody, channel, hers = _nameless_with_photos(office, 1)
    for _ in range(2):
        typed, _ = _asks(office, somebody, channel)
        _gives(office, somebody, snapshot("eileen", 9))
        _uses(office, somebody, "keep")
        assert _found(office.answer(typed)) == hers
    assert _selfies_of(office, somebody) == 1


def test_a_selfie_used_once_serves_its_answer_with_all_that_hangs_on_it_for_an_hour(
    office: Office,
) -> None:
    people = office.slack.people
    somebody, channel, hers = _nameless_with_photos(office, 12)
    typed, _ = _asks(office, somebody, channel)
    _gives(office, somebody, snapshot("eileen", 19))
    _uses(office, somebody, "once")
    first = office.answer(typed)
    second = office.more(somebody, first)
    assert len(lines(first)) == 10
    assert _found(first) | _found(second) == hers

    people.click(somebody, first, "gallery")
    shown = modal(office, somebody)
    assert len(pictures(shown)) == 12
    people.close_view(somebody, shown.id)

    people.click(somebody, first, "send_all")
    zips = eventually(
        lambda: [m for m in people.direct_messages(somebody) if m.files], what="the zip"
    )
    assert len(zips) == 1
    assert kept_of(office.conninfo, somebody) == {"held_selfies": 1}
    assert "no profile picture yet" in office.ask(somebody, channel).text


@one_way
def test_nobody_else_can_use_a_selfie(office: Office) -> None:
    somebody, channel, _ = _nameless_with_photos(office, 1)
    colleague = office.person()
    office.slack.people.invite(colleague, channel, by=office.organiser)
    _asks(office, somebody, channel)
    token = _token(_gives(office, somebody, snapshot("eileen", 9)))
    typed, _ = _asks(office, colleague, channel)
    judged = _gives(office, colleague, snapshot("grace", 9))
    # A forged submission: the modal of one with the token of another.
    forged = judged.content["private_metadata"].replace(_token(judged), token)
    judged.content["private_metadata"] = forged
    _uses(office, colleague, "once")
    answer = office.answer(typed)
    assert lines(answer) == []
    assert "choose it again" in answer.text


@one_way
def test_after_an_hour_a_selfie_is_gone_and_a_sentence_says_so(
    office: Office,
) -> None:
    somebody, channel, hers = _nameless_with_photos(office, 11)
    typed, _ = _asks(office, somebody, channel)
    _gives(office, somebody, snapshot("eileen", 19))
    _uses(office, somebody, "once")
    first = office.answer(typed)
    assert _found(first) < hers
    _an_hour_later(office, somebody)
    assert "That selfie isn't here any more" in office.more(somebody, first).text
    office.slack.people.click(somebody, first, "gallery")
    assert "choose it again" in words(modal(office, somebody))


@one_way
@pytest.mark.parametrize("word", ["me", "not me"])
def test_a_word_on_a_photo_counts_although_the_answers_selfie_is_gone(
    office: Office, word: str
) -> None:
    somebody, channel, _ = _nameless_with_photos(office)
    typed, _ = _asks(office, somebody, channel)
    _gives(office, somebody, snapshot("eileen", 29))
    _uses(office, somebody, "once")
    first = office.answer(typed)
    menu = element(office, first, "verdict")
    assert menu is not None
    options = {option["text"]["text"]: option["value"] for option in menu["options"]}
    (value,) = (value for text, value in options.items() if ("Not" in text) is (word == "not me"))
    _an_hour_later(office, somebody)
    assert office.click(somebody, first, "verdict", value=value).text == TAKEN
    assert [row for row in everything(office.conninfo)["verdicts"] if somebody.id in row] != []


@one_way
def test_a_selfie_that_waited_too_long_in_the_modal_is_asked_for_again(
    office: Office,
) -> None:
    somebody, channel, _ = _nameless_with_photos(office, 1)
    typed, _ = _asks(office, somebody, channel)
    _gives(office, somebody, snapshot("eileen", 9))
    _an_hour_later(office, somebody)
    _uses(office, somebody, "keep")
    assert "choose it again" in office.answer(typed).text
    assert _selfies_of(office, somebody) == 0


def _an_hour_later(office: Office, who: Person) -> None:
    execute(
        office.conninfo,
        "update held_selfies set held_at = held_at - interval '61 minutes' where user_id = %s",
        who.id,
    )


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("coffee.jpg", _jpeg(scenery("coffee")), "can't see a face in that picture"),
        ("we.jpg", _couple(), "I see 2 faces in that picture"),
        ("far.jpg", _far_away("eileen"), "too small, blurred or turned away"),
        ("notes.jpg", b"Dear diary, " * 20, "I can't read that picture: the file is text"),
        ("large.jpg", b"\xff\xd8\xff" + bytes(10_000_001), "it is larger than 10 MB"),
    ],
    ids=["no face", "two faces", "a small blurred face", "not an image", "too large"],
)
def test_a_picture_that_can_not_be_used_is_asked_for_again_saying_why(
    office: Office, name: str, data: bytes, reason: str
) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    _asks(office, somebody, channel)
    again = _gives(office, somebody, data, name)
    assert reason in _complaint(again)
    assert element(office, again, "picture") is not None
    # And the next one is taken.
    assert "one face in your picture" in words(_gives(office, somebody, portrait("grace")))


def _complaint(view: View) -> str:
    return words(view) + "\n".join((view.errors or {}).values())


@one_way
@pytest.mark.parametrize("when", ["before it is submitted", "while it is fetched"])
def test_a_file_deleted_meanwhile_is_asked_for_again(office: Office, when: str) -> None:
    people = office.slack.people
    somebody = office.person()
    _asks(office, somebody, office.channel(somebody))
    form = modal(office, somebody)
    file = people.upload(somebody, "me.jpg", portrait("grace"))
    if when.startswith("before"):
        people.delete_file(somebody, file)
    else:
        office.slack.faults.slow("files.download", delay_s=0.5)
    people.submit_view(somebody, form.id, {"picture": [file.id]})
    if when.startswith("while"):
        people.delete_file(somebody, file)
    again = modal(office, somebody, other_than=form)
    assert "gone already" in _complaint(again)
    assert element(office, again, "picture") is not None


@one_way
def test_the_file_is_kept_nowhere(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    somebody, channel, _ = _nameless_with_photos(office, 1)
    data = snapshot("eileen", 9)
    typed, _ = _asks(office, somebody, channel)
    _gives(office, somebody, data, "the-name-of-my-selfie.jpg")
    _uses(office, somebody, "keep")
    office.answer(typed)
    rows = "\n".join(row for table in everything(office.conninfo).values() for row in table)
    assert data[200:232].hex() not in rows
    assert "the-name-of-my-selfie" not in rows
    assert list(tmp_path.iterdir()) == []


@one_way
@pytest.mark.parametrize("picture", ["none", "unreadable", "no face", "poor", "two faces"])
def test_a_selfie_is_offered_where_the_profile_picture_does_not_serve(
    office: Office, picture: str
) -> None:
    data = {
        "none": None,
        "unreadable": portrait("grace"),
        "no face": _jpeg(scenery("coffee")),
        "poor": _far_away("eileen"),
        "two faces": _couple(),
    }[picture]
    somebody = office.person(picture=data)
    if picture == "unreadable":
        _spoil(office, somebody)
    channel = office.channel(somebody)
    answer = office.ask(somebody, channel)
    assert element(office, answer, "selfie") is not None, answer.text
    clicked = office.slack.people.click(somebody, answer, "selfie")
    assert "A picture of you, and of nobody else" in words(modal(office, somebody))
    _gives(office, somebody, snapshot("eileen", 9))
    _uses(office, somebody, "once")
    assert "photos of you" in office.answer(clicked).text


def _spoil(office: Office, who: Person) -> None:
    """Slack serves something else as the profile picture than what was given."""
    ws = office.slack.workspace
    with ws.change():
        picture = ws.people[who.id].picture
        assert picture is not None
        ws.people[who.id] = replace(ws.people[who.id], picture=replace(picture, data=b"not one"))


@one_way
def test_a_good_profile_picture_needs_no_selfie(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    assert element(office, office.ask(eileen, channel), "selfie") is None


@one_way
def test_from_home_the_answer_comes_as_a_direct_message(office: Office) -> None:
    somebody, _, hers = _nameless_with_photos(office)
    page = home(office, somebody)
    office.slack.people.click(somebody, page, "selfie")
    modal(office, somebody)
    _gives(office, somebody, snapshot("eileen", 9))
    _uses(office, somebody, "once")
    (answer,) = told(office, somebody)
    assert _found(answer) == hers
    shown = _home_with(office, somebody, USED)
    office.slack.people.click(somebody, shown, "selfie")
    _gives(office, somebody, snapshot("eileen", 10))
    _uses(office, somebody, "keep")
    assert "A selfie from" in words(_home_with(office, somebody, KEPT))


def _home_with(office: Office, who: Person, sentence: str) -> View:
    def shown() -> View | None:
        view = office.slack.people.home(who)
        return view if view is not None and sentence in words(view) else None

    return office.slack.people.wait_for(shown)


@one_way
def test_a_modal_that_was_closed_meanwhile_brings_no_complaint(office: Office) -> None:
    people = office.slack.people
    somebody = office.person()
    channel = office.channel(somebody)
    _asks(office, somebody, channel)
    form = modal(office, somebody)
    file = people.upload(somebody, "me.jpg", portrait("grace"))
    office.slack.faults.slow("files.download", delay_s=2.0)
    before = office.slack.faults.calls["views.update"]
    people.submit_view(somebody, form.id, {"picture": [file.id]})

    def busy() -> View | None:
        view = people.modal(somebody)
        return view if view is not None and BUSY in words(view) else None

    people.close_view(somebody, people.wait_for(busy).id)
    eventually(lambda: office.slack.faults.calls["views.update"] > before, what="the update")
    office.ask(somebody, channel)  # what was said of the modal would have come before
    assert people.direct_messages(somebody) == []
