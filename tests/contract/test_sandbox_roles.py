"""Members, guests and strangers of Slack Connect; channels that are made private or shared."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox import NotAllowed, Person
from bot.sandbox.model import ChannelKind
from tests.contract.conftest import Office, make_photo


def _user(office: Office, who: Person) -> dict[str, Any]:
    found: dict[str, Any] = office.client.users_info(user=who.id)["user"]
    return found


def test_members_become_guests_and_guests_members(office: Office) -> None:
    people = office.slack.people
    for guest in (True, False):
        people.set_guest(office.ben, guest=guest)
        assert _user(office, office.ben)["is_restricted"] is guest
    assert office.ben.id in people.channel(office.photos).members


def test_a_guest_has_to_be_invited_to_a_public_channel(office: Office) -> None:
    people = office.slack.people
    guest = people.add_person("Gus", guest=True)
    with pytest.raises(NotAllowed):
        people.join(guest, office.photos)
    assert guest.id in people.invite(guest, office.photos, by=office.ann).members


def test_somebody_of_another_workspace_comes_where_a_channel_is_shared_with_it(
    office: Office,
) -> None:
    people = office.slack.people
    stranger = people.add_person("Sue", foreign=True)
    assert _user(office, stranger)["is_stranger"]
    with pytest.raises(NotAllowed):
        people.invite(stranger, office.photos, by=office.ann)
    people.connect(office.photos, by=office.ann)
    people.invite(stranger, office.photos, by=office.ann)
    shown = office.client.conversations_info(channel=office.photos.id)["channel"]
    assert shown["is_ext_shared"]
    user = _user(office, stranger)
    assert user["team_id"] == user["profile"]["team"] != office.slack.team_id
    assert user["team_id"] in shown["shared_team_ids"]
    # Slack's word is for people of whom the app meets nothing.
    assert not user["is_stranger"]


def test_only_people_of_the_workspace_are_its_guests_or_members(office: Office) -> None:
    stranger = office.slack.people.add_person("Sue", foreign=True)
    with pytest.raises(NotAllowed):
        office.slack.people.set_guest(stranger, guest=False)


def test_a_channel_that_is_made_private_keeps_its_id_and_its_members(office: Office) -> None:
    people = office.slack.people
    posted = people.post_photo(office.ann, office.photos, "a.jpg", make_photo())
    before = people.channel(office.photos)
    after = people.convert_channel(office.photos, by=office.ann, private=True)
    assert (after.id, after.members) == (before.id, before.members)
    assert people.messages(office.photos)[-1].subtype == "channel_convert_to_private"
    kinds = "public_channel,private_channel"
    (mine,) = office.client.users_conversations(types=kinds)["channels"]
    assert (mine["id"], mine["is_private"]) == (office.photos.id, True)
    assert office.client.users_conversations(types="public_channel")["channels"] == []
    file = office.client.files_info(file=posted.file_id)["file"]
    assert (file["channels"], file["groups"]) == ([], [office.photos.id])
    again = people.convert_channel(office.photos, by=office.ann, private=False)
    assert again.kind is ChannelKind.PUBLIC
