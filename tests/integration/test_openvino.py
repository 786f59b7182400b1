"""The networks' runtime, where threads meet."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.shared import shared_folder

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


@pytest.mark.slow
def test_threads_whose_first_inference_comes_at_the_same_moment_do_not_wait_for_ever() -> None:
    network = shared_folder() / "models/face_detection_yunet_2023mar.onnx"
    for _ in range(8):
        subprocess.run(
            [sys.executable, "-c", FIRST_USE_IN_TWO_THREADS, network], check=True, timeout=30
        )
