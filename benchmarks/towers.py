"""A tower's encode workload against transformers' own forward, in turn, in one run.

    python benchmarks/towers.py [--encoder qwen2_5_vl_3b_tower] [--size 1036x756] [--rounds 5]

Theirs is `get_image_features` of the whole model's class on the same weights, fed by transformers'
own image processor with the same pixels. Prints whether the outputs are equal, and the ratio
ours / theirs as `decode.py` does. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from decode import summary

from paretobench import backends
from paretobench.backends import hardware
from paretobench.config import find_encoder
from paretobench.config.images import parse_size
from paretobench.domain import EncoderInput, Runtime, encode_workload


def main(argv: Sequence[str] | None = None) -> int:
    """One line for the outputs and one for the times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--encoder", default="qwen2_5_vl_3b_tower", help="one of Qwen-VL's")
    parser.add_argument("--size", default="1036x756")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(argv)
    precision = "bf16" if hardware.detect().has_fast_bf16 else "fp32"
    runtime = Runtime("torch", precision, {"device": "cpu"})
    seen = EncoderInput(*parse_size(options.size))
    workload = encode_workload(find_encoder(options.encoder), seen, runtime)
    backend = backends.get("torch")
    with tempfile.TemporaryDirectory() as root:
        session: Any = backend.load(workload, backend.prepare(workload, Path(root)))
        pixels = np.random.default_rng(0).standard_normal(
            (3, seen.height_px, seen.width_px), np.float32
        )
        session.set_input(pixels[np.newaxis])
        theirs = own_forward(session, pixels)
        session.run()
        equal = bool(session.torch.equal(session.result[0], theirs()))
        ours_s, theirs_s = timed(session.run, theirs, options.rounds)
    ratios = [a / b for a, b in zip(ours_s, theirs_s, strict=True)]
    print(f"{workload.label} in {precision}: outputs {'equal' if equal else 'DIFFER'}")
    print(
        f"ours {statistics.median(ours_s):.3f} s, transformers {statistics.median(theirs_s):.3f} s,"
        f" {summary(ratios)}"
    )
    return 0 if equal else 1


def own_forward(session: Any, pixels: np.ndarray) -> Callable[[], Any]:
    """transformers' call on what its own processor makes of the pixels."""
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

    torch, network = session.torch, session.network
    patch = network.model.config.vision_config.patch_size
    processor = Qwen2VLImageProcessor(patch_size=patch)
    given = {"do_resize": False, "do_rescale": False, "do_normalize": False,
             "do_convert_rgb": False, "return_tensors": "pt"}  # fmt: skip
    made = processor([torch.from_numpy(pixels)], **given)
    patches = made["pixel_values"].to(session.dtype)

    def call() -> Any:
        with torch.inference_mode():
            return network.model.get_image_features(
                patches, image_grid_thw=made["image_grid_thw"]
            ).pooler_output[0]

    return call


def timed(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of each, in turn, the order reversed every round."""
    found: dict[Any, list[float]] = {ours: [], theirs: []}
    for number in range(rounds):
        for call in (ours, theirs) if number % 2 else (theirs, ours):
            start = time.perf_counter()
            call()
            found[call].append(time.perf_counter() - start)
    return found[ours], found[theirs]


if __name__ == "__main__":
    raise SystemExit(main())
