"""PostgreSQL stopped for 20 s and restarted, under indexing and searches."""

from __future__ import annotations

import pytest

from tests.acceptance.office import Office
from tests.acceptance.outages import outage
from tests.faults.conftest import Say
from tests.integration.conftest import OwnServer


@pytest.mark.timeout(900)
def test_postgresql_stopped_for_20_s_under_indexing_and_searches(
    new_office: Office, own_server: OwnServer, say: Say
) -> None:
    new_office.start_bot()
    survived = outage(new_office, own_server, photos=100, away_s=20.0)
    say(
        f"20 s without PostgreSQL: {survived.asked} questions, {survived.told_away} told once that "
        f"it is away; the first photo {survived.resumed_s:.1f} s after its return, all "
        f"{survived.photos} after {survived.done_s:.1f} s"
    )
