"""Decoding in a process of its own: as good as at home, and nothing that happens there gets out."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline.errors import UnreadablePhotoError
from pipeline.vision import isolated
from pipeline.vision.decode import decode_file
from pipeline.vision.decoder import Child, DecoderUnavailableError
from pipeline.vision.isolated import STOPPED, TOO_SLOW, Children, decode_sized
from tests.made_pictures import KINDS, corners, saved
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

# A child that does as it is told by the picture's first byte.
ILL = """
import io, os, signal, sys, time
from pipeline.vision import decoder_child
real = decoder_child.decode_file
def ill(file, **options):
    how = file.read(1)
    file.seek(0)
    match how:
        case b"h": time.sleep(99)
        case b"w":
            open(os.environ["PATH"], "w").close()
            time.sleep(0.3)
            file.seek(1)
            return real(io.BytesIO(file.read()), **options)
        case b"s": os.kill(os.getpid(), signal.SIGSEGV)
        case b"k": os.kill(os.getpid(), signal.SIGKILL)
        case b"m":
            file.seek(1)
            options["allocate"] = lambda shape: bytearray(3_000_000_000)
            return real(io.BytesIO(file.read()), **options)
        case b"o":
            note = os.environ["PATH"]
            if not os.path.exists(note):
                open(note, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            file.seek(1)
            return real(io.BytesIO(file.read()), **options)
    return real(file, **options)
decoder_child.decode_file = ill
decoder_child.main()
"""


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """A test's own, so that it can count and kill them."""
    made = Children()
    monkeypatch.setattr(isolated, "children", made)
    yield made
    made.close()


@pytest.fixture
def ill(children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Children:
    """Children whose decoder hangs, crashes or takes all memory if told so; it has one second."""
    (tmp_path / "ill_child.py").write_text(ILL)
    monkeypatch.setattr("pipeline.vision.decoder._MODULE", "ill_child")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(isolated, "LIMIT_S", 1.0)
    return children


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode_sized(data)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_comes_out_as_it_does_in_this_process(kind: str) -> None:
    data = KINDS[kind]()
    with (Path.cwd() / "file").open("wb+") as file:
        file.write(data)
        file.seek(0)
        expected, expected_size = decode_file(file, max_side_px=2048)

    image, size = decode_sized(data)

    assert np.array_equal(image, expected)
    assert size == expected_size


def test_a_close_look_is_writable_memory_of_its_own() -> None:
    data = saved(corners(3000, 2000), "JPEG")

    first, _ = decode_sized(data, max_side_px=5000)
    second, _ = decode_sized(data, max_side_px=5000)
    first[:] = 0

    assert first.shape == (2000, 3000, 3)
    assert second.any()


def test_an_image_stays_when_the_next_is_decoded() -> None:
    first, _ = decode_sized(KINDS["jpeg"]())
    before = first.copy()

    decode_sized(saved(corners(500, 300), "PNG"))

    assert np.array_equal(first, before)


def test_a_reason_comes_through() -> None:
    assert reason(b"") == "the file is empty"
    assert reason(b"<html>") == "the file is a web page, not a picture"
    assert reason(KINDS["png"]()[:200]) == "the picture is damaged or cut off"


def test_a_picture_that_hangs_is_given_up_in_time_and_the_next_is_read(ill: Children) -> None:
    decode_sized(KINDS["png"]())
    started = time.monotonic()

    assert reason(b"h") == TOO_SLOW

    assert time.monotonic() - started < 5
    assert decode_sized(KINDS["png"]())[1] == (96, 64)
    assert len(ill.idle) == 1


@pytest.mark.parametrize("how", [b"s", b"k"])
def test_a_picture_that_crashes_the_decoder_twice_says_so(ill: Children, how: bytes) -> None:
    assert reason(how) == STOPPED

    assert decode_sized(KINDS["png"]())[1] == (96, 64)
    assert len(ill.idle) == 1


def test_a_child_that_was_killed_for_another_s_sake_is_replaced_once(
    ill: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "killed"))

    assert decode_sized(b"o" + KINDS["png"]())[1] == (96, 64)

    assert (tmp_path / "killed").exists()
    assert len(ill.idle) == 1


def test_a_request_that_the_kernel_signals_late_ends_no_child(
    ill: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the machine is busy, a request is read before its sender's kernel has told of it."""
    begun = tmp_path / "begun"
    monkeypatch.setenv("PATH", str(begun))
    with ill.borrowed() as child:

        def ask_again() -> None:
            wait_until(begun.exists)
            child._link.send(json.dumps({"max_side_px": 96, "allowed_bytes": 10**8}).encode())

        late = threading.Thread(target=ask_again)
        late.start()

        image, size = child.decode(
            b"w" + KINDS["png"](), max_side_px=96, allowed_bytes=10**8, until=time.monotonic() + 20
        ) or (None, None)

        late.join()
        assert image is not None
        assert size == (96, 64)
        assert child.is_alive


@pytest.mark.skipif(sys.platform != "linux", reason="no limit on private memory elsewhere")
def test_a_picture_that_takes_all_memory_is_too_large(ill: Children) -> None:
    assert reason(b"m" + KINDS["png"]()) == "the picture is too large"
    assert len(ill.idle) == 1


def test_an_idle_child_that_was_killed_is_replaced(children: Children) -> None:
    decode_sized(KINDS["png"]())
    os.kill(children.idle[0].pid, signal.SIGKILL)

    assert decode_sized(KINDS["png"]())[1] == (96, 64)


def test_children_are_as_many_as_pictures_at_once(children: Children) -> None:
    threads = [
        threading.Thread(target=lambda: [decode_sized(KINDS["jpeg"]()) for _ in range(20)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= len(children.idle) <= 2


def test_closed_children_are_gone_and_none_is_started(children: Children) -> None:
    decode_sized(KINDS["png"]())
    pid = children.idle[0].pid

    children.close()

    assert not psutil.pid_exists(pid)
    with pytest.raises(DecoderUnavailableError):
        decode_sized(KINDS["png"]())


@pytest.mark.usefixtures("children")
def test_a_decoder_that_can_t_start_is_not_the_picture_s_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.vision.decoder._MODULE", "no_such_module")

    with pytest.raises(DecoderUnavailableError):
        decode_sized(KINDS["png"]())


def test_nothing_stays_open_after_pictures_and_kills(ill: Children) -> None:
    decode_sized(KINDS["png"]())
    before = psutil.Process().num_fds()

    for data in (b"s", b"h", KINDS["gif"](), b"<html>"):
        for _ in range(3):
            try:
                decode_sized(data, max_side_px=3000)
            except UnreadablePhotoError:
                continue

    decode_sized(KINDS["png"]())
    assert psutil.Process().num_fds() == before
    assert len(ill.idle) == 1


def test_the_child_knows_no_secrets_and_imports_no_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    child = Child()
    process = psutil.Process(child.pid)

    assert "SLACK_BOT_TOKEN" not in process.environ()
    if sys.platform == "linux":
        assert not [
            mapped.path
            for mapped in process.memory_maps()
            if "openvino" in mapped.path or "cv2" in mapped.path
        ]
    child.kill()


PROGRAM = """
import sys, threading, time
from pipeline.vision import isolated
from tests.made_pictures import KINDS
isolated.decode_sized(KINDS["png"]())
if sys.argv[1] == "busy":
    threading.Thread(target=isolated.decode_sized, args=(b"h",), daemon=True).start()
    time.sleep(0.3)
print(*[child.pid for child in (*isolated.children.idle, *isolated.children._busy)], flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["idle", "busy"])
@pytest.mark.parametrize("end", ["exits", "is killed"])
def test_no_child_outlives_a_program_that(tmp_path: Path, how: str, end: str) -> None:
    (tmp_path / "ill_child.py").write_text(ILL)
    program = PROGRAM.replace(
        "import sys,", 'import pipeline.vision.decoder as d; d._MODULE = "ill_child"\nimport sys,'
    )
    checkout = Path(isolated.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program, how, "wait" if end == "is killed" else "go"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{checkout}"},
    ) as started:
        assert started.stdout is not None
        pids = [int(pid) for pid in started.stdout.readline().split()]
        if end == "is killed":
            started.kill()
        assert pids
        started.wait(timeout=60)

    until = time.monotonic() + 3
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
