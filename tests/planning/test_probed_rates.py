"""Estimates of workloads that were never measured, from small networks that were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.config import expand
from paretobench.domain.records import Environment
from paretobench.planning.cost import Machine, Rates, encode_cost
from paretobench.sweeping.prepare import _probed
from tests.planning.plans import make_plan
from tests.planning.test_plan import DEVICE


def test_a_probe_of_the_family_on_the_runtime_gives_the_rate() -> None:
    (point, *_) = expand(["encoder=vit_l14", "resolution=336"]).points
    (planned,) = make_plan([point], (), DEVICE, Machine(64 << 30)).points
    encode = planned.encodes[0][0]
    row = {"probe": f"encode ViT {encode.runtime}", "seconds": 0.01, "gflops": 123.0}
    other = {"probe": "encode ViT other fp32", "seconds": None, "gflops": None}
    here = Environment({"chip": "x"}, {"probes": [row, other]})
    probed = _probed(here, [encode, planned.prefills[0][0]])
    assert probed == {encode.key: 123.0}
    cost = encode_cost(point.encoder, 336, encode.runtime)
    rates = Rates(Machine(64 << 30, gflops=50.0), (), probed)
    assert rates.seconds(encode, cost) == pytest.approx(cost.flops / 123e9)
    unknown = replace(encode, runtime=replace(encode.runtime, precision="fp32"))
    assert rates.seconds(unknown, cost) == pytest.approx(cost.flops / 50e9)
