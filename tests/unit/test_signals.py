"""A program that is told to end does end, whenever the word comes."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# A signal a moment after each call: some come while Python's own locks are held.
MANY = """
import os, random, signal, threading, time
from pipeline.cli import wait_for_signal

chance, until_s = random.Random(0), time.monotonic() + 30
for _ in range(3000):
    if time.monotonic() > until_s:
        break
    begun = threading.Event()

    def send(wait_s=chance.uniform(0, 3e-4)):
        begun.wait()
        at_s = time.perf_counter() + wait_s
        while time.perf_counter() < at_s:
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda *_: None)
    sender = threading.Thread(target=send)
    sender.start()
    wait_for_signal(begun.set)
    sender.join()
print("all ended")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_once_the_program_says_that_it_runs_is_heeded(
    number: signal.Signals,
) -> None:
    code = "from pipeline.cli import wait_for_signal as w; w(lambda: print('up', flush=True))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"up\n"
        program.send_signal(number)
        assert program.wait(30) == 0


def test_a_signal_ends_the_wait_whenever_it_comes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout == "all ended\n", done.stderr
