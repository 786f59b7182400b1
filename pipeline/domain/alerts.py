"""When somebody may be told of new photos of them, and up to where these were looked for."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from pipeline.domain.model import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Somebody to look for among the photos that arrived since they were last looked for.

    Arrivals are numbered as they come into the index; `seen` is the last one of the look before,
    `up_to` the last one of this.
    """

    user_id: UserId
    seen: int
    up_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The hours, by a person's own clock, in which nobody writes to them.

    `begins` is in it, `ends` is not; the two being equal, there are no such hours.
    """

    begins: time = time(21)
    ends: time = time(8)

    def until(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When the night that it is at `now` ends, in `zone`; None if it is none.

        Also where clocks are put forward or back meanwhile.
        """
        local = now.astimezone(zone)
        if not self._holds(local.time()):
            return None
        day = local.date()
        if self.ends <= local.time():
            day += timedelta(days=1)
        end = datetime.combine(day, self.ends, tzinfo=zone)
        if end.timestamp() <= now.timestamp():
            # The clock was put back after it had shown that time, and will show it again.
            end = end.replace(fold=1)
        end = end.astimezone(now.tzinfo)
        # Where a whole day was skipped, or `begins` with the hour put forward, it is night still.
        return self.until(end, zone) or end

    def _holds(self, clock: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends
