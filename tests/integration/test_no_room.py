"""A full disk says nothing of a photo: it is tried again, and who waits is told in words."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.model import ChannelId
from pipeline.errors import DatabaseFullError, NoRoomError
from pipeline.folder import LOCAL
from pipeline.jobs import worker
from pipeline.storage.connect import translated
from pipeline.wiring import Runtime
from tests.fakes import FlakySource
from tests.integration.test_worker import _in_a_hurry, channel_id, folder, put, work_off

__all__ = ["_in_a_hurry", "channel_id", "folder"]  # fixtures

# What the kernel refuses here (EFBIG) it refuses in the same place where a disk is full.
CRAMPED = """
import resource, sys
from pipeline.errors import NoRoomError, UnreadablePhotoError
from pipeline.vision.isolated import decode_sized
from tests.made_pictures import corners, saved

small, large = saved(corners(200, 100), "PNG"), saved(corners(3000, 2000), "JPEG")
decode_sized(small)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
told = []
for allowed, data, side in ((1000, large, 2048), (len(large) + 1000, large, 3000)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, limit[1]))
    resource.prlimit(__import__("pipeline.vision.isolated", fromlist=["x"]).children.idle[0].pid,
        resource.RLIMIT_FSIZE, (allowed, limit[1]))
    try:
        decode_sized(data, max_side_px=side)
        told.append("read")
    except (NoRoomError, UnreadablePhotoError) as error:
        told.append(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    decode_sized(small)
print(*told, decode_sized(large, max_side_px=3000)[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can't be set here")
def test_where_there_is_no_room_to_decode_a_photo_it_is_not_unreadable() -> None:
    checkout = Path(worker.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "NoRoomError NoRoomError (3000, 2000)\n", done.stderr


@pytest.mark.parametrize("error", [NoRoomError(), DatabaseFullError()])
def test_a_disk_that_is_full_for_long_loses_no_photo(
    runtime: Runtime,
    folder: Path,
    channel_id: ChannelId,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 2)
    monkeypatch.setattr(worker, "ROOM_WAIT_S", 0.05)
    source = FlakySource({"a.jpg": [error] * 5})
    runtime.sources[LOCAL] = source
    put(folder, "a.jpg", "b.jpg")
    runtime.list_channel(LOCAL, channel_id)

    work_off(runtime)

    assert source.downloads == {"a.jpg": 6, "b.jpg": 1}
    assert runtime.photos.counts(LOCAL).indexed == 2


def test_a_full_disk_under_the_database_is_named() -> None:
    with pytest.raises(DatabaseFullError, match="disk is full"), translated():
        raise psycopg.errors.DiskFull
