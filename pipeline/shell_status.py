"""`findme status`: what is indexed, what waits, how fast it goes and how long it will take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.table import Table

from pipeline.domain.backlog import JOB_STATES, JobCount, Pace
from pipeline.domain.model import ChannelId, EngineId, IndexCounts, PhotoState, TeamId
from pipeline.jobs.worker import DEAD_AFTER_S
from pipeline.shell import console, count_values, echo_json
from pipeline.wiring import Runtime

# Each channel's faces are counted in about a second; at ten million it would be half a minute.
FEW_FACES = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workspace:
    team_id: TeamId
    engine_id: EngineId | None
    states: Mapping[PhotoState, int]
    pace: Pace
    jobs: Sequence[JobCount]
    oldest_s: float

    @property
    def pending(self) -> int:
        return self.states[PhotoState.PENDING]

    @property
    def left_s(self) -> float | None:
        return self.pace.left_s(self.pending)

    def jobs_that_are(self, state: str) -> int:
        return sum(one.jobs for one in self.jobs if one.state == state)


def print_status(runtime: Runtime, *, channels: bool, as_json: bool) -> None:
    """What `findme status` shows; each of the `channels` of a large index only if that is asked."""
    about_faces = runtime.backlog.about_faces()
    team_ids = runtime.workspaces.all()
    workspaces = [_workspace(runtime, team_id) for team_id in team_ids]
    counted = (
        [row for team_id in team_ids for row in _channels(runtime, team_id)]
        if channels or about_faces <= FEW_FACES
        else None
    )
    workers = runtime.backlog.workers(dead_after_s=DEAD_AFTER_S)
    size_bytes = runtime.backlog.size_bytes()
    if as_json:
        echo_json(
            {
                "workspaces": [_as_json(one) for one in workspaces],
                "channels": counted
                and [
                    {"workspace": team_id, "channel": name, **count_values(counts)}
                    for team_id, name, counts in counted
                ],
                "workers": workers,
                "database_bytes": size_bytes,
                "about_faces": about_faces,
            }
        )
        return
    out = console()
    if counted is None:
        out.print("Too large to count each channel by the way: `findme status --channels`.")
    else:
        out.print(_channel_table(counted))
    out.print(_workspace_table(workspaces))
    hands = "1 worker" if workers == 1 else f"{workers} workers"
    out.print(f"{hands} at work; the database has {size_bytes / 10**6:,.0f} MB.")
    for one in workspaces:
        wanted = runtime.engine_changes.wanted(one.team_id)
        if wanted is not None:
            done, photos = runtime.engine_changes.progress(one.team_id, wanted)
            out.print(f"{one.team_id}: {one.engine_id} → {wanted}, {done} of {photos} photos")


def duration(seconds: float | None) -> str:
    """Roughly, for people: "12 min", "3 h 20 min", "2 d 4 h"; "?" if nobody can tell."""
    if seconds is None:
        return "?"
    minutes = round(seconds / 60)
    if seconds == 0:
        return "-"
    if minutes < 1:
        return "< 1 min"
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days} d {hours_left} h"
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min"


def _workspace(runtime: Runtime, team_id: TeamId) -> _Workspace:
    backlog = runtime.backlog
    return _Workspace(
        team_id=team_id,
        engine_id=runtime.workspaces.engine(team_id),
        states=backlog.states(team_id),
        pace=backlog.pace(team_id),
        jobs=backlog.jobs(team_id),
        oldest_s=backlog.oldest_s(team_id),
    )


def _channels(runtime: Runtime, team_id: TeamId) -> list[tuple[TeamId, str, IndexCounts]]:
    counts: Mapping[ChannelId, IndexCounts] = runtime.counts.by_channel(team_id)
    return [
        (team_id, channel.name, counts.get(channel.channel_id, IndexCounts()))
        for channel in runtime.workspaces.watched(team_id)
    ]


def _channel_table(rows: Sequence[tuple[TeamId, str, IndexCounts]]) -> Table:
    table = Table(
        "workspace", "channel", "photos", "faces", "waiting", "unreadable", "given up", box=SIMPLE
    )
    for team_id, name, counts in rows:
        numbers = (counts.photos, counts.faces, counts.pending, counts.unreadable, counts.given_up)
        table.add_row(team_id, name, *(f"{number:,}" for number in numbers))
    return table


def _workspace_table(workspaces: Sequence[_Workspace]) -> Table:
    table = Table("workspace", "engine", "photos", "waiting", "a minute", "time left", box=SIMPLE)
    for state in JOB_STATES:
        table.add_column(f"jobs {state}")
    for one in workspaces:
        rate = one.pace.per_min
        table.add_row(
            one.team_id,
            one.engine_id or "-",
            f"{sum(one.states.values()):,}",
            f"{one.pending:,}",
            "-" if rate is None else f"{rate:,.0f}",
            duration(one.left_s),
            *(f"{one.jobs_that_are(state):,}" for state in JOB_STATES),
        )
    return table


def _as_json(one: _Workspace) -> dict[str, object]:
    rate, left_s = one.pace.per_min, one.left_s
    return {
        "workspace": one.team_id,
        "engine": one.engine_id,
        "photos": sum(one.states.values()),
        **{state.name.lower(): count for state, count in one.states.items()},
        "rate_per_min": None if rate is None else round(rate, 1),
        "left_s": None if left_s is None else round(left_s),
        "jobs": {state: one.jobs_that_are(state) for state in JOB_STATES},
        "oldest_job_s": round(one.oldest_s),
    }
