"""What the server sees of each connection, and how soon a host that vanished is noticed."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pipeline.domain.model import TeamId
from pipeline.requests import request
from pipeline.storage.connect import Database, client_conninfo, connect
from pipeline.storage.leader import Leader

PORT = 5432
NAMES = """
select application_name from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


def names(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        return [name for (name,) in connection.execute(NAMES)]


def test_a_connection_outside_the_pool_is_named_like_those_in_it(conninfo: str) -> None:
    with connect(conninfo):
        assert names(conninfo) == ["findme"]
    with request() as its_id, connect(conninfo) as connection:
        assert connection.info.parameter_status("application_name") == f"findme {its_id}"


def test_the_leaders_connection_is_named(conninfo: str) -> None:
    leader = Leader(conninfo, TeamId("T1"))
    assert leader.is_me()

    assert names(conninfo) == ["findme leader"]

    leader.close()


@pytest.fixture
def by_tcp(conninfo: str) -> Iterator[str]:
    """The same database by TCP: what comes in is handed on to the server's Unix socket."""
    folder = conninfo_to_dict(conninfo)["host"]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(
            target=_hand_on, args=(listening, f"{folder}/.s.PGSQL.{PORT}"), daemon=True
        ).start()
        yield make_conninfo(conninfo, host="127.0.0.1", port=port)


def _hand_on(listening: socket.socket, path: str) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_join, args=(client, path), daemon=True).start()


def _join(client: socket.socket, path: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        back = threading.Thread(target=_copy, args=(server, client))
        back.start()
        _copy(client, server)
        back.join()


def _copy(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while data := here.recv(65_536):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


def options(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """Milliseconds without an acknowledgement, and seconds of silence before a probe."""
    with socket.socket(fileno=os.dup(connection.fileno())) as its:
        assert its.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        return (
            its.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            its.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
        )


def test_a_host_that_vanishes_is_noticed_within_seconds(by_tcp: str) -> None:
    leader = Leader(by_tcp, TeamId("T1"))
    with (
        connect(by_tcp) as alone,
        closing(Database(by_tcp)) as database,
        database.transaction() as pooled,
    ):
        assert leader.is_me()
        assert leader._connection is not None
        found = [options(one) for one in (alone, pooled, leader._connection)]
    leader.close()

    assert found == [(10_000, 10)] * 3


def test_what_the_url_says_of_it_holds(by_tcp: str) -> None:
    own = make_conninfo(by_tcp, tcp_user_timeout=60_000, application_name="mine")
    with connect(own) as connection:
        assert options(connection) == (60_000, 10)

    said = conninfo_to_dict(client_conninfo("postgresql://h/d?keepalives_idle=7", name="findme"))
    assert (said["host"], said["keepalives_idle"]) == ("h", "7")
