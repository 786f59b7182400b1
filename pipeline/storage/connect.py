"""One pool of connections, and the one place where psycopg's errors become ours."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
import structlog
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from pipeline.domain.model import TeamId
from pipeline.errors import (
    BusyError,
    DatabaseFullError,
    DatabaseTooOldError,
    DatabaseUnavailableError,
)
from pipeline.requests import PROGRAM, application_name

log = structlog.get_logger(__name__)

Connection: TypeAlias = psycopg.Connection[DictRow]

MIN_SERVER = (15, 0)
MIN_PGVECTOR = (0, 8, 4)
"""Before 0.8.4 an HNSW index could refuse or corrupt inserts (pgvector's changelog)."""

CONNECT_TIMEOUT_S = 3
# A host that vanishes says nothing: a statement would wait 15 minutes for it. libpq ignores these
# on a Unix socket.
NOTICE_LOSS = {
    "tcp_user_timeout": 10_000,  # ms
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# The pool tries longer and longer apart: after an outage of a minute it would wait one more. Where
# it gives up soon, whoever wants a connection next makes it try at once.
RECONNECT_S = 3.0
# Somebody waits for an answer, or a probe for a sign of health.
POOL_TIMEOUT_S = 4.0

PGVECTOR_VERSION = """
select installed_version, default_version
from pg_available_extensions where name = 'vector'
"""


class Database:
    """A pool of connections to one database that has been migrated."""

    def __init__(self, conninfo: str, *, max_connections: int = 10) -> None:
        self.conninfo = conninfo
        self._pool = ConnectionPool(
            client_conninfo(conninfo, name=PROGRAM),
            connection_class=psycopg.Connection[DictRow],
            min_size=1,
            max_size=max_connections,
            timeout=POOL_TIMEOUT_S,
            reconnect_timeout=RECONNECT_S,
            kwargs={
                "row_factory": dict_row,
                "connect_timeout": CONNECT_TIMEOUT_S,
                # `_begin` begins each transaction.
                "autocommit": True,
            },
            configure=register_vector,
            check=_begin,
            open=False,
        )
        self._pool.open()

    @contextmanager
    def transaction(self, *, patience_s: float | None = None) -> Generator[Connection]:
        """A connection in a transaction: committed at the end, rolled back by any exception.

        It is waited for as long as POOL_TIMEOUT_S, or `patience_s`.
        Raises: DatabaseUnavailableError when the server can't be reached or went away.
        """
        with translated(), self._pool.connection(patience_s) as connection:
            yield connection

    def is_reachable(self) -> bool:
        """Whether a connection can be had now; waits POOL_TIMEOUT_S at most."""
        try:
            # The pool tries a connection before it gives it out.
            with self.transaction():
                return True
        except DatabaseUnavailableError:
            return False

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def pool_stats(self) -> dict[str, int]:
        """The pool's own counts, by psycopg_pool's names for them."""
        return self._pool.get_stats()


def _begin(connection: Connection) -> None:
    """Begin a transaction and tell the server whose it is, in one round trip.

    A server that was restarted leaves dead connections behind: it shows that this one answers, too.
    Raises: psycopg.Error; the pool tries another connection then.
    """
    name = application_name()
    # What the transaction before left there stays, unless it was rolled back; the server tells.
    if connection.info.parameter_status("application_name") == name:
        connection.execute("begin")
        return
    statement = sql.SQL("begin; set application_name = {name}").format(name=sql.Literal(name))
    connection.execute(statement, prepare=False)  # two statements in one can't be


@contextmanager
def translated() -> Generator[None]:
    """Turn "the server is not there" of psycopg into DatabaseUnavailableError."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        full = DatabaseFullError()
        log.warning("database.full", reason=str(full))
        raise full from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        log.warning("database.unavailable", error=type(error).__name__, sqlstate=_sqlstate(error))
        raise DatabaseUnavailableError from error


def _sqlstate(error: Exception) -> str | None:
    return error.sqlstate if isinstance(error, psycopg.Error) else None


def client_conninfo(conninfo: str, *, name: str) -> str:
    """How to connect as `name`, in pg_stat_activity, and notice within seconds that a host is gone.

    What `conninfo` itself says of that holds. Raises: psycopg.ProgrammingError.
    """
    return make_conninfo(
        conninfo, **{**NOTICE_LOSS, **conninfo_to_dict(conninfo), "application_name": name}
    )


def connect(conninfo: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A single connection outside the pool, for start-up work.

    Raises: DatabaseUnavailableError, saying which host didn't answer.
    """
    try:
        return psycopg.connect(
            client_conninfo(conninfo, name=application_name()),
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
        )
    except psycopg.OperationalError as error:
        # libpq's text can hold the whole conninfo's host and user, never the password
        reason = str(error).strip().splitlines()[-1]
        raise DatabaseUnavailableError(
            f"The database can't be reached ({reason}). "
            "Check DATABASE_URL and that the server runs."
        ) from error
    except psycopg.ProgrammingError as error:
        raise DatabaseUnavailableError(
            "DATABASE_URL can't be understood; "
            "write it as postgresql://user:password@host:5432/database."
        ) from error


def check_versions(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Raise DatabaseTooOldError, naming the version, if the server or its pgvector is too old."""
    server = divmod(connection.info.server_version, 10_000)
    if server < MIN_SERVER:
        raise DatabaseTooOldError(
            f"PostgreSQL {server[0]}.{server[1]} is too old for Findme; "
            f"it needs {MIN_SERVER[0]} or later."
        )
    row = connection.execute(PGVECTOR_VERSION).fetchone()
    if row is None:
        raise DatabaseTooOldError(
            "The database server has no pgvector; install its package "
            f"(version {_dotted(MIN_PGVECTOR)} or later) on the server."
        )
    installed, available = row
    version = tuple(int(part) for part in (installed or available).split("."))
    if version < MIN_PGVECTOR:
        raise DatabaseTooOldError(
            f"pgvector {_dotted(version)} is too old for Findme; it needs {_dotted(MIN_PGVECTOR)} "
            "or later. Install that on the server, then run `alter extension vector update`."
        )


# Whoever turns Findme off comes before, and is seen by the next statement, or after, and drops what
# that adds.
LOCK_OPT_OUTS = "select from workspaces where team_id = %(team_id)s for share"
LOCK_SHARES = "select pg_advisory_xact_lock(hashtextextended('shares/' || %(team_id)s, 0))"
PATIENCE = "select set_config('lock_timeout', %(milliseconds)s, true)"


def lock_shares(
    connection: Connection, team_id: TeamId, *, patience_s: float | None = None
) -> None:
    """Take turns, until the transaction ends, with whoever touches several photos and shares.

    Listing, leaving, deleting and re-indexing would lock the same rows in different orders.
    Raises BusyError after `patience_s`, if that is given: somebody waits for an answer then, and
    whoever waits for their turn holds a connection that others need.
    """
    if patience_s is None:
        connection.execute(LOCK_SHARES, {"team_id": team_id})
        return
    connection.execute(PATIENCE, {"milliseconds": f"{patience_s * 1000:.0f}"})
    try:
        connection.execute(LOCK_SHARES, {"team_id": team_id})
    except psycopg.errors.LockNotAvailable as error:
        raise BusyError from error
    connection.execute(PATIENCE, {"milliseconds": "0"})


LOCK_CONSENTS = "select pg_advisory_xact_lock(hashtextextended('consents/' || %(team_id)s, 0))"


def lock_consents(connection: Connection, team_id: TeamId) -> None:
    """Take turns with whoever wishes, answers or is forgotten; `lock_shares`, if at all, before it.

    A question for several people is a row of each: two of them who refuse it at once would wait for
    each other's.
    """
    connection.execute(LOCK_CONSENTS, {"team_id": team_id})


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
