"""OpenVINO, set up once: CPU, one thread a request, no telemetry."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from pipeline.errors import EngineUnavailableError
from pipeline.vision.memory import give_back_large, may_release, turns

# OpenVINO fills its table of number types at the first use of it. Two threads whose first inference
# came at the same moment waited for each other there for ever, one with the interpreter's lock.
ov.Type.f32.to_dtype()

give_back_large()

# Photos are the unit of parallel work: several single-threaded requests beat one that spreads.
_CPU = {
    "INFERENCE_NUM_THREADS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    # By itself OpenVINO computes in bfloat16 where the CPU can: embeddings then differ from machine
    # to machine (worst cosine 0.974), and YuNet no longer agrees with OpenCV to the pixel.
    "INFERENCE_PRECISION_HINT": "f32",
}


class Network:
    """A network with one input, compiled for this CPU; each thread has its own request."""

    def __init__(
        self, path: Path, *, input_shape: tuple[int, ...], takes_pixels: bool = False
    ) -> None:
        """Read `path` (.onnx or .xml) and fix its input to `input_shape`, -1 being "any".

        One that `takes_pixels` is given pictures as they are, uint8 (N, H, W, 3): OpenVINO turns
        them into float32 (N, 3, H, W) in a third of the time that numpy takes.
        Raises: EngineUnavailableError if the file is no network that OpenVINO can run.
        """
        try:
            core = ov.Core()
            model = core.read_model(path)
            model.reshape({0: ov.PartialShape(list(input_shape))})
            if takes_pixels:
                model = _taking_pixels(model)
            self._compiled = core.compile_model(model, "CPU", _CPU)
        except RuntimeError as error:
            raise EngineUnavailableError(
                f"{path.name} can't be loaded as a network; remove it and run `findme models pull`."
            ) from error
        self.output_names = [output.any_name for output in model.outputs]
        self._local = threading.local()
        may_release(self)

    def __call__(
        self, batch: NDArray[np.float32] | NDArray[np.uint8]
    ) -> dict[str, NDArray[np.float32]]:
        """Run one batch; the outputs, by name, are copies."""
        with turns.shared():
            request: Any = getattr(self._local, "request", None)
            if request is None:
                request = self._local.request = self._compiled.create_infer_request()
            request.infer({0: batch}, share_inputs=True)
            return {
                name: np.array(request.get_output_tensor(i).data)
                for i, name in enumerate(self.output_names)
            }

    def release_memory(self) -> None:
        """Give back what inference keeps, 200 MB for a large picture; no request is running."""
        self._compiled.release_memory()


def _taking_pixels(model: Any) -> Any:
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(ov.Type.f32)
    return steps.build()
