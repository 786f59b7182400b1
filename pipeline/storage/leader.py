"""Which of several processes does what is done once for a workspace, by the clock."""

import threading
from typing import Any

import psycopg

from pipeline.domain.model import TeamId
from pipeline.requests import PROGRAM
from pipeline.storage.connect import CONNECT_TIMEOUT_S, client_conninfo, translated

# Taken again and again by the connection that has it, which also shows that the server is there.
LEAD = "select pg_try_advisory_lock(hashtextextended('clock/' || %(team_id)s, 0))"
# A machine that vanished says nothing: the server has to notice, and let another one lead.
NOTICE_DEATH = """
select set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false)
"""


class Leader:
    """The first that asks leads until it ends or loses the database; then the next that asks."""

    def __init__(self, conninfo: str, team_id: TeamId) -> None:
        self._conninfo = conninfo
        self._team_id = team_id
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._is_closed = False
        self._turn = threading.Lock()

    def is_me(self) -> bool:
        """Whether this process leads now. Raises DatabaseUnavailableError."""
        with self._turn, translated():
            if self._is_closed:
                return False
            try:
                connection = self._connected()
                row = connection.execute(LEAD, {"team_id": self._team_id}).fetchone()
            except psycopg.Error:
                self._disconnect()
                raise
            return row is not None and bool(row[0])

    def rest(self) -> None:
        """Let another one lead until this one asks again."""
        with self._turn:
            self._disconnect()

    def close(self) -> None:
        """Lead no more."""
        with self._turn:
            self._is_closed = True
            self._disconnect()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            # Of its own: the lock is the connection's, and lasts as long.
            self._connection = psycopg.connect(
                client_conninfo(self._conninfo, name=f"{PROGRAM} leader"),
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
            )
            self._connection.execute(NOTICE_DEATH)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
