"""What people do in the workspace: the class that tests and the demo use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.sandbox import changes
from bot.sandbox.addressing import Addressing, NotAllowed
from bot.sandbox.model import (
    Channel,
    ChannelId,
    ChannelKind,
    Message,
    Person,
    PersonId,
    PostedPhoto,
    SharedFile,
)
from bot.sandbox.pictures import as_picture
from bot.sandbox.reading import Where, Which, Who, channel_id, person_id
from bot.sandbox.render import permalink


def _handle(name: str) -> str:
    return re.sub(r"[^\w]+", ".", name.lower()).strip(".")


class People(Addressing):
    """Everything a person can do. People, channels and files go by value or by id.

    Where Slack would not let them, the methods raise NotAllowed.
    """

    def add_person(
        self,
        name: str,
        *,
        picture: bytes | None = None,
        admin: bool = False,
        owner: bool = False,
        guest: bool = False,
        foreign: bool = False,
        tz: str = "UTC",
    ) -> Person:
        """Let somebody join the workspace; "Ann Lee" goes by the handle `ann.lee`.

        `picture` is an image file; without one they have Slack's default. A `foreign` person is of
        another workspace, and can be let into channels that are shared with it: see `connect`.
        """
        ws = self._ws
        with ws.change():
            if any(person.name == _handle(name) for person in ws.people.values()):
                msg = f"{name} is already here"
                raise NotAllowed(msg)
            now = datetime.fromtimestamp(ws.clock(), tz=UTC).astimezone(ZoneInfo(tz))
            offset = now.utcoffset()
            person = Person(
                id=PersonId(ws.new_id("U")),
                name=_handle(name),
                real_name=name,
                tz=tz,
                tz_offset_s=int(offset.total_seconds()) if offset else 0,
                picture=as_picture(picture) if picture else None,
                is_admin=admin or owner,
                is_owner=owner,
                is_guest=guest,
                is_foreign=foreign,
                updated_s=int(ws.clock()),
            )
            ws.people[person.id] = person
            return person

    def set_picture(self, who: Who, picture: bytes | None) -> Person:
        """Change a profile picture, or take it away; fires `user_change`."""
        accepted = as_picture(picture) if picture else None
        changes.update_person(self._ws, person_id(who), picture=accepted)
        return self.person(who)

    def set_guest(self, who: Who, *, guest: bool) -> Person:
        """Make a guest of a member, or the other way round; fires `user_change`.

        They stay in the channels that they are in.
        """
        person = self.person(who)
        if person.is_foreign or person.is_bot or person.is_deleted:
            raise NotAllowed("only people of this workspace are its members or guests")
        changes.update_person(self._ws, person.id, is_guest=guest)
        return self.person(who)

    def deactivate(self, who: Who) -> Person:
        """Close an account; its memberships end without events, as in Slack."""
        ws, gone = self._ws, person_id(who)
        with ws.change():
            for channel in list(ws.channels.values()):
                if gone in channel.members and channel.kind is not ChannelKind.DIRECT:
                    changes.forget_member(ws, channel.id, gone)
            changes.update_person(ws, gone, is_deleted=True)
        return self.person(who)

    def add_channel(
        self,
        name: str,
        *,
        members: Iterable[Who] = (),
        private: bool = False,
        foreign: bool = False,
    ) -> Channel:
        """Make a channel; the first member is its creator. The bot is not in it.

        A `foreign` one is of another workspace, and shared with this one (Slack Connect).
        """
        ws, ids = self._ws, tuple(person_id(who) for who in members)
        with ws.change():
            if any(channel.name == name for channel in ws.channels.values()):
                msg = f"#{name} exists"
                raise NotAllowed(msg)
            channel = Channel(
                id=ChannelId(ws.new_id("C")),
                name=name,
                kind=ChannelKind.PRIVATE if private else ChannelKind.PUBLIC,
                creator=ids[0] if ids else ws.bot_user_id,
                created_s=int(ws.clock()),
                members=ids,
                is_shared=foreign,
                is_foreign=foreign,
            )
            ws.channels[channel.id] = channel
            return channel

    def join(self, who: Who, where: Where) -> Channel:
        """Enter a public channel."""
        person = self.person(who)
        if self.channel(where).kind is not ChannelKind.PUBLIC:
            raise NotAllowed("only an invitation leads into a private channel")
        if person.is_guest or person.is_foreign:
            raise NotAllowed("guests and people of other workspaces have to be invited")
        changes.add_member(self._ws, channel_id(where), person_id(who))
        return self.channel(where)

    def leave(self, who: Who, where: Where) -> Channel:
        """Leave a channel."""
        person = person_id(who)
        changes.remove_member(self._ws, channel_id(where), person, actor=person)
        return self.channel(where)

    def invite(self, who: Who, where: Where, *, by: Who) -> Channel:
        """Bring a colleague into a channel."""
        self._must_be_member(self.person(by), where)
        if self.person(who).is_foreign and not self.channel(where).is_shared:
            raise NotAllowed("the channel is not shared with their workspace")
        changes.add_member(self._ws, channel_id(where), person_id(who), inviter=person_id(by))
        return self.channel(where)

    def invite_bot(self, where: Where, *, by: Who) -> Channel:
        """Bring the bot into a channel; fires `member_joined_channel`."""
        return self.invite(self._ws.bot_user_id, where, by=by)

    def kick_bot(self, where: Where, *, by: Who) -> Channel:
        """Remove the bot from a channel; fires `channel_left` or `group_left`."""
        self._must_be_member(self.person(by), where)
        bot = self._ws.bot_user_id
        changes.remove_member(self._ws, channel_id(where), bot, actor=person_id(by))
        return self.channel(where)

    def convert_channel(self, where: Where, *, by: Who, private: bool) -> Channel:
        """Make a channel private, or public; its members stay, its id too."""
        self._must_be_member(self.person(by), where)
        changes.convert(self._ws, channel_id(where), private=private, actor=person_id(by))
        return self.channel(where)

    def connect(self, where: Where, *, by: Who) -> Channel:
        """Share a channel with another workspace (Slack Connect), so that `foreign` people come."""
        self._must_be_member(self.person(by), where)
        changes.connect(self._ws, channel_id(where))
        return self.channel(where)

    def archive_channel(self, where: Where, *, by: Who) -> Channel:
        """Close a channel; fires `channel_archive` or `group_archive`."""
        changes.archive(self._ws, channel_id(where), actor=person_id(by))
        return self.channel(where)

    def unarchive_channel(self, where: Where, *, by: Who) -> Channel:
        """Open it again: a private one for its members, a public one for this person alone."""
        changes.unarchive(self._ws, channel_id(where), actor=person_id(by))
        return self.channel(where)

    def rename_channel(self, where: Where, name: str) -> Channel:
        """Give it another name; fires `channel_rename` or `group_rename`."""
        changes.rename(self._ws, channel_id(where), name)
        return self.channel(where)

    def delete_channel(self, where: Where, *, by: Who) -> None:
        """Delete it and all its messages; fires `channel_deleted` or `group_deleted`."""
        changes.delete(self._ws, channel_id(where), actor=person_id(by))

    def revoke_tokens(self) -> None:
        """Take the bot's token away; fires `tokens_revoked`."""
        changes.revoke_tokens(self._ws)

    def renew_tokens(self) -> None:
        """Let the same token work again."""
        with self._ws.change():
            self._ws.refuses_with = None

    def uninstall_app(self) -> None:
        """Remove the app; fires `app_uninstalled` and `tokens_revoked`."""
        changes.uninstall(self._ws)

    def say(self, who: Who, where: Where, text: str, *, files: Iterable[Which] = ()) -> Message:
        """Write in a channel, with files that were uploaded before or without."""
        self._must_be_able_to_post(who, where)
        ws = self._ws
        attached = tuple(self.file(each).id for each in files)
        if attached:
            return changes.share(ws, attached, channel_id(where), person_id(who), text)
        message = Message(
            channel=channel_id(where), ts=ws.new_ts(), author=person_id(who), text=text
        )
        return changes.post(ws, message)

    def post_photo(
        self,
        who: Who,
        where: Where,
        filename: str,
        data: bytes,
        *,
        text: str = "",
        foreign: bool = False,
    ) -> PostedPhoto:
        """Post a file; fires `message` (file_share) and `file_shared`. Any bytes are taken.

        `foreign` makes it a Slack Connect file, of which lists and messages give the id alone.
        """
        self._must_be_able_to_post(who, where)
        with self._ws.change():
            file = changes.add_file(
                self._ws,
                name=filename,
                data=data,
                uploader=person_id(who),
                is_foreign=foreign,
            )
            return self.share_again(who, file.id, where, text=text)

    def upload(self, who: Who, filename: str, data: bytes) -> SharedFile:
        """Store a file without sharing it, for a modal's file input."""
        return changes.add_file(self._ws, name=filename, data=data, uploader=person_id(who))

    def open_direct(self, who: Who) -> Channel:
        """Open the conversation with the bot, to write or to post a photo to it."""
        return changes.open_direct(self._ws, person_id(who))

    def share_again(self, who: Who, which: Which, where: Where, *, text: str = "") -> PostedPhoto:
        """Share a file that exists in one more channel, or once more in the same."""
        self._must_be_able_to_post(who, where)
        file = self.file(which)
        if file.is_deleted:
            raise NotAllowed("that file is deleted")
        message = changes.share(self._ws, (file.id,), channel_id(where), person_id(who), text)
        return PostedPhoto(
            file_id=file.id,
            channel=message.channel,
            ts=message.ts,
            permalink=permalink(self._ws, message),
        )

    def delete_file(self, who: Who, which: Which) -> None:
        """Delete a file of one's own, or as an admin anybody's; fires `file_deleted`."""
        file, person = self.file(which), self.person(who)
        if file.is_deleted or (person.id != file.uploader and not person.is_admin):
            raise NotAllowed("only its owner or an admin deletes a file")
        changes.remove_file(self._ws, file)

    def delete_message(self, who: Who, message: Message | PostedPhoto) -> None:
        """Delete a message of one's own, or as an admin anybody's; fires `message_deleted`.

        Files that it shared stay where else they are shared: `file_unshared` tells of each.
        """
        found, person = self._ws.message(message.channel, message.ts), self.person(who)
        if person.id != found.author and not person.is_admin:
            raise NotAllowed("only its author or an admin deletes a message")
        changes.remove(self._ws, found)

    def take_out(self, message: Message | PostedPhoto, which: Which) -> None:
        """Remove one file from a message, as its author; fires `file_unshared`."""
        found = self._ws.message(message.channel, message.ts)
        changes.take_out(self._ws, found, self.file(which).id)

    def _must_be_able_to_post(self, who: Who, where: Where) -> None:
        self._must_be_member(self.person(who), where)
        if self.channel(where).is_archived:
            raise NotAllowed("the channel is archived")
