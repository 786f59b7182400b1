"""A disk that really fills up, under the embedded PostgreSQL that keeps the index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.vision import isolated
from tests.faults.conftest import Say
from tests.shared import shared_folder

DISK_MB = 200

PROGRAM = """
import json, os, shutil, sys, time
from pathlib import Path
from pipeline.errors import DatabaseUnavailableError
from pipeline.folder import LOCAL, channel_of
from pipeline.jobs import worker
from pipeline.settings import Settings, load
from pipeline.wiring import Runtime

disk, photos, models, source = map(Path, sys.argv[1:])
runtime = Runtime(load(Settings, findme_data_dir=disk / "data", findme_models_dir=models))
runtime.claim_engine(LOCAL)
channel = channel_of(photos)
runtime.workspaces.watch(LOCAL, channel, "party")
working = runtime.worker([LOCAL])
working.start()

def until(done, what, limit_s=240):
    end = time.monotonic() + limit_s
    while True:
        try:
            if done():
                return
        except DatabaseUnavailableError as error:
            told.add(str(error))
        assert time.monotonic() < end, what
        time.sleep(0.1)

told = set()
for number in range(10):
    shutil.copyfile(source, photos / f"a{number}.jpg")
runtime.list_channel(LOCAL, channel)
until(lambda: runtime.photos.counts(LOCAL).indexed == 10, "the first photos")

filler = disk / "filler"
with filler.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(2**16))
    except OSError:
        pass
# Until the database feels it: what it had allocated before is used up first.
full_from = time.monotonic()
number = 0
failed = 0
while failed < 3 and time.monotonic() < full_from + 120:
    try:
        with runtime.database.transaction() as connection:
            connection.execute("create table if not exists ballast (b bytea)")
            connection.execute("insert into ballast select convert_to(string_agg("
                "md5(i::text || %s), ''), 'utf8') from generate_series(1, 60000) i",
                [str(time.time())])
        number += 1
    except DatabaseUnavailableError as error:
        told.add(str(error))
        failed += 1
        time.sleep(0.5)
for number in range(10):
    shutil.copyfile(source, photos / f"b{number}.jpg")
try:
    runtime.list_channel(LOCAL, channel)
except DatabaseUnavailableError as error:
    told.add(str(error))
time.sleep(10)
filler.unlink()
room_from = time.monotonic()

def listed():
    runtime.list_channel(LOCAL, channel)
    return True

until(listed, "a listing")
until(lambda: runtime.photos.counts(LOCAL).indexed == 20, "all photos")
took_s = time.monotonic() - room_from
counts = runtime.photos.counts(LOCAL)
working.stop()
runtime.close()
print(json.dumps({"told": sorted(told), "failed": failed, "took_s": took_s,
    "indexed": counts.indexed, "given_up": counts.given_up, "unreadable": counts.unreadable,
    "faces": counts.faces}))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def can_mount() -> bool:
    try:
        done = subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.timeout(900)
@pytest.mark.skipif(not can_mount(), reason="may not mount a small disk of its own here")
def test_a_full_disk_under_the_embedded_database_stops_nothing_for_good(
    folder: Path, say: Say
) -> None:
    disk, photos = folder / "disk", folder / "photos"
    disk.mkdir()
    photos.mkdir()
    source = shared_folder() / "data/events/family/photos/detection1.jpg"
    mount = f'mount -t tmpfs -o size={DISK_MB}m,mode=755 tmpfs "$0" && exec "$@"'
    folders = [str(each) for each in (disk, photos, shared_folder() / "models", source)]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, disk, sys.executable, "-c", PROGRAM, *folders],
        cwd=Path(isolated.__file__).parents[2],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    say(
        f"a disk of {DISK_MB} MB full: {found['failed']} writes refused, told {found['told']}; "
        f"{found['indexed']} of 20 photos indexed {found['took_s']:.1f} s after there was room"
    )
    assert (found["indexed"], found["faces"]) == (20, 20)
    assert (found["given_up"], found["unreadable"]) == (0, 0)
    assert found["failed"] == 3
    assert any("disk is full" in sentence for sentence in found["told"])
