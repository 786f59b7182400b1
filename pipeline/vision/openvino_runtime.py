"""OpenVINO, set up once: CPU, one thread an inference, no telemetry."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from pipeline.errors import EngineUnavailableError
from pipeline.priority import is_lowered
from pipeline.vision.memory import give_back_large, may_release, turns

# OpenVINO fills its table of number types at the first use of it. Two threads whose first inference
# came at the same moment waited for each other there for ever, one with the interpreter's lock.
ov.Type.f32.to_dtype()

give_back_large()

# Photos are the unit of parallel work: several inferences of one thread each beat one that spreads.
# What is compiled so has one stream: its requests wait for each other, so that each inference under
# way needs a copy of its own. Several streams would compute in threads of OpenVINO's, which don't
# have the caller's niceness.
_CPU = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    # By itself OpenVINO computes in bfloat16 where the CPU can: embeddings then differ from machine
    # to machine (worst cosine 0.974), and YuNet no longer agrees with OpenCV to the pixel.
    "INFERENCE_PRECISION_HINT": "f32",
}


_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Network:
    """A network with one input, compiled for this CPU.

    As many threads as there are cores compute at once, and none that answers somebody waits for one
    that indexes. Copies are compiled once they are needed: 150 MB each, as `retail` reads photos.
    """

    def __init__(
        self, path: Path, *, input_shape: tuple[int, ...], takes_pixels: bool = False
    ) -> None:
        """Read `path` (.onnx or .xml) and fix its input to `input_shape`, -1 being "any".

        One that `takes_pixels` is given pictures as they are, uint8 (N, H, W, 3): OpenVINO turns
        them into float32 (N, 3, H, W) in a third of the time that numpy takes.
        Raises: EngineUnavailableError if the file is no network that OpenVINO can run.
        """
        self._core = ov.Core()
        self._compiling = threading.Lock()
        self._copies: list[Any] = []
        try:
            model = self._core.read_model(path)
            model.reshape({0: ov.PartialShape(list(input_shape))})
            self._model = _taking_pixels(model) if takes_pixels else model
            self._idle = [self._another()]
        except RuntimeError as error:
            raise EngineUnavailableError(
                f"{path.name} can't be loaded as a network; remove it and run `findme models pull`."
            ) from error
        self._free = {lowered: threading.Semaphore(_CORES) for lowered in (False, True)}
        self.output_names = [output.any_name for output in self._model.outputs]
        may_release(self)

    def __call__(
        self, batch: NDArray[np.float32] | NDArray[np.uint8]
    ) -> dict[str, NDArray[np.float32]]:
        """Run one batch; the outputs, by name, are copies."""
        with turns.shared(), self._one() as request:
            request.infer({0: batch}, share_inputs=True)
            return {
                name: np.array(request.get_output_tensor(i).data)
                for i, name in enumerate(self.output_names)
            }

    @contextmanager
    def _one(self) -> Iterator[Any]:
        """A request that no other thread uses, of a copy that no other request uses."""
        with self._free[is_lowered()]:
            try:
                request = self._idle.pop()
            except IndexError:
                request = self._another()
            try:
                yield request
            finally:
                self._idle.append(request)

    def _another(self) -> Any:
        with self._compiling:
            compiled = self._core.compile_model(self._model, "CPU", _CPU)
            self._copies.append(compiled)
        return compiled.create_infer_request()

    def release_memory(self) -> None:
        """Give back what inference keeps, 200 MB for a large picture; no request is running."""
        for compiled in self._copies:
            compiled.release_memory()


def _taking_pixels(model: Any) -> Any:
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(ov.Type.f32)
    return steps.build()
