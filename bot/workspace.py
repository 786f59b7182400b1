"""Slack as a source of photos, of profile pictures and of who may see what."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.request import Request

import structlog
from slack_sdk import WebClient

from bot import payloads
from bot.calls import call, retry_handlers
from bot.files.downloads import Downloads
from bot.payloads import Json, Profile, storable
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
from pipeline.errors import (
    NoProfilePictureError,
    PhotoGoneError,
    SourceUnavailableError,
    UnreadablePhotoError,
)

PAGE = 200
CHANNEL_TYPES = "public_channel,private_channel"
TIMEOUT_S = 20
PROFILE_AGE_S = 600.0

log = structlog.get_logger(__name__)


class _Client(WebClient):
    """slack_sdk's client, its token kept to the host that it was meant for."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        # urllib follows redirects and takes its headers along, but for the "unredirected" ones.
        authorization = req.headers.pop("Authorization", None)
        if authorization is not None:
            req.add_unredirected_header("Authorization", authorization)
        return super()._perform_urllib_http_request_internal(url, req)


def web_client(token: str, api_url: str) -> WebClient:
    """A client that waits as Slack asks (429) and tries again what a network or server broke."""
    client = _Client(token=token, base_url=api_url, timeout=TIMEOUT_S)
    client.retry_handlers = list(retry_handlers())
    return client


class SlackWorkspace:
    """Implements ports.PhotoSource, ProfilePictures, Visibility and ChannelDirectory."""

    def __init__(self, client: WebClient, downloads: Downloads) -> None:
        """Ask Slack who we are. Raises SourceUnavailableError: a wrong token, or Slack away."""
        self.client = client
        self.downloads = downloads
        who = call(client.auth_test)
        self.team_id = TeamId(who["team_id"])
        self.bot_user_id = UserId(who["user_id"])
        self.bot_id = str(who["bot_id"])
        self._url = who["url"]
        self._profiles: dict[UserId, tuple[float, Profile]] = {}

    def close(self) -> None:
        """Close the connections for downloads."""
        self.downloads.close()

    def list_new(self, channel_id: ChannelId, *, since: datetime | None) -> Iterator[FoundPhoto]:
        """Images posted to the channel, newest first, by `files.list`.

        Raises: SourceUnavailableError.
        """
        page, pages = 1, 1
        while page <= pages:
            answer = call(
                self.client.files_list,
                channel=channel_id,
                types="images",
                count=PAGE,
                page=page,
                # The SDK would send None as a word.
                **({"ts_from": f"{since.timestamp():.0f}"} if since else {}),
            )
            for file in answer["files"]:
                if payloads.is_gone(file):
                    continue
                photo = payloads.found_photo(file, team_url=self._url)
                if photo.media_type.startswith("image/") or payloads.is_to_be_asked_for(file):
                    yield photo
            pages = int((answer.get("paging") or {}).get("pages") or 1)
            page += 1

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
        return self.downloads.photo(photo.url)

    def picture_of(self, user_id: UserId) -> ProfilePicture:
        """The person's profile picture. Raises NoProfilePictureError, SourceUnavailableError."""
        return payloads.profile_picture(self.user(user_id))

    def fetch(self, picture: ProfilePicture) -> bytes:
        """Its bytes. Raises NoProfilePictureError, UnreadablePhotoError, SourceUnavailableError."""
        try:
            return self.downloads.avatar(picture.url)
        except PhotoGoneError as error:
            raise NoProfilePictureError from error

    def channels_of(self, user_id: UserId) -> Sequence[ChannelId]:
        """Every channel that the person is in, and the bot can know of."""
        return [channel.channel_id for channel in self._conversations(user=user_id)]

    def joined(self) -> Sequence[Channel]:
        """Every channel that the bot is in."""
        return list(self._conversations(exclude_archived=True))

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

    def _conversations(self, **arguments: Any) -> Iterator[Channel]:
        cursor = ""
        while True:
            page = call(
                self.client.users_conversations,
                types=CHANNEL_TYPES,
                limit=PAGE,
                cursor=cursor,
                **arguments,
            )
            yield from payloads.channels(page)
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
