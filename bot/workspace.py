"""Slack as a source of photos, of profile pictures and of who may see what."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from bot import payloads
from bot.calls import SlackRefusedError, call
from bot.files.downloads import Downloads, NotLetInError
from bot.joint import Joint
from bot.payloads import Json, Profile, storable
from bot.web import Client
from pipeline.domain.model import (
    Channel,
    ChannelId,
    FileId,
    FoundPhoto,
    Photo,
    ProfilePicture,
    TeamId,
    UserId,
)
from pipeline.domain.visibility import Reader, Sight, sight
from pipeline.errors import (
    NoProfilePictureError,
    PhotoGoneError,
    SourceUnavailableError,
    UnreadablePhotoError,
)
from pipeline.requests import RequestThreads

PAGE = 200
CHANNEL_TYPES = "public_channel,private_channel"
PROFILE_AGE_S = 600.0
MID_SECOND_PATIENCE_S = 90.0
CALLS_AT_ONCE = 100
"""Of those that need not wait for each other."""

log = structlog.get_logger(__name__)


def web_client(token: str, api_url: str) -> Client:
    """A client that waits as Slack asks (429) and tries again what a network or server broke."""
    return Client(token, api_url)


class SlackWorkspace:
    """Implements ports.PhotoSource, ProfilePictures, Visibility, ChannelDirectory, Accounts."""

    newest_first = True

    def __init__(self, client: Client, downloads: Downloads) -> None:
        """Ask Slack who we are. Raises SourceUnavailableError: a wrong token, or Slack away."""
        self.client = client
        self.downloads = downloads
        who = call(client.auth_test)
        self.team_id = TeamId(who["team_id"])
        self.bot_user_id = UserId(who["user_id"])
        self.bot_id = str(who["bot_id"])
        self._url = who["url"]
        self._profiles: dict[UserId, tuple[float, Profile]] = {}
        self._own_channels = Joint(lambda: list(self._conversations()))
        self._calls = RequestThreads(CALLS_AT_ONCE, thread_name_prefix="calls")

    def close(self) -> None:
        """Close the connections for downloads."""
        self._calls.shutdown(wait=False, cancel_futures=True)
        self.downloads.close()

    def list_new(
        self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
    ) -> Iterator[FoundPhoto]:
        """Images posted to the channel, newest first, by `files.list`.

        What is deleted meanwhile moves the pages, so each begins where the last one ended in time,
        which is in whole seconds: some photos come twice.
        Raises: SourceUnavailableError.
        """
        page = 1
        # The SDK would send None as a word.
        first_s = {"ts_from": f"{since.timestamp():.0f}"} if since else {}
        last_s = int(until.timestamp()) if until else None
        while True:
            window = first_s | ({"ts_to": str(last_s)} if last_s is not None else {})
            answer = self._files(channel_id, page, window)
            for file in answer["files"]:
                if payloads.is_gone(file):
                    continue
                photo = payloads.found_photo(file, team_url=self._url)
                if photo.media_type.startswith("image/") or payloads.is_to_be_asked_for(file):
                    yield photo
            pages = int((answer.get("paging") or {}).get("pages") or 1)
            if page >= pages:
                return
            times_s = [int(file["created"]) for file in answer["files"] if file.get("created")]
            goes_back = times_s and times_s == sorted(times_s, reverse=True)
            if goes_back and (last_s is None or times_s[-1] < last_s):
                last_s, page = times_s[-1], 1
            else:
                page += 1

    def _files(self, channel_id: ChannelId, page: int, window: Mapping[str, str]) -> Json:
        while True:
            try:
                answer: Json = call(
                    self.client.files_list,
                    channel=channel_id,
                    types="images",
                    count=PAGE,
                    page=page,
                    **window,
                )
            except SlackRefusedError as error:
                # More photos of one second than a page holds: begun again, it would be page 1.
                if page == 1 or not 0 < (error.retry_after_s or 0) <= MID_SECOND_PATIENCE_S:
                    raise
                time.sleep(error.retry_after_s or 0)
            else:
                return answer

    def describe(self, file_id: FileId, *, channel_id: ChannelId | None = None) -> FoundPhoto:
        """One photo with its shares, by `files.info`.

        `channel_id`: where it is known to be shared; Slack may not list that share yet.
        Raises: PhotoGoneError, SourceUnavailableError.
        """
        file = call(self.client.files_info, file=file_id)["file"]
        if payloads.is_gone(file):
            raise PhotoGoneError
        photo = payloads.found_photo(file, team_url=self._url)
        if channel_id and all(share.channel_id != channel_id for share in photo.shares):
            share = payloads.provisional_share(photo, file, channel_id)
            return replace(photo, shares=[*photo.shares, share])
        return photo

    def download(self, photo: Photo) -> bytes:
        """The original's bytes.

        Raises: PhotoGoneError, UnreadablePhotoError, SourceUnavailableError.
        """
        if photo.url is None:
            raise UnreadablePhotoError("Slack doesn't give the bot this file")
        try:
            return self.downloads.photo(photo.url)
        except NotLetInError:
            # A file's address says the same to whoever has no scope, no view of it or no token.
            self.must_be_let_in()
            raise

    def picture_of(self, user_id: UserId) -> ProfilePicture:
        """The person's profile picture.

        Raises: NoProfilePictureError, AccountClosedError, SourceUnavailableError.
        """
        return payloads.profile_picture(self.user(user_id))

    def fetch(self, picture: ProfilePicture) -> bytes:
        """Its bytes. Raises NoProfilePictureError, UnreadablePhotoError, SourceUnavailableError."""
        try:
            return self.downloads.avatar(picture.url)
        except PhotoGoneError as error:
            raise NoProfilePictureError from error

    def sight_of(self, user_id: UserId) -> Sight:
        """The channels whose photos the person can open now, by what Slack says at this moment.

        Neither who they are nor where the bot is goes by what events told: these get lost.
        Raises: SourceUnavailableError.
        """
        # Each takes a tenth of a second or two: all are on their way at once.
        theirs = self._calls.submit(lambda: list(self._conversations(user=user_id)))
        own = self._calls.submit(self._own_channels)
        reader = self.reader(user_id)
        if reader not in {Reader.MEMBER, Reader.GUEST}:
            return Sight(reader=reader)
        return sight(
            reader,
            of_bot=[payloads.channel_facts(one) for one in own.result()],
            # Of private channels Slack names those alone that the bot is in, too.
            of_reader={ChannelId(one["id"]) for one in theirs.result()},
        )

    def reader(self, user_id: UserId) -> Reader:
        """What the person is to this workspace, asked anew. Raises SourceUnavailableError."""
        return payloads.reader(self.user(user_id), team_id=self.team_id)

    def joined(self) -> Sequence[Channel]:
        """Every channel that the bot is in."""
        return [payloads.channel(one) for one in self._conversations()]

    def joined_one(self, channel_id: ChannelId) -> Channel | None:
        """The channel, if the bot is in it. Raises SourceUnavailableError."""
        try:
            answer = call(self.client.conversations_info, channel=channel_id)
        except SlackRefusedError as error:
            if error.code == "channel_not_found":
                return None
            raise
        return payloads.joined_channel(answer["channel"])

    def is_closed(self, user_id: UserId) -> bool:
        """Whether the account is closed, or unknown. Raises SourceUnavailableError."""
        try:
            return payloads.profile(self.user(user_id)).is_deleted
        except SlackRefusedError as error:
            if error.code == "user_not_found":
                return True
            raise

    def must_be_let_in(self) -> None:
        """Raises TokenRefusedError if Slack takes the token no more, SourceUnavailableError."""
        call(self.client.auth_test)

    def learn(self, user_id: UserId, changed: Profile) -> None:
        """Slack says that a person's profile is this now; it doesn't tell their language along."""
        known = self._profiles.get(user_id)
        if known is not None and known[1].updated_s <= changed.updated_s:
            now_s = time.monotonic()
            self._profiles[user_id] = now_s, replace(changed, locale=known[1].locale)

    def profile_of(self, user_id: UserId) -> Profile:
        """The person's name, time zone and language, some minutes old at most.

        Raises: SourceUnavailableError.
        """
        known = self._profiles.get(user_id)
        if known is None or time.monotonic() - known[0] > PROFILE_AGE_S:
            self.user(user_id)
        return self._profiles[user_id][1]

    def user(self, user_id: UserId) -> Json:
        """A person's user object. Raises SourceUnavailableError."""
        user: Json = call(self.client.users_info, user=user_id, include_locale=True)["user"]
        self._profiles[user_id] = time.monotonic(), payloads.profile(user)
        return user

    def join(self, channel_id: ChannelId) -> bool:
        """Enter a public channel; False where the bot has to be invited (a private one)."""
        try:
            call(self.client.conversations_join, channel=channel_id)
        except SourceUnavailableError as error:
            log.info("channel.not_joined", channel=channel_id, reason=str(error))
            return False
        return True

    def channel_name(self, channel_id: ChannelId) -> str:
        """A channel's name. Raises SourceUnavailableError."""
        found = call(self.client.conversations_info, channel=channel_id)
        return storable(str(found["channel"]["name"]))

    def _conversations(self, **arguments: Any) -> Iterator[Json]:
        """The bot's channels, or those of `user`; archived ones are left out."""
        cursor = ""
        while True:
            page = call(
                self.client.users_conversations,
                types=CHANNEL_TYPES,
                exclude_archived=True,
                limit=PAGE,
                cursor=cursor,
                **arguments,
            )
            yield from page["channels"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
