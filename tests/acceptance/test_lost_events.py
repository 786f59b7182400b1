"""An event that could not be dealt with is told only once: what it said is looked up."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from pipeline.ports import FaceReader
from tests.acceptance.office import eventually, open_office, rows, snapshot
from tests.integration.conftest import OwnServer, own_server

pytestmark = pytest.mark.slow

__all__ = ["own_server"]  # a fixture


def test_a_deletion_that_came_while_the_database_was_away_is_made_good(
    own_server: OwnServer, engine: FaceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.connect.POOL_TIMEOUT_S", 1.0)
    monkeypatch.setattr("bot.wiring.LOST_EVERY_S", 1.0)
    with open_office(own_server.conninfo, engine) as office:
        office.start_bot()
        channel = office.channel()
        kept, gone = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
        own_server.stop()
        try:
            with capture_logs() as log:
                office.slack.people.delete_message(office.organiser, gone)
                eventually(
                    lambda: [entry for entry in log if entry["event"] == "listener.refused"],
                    what="the loss of the event",
                )
        finally:
            own_server.start()

        def known() -> list[str]:
            return [row.file_id for row in rows(office.conninfo) if row.file_id in ids]

        ids = {kept.file_id, gone.file_id}
        eventually(lambda: known() == [kept.file_id], what="the comparison", timeout_s=60)
