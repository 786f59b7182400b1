"""SIGKILL of bot or worker at 50 random moments of a backfill of 200 photos."""

from __future__ import annotations

import os
import random
import re
import signal
import time

import psutil
import pytest

from tests.acceptance.office import eventually, jobs, rows, snapshot
from tests.acceptance.test_processes import Machine, Program
from tests.faults.conftest import Say

PHOTOS = int(os.environ.get("FINDME_FAULT_PHOTOS", "200"))
KILLS = int(os.environ.get("FINDME_FAULT_KILLS", "50"))
SEED = int(os.environ.get("FINDME_FAULT_SEED", "1"))
AT_START = 0.1
"""How many of the kills may come while the program is still starting."""
RESCUED = re.compile(r'"crashes": ?(\d+)')


@pytest.mark.timeout(3000)
def test_sigkill_at_50_random_moments_of_a_backfill_of_200_photos_loses_none(
    machine: Machine, say: Say
) -> None:
    office, chance = machine.office, random.Random(SEED)
    channel = office.channel(with_bot=False)
    posted = office.post_all(channel, [snapshot("eileen", i % 60) for i in range(PHOTOS)])
    office.slack.people.invite_bot(channel, by=office.organiser)
    # So slow that the backfill takes all the kills.
    office.slack.faults.slow("files.download", delay_s=0.5, times=10**6)
    began = time.monotonic()
    bot, worker = _bot(machine), _worker(machine)
    killed = {"bot": 0, "worker": 0}
    orphans: list[int] = []
    while sum(killed.values()) < KILLS:
        name = chance.choice(["bot", "worker"])
        program = bot if name == "bot" else worker
        if chance.random() > AT_START:
            program.wait_until_it_says("is running", timeout_s=120)
        time.sleep(chance.uniform(0.0, 3.0))
        assert program.process.poll() is None, program.text()
        orphans += [each.pid for each in psutil.Process(program.process.pid).children()]
        program.end(signal.SIGKILL)
        killed[name] += 1
        if name == "bot":
            bot = _bot(machine)
        else:
            worker = _worker(machine)
        if sum(killed.values()) % 10 == 0:
            states = [row.state for row in rows(office.conninfo)]
            say(f"{sum(killed.values())} kills: {states.count('indexed')} of {PHOTOS} indexed")
    at_last_kill = sum(row.state == "indexed" for row in rows(office.conninfo))
    office.slack.faults.clear()
    found = office.read(*posted, timeout_s=900)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs", timeout_s=120)
    text = "".join(program.text() for program in machine._programs)
    crashes = [int(number) for number in RESCUED.findall(text)]
    say(
        f"{KILLS} kills (bot {killed['bot']}, worker {killed['worker']}), seed {SEED}: "
        f"{at_last_kill} of {PHOTOS} indexed at the last, {len(found)} in the end, "
        f"{len(crashes)} jobs rescued, a photo at most {max(crashes, default=0)} times, "
        f"{sum(office.slack.faults.downloads.values())} downloads, "
        f"{time.monotonic() - began:.0f} s"
    )
    assert len(rows(office.conninfo)) == PHOTOS
    assert {(row.state, row.faces, row.distinct_faces, row.shares) for row in found} == {
        ("indexed", 1, 1, 1)
    }
    assert not [pid for pid in orphans if _decodes(pid)]


def _bot(machine: Machine) -> Program:
    return machine.run("bot", FINDME_PULL_EVERY_S="5")


def _worker(machine: Machine) -> Program:
    return machine.run("worker")


def _decodes(pid: int) -> bool:
    try:
        return "pipeline.vision.decoder_child" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
