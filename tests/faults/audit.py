"""What Slack has and what the index has: the same, photo by photo."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

from bot.sandbox import FileId, Sandbox
from bot.sandbox.model import ChannelKind
from tests.acceptance.office import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a file is: its faces where it can be read, None where it can't."""

    faces: int | None


@dataclass(slots=True, kw_only=True)
class Audit:
    """The differences; none is what is wanted."""

    only_in_slack: set[tuple[str, str]]
    only_in_index: set[tuple[str, str]]
    wrong: list[str] = field(default_factory=list)
    jobs_left: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs."""
        return not (self.only_in_slack or self.only_in_index or self.wrong or self.jobs_left)


def shares_in_slack(slack: Sandbox) -> set[tuple[str, str]]:
    """Each (file, channel) that the bot can see."""
    ws = slack.workspace
    with ws.changed:
        heard = {
            channel.id
            for channel in ws.channels.values()
            if ws.bot_user_id in channel.members
            and channel.kind is not ChannelKind.DIRECT
            and not channel.is_archived
        }
        return {
            (file.id, share.channel)
            for file in ws.files.values()
            for share in file.shares
            if not file.is_deleted and share.channel in heard and file.uploader != ws.bot_user_id
        }


def shares_in_index(conninfo: str) -> set[tuple[str, str]]:
    """Each (file, channel) of the index that a search can show: of a watched channel."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return set(
            connection.execute(
                "select p.file_id, s.channel_id from shares s join photos p using (photo_id) "
                "join channels c using (channel_id) where c.watched"
            ).fetchall()
        )


def permalinks(conninfo: str) -> set[str]:
    """Where the index's photos were posted."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return {link for (link,) in connection.execute("select permalink from shares")}


def audit(slack: Sandbox, conninfo: str, known: dict[FileId, Expected]) -> Audit:
    """Compare now."""
    wanted, found = shares_in_slack(slack), shares_in_index(conninfo)
    wrong = []
    seen = {file_id for file_id, _ in found}
    for row in rows(conninfo):
        if row.file_id not in seen:
            wrong.append(f"{row.name} ({row.file_id}) is kept, and in no watched channel")
        expected = known[row.file_id]
        state = "unreadable" if expected.faces is None else "indexed"
        told = (row.state, row.faces, row.distinct_faces)
        if told != (state, expected.faces or 0, expected.faces or 0):
            wrong.append(f"{row.name}: {told}, not {state} with {expected.faces} faces")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        left = connection.execute(
            "select task_name, status::text, attempts from procrastinate_jobs"
        ).fetchall()
    return Audit(
        only_in_slack=wanted - found,
        only_in_index=found - wanted,
        wrong=wrong,
        # A listing comes with each pull.
        jobs_left=[str(job) for job in left if job[0] != "list_channel"],
    )
