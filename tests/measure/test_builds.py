"""Building artifacts without measuring: what is made, found, damaged, killed; a full disk."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from paretobench.backends.artifacts import ArtifactStore
from paretobench.config import expand
from paretobench.domain import Runtime, Workload
from paretobench.errors import BackendMissingError
from paretobench.measure.builds import (
    build_artifacts,
    device_to_build_for,
    workloads_to_build,
)

pytest.importorskip("coremltools")
pytest.importorskip("torch")

APPLE = {
    "name": "apple",
    "encode": {"backend": "coreml", "precision": "auto", "options": {"compute_units": "all"}},
    "prefill": {"backend": "mlx", "precision": "fp16", "options": {"device": "gpu"}},
}
BUILD = """
import sys
from pathlib import Path
from paretobench.measure.builds import build_artifacts
from tests.measure.test_builds import workload
for built in build_artifacts([workload(px) for px in map(int, sys.argv[2:])], Path(sys.argv[1])):
    print(built.state, built.reason)
"""


def workload(px=64, architecture="test_convnext", **options):
    encoder = {"builder": "timm", "architecture": architecture, "options": {}}
    subject = {"encoder": encoder, "resolution_px": px}
    return Workload("encode", f"tiny@{px}", subject, Runtime("coreml", "fp16", options))


def start_building(root, *px):
    command = [sys.executable, "-c", BUILD, str(root), *map(str, px)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())


def wait_for(condition, what, limit_s=120):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def is_being_made(root):
    return list(root.glob(".building/*/scratch"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A store with one package, and what became of it."""
    folder = tmp_path_factory.mktemp("cache")
    seen = []
    built = build_artifacts(
        [workload()], folder, lambda one, done, total: seen.append((one.label, done, total))
    )
    assert seen == [("tiny@64", 0, 1)]
    assert [one.state for one in built] == ["made"], built
    return folder


def test_a_package_is_made_once_whatever_it_will_run_on(root):
    found = build_artifacts([workload(), workload(compute_units="cpu_only")], root)
    assert [one.state for one in found] == ["found", "found"]
    assert found[0].path == found[1].path and found[0].path.name == "encoder.mlpackage"
    assert found[0].size_bytes > 400_000
    assert found[0].to_json()["state"] == "found"


def test_a_damaged_package_is_made_again(root):
    (weights,) = root.glob("coreml/*/encoder.mlpackage/Data/com.apple.CoreML/weights/weight.bin")
    good = weights.read_bytes()
    weights.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    (built,) = build_artifacts([workload()], root)
    assert built.state == "made"
    assert weights.read_bytes() == good, "equal seeds give equal weights"


@pytest.mark.heavy
def test_a_killed_build_leaves_no_half_artifact_and_the_next_one_finishes(tmp_path):
    process = start_building(tmp_path, 64, 96)
    wait_for(lambda: is_being_made(tmp_path), "the conversion")
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children), "a conversion outlived its build"
    assert list(ArtifactStore(tmp_path)) == [] and list(tmp_path.glob("coreml/*")) == []
    assert is_being_made(tmp_path), "killed in the middle of its work"
    built = build_artifacts([workload(64), workload(96)], tmp_path)
    assert [one.state for one in built] == ["made", "made"]
    assert list(tmp_path.glob(".building/*")) == [], "what the killed one left is swept away"


@pytest.mark.heavy
def test_a_conversion_that_is_killed_from_outside_is_made_again(tmp_path):
    process = start_building(tmp_path, 64, 96)
    wait_for(lambda: is_being_made(tmp_path), "the conversion")
    number = int(is_being_made(tmp_path)[0].parent.name.split("-")[0])
    os.kill(number, signal.SIGKILL)
    lines = process.communicate(timeout=120)[0].splitlines()
    assert [line.strip() for line in lines] == ["made", "made"]
    assert len(list(ArtifactStore(tmp_path))) == 2


@pytest.mark.heavy
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(disk)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    if not is_mounted:
        pytest.skip("mounting a small file system needs root")
    try:
        (built,) = build_artifacts([workload()], disk / "cache")
        assert built.state == "failed"
        assert "is full" in built.reason and "PARETOBENCH_CACHE" in built.reason
        assert list(ArtifactStore(disk / "cache")) == []
        assert list((disk / "cache").glob(".building/*")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_for_a_mac_elsewhere_every_encoder_of_a_grid_is_built_and_nothing_else():
    request = expand(["+grid=qwen2_family"])
    device = device_to_build_for(APPLE)
    assert device.encode == Runtime("coreml", "fp16", {"compute_units": "all"})
    workloads, refused = workloads_to_build(request.points, request.refused, device)
    assert len(workloads) == 16 and not refused
    assert {one.kind for one in workloads} == {"encode"}
    assert {one.runtime.backend for one in workloads} == {"coreml"}


def test_what_core_ml_cannot_run_is_refused_before_anything_is_built():
    request = expand(["+grid=smoke"])
    encode = {"backend": "coreml", "precision": "bf16", "options": {}}
    device = device_to_build_for({**APPLE, "encode": encode})
    workloads, refused = workloads_to_build(request.points, request.refused, device)
    assert workloads == []
    assert all("not bf16" in refusal.reason for refusal in refused)


def test_a_device_that_is_no_mac_must_be_this_machine():
    request = {
        **APPLE,
        "name": "cuda",
        "encode": {"backend": "torch", "options": {"device": "cuda"}},
    }
    with pytest.raises(BackendMissingError, match="device=cuda needs"):
        device_to_build_for(request)


def test_a_workload_without_an_artifact_has_nothing_to_make(tmp_path):
    prefill = Workload("prefill", "LLM x 1", {}, Runtime("mlx", "fp16"))
    (built,) = build_artifacts([prefill], tmp_path)
    assert built.state == "nothing" and built.path is None
