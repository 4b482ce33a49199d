"""A model pack of the real shapes with small graphs, and pictures it understands.

A toy face is a grey textured oval (the texture is the person) with five dots in five colours: eyes red and blue, nose
green, corners of the mouth magenta and cyan. The detector (an SCRFD interface: 3 strides, 2 anchors, scores, boxes and
five points) finds the dots' centroids by convolution; the embedder (ArcFace's interface) is pooled grey × a fixed matrix.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Image = NDArray[np.uint8]
NOTE = "Licensed to the housing office for operation, agreement 2026-17.\n"
# Of each dot's colour: channels that are high, the others are low (RGB).
COLOURS = ((0,), (2,), (1,), (0, 2), (1, 2))
WINDOW, STRIDE, DOT = 224, 32, 12.0
LAYOUT = ((-0.5, -0.55), (0.5, -0.55), (0.0, 0.0), (-0.4, 0.6), (0.4, 0.6))  # in eye distances, from the nose


# --- pictures --------------------------------------------------------------------------------------------------------
def face(
    image: Image, person: int, centre: tuple[float, float], eyes: float = 100.0, *, turn: float = 0.0, roll: float = 0.0
) -> None:
    """Draw one. `eyes`: their distance in pixels; `turn` moves the nose, in eye distances; `roll` in degrees."""
    side = int(eyes * 3)
    rng = np.random.default_rng(person)
    coarse = cv2.resize(rng.integers(70, 190, (9, 9), np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    fine = rng.integers(-30, 30, (56, 56)).astype(np.int16)
    grey = np.clip(coarse.astype(np.int16) + cv2.resize(fine, (side, side), interpolation=cv2.INTER_NEAREST), 0, 255)
    patch = np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)
    for n, (x, y) in enumerate(LAYOUT):
        colour = [235 if 2 - channel in COLOURS[n] else 20 for channel in range(3)]  # BGR
        spot = (round(side / 2 + (x + (turn if n == 2 else 0)) * eyes), round(side / 2 + y * eyes))
        cv2.circle(patch, spot, round(eyes / 9), colour, -1)
    mask = np.zeros((side, side), np.uint8)
    cv2.ellipse(mask, (side // 2, side // 2), (int(eyes * 1.1), int(eyes * 1.4)), 0, 0, 360, 255, -1)
    move = cv2.getRotationMatrix2D((side / 2, side / 2), -roll, 1.0)
    move[0, 2] += centre[0] - side / 2
    move[1, 2] += centre[1] - side / 2
    size = (image.shape[1], image.shape[0])
    drawn, where = cv2.warpAffine(patch, move, size), cv2.warpAffine(mask, move, size)
    image[where > 127] = drawn[where > 127]


def scene(*people: int, seed: int = 0, **how: Any) -> Image:
    """640 × 640 with these people side by side, and noise."""
    rng = np.random.default_rng(seed)
    image = np.full((640, 640 * max(1, len(people)), 3), 128, np.uint8)
    for n, person in enumerate(people):
        face(image, person, (640 * n + 320 + rng.uniform(-20, 20), 320 + rng.uniform(-20, 20)), **how)
    noise = rng.normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def jpeg(image: Image, quality: int = 92) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def png(image: Image) -> bytes:
    return bytes(cv2.imencode(".png", image)[1])


# --- models ----------------------------------------------------------------------------------------------------------
class _Graph:
    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def const(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"n_{output}", **attributes))
        return output

    def save(self, path: Path, inputs: list[Any], outputs: list[Any]) -> None:
        graph = helper.make_graph(self.nodes, "toy", inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())


def _channel(g: _Graph, n: int, of: str, to: str) -> str:
    g.const(f"from{n}{to}", [n], np.int64)
    g.const(f"till{n}{to}", [n + 1], np.int64)
    return g.op("Slice", [of, f"from{n}{to}", f"till{n}{to}", "axis1"], to)


def _masks(g: _Graph) -> str:
    """(1, 5, H, W): 1 where a pixel is of the dot's colour; the lowest of its high channels above the highest of the others."""
    g.const("axis1", [1], np.int64)
    rgb = [_channel(g, n, "x", f"c{n}") for n in range(3)]
    g.const("step", 0.25)
    g.const("gain", 4.0)
    for n, high in enumerate(COLOURS):
        top = g.op("Min", [rgb[c] for c in high], f"top{n}")
        rest = g.op("Max", [rgb[c] for c in range(3) if c not in high], f"rest{n}")
        apart = g.op("Sub", [top, rest], f"apart{n}")
        over = g.op("Sub", [apart, "step"], f"over{n}")
        g.op(
            "Clip",
            [g.op("Mul", [over, "gain"], f"gained{n}"), g.const(f"zero{n}", 0.0), g.const(f"one{n}", 1.0)],
            f"m{n}",
        )
    return g.op("Concat", [f"m{n}" for n in range(5)], "masks", axis=1)


def _centroids(g: _Graph, masks: str) -> tuple[str, str]:
    """Mass (1, 5, h, w) in a window around each anchor, and (1, 10, h, w) centroids as offsets from it, in strides."""
    at = np.arange(WINDOW, dtype=np.float32) - WINDOW / 2
    dx, dy = np.meshgrid(at, at)
    kernels = np.stack([np.ones_like(dx), dx / STRIDE, dy / STRIDE])[:, None]
    g.const("kernels", np.tile(kernels, (5, 1, 1, 1)))
    pads = [WINDOW // 2, WINDOW // 2, WINDOW // 2 - STRIDE, WINDOW // 2 - STRIDE]
    sums = g.op("Conv", [masks, "kernels"], "sums", strides=[STRIDE, STRIDE], group=5, pads=pads)
    for name, rows in (("mass", range(0, 15, 3)), ("moment", [r for n in range(5) for r in (3 * n + 1, 3 * n + 2)])):
        g.op("Gather", [sums, g.const(f"{name}_rows", list(rows), np.int64)], name, axis=1)
    g.op("Gather", ["mass", g.const("twice", [n for n in range(5) for _ in (0, 1)], np.int64)], "mass2", axis=1)
    g.op("Max", ["mass2", g.const("tiny", 1e-3)], "mass2_safe")
    return "mass", g.op("Div", ["moment", "mass2_safe"], "points")


def _score(g: _Graph) -> None:
    """0.9 where all five dots are in the window and the nose is nearest to this anchor, else 0."""
    g.op("ReduceMin", ["mass"], "least", axes=[1], keepdims=1)
    g.op("Greater", ["least", g.const("dot", DOT)], "enough")
    g.op("Gather", ["points", g.const("nose_rows", [4, 5], np.int64)], "nose", axis=1)
    g.op("ReduceMax", [g.op("Abs", ["nose"], "nose_off")], "nose_far", axes=[1], keepdims=1)
    g.op("Less", ["nose_far", g.const("half", 0.52)], "near")
    g.op("Cast", [g.op("And", ["enough", "near"], "is_face")], "face01", to=TensorProto.FLOAT)
    g.op("Mul", ["face01", g.const("sure", 0.9)], "score_map")


def _box(g: _Graph) -> None:
    """Distances left, top, right, bottom from the anchor: the nose ± 2.3 half heights of eyes to mouth (turning keeps it)."""
    pick = {"eye_x": 0, "eye_y": 1, "mouth_x": 6, "mouth_y": 7, "nose_x": 4, "nose_y": 5, "eye2_x": 2, "mouth2_x": 8}
    pick |= {"eye2_y": 3, "mouth2_y": 9}
    for name, row in pick.items():
        g.op("Gather", ["points", g.const(f"row_{name}", [row], np.int64)], name, axis=1)
    for axis in "xy":
        eyes = g.op("Add", [f"eye_{axis}", f"eye2_{axis}"], f"eyes_{axis}")
        mouth = g.op("Add", [f"mouth_{axis}", f"mouth2_{axis}"], f"mouths_{axis}")
        way = g.op("Sub", [mouth, eyes], f"way_{axis}")
        g.op("Mul", [way, way], f"square_{axis}")
    g.op("Sqrt", [g.op("Add", ["square_x", "square_y"], "square")], "tall")
    g.op("Mul", ["tall", g.const("wide", 0.5)], "reach")
    parts = [
        g.op("Sub", ["reach", "nose_x"], "left"),
        g.op("Sub", ["reach", "nose_y"], "top_"),
        g.op("Add", ["reach", "nose_x"], "right"),
        g.op("Add", ["reach", "nose_y"], "bottom"),
    ]
    g.op("Concat", parts, "boxes", axis=1)


def _flatten(g: _Graph, of: str, width: int, to: str) -> str:
    """(1, w, h, w) → (anchors × 2, w), the second anchor of each place silent."""
    rows = g.op(
        "Reshape",
        [g.op("Transpose", [of], f"{to}_t", perm=[0, 2, 3, 1]), g.const(f"{to}_s", [-1, 1, width], np.int64)],
        f"{to}_r",
    )
    both = g.op("Concat", [rows, g.op("Mul", [rows, g.const(f"{to}_z", 0.0)], f"{to}_n")], f"{to}_b", axis=1)
    return g.op("Reshape", [both, g.const(f"{to}_f", [-1, width], np.int64)], to)


def detector(path: Path, *, outputs: int = 9) -> None:
    """Input (1, 3, H, W) RGB, (x − 127.5) ÷ 128; nine outputs: scores, boxes, points for strides 8, 16, 32."""
    g = _Graph()
    _centroids(g, _masks(g))
    _score(g)
    _box(g)
    names = []
    for kind, of, width in (("score", "score_map", 1), ("bbox", "boxes", 4), ("kps", "points", 10)):
        big = _flatten(g, of, width, f"{kind}_32")
        zero = g.op("Mul", [big, g.const(f"{kind}_nil", 0.0)], f"{kind}_nil32")
        for stride, times in ((8, 16), (16, 4)):
            g.op("Tile", [zero, g.const(f"{kind}_times{stride}", [times, 1], np.int64)], f"{kind}_{stride}")
        names += [(f"{kind}_{stride}", width) for stride in (8, 16, 32)]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "height", "width"])
    g.save(path, [x], [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, w]) for n, w in names[:outputs]])


def embedder(path: Path, *, numbers: int = 512, seed: int = 1) -> None:
    """Input (N, 3, 112, 112) RGB, (x − 127.5) ÷ 127.5; output (N, numbers)."""
    g = _Graph()
    rng = np.random.default_rng(seed)
    g.op("AveragePool", ["x"], "pooled", kernel_shape=[8, 8], strides=[8, 8])
    g.op("ReduceMean", ["pooled"], "mean", axes=[1, 2, 3], keepdims=1)
    g.op("Flatten", [g.op("Sub", ["pooled", "mean"], "centred")], "flat", axis=1)
    g.op("MatMul", ["flat", g.const("w", rng.standard_normal((588, numbers)))], "y")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 112, 112])
    g.save(path, [x], [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", numbers])])


def write_pack(folder: Path, *, numbers: int = 512, seed: int = 1, note: str | None = NOTE, **manifest: Any) -> Path:
    """A whole pack; `manifest` replaces fields of it, a field given as None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    detector(folder / "det.onnx")
    embedder(folder / "rec.onnx", numbers=numbers, seed=seed)
    if note is not None:
        (folder / "MODEL.LICENSE").write_text(note, encoding="utf-8")
    write_manifest(folder, **manifest)
    return folder


def write_manifest(folder: Path, **fields: Any) -> None:
    """With the digests of the files as they are now."""
    tasks = {}
    for task, name in (("detection", "det.onnx"), ("recognition", "rec.onnx")):
        tasks[task] = {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
    whole = {"manifest_version": 2, "model_id": "toy", "license": "MODEL.LICENSE", "tasks": tasks} | fields
    (folder / "manifest.json").write_text(json.dumps({k: v for k, v in whole.items() if v is not None}))
