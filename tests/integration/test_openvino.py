"""The networks' runtime, where threads meet."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.priority import lower_this_thread
from pipeline.vision.openvino_runtime import _CORES, Network
from tests.shared import shared_folder

Pixels: TypeAlias = NDArray[np.uint8]

YUNET = "models/face_detection_yunet_2023mar.onnx"

FIRST_USE_IN_TWO_THREADS = """
import sys, threading
from pathlib import Path
import numpy as np
from pipeline.vision.openvino_runtime import Network

network = Network(Path(sys.argv[1]), input_shape=(1, 3, -1, -1))
together = threading.Barrier(4)

def run():
    together.wait()
    network(np.zeros((1, 3, 32, 32), np.float32))

threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.fixture
def yunet() -> Network:
    return Network(shared_folder() / YUNET, input_shape=(1, 3, -1, -1), takes_pixels=True)


@pytest.mark.slow
def test_threads_whose_first_inference_comes_at_the_same_moment_do_not_wait_for_ever() -> None:
    network = shared_folder() / YUNET
    for _ in range(8):
        subprocess.run(
            [sys.executable, "-c", FIRST_USE_IN_TWO_THREADS, network], check=True, timeout=30
        )


def _large_and_small(network: Network, large: Pixels, small: Pixels) -> tuple[float, float]:
    """How long a thread that indexes takes for `large`, and another meanwhile for `small`, in s."""
    took_s: list[float] = []

    def index() -> None:
        lower_this_thread()
        began_s = time.monotonic()
        network(large)
        took_s.append(time.monotonic() - began_s)

    indexing = threading.Thread(target=index)
    indexing.start()
    time.sleep(0.05)
    began_s = time.monotonic()
    network(small)
    answered_s = time.monotonic() - began_s
    indexing.join()
    return took_s[0], answered_s


def test_an_answer_does_not_wait_for_an_inference_of_the_indexing(yunet: Network) -> None:
    large, small = np.zeros((1, 1440, 1920, 3), np.uint8), np.zeros((1, 64, 64, 3), np.uint8)
    # The first time of each copy, it is compiled; and a busy machine may stop a thread for a while.
    tries = []
    for _ in range(20):
        large_s, answered_s = _large_and_small(yunet, large, small)
        if answered_s < large_s / 3:
            return
        tries.append((large_s, answered_s))
    pytest.fail(f"no answer came before a third of the indexing's inference: {tries}")


def test_more_threads_than_cores_compute_alike_and_share_copies(yunet: Network) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (1, 96, 96, 3), np.uint8)
    expected = yunet(picture)
    with ThreadPoolExecutor(8 * _CORES) as threads:
        results = list(threads.map(lambda _: yunet(picture), range(32 * _CORES)))
    for outputs in results:
        assert outputs.keys() == expected.keys()
        assert all(np.array_equal(outputs[name], expected[name]) for name in expected)
    assert len(yunet._copies) <= _CORES
