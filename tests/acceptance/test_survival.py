"""What must survive, in short; tests/faults does the same for longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.ports import FaceReader
from pipeline.vision import isolated
from pipeline.vision.isolated import STOPPED, Children
from tests.acceptance.office import (
    Office,
    eventually,
    jobs,
    lines,
    links,
    open_office,
    snapshot,
)
from tests.acceptance.outages import outage
from tests.integration.conftest import OwnServer, own_server

__all__ = ["own_server"]  # a fixture

# A decoder that some pictures kill.
MORTAL = """
import os, signal
from pipeline.vision import decoder_child
real = decoder_child.decode_file
def mortal(file, **options):
    if b"poison" in file.read():
        os.kill(os.getpid(), signal.SIGKILL)
    file.seek(0)
    return real(file, **options)
decoder_child.decode_file = mortal
decoder_child.main()
"""


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Children]:
    made = Children()
    (tmp_path / "mortal_child.py").write_text(MORTAL)
    monkeypatch.setattr(isolated, "children", made)
    monkeypatch.setattr("pipeline.vision.decoder._MODULE", "mortal_child")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield made
    made.close()


@pytest.mark.slow
def test_a_poison_photo_that_kills_the_decoder_process_is_set_aside_and_the_rest_goes_on(
    new_office: Office, mortal: Children
) -> None:
    office = new_office
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    good = office.post_all(channel, [snapshot("eileen", number) for number in range(4)])
    poison = [
        office.post(channel, snapshot("eileen", 9) + b"poison", f"poison {number}.jpg")
        for number in range(2)
    ]
    good += office.post_all(channel, [snapshot("eileen", number) for number in range(4, 8)])
    office.start_bot()
    office.invite_bot(channel)

    assert {row.state for row in office.read(*good, timeout_s=60)} == {"indexed"}
    set_aside = office.read(*poison, timeout_s=60)
    assert {(row.state, row.reason) for row in set_aside} == {("unreadable", STOPPED)}
    status = str(office.admin(office.organiser, channel, "status").blocks)
    assert "poison 1.jpg" in status
    assert STOPPED in status
    assert {line.permalink for line in lines(office.ask(eileen, channel))} <= links(good)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    assert 1 <= len(mortal.idle) <= 4


@pytest.mark.slow
def test_postgresql_stopped_for_3_s_under_indexing_and_searches_is_one_sentence_to_who_asks(
    own_server: OwnServer, engine: FaceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.connect.POOL_TIMEOUT_S", 1.0)
    monkeypatch.setattr("pipeline.jobs.worker.HEARTBEAT_EVERY_S", 0.5)
    monkeypatch.setattr("pipeline.jobs.worker.RECONNECT_AFTER_S", 0.5)
    monkeypatch.setattr("pipeline.jobs.worker.FIRST_WAIT_S", 0.5)
    with open_office(own_server.conninfo, engine) as office:
        office.start_bot(findme_pull_every_s=2)
        outage(office, own_server, photos=30, away_s=3.0)
