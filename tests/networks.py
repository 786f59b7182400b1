"""Small networks of the signature that a real one has, written as ONNX files.

ONNX is Protocol Buffers: the few fields of onnx.proto3 that are needed here are encoded by hand,
so that no test needs the package `onnx`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOAT, _INT64, _FLOAT16 = 1, 7, 10
_TYPES = {np.dtype(np.float32): _FLOAT, np.dtype(np.int64): _INT64, np.dtype(np.float16): _FLOAT16}
_INTS = 7


def write_embedder(
    path: Path,
    *,
    side_px: int = 112,
    dimension: int = 128,
    batch: int | str = "N",
    names: tuple[str, str] = ("data", "fc1"),
    fixed_to_one: bool = False,
    quantized: bool = False,
    half: bool = False,
    cells: int = 14,
) -> Path:
    """A network (N, 3, S, S) -> (N, D): the picture in coarse cells, projected at random.

    `fixed_to_one`: a reshape refuses every batch but that of one, as in many an exported network.
    `quantized`: values are rounded to 8 bits of the range that the whole batch has.
    """
    given, yielded = names
    kernel = side_px // cells
    projection = np.random.default_rng(7).normal(size=(3 * cells * cells, dimension))
    # Equal light everywhere tells nothing about a face.
    projection -= projection.mean(axis=0)
    nodes = []
    if quantized:
        nodes += [
            _node("DynamicQuantizeLinear", [given], ["q", "scale", "zero"]),
            _node("DequantizeLinear", ["q", "scale", "zero"], ["seen"]),
        ]
    nodes += [
        _node(
            "AveragePool",
            ["seen" if quantized else given],
            ["pooled"],
            kernel_shape=[kernel, kernel],
            strides=[kernel, kernel],
        ),
        _node("Reshape", ["pooled", "flat"], ["row"]),
        _node("MatMul", ["row", "projection"], ["projected"]),
        _node("Reshape", ["projected", "shape"], [yielded]),
    ]
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _text(2, "small"),
            _bytes(5, _tensor("flat", np.array([-1, len(projection)], np.int64))),
            _bytes(5, _tensor("shape", np.array([1 if fixed_to_one else -1, dimension], np.int64))),
            _bytes(5, _tensor("projection", projection.astype(np.float16 if half else np.float32))),
            _bytes(11, _value(given, [batch, 3, side_px, side_px], half=half)),
            _bytes(12, _value(yielded, [batch, dimension], half=half)),
        ]
    )
    opset = _text(1, "") + _integer(2, 13)
    path.write_bytes(_integer(1, 8) + _bytes(7, graph) + _bytes(8, opset))
    return path


def _node(kind: str, inputs: list[str], outputs: list[str], **attributes: list[int]) -> bytes:
    return b"".join(
        [
            *(_text(1, name) for name in inputs),
            *(_text(2, name) for name in outputs),
            _text(4, kind),
            *(
                _bytes(
                    5,
                    _text(1, name)
                    + b"".join(_integer(8, value) for value in values)
                    + _integer(20, _INTS),
                )
                for name, values in attributes.items()
            ),
        ]
    )


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    dims = b"".join(_integer(1, side) for side in values.shape)
    return dims + _integer(2, _TYPES[values.dtype]) + _text(8, name) + _bytes(9, values.tobytes())


def _value(name: str, shape: Sequence[int | str], *, half: bool = False) -> bytes:
    dims = b"".join(
        _bytes(1, _text(2, side) if isinstance(side, str) else _integer(1, side)) for side in shape
    )
    tensor = _integer(1, _FLOAT16 if half else _FLOAT) + _bytes(2, dims)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
