"""Three machines' worth of workers on one PostgreSQL; one dies in the middle."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.office import eventually, jobs, rows, snapshot
from tests.acceptance.test_processes import Machine, Program
from tests.faults.conftest import Say

PHOTOS = 60
WORKERS = 3


def _indexed_by(program: Program) -> list[int]:
    """The photos that it says it has indexed."""
    told = [line for line in program.text().splitlines() if '"photo.indexed"' in line]
    return [json.loads(line)["photo"] for line in told]


@pytest.mark.timeout(300)
def test_of_three_workers_one_is_killed_and_the_others_index_every_photo_once(
    machine: Machine, tmp_path: Path, say: Say
) -> None:
    office = machine.office
    channel = office.channel(with_bot=False)
    posted = office.post_all(channel, [snapshot("eileen", number) for number in range(PHOTOS)])
    # So slow that the one that is killed is in the middle of a photo.
    office.slack.faults.slow("files.download", delay_s=0.5, times=10**6)
    # It hears Slack, and indexes nothing itself.
    bot = machine.start_bot(FINDME_WORKERS="0")
    workers = []
    for number in range(WORKERS):
        own = tmp_path / f"machine {number}"
        own.mkdir()
        workers.append(
            machine.run(
                "worker",
                FINDME_WORKERS="1",
                FINDME_DATA_DIR=str(own / "data"),
                HOME=str(own),
                TMPDIR=str(own),
            )
        )
    for worker in workers:
        worker.wait_until_it_says("worker is running", timeout_s=60)
    office.slack.people.invite_bot(channel, by=office.organiser)
    began = time.monotonic()
    victim, *others = workers
    eventually(lambda: len(_indexed_by(victim)) >= 3, what="the victim's third photo")
    victim.end(signal.SIGKILL)
    at_kill = sum(row.state == "indexed" for row in rows(office.conninfo))
    found = office.read(*posted, timeout_s=120)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs", timeout_s=60)
    done = [_indexed_by(worker) for worker in workers]
    say(
        f"{PHOTOS} photos, {WORKERS} workers, one killed when {at_kill} were indexed: "
        f"{', '.join(str(len(one)) for one in done)} of them by each, "
        f"{time.monotonic() - began:.0f} s"
    )
    assert at_kill < PHOTOS
    assert len(rows(office.conninfo)) == PHOTOS
    assert {(row.state, row.faces, row.distinct_faces, row.shares) for row in found} == {
        ("indexed", 1, 1, 1)
    }
    together = [photo for one in done for photo in one]
    assert len(together) == len(set(together)), "a photo was indexed twice"
    # The victim may have died between the last commit and its word of it.
    assert len(together) >= PHOTOS - 1
    assert all(len(_indexed_by(worker)) >= PHOTOS // 6 for worker in others)
    assert _indexed_by(bot) == []
    # What nobody held when it died was fetched once.
    fetched = sorted(office.slack.faults.downloads.values())
    assert len(fetched) == PHOTOS
    assert fetched[-2:] in ([1, 1], [1, 2])
