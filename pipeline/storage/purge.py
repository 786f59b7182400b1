"""A workspace leaves: all that the database holds of it goes."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from pipeline.domain.audit import Act, Entry
from pipeline.domain.model import TeamId
from pipeline.storage.audit import note
from pipeline.storage.connect import Connection, Database, lock_shares
from pipeline.storage.jobs import LOCK as LOCK_QUEUE
from pipeline.storage.jobs import queue_name

# Waits for whoever stores faces just now. Without its row, nothing of the workspace can be written.
LOCK_WORKSPACE = "select from workspaces where team_id = %(team_id)s for update"

# In the order of their references. Whoever adds a table with a team_id adds a line; the audit
# stays.
EVERYTHING: Sequence[tuple[str, LiteralString]] = (
    ("jobs", "delete from procrastinate_jobs where queue_name = %(queue)s"),
    ("thumbnails", "delete from thumbnails where team_id = %(team_id)s"),
    ("alerted", "delete from alerted where team_id = %(team_id)s"),
    ("alerts", "delete from alerts where team_id = %(team_id)s"),
    ("references", "delete from person_references where team_id = %(team_id)s"),
    ("verdicts", "delete from verdicts where team_id = %(team_id)s"),
    ("fills", "delete from fills where team_id = %(team_id)s"),
    ("faces", "delete from faces where team_id = %(team_id)s"),
    ("shares", "delete from shares where team_id = %(team_id)s"),
    ("photos", "delete from photos where team_id = %(team_id)s"),
    ("run_channels", "delete from run_channels where team_id = %(team_id)s"),
    ("runs", "delete from runs where team_id = %(team_id)s"),
    ("consent_requests", "delete from consent_requests where team_id = %(team_id)s"),
    ("opt_outs", "delete from opt_outs where team_id = %(team_id)s"),
    ("people", "delete from people where team_id = %(team_id)s"),
    ("channels", "delete from channels where team_id = %(team_id)s"),
    ("held_selfies", "delete from held_selfies where team_id = %(team_id)s"),
    ("deliveries", "delete from deliveries where team_id = %(team_id)s"),
    ("retractions", "delete from retractions where team_id = %(team_id)s"),
    ("workspaces", "delete from workspaces where team_id = %(team_id)s"),
)


class Purge:
    """Implements ports.WorkspaceStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget_workspace(self, team_id: TeamId) -> Mapping[str, int]:
        """Delete all of it in one transaction; returns how many rows of what."""
        values = {"team_id": team_id, "queue": queue_name(team_id)}
        with self._database.transaction() as connection:
            lock_shares(connection, team_id)
            connection.execute(LOCK_QUEUE, values)
            connection.execute(LOCK_WORKSPACE, values)
            gone = {name: _delete(connection, statement, values) for name, statement in EVERYTHING}
            details = {name: gone[name] for name in ("photos", "faces", "references")}
            # The audit alone stays: what was done was done.
            note(connection, team_id, Entry(act=Act.PURGED, details=details))
            return gone


def _delete(connection: Connection, statement: LiteralString, values: Mapping[str, str]) -> int:
    return connection.execute(statement, values).rowcount
