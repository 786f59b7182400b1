"""From bytes to faces: decode, detect, align, embed."""

import sys

# `import openvino` would tell its makers so, over the network; without this package it can't.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
