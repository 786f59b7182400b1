"""A workspace removed Findme."""

from collections.abc import Mapping

import structlog

from pipeline.domain.model import TeamId
from pipeline.ports import WorkspaceStore

log = structlog.get_logger(__name__)


class ForgetWorkspace:
    """Delete all that is known of a workspace: its index, its people, its jobs."""

    def __init__(self, *, workspaces: WorkspaceStore) -> None:
        self._workspaces = workspaces

    def __call__(self, team_id: TeamId) -> Mapping[str, int]:
        """In one transaction; nothing is left for a second call. Returns how many rows of what.

        Raises: DatabaseUnavailableError.
        """
        gone = self._workspaces.forget_workspace(team_id)
        if any(gone.values()):
            log.info("workspace.forgotten", team=team_id, **gone)
        return gone
