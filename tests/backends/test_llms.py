"""Language models of true size: counts, shared layers, and MLX against torch."""

import numpy as np
import pytest

from paretobench.backends import get
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload
from paretobench.errors import InvalidSamplesError, UnsupportedError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from paretobench.backends.models import torch_llm  # noqa: E402

CATALOGUE = load_catalogue().llms

TINY = {
    "architecture": "qwen2",
    "hidden_size": 64,
    "n_layers": 3,
    "n_heads": 4,
    "n_kv_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 300,
    "max_positions": 512,
    "rope_theta": 1e6,
    "norm_epsilon": 1e-6,
    "attention_bias": True,
    "tied_embeddings": True,
    "head_dim": 16,
    "options": {},
}


def tiny(backend, precision="fp32", n_tokens=9, inputs="embeddings", spec=TINY, **options):
    subject = {"llm": spec, "n_tokens": n_tokens, "inputs": inputs}
    return Workload("prefill", "tiny", subject, Runtime(backend, precision, options))


def session(workload, root):
    backend = get(workload.runtime.backend)
    assert backend.refuses(workload) is None
    return backend.load(workload, backend.prepare(workload, root))


def embeddings(n_tokens, width, seed=0):
    return np.random.default_rng(seed).standard_normal((1, n_tokens, width), np.float32) * 0.02


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_catalogue_states_the_parameters_that_are_built(name):
    model = torch_llm.create_on_meta(CATALOGUE[name].spec(), torch.bfloat16, "sdpa")
    assert sum(parameter.numel() for parameter in model.parameters()) == CATALOGUE[name].parameters


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(TINY, id="tiny"),
        pytest.param(CATALOGUE["qwen2_0_5b"].spec(), id="qwen2_0_5b", marks=pytest.mark.heavy),
    ],
)
def test_qwen2_in_mlx_gives_the_logits_of_torch_on_the_same_weights(spec, monkeypatch, tmp_path):
    """The code path of a Mac in fp32, run for real; Qwen2-0.5B at its true size."""
    pytest.importorskip("mlx.core", exc_type=ImportError)
    from paretobench.backends import mlx as backend
    from paretobench.backends.models import mlx_llm

    mlx, _ = mlx_llm.import_mlx()
    visual = embeddings(16, spec["hidden_size"])
    reference = torch_llm.build(spec, torch.float32)
    with torch.inference_mode():
        output = reference(inputs_embeds=torch.from_numpy(visual), logits_to_keep=1)
    expected = output.logits[0, -1].numpy()
    weights = {name: mlx.array(one.numpy()) for name, one in reference.named_parameters()}
    model = mlx_llm.create(spec)
    model.load_weights(list(model.sanitize(weights).items()), strict=True)
    mlx.eval(model.parameters())
    del reference, weights
    monkeypatch.setattr(backend, "_model", lambda workload: model)

    for mode in ("forward", "cache_prompt"):
        options = {"spec": spec, "device": "cpu", "prefill_mode": mode}
        running = session(tiny("mlx", n_tokens=16, **options), tmp_path)
        running.set_embeddings(visual)
        running.run()
        found = running.output()[0, -1]
        assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    assert mlx.array(0).dtype == mlx.int32


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_both_kinds_of_input_run_and_every_run_has_a_new_one(backend, tmp_path):
    if backend == "mlx":
        pytest.importorskip("mlx.core", exc_type=ImportError)
    for inputs in ("embeddings", "ids"):
        running = session(tiny(backend, inputs=inputs), tmp_path)
        outputs = []
        for _ in range(2):
            running.renew_input()
            running.run()
            outputs.append(running.output().copy())
        assert outputs[0].size == TINY["vocab_size"]
        assert not np.array_equal(outputs[0], outputs[1])
        assert running.facts["inputs"] == inputs
        running.close()


def test_the_last_logits_are_those_of_the_whole_forward_pass(tmp_path):
    running = session(tiny("torch"), tmp_path)
    visual = embeddings(9, TINY["hidden_size"])
    running.set_embeddings(visual)
    running.run()
    with torch.inference_mode():
        whole = running.network(inputs_embeds=torch.from_numpy(visual)).logits[0, -1]
    assert np.allclose(running.output().ravel(), whole.numpy(), atol=1e-5)


def test_a_second_run_starts_from_an_empty_cache(tmp_path):
    for backend in ("torch", "mlx"):
        if backend == "mlx":
            pytest.importorskip("mlx.core", exc_type=ImportError)
        running = session(tiny(backend), tmp_path)
        running.set_embeddings(embeddings(9, TINY["hidden_size"]))
        running.run()
        first = running.output().copy()
        running.run()
        assert np.allclose(first, running.output(), atol=1e-5)


def test_prefill_modes_agree_and_chunks_do_not_change_the_result(tmp_path):
    pytest.importorskip("mlx.core", exc_type=ImportError)
    visual = embeddings(9, TINY["hidden_size"])
    results = []
    for options in (
        {"prefill_mode": "forward"},
        {"prefill_mode": "cache_prompt"},
        {"prefill_mode": "cache_prompt", "prefill_step_size": 3},
    ):
        running = session(tiny("mlx", **options), tmp_path)
        running.set_embeddings(visual)
        running.run()
        assert running.facts["prefill_mode"] == options["prefill_mode"]
        results.append(running.output())
    assert np.allclose(results[0], results[1], atol=1e-4)
    assert np.allclose(results[0], results[2], atol=1e-4)


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_shared_layers_are_announced_and_labelled(backend, tmp_path):
    if backend == "mlx":
        pytest.importorskip("mlx.core", exc_type=ImportError)
    with pytest.warns(UserWarning, match="share one block's weights"):
        running = session(tiny(backend, weights="shared"), tmp_path)
    assert running.facts["shared_layers"] is True
    assert "shared" in running.facts["weights"]
    running.run()
    assert np.isfinite(running.output()).all()


def test_shared_layers_hold_one_blocks_memory():
    whole, shared = (
        sum(value.numel() for value in torch_llm.build(TINY, share_layers=is_shared).parameters())
        for is_shared in (False, True)
    )
    block = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128 + 64 + 2 * 32 + 2 * 64
    assert whole - shared == (TINY["n_layers"] - 1) * block


def test_weights_are_prepared_once_and_mapped(tmp_path):
    backend, workload = get("torch"), tiny("torch", "bf16")
    first, second = backend.prepare(workload, tmp_path), backend.prepare(workload, tmp_path)
    assert first.path == second.path
    running = backend.load(workload, first)
    assert running.facts["weights"] == "random, mapped from a file"
    assert running.network.lm_head.weight is running.network.model.embed_tokens.weight


def test_mapped_weights_are_the_weights_made_in_memory(tmp_path):
    backend, workload = get("torch"), tiny("torch")
    mapped = backend.load(workload, backend.prepare(workload, tmp_path)).network
    made = torch_llm.build(TINY)
    for name, value in made.state_dict().items():
        assert torch.equal(value, mapped.state_dict()[name]), name


def test_a_model_too_large_to_be_mapped_is_made_in_memory(tmp_path, monkeypatch):
    from paretobench.backends.models import weights

    monkeypatch.setattr(weights, "MAPPED_SHARE", 0.0)
    prepared = get("torch").prepare(tiny("torch"), tmp_path)
    assert prepared.path is None
    assert "too large to be mapped" in prepared.facts["weights"]


@pytest.mark.parametrize("first", ["import transformers", "import mlx_lm.models.cache", "pass"])
def test_transformers_works_whoever_imported_it_first(first):
    import subprocess
    import sys

    if "mlx" in first:
        pytest.importorskip("mlx_lm")
    code = (
        f"{first}\n"
        "import torch\n"
        "from paretobench.backends.models import torch_llm\n"
        "from paretobench.config import load_catalogue\n"
        "spec = load_catalogue().llms['qwen2_0_5b'].spec()\n"
        "print(type(torch_llm.create_on_meta(spec, torch.bfloat16, 'sdpa')).__name__)\n"
        "from paretobench.backends.models import encoders\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Qwen2ForCausalLM"


def test_a_result_that_is_not_finite_is_refused(tmp_path):
    running = session(tiny("torch"), tmp_path)
    running.run()
    running.result = running.result * float("nan")
    with pytest.raises(InvalidSamplesError, match="not finite"):
        running.renew_input()


def test_prepared_weights_of_another_model_are_refused():
    model = torch_llm.create_on_meta(TINY, torch.float32, "sdpa")
    with pytest.raises(ValueError, match="do not fit"):
        torch_llm.assign(model, {"other.weight": torch.zeros(1)})


def test_an_unknown_architecture_is_refused_by_both():
    with pytest.raises(UnsupportedError, match="transformers has no language model 'qwen99'"):
        torch_llm.create_on_meta(TINY | {"architecture": "qwen99"}, torch.float32, "sdpa")
    pytest.importorskip("mlx.core", exc_type=ImportError)
    from paretobench.backends.models import mlx_llm

    with pytest.raises(UnsupportedError, match="mlx-lm has no language model 'qwen99'"):
        mlx_llm.create(TINY | {"architecture": "qwen99"})


@pytest.mark.heavy
def test_seven_billion_parameters_are_built_within_their_own_size():
    import resource
    import subprocess
    import sys

    import psutil

    if psutil.virtual_memory().available < 20 * 2**30:
        pytest.skip("needs 20 GiB of free memory")
    code = (
        "import torch\n"
        "from paretobench.backends.models import torch_llm\n"
        "from paretobench.config import load_catalogue\n"
        "spec = load_catalogue().llms['qwen2_7b'].spec()\n"
        "torch_llm.build(spec, torch.bfloat16)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak < 15.5 * 2**30
