"""Conversion to Core ML, checked by executing the saved program."""

import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("coremltools")
torch = pytest.importorskip("torch")

from paretobench.backends import coreml_convert, get  # noqa: E402
from paretobench.backends.artifacts import MANIFEST  # noqa: E402
from paretobench.backends.coreml_convert import (  # noqa: E402
    INPUT,
    OUTPUT,
    PACKAGE,
    PackageSpec,
    build_encoder,
    convert,
    write_package,
)
from paretobench.backends.inputs import EncodeSubject  # noqa: E402
from paretobench.domain.encoder_input import EncoderInput  # noqa: E402
from tests.backends import convert_and_check, coreml_stand_in  # noqa: E402
from tests.backends.convert_and_check import NIGHTLY, compare, signal_to_error_db  # noqa: E402
from tests.backends.mil_interpreter import (  # noqa: E402
    OPERATIONS,
    UnknownOperationError,
    load_program,
    operation_types,
    run_program,
)

ENOUGH_DB = 55
"""What a conversion must reach: an error of 0.2 % of the signal. Programs that do the same
arithmetic reach 65 dB and more; a wrong epsilon or GELU shows up at 40 to 50."""


def spec(architecture="test_convnext", px=64, precision="fp16", batch=1, **more):
    options = {"dynamic_img_size": False} if architecture == "test_vit" else {}
    encoder = {"builder": "timm", "architecture": architecture, "options": options}
    return PackageSpec(EncodeSubject(encoder, EncoderInput.square(px), batch), precision, **more)


def _fastvithd():
    return EncodeSubject(convert_and_check.spec_of("fastvithd"), EncoderInput.square(256), 1)


@pytest.fixture
def converted(tmp_path):
    """Converts in the test's folder; returns the package's path and the facts."""

    def make(given):
        folder = tmp_path / given.precision
        folder.mkdir()
        return folder / PACKAGE, write_package(given, folder)

    return make


def interpret(package, pixels, **how):
    return run_program(load_program(package), {INPUT: pixels}, **how)[OUTPUT]


@pytest.fixture(scope="module")
def fp16():
    """The tiny encoder's package in fp16, and its facts."""
    prepared = get("coreml").prepare(coreml_stand_in.tiny(), coreml_stand_in.converted())
    return prepared.path, prepared.facts["package"]


def test_fp16_gives_the_encoders_output_and_takes_and_returns_fp16(fp16):
    given, (package, facts) = spec(), fp16
    assert compare(given, package)["program_db"] > ENOUGH_DB
    assert "cast" not in facts["operations"]
    assert facts["captured_by"] == "torch.export"
    assert facts["package_bytes"] < 3 * facts["parameters"]
    assert sorted(path.name for path in package.parent.iterdir()) == [PACKAGE, MANIFEST]
    pixels = np.random.default_rng(0).standard_normal(given.subject.shape, dtype=np.float32)
    plain, rounded = interpret(package, pixels), interpret(package, pixels, rounds=True)
    assert 40 < signal_to_error_db(plain, rounded) < 80, "intermediate results are fp16"


def test_fp32_gives_the_encoders_output_to_fp32s_precision(converted):
    given = spec(precision="fp32", batch=2)
    package, _ = converted(given)
    found = compare(given, package)
    assert found["program_db"] == found["encoder_db"] > 80


def test_attention_is_one_operation_for_macos_15(converted):
    given = spec("test_vit", 160, target="macos15")
    package, facts = converted(given)
    assert facts["operations"]["scaled_dot_product_attention"] == 6
    assert compare(given, package)["program_db"] > ENOUGH_DB


@pytest.mark.parametrize(
    ("precision", "bytes_per_weight", "db", "operation"),
    [
        ("int8", 1.0, 30, "constexpr_affine_dequantize"),
        pytest.param("int4", 0.5, 5, "constexpr_lut_to_dense", marks=pytest.mark.heavy),
    ],
)
def test_compressed_weights_are_smaller_and_give_about_the_same(
    converted, precision, bytes_per_weight, db, operation
):
    given = spec(precision=precision)
    package, facts = converted(given)
    weights = package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    share = weights.stat().st_size / (facts["parameters"] * bytes_per_weight)
    assert 0.95 < share < 1.35
    assert facts["operations"][operation] > 20
    assert compare(given, package)["encoder_db"] > db


@pytest.mark.heavy
def test_a_projector_can_be_part_of_the_package(converted):
    given = spec(projector_width=48)
    package, facts = converted(given)
    pixels = np.zeros(given.subject.shape, np.float32)
    assert interpret(package, pixels).shape == (1, 4, 48)
    assert compare(given, package)["program_db"] > ENOUGH_DB
    assert facts["parameters"] == 207_000 + (64 * 48 + 48) + (48 * 48 + 48)


def test_what_cannot_be_exported_is_traced_and_says_so(monkeypatch, tmp_path):
    """torch.export is made to fail; the traced program must still be the encoder's."""

    def fail(encoder, example):
        raise NotImplementedError("an operator nobody has heard of")

    monkeypatch.setattr(coreml_convert, "_exported", fail)
    given = spec()
    with pytest.warns(UserWarning, match="traced instead"):
        package, facts = convert(build_encoder(given), given)
    assert facts["captured_by"] == "torch.jit.trace"
    assert "nobody has heard of" in facts["export_error"]
    package.save(str(tmp_path / PACKAGE))
    assert compare(given, tmp_path / PACKAGE)["program_db"] > ENOUGH_DB


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device")])
def test_a_full_memory_or_disk_is_not_taken_for_a_failed_export(monkeypatch, error):
    def fail(encoder, example):
        raise error

    monkeypatch.setattr(coreml_convert, "_exported", fail)
    given = spec()
    with pytest.raises(type(error)):
        convert(build_encoder(given), given)


def test_a_wrong_program_is_noticed(fp16, monkeypatch):
    """The check can fail: with another GELU than the one saved it does."""
    given, (package, _) = spec(), fp16
    exact = OPERATIONS["gelu"]
    monkeypatch.setitem(
        OPERATIONS, "gelu", lambda given: exact({**given, "mode": "SIGMOID_APPROXIMATION"})
    )
    assert compare(given, package)["program_db"] < ENOUGH_DB
    monkeypatch.delitem(OPERATIONS, "gelu")
    with pytest.raises(UnknownOperationError, match="gelu"):
        compare(given, package)
    assert "gelu" in operation_types(load_program(package))


@pytest.mark.heavy
def test_fastvithd_at_256_converts_and_reproduces_the_encoder(tmp_path):
    given = PackageSpec(_fastvithd())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        facts = write_package(given, tmp_path)
    found = compare(given, tmp_path / PACKAGE)
    assert found["program_db"] > ENOUGH_DB
    assert found["encoder_db"] > 45, "rounding 122.9 M weights to fp16 costs some 50 dB"
    assert facts["captured_by"] == "torch.export"
    assert facts["parameters"] == pytest.approx(122.7e6, rel=0.01)


@pytest.mark.heavy
def test_fastvithd_in_fp32_is_the_encoder(tmp_path):
    given = PackageSpec(_fastvithd(), "fp32")
    write_package(given, Path(tmp_path))
    assert compare(given, tmp_path / PACKAGE)["encoder_db"] > 80


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "resolution_px"), NIGHTLY)
def test_the_grids_encoders_convert_and_reproduce_themselves(name, resolution_px):
    found = convert_and_check.check_apart(name, resolution_px)
    print(convert_and_check.row(f"{name}@{resolution_px}", found))
    assert found["program_db"] > ENOUGH_DB
