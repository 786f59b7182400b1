"""`make soak`: posts, deletes, searches and restarts at random, then an audit."""

from __future__ import annotations

import os
import time

import pytest

from tests.acceptance.office import eventually
from tests.acceptance.test_processes import Machine
from tests.faults.audit import audit
from tests.faults.conftest import Say
from tests.faults.memory import MOST_GROWTH, Sampler
from tests.faults.random_office import RandomOffice
from tests.integration.conftest import OwnServer

MINUTES = float(os.environ.get("FINDME_SOAK_MIN", "10"))
SEED = int(os.environ.get("FINDME_FAULT_SEED", "1"))
QUIET_S = 180.0


@pytest.mark.timeout(MINUTES * 60 + 900)
def test_a_soak_leaves_slack_and_the_index_the_same_and_memory_flat(
    machine: Machine, own_server: OwnServer, say: Say
) -> None:
    office = RandomOffice(machine, own_server, seed=SEED)
    office.open()
    sampler = Sampler(office.warm_pids)
    began = time.monotonic()
    ends, minute = began + MINUTES * 60, 0
    while time.monotonic() < ends:
        passed = (time.monotonic() - began) / (MINUTES * 60)
        # The second half has no new processes, so that one that grows has the time to show it.
        office.act(may_restart=passed < 0.5)
        if (time.monotonic() - began) / 60 > minute + 1:
            minute += 1
            say(f"{minute} min: {office.figures()}")
    sampler.stop()
    say(f"{MINUTES:g} min, seed {SEED}: {office.figures()}")

    slack, conninfo = machine.office.slack, own_server.conninfo
    quiet_from = time.monotonic()
    try:
        eventually(
            lambda: audit(slack, conninfo, office.known).is_clean,
            what="the same in Slack and in the index",
            timeout_s=QUIET_S,
        )
    finally:
        found = audit(slack, conninfo, office.known)
        say(f"audit, {time.monotonic() - quiet_from:.0f} s after the last act: {found}")
    grown = []
    for series in sampler.series:
        told = series.growth()
        if told is None:
            say(f"memory of a {series.name}: {len(series.samples)} samples are too few to tell")
            continue
        start, end, slope = told
        say(
            f"memory of the {series.name}, {len(series.samples)} samples: {start:.0f} MB when "
            f"warm, {end:.0f} MB at the end ({(end / start - 1) * 100:+.1f}%), {slope:+.2f} MB/min"
        )
        if end > start * (1 + MOST_GROWTH):
            grown.append(series.name)
    assert found.is_clean
    assert office.ghosts == []
    assert not grown
