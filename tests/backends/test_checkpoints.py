"""A checkpoint's halves, timed with its own weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from paretobench import backends
from paretobench.backends import PreparedArtifact
from paretobench.domain import Runtime, Workload
from paretobench.domain.checkpoint import Checkpoint
from paretobench.errors import UnsupportedError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

RUNTIME = Runtime("torch", "fp32", {"device": "cpu"})
ENCODE = Workload("encode", "Tiny@28", {"encoder": {}, "resolution_px": 28}, RUNTIME)
PREFILL = Workload("prefill", "Tiny x 4 tokens", {"llm": {}, "n_tokens": 4}, RUNTIME)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from paretobench.backends.models.timm_import import repair_torchvision

    repair_torchvision()
    from tests.accuracy.lmms import tiny

    return tiny.build_llava(tmp_path_factory.mktemp("tiny") / "llava")


def loaded(folder: Path, like: Workload):
    workload = Checkpoint.at(folder).workload(like)
    backend = backends.get("torch")
    return backend.load(workload, backend.prepare(workload, folder.parent / "none"))


def test_a_hash_and_no_path_decides_the_key(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    here, there = (Checkpoint.at(f, "name").workload(ENCODE) for f in (folder, copy))
    assert here.key == there.key != ENCODE.key
    assert here.folder != there.folder
    assert Workload.from_json(here.to_json()).folder == str(folder)


def test_the_encoder_is_the_checkpoint_s_own(folder: Path) -> None:
    from transformers import AutoModelForImageTextToText

    session = loaded(folder, ENCODE)
    session.run()
    whole = AutoModelForImageTextToText.from_pretrained(folder)
    expected = whole.model.vision_tower(session.pixels).last_hidden_state.detach()
    torch.testing.assert_close(torch.from_numpy(session.output()), expected)
    assert session.facts["checkpoint"] == Checkpoint.at(folder).digest
    assert session.facts["weights"] == "the checkpoint's own"


def test_the_prefill_is_the_checkpoint_s_own(folder: Path) -> None:
    from transformers import AutoModelForImageTextToText

    session = loaded(folder, PREFILL)
    session.run()
    whole = AutoModelForImageTextToText.from_pretrained(folder)
    hidden = whole.model.language_model(**session._inputs).last_hidden_state
    expected = whole.lm_head(hidden[:, -1]).detach()
    torch.testing.assert_close(torch.from_numpy(session.output()), expected)
    assert session.facts["checkpoint"] == Checkpoint.at(folder).digest


def test_a_checkpoint_that_changed_after_planning_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "changed")
    workload = Checkpoint.at(copy).workload(ENCODE)
    (copy / "chat_template.jinja").write_text("another")
    with pytest.raises(UnsupportedError, match="has changed since it was planned"):
        backends.get("torch").prepare(workload, tmp_path)


def test_quantised_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "quantised")
    config = json.loads((copy / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedError, match="quantised is quantised; torch times fp32"):
        backends.get("torch").load(Checkpoint.at(copy).workload(ENCODE), PreparedArtifact())


def test_torn_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "torn")
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(UnsupportedError, match="cannot load the checkpoint torn"):
        backends.get("torch").load(Checkpoint.at(copy).workload(PREFILL), PreparedArtifact())
