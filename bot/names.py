"""What people and channels are called, and what time it is where somebody lives."""

from collections.abc import Collection
from concurrent.futures import wait
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.calls import SlackRefusedError
from bot.payloads import Profile
from bot.workspace import SlackWorkspace
from pipeline.domain.model import ChannelId, TeamId, UserId
from pipeline.errors import PersonGoneError, SourceUnavailableError
from pipeline.ports import ChannelStore
from pipeline.requests import RequestThreads

AT_ONCE = 8
PATIENCE_S = 1.0

SOMEBODY = Profile(name="somebody", time_zone="UTC", offset_s=0, locale="en", is_deleted=False)


class Names:
    """Looks people up in Slack, and channels in the index; never fails for want of a name."""

    def __init__(self, workspace: SlackWorkspace, channels: ChannelStore) -> None:
        self._workspace = workspace
        self._channels = channels
        self._pool = RequestThreads(AT_ONCE, thread_name_prefix="names")

    def people(self, user_ids: Collection[UserId]) -> dict[UserId, str]:
        """These people's names, as plain text; whom Slack doesn't tell of in time is somebody.

        Slack is asked of one person at a time: for ten, one after the other, somebody would wait.
        """
        asked = {user_id: self._pool.submit(self._profile, user_id) for user_id in user_ids}
        wait(asked.values(), timeout=PATIENCE_S)
        return {
            user_id: (profile.result() if profile.done() else SOMEBODY).name
            for user_id, profile in asked.items()
        }

    def close(self) -> None:
        """Wait for nobody any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def languages(self, user_id: UserId) -> list[str]:
        """The person's own as Slack writes it ("de-DE"), and English."""
        return list(dict.fromkeys([self._profile(user_id).locale, "en"]))

    def time_zone_of(self, user_id: UserId) -> tzinfo:
        """Where the person lives, for dates: UTC, if Slack doesn't say.

        Raises PersonGoneError: their account was closed.
        """
        return _zone(self._profile(user_id))

    def channels(self, team_id: TeamId) -> dict[ChannelId, str]:
        """The watched channels' names, without #."""
        return {channel.channel_id: channel.name for channel in self._channels.watched(team_id)}

    def _profile(self, user_id: UserId) -> Profile:
        try:
            return self._workspace.profile_of(user_id)
        except SourceUnavailableError:
            return SOMEBODY


class TimeZonesOfPeople:
    """Implements ports.TimeZones: nobody is woken because Slack didn't answer."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self._workspace = workspace

    def time_zone_of(self, user_id: UserId) -> tzinfo:
        """Where the person lives. Raises SourceUnavailableError, PersonGoneError."""
        try:
            return _zone(self._workspace.profile_of(user_id))
        except SlackRefusedError as error:
            if error.code == "user_not_found":
                raise PersonGoneError from error
            raise


def _zone(profile: Profile) -> tzinfo:
    if profile.is_deleted:
        raise PersonGoneError
    try:
        return ZoneInfo(profile.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone(timedelta(seconds=profile.offset_s))


def day(when: datetime, *, now: datetime, zone: tzinfo) -> str:
    """A day in plain text, with its year if that is another one than now: "12 May"."""
    local = when.astimezone(zone)
    is_this_year = local.year == now.astimezone(zone).year
    return f"{local.day} {local:%B}" + ("" if is_this_year else f" {local.year}")
