"""CUDA without a board: the calls exist as they are made, and the whole session runs on a
stand-in for `torch.cuda` with the tensors on the CPU."""

import ast
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from paretobench.backends import (  # noqa: E402
    PreparedArtifact,
    cuda_nvml,
    get,
    torch_cuda,
    torch_modes,
    torch_session,
)
from paretobench.domain import Runtime, Workload  # noqa: E402
from paretobench.errors import OutOfMemoryError, UnsupportedError  # noqa: E402
from tests.backends.cuda_stand_in import CUDA, GIB, UUID  # noqa: E402
from tests.backends.test_encoding import SMALL, pixels_of  # noqa: E402
from tests.backends.test_llms import TINY, embeddings  # noqa: E402

SIGNATURES = {
    "is_available": (),
    "device_count": (),
    "set_device": ("device",),
    "get_device_properties": ("device",),
    "synchronize": ("device",),
    "current_stream": ("device",),
    "stream": ("stream",),
    "Stream": ("device",),
    "Event": ("enable_timing",),
    "CUDAGraph": (),
    "graph": ("cuda_graph", "stream"),
    "reset_peak_memory_stats": ("device",),
    "max_memory_allocated": ("device",),
    "empty_cache": (),
}
METHODS = {
    torch.cuda.Stream: ("wait_stream",),
    torch.cuda.Event: ("record", "elapsed_time"),
    torch.cuda.CUDAGraph: ("replay", "reset"),
    torch.backends.cuda: (
        "enable_flash_sdp",
        "enable_mem_efficient_sdp",
        "enable_cudnn_sdp",
        "enable_math_sdp",
    ),
}


@pytest.fixture
def cuda(monkeypatch, tmp_path):
    """Two boards whose tensors lie on the CPU, and no mode chosen yet."""
    stand_in = CUDA()
    monkeypatch.setenv("PARETOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch_cuda, "namespace", lambda torch: stand_in)
    monkeypatch.setattr(torch_cuda, "tensor_device", lambda torch, name: torch.device("cpu"))
    monkeypatch.setattr(
        torch, "compile", lambda forward, dynamic: lambda inputs: forward(inputs), raising=True
    )
    # Small tensors on a busy machine: one thread waits for nobody.
    monkeypatch.setattr(torch_modes, "ROUNDS", torch_modes.LEAST_ROUNDS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield stand_in
    torch.set_num_threads(threads)


def encode(mode, **options):
    chosen = {"device": "cuda", "mode": mode, **options}
    return Workload("encode", "small", SMALL, Runtime("torch", "fp32", chosen))


def prefill(mode, inputs="embeddings", **options):
    subject = {"llm": TINY, "n_tokens": 9, "inputs": inputs}
    chosen = {"device": "cuda", "mode": mode, **options}
    return Workload("prefill", "tiny", subject, Runtime("torch", "fp32", chosen))


def loaded(workload):
    backend = get("torch")
    assert backend.refuses(workload) is None
    return backend.load(workload, PreparedArtifact())


def called():
    """Names that `torch_cuda` takes from `torch.cuda`."""
    tree = ast.parse(Path(torch_cuda.__file__).read_text(encoding="utf-8"))
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    direct = {node.attr for node in attributes if getattr(node.value, "attr", "") == "cuda"}
    through = {
        node.attr
        for node in attributes
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "namespace"
    }
    return (direct | through) - {"matmul"}


def test_every_call_is_in_the_installed_torch_with_the_parameters_that_are_given():
    assert called() == set(SIGNATURES)
    for name, parameters in SIGNATURES.items():
        known = inspect.signature(getattr(torch.cuda, name)).parameters
        assert set(parameters) <= set(known), name
    for owner, names in METHODS.items():
        assert all(callable(getattr(owner, name)) for name in names)
    assert "dynamic" in inspect.signature(torch.compile).parameters
    assert hasattr(torch.backends.cuda.matmul, "allow_tf32") and hasattr(torch.version, "cuda")


def test_the_stand_in_has_exactly_the_calls_and_their_parameters():
    for name, parameters in SIGNATURES.items():
        known = inspect.signature(getattr(CUDA, name)).parameters
        assert set(parameters) <= set(known), name


def test_no_other_file_of_the_backend_touches_cuda():
    folder = Path(torch_cuda.__file__).parent
    for path in folder.glob("*.py"):
        if path.name != "torch_cuda.py":
            assert "torch.cuda" not in path.read_text(encoding="utf-8"), path.name


def test_without_a_board_the_error_says_what_torch_sees():
    if torch.cuda.is_available():
        pytest.skip("there is a board here")
    with pytest.raises(UnsupportedError, match=r"no device=cuda: torch .* sees none; 'nvidia-smi"):
        get("torch").load(encode("eager"), PreparedArtifact())


@pytest.mark.parametrize("name", ["cuda:2", "cuda:first"])
def test_a_board_that_is_not_there_is_named_beside_those_that_are(cuda, name):
    with pytest.raises(UnsupportedError, match=f"no device={name}.*sees cuda:0, cuda:1"):
        torch_cuda.Board(torch, name)


def test_which_board_is_a_setting(cuda, monkeypatch):
    named = []
    monkeypatch.setattr(
        torch_cuda, "tensor_device", lambda torch, name: named.append(name) or torch.device("cpu")
    )
    torch_cuda.Board(torch, "cuda:1")
    torch_cuda.Board(torch, "cuda")
    assert named == ["cuda:1", "cuda:0"]


@pytest.mark.parametrize("mode", torch_modes.CHOICES)
def test_an_encoder_gives_the_tokens_of_the_cpu_in_every_mode(cuda, mode):
    on_cpu = get("torch").load(
        Workload("encode", "small", SMALL, Runtime("torch", "fp32", {"device": "cpu"})),
        PreparedArtifact(),
    )
    running = loaded(encode(mode))
    for seed in (1, 2):  # the second input must not give the first one's result
        for session in (on_cpu, running):
            session.set_input(pixels_of(64, seed))
            session.run()
        assert np.allclose(on_cpu.output(), running.output(), atol=1e-4)
    assert running.facts["mode"] in torch_modes.MODES


@pytest.mark.parametrize("mode", torch_modes.CHOICES)
def test_a_prefill_gives_the_logits_of_the_cpu_in_every_mode(cuda, mode):
    subject = {"llm": TINY, "n_tokens": 9, "inputs": "embeddings"}
    on_cpu = get("torch").load(
        Workload("prefill", "tiny", subject, Runtime("torch", "fp32", {"device": "cpu"})),
        PreparedArtifact(),
    )
    running = loaded(prefill(mode))
    for seed in (1, 2):
        for session in (on_cpu, running):
            session.set_embeddings(embeddings(9, 64, seed))
            session.run()
        assert np.allclose(on_cpu.output(), running.output(), atol=1e-4)


def test_token_ids_are_prefilled_by_a_graph_too(cuda):
    running = loaded(prefill("cuda_graph", inputs="ids"))
    results = []
    for _ in range(2):
        running.renew_input()
        running.run()
        results.append(running.output().copy())
    assert not np.array_equal(*results)


def test_every_run_is_waited_for_and_timed_by_the_board_as_well(cuda):
    running = loaded(encode("cuda_graph"))
    before = cuda.synchronised
    for _ in range(3):
        running.renew_input()
        running.run()
    assert cuda.is_waited_for and cuda.synchronised >= before + 3
    assert running.facts["board_s"] == [0.002] * 3


def test_an_input_is_written_into_one_buffer(cuda):
    running = loaded(encode("eager"))
    place = running.pixels.data_ptr()
    running.renew_input()
    assert running.pixels.data_ptr() == place


def test_a_graph_refuses_an_input_that_lies_elsewhere(cuda):
    board = torch_cuda.Board(torch, "cuda")
    inputs = {"x": torch.zeros(3)}
    graph = torch_modes.Graph(lambda held: held["x"] + 1, inputs, board)
    inputs["x"].fill_(4.0)
    assert graph(inputs).tolist() == [5.0, 5.0, 5.0]
    with pytest.raises(ValueError, match="write into them"):
        graph({"x": torch.ones(3)})


def test_the_facts_name_board_memory_mode_and_attention_kernels(cuda):
    running = loaded(prefill("best"))
    running.renew_input()
    facts = running.facts
    assert facts["gpu"] == "NVIDIA Stand-in" and facts["compute_capability"] == "9.0"
    assert facts["gpu_memory_bytes"] == 80 * GIB and facts["peak_gpu_memory_bytes"] == 5 * GIB
    assert set(facts["mode_trials_s"]) == {"eager", "cuda_graph", "compiled_graph"}
    assert set(facts["tf32"]) == {"matmul", "convolution"}
    assert facts["attention_kernels"] == ["scaled_dot_product_flash_attention_for_cpu"]


def test_the_first_process_chooses_a_mode_and_later_ones_take_it(cuda, monkeypatch):
    first = loaded(prefill("best"))
    assert "mode_chosen" not in first.facts
    begun = []
    start = torch_modes.start
    monkeypatch.setattr(
        torch_modes, "start", lambda mode, *rest: begun.append(mode) or start(mode, *rest)
    )
    second = loaded(prefill("best"))
    assert begun == [first.facts["mode"]] == [second.facts["mode"]]
    assert second.facts["mode_chosen"] == "by an earlier process"
    assert second.facts["mode_trials_s"] == first.facts["mode_trials_s"]
    begun.clear()
    loaded(prefill("best", inputs="ids"))
    assert len(begun) == 3  # another workload chooses for itself


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mode": "fast"}', '{"mode": 3}'])
def test_a_kept_choice_that_cannot_be_read_is_made_again(content, tmp_path):
    file = tmp_path / "choice.json"
    file.write_text(content)
    assert torch_modes.kept_choice(file) is None


def test_closing_gives_the_memory_back(cuda):
    running = loaded(encode("cuda_graph"))
    running.close()
    assert cuda.freed and running.network is None


def test_a_model_that_cannot_be_captured_is_measured_another_way_and_says_why(cuda, monkeypatch):
    from paretobench.backends.torch import EncodeSession

    forward = EncodeSession._forward

    def looks(self, inputs):
        result = forward(self, inputs)
        return result if result.sum().item() != 0.5 else None

    monkeypatch.setattr(EncodeSession, "_forward", looks)
    running = loaded(encode("best"))
    assert running.facts["mode"] == "eager"
    failures = running.facts["mode_failures"]
    assert set(failures) == {"cuda_graph", "compiled_graph"}
    assert all("not permitted when stream is capturing" in one for one in failures.values())
    with pytest.raises(RuntimeError, match="stream is capturing"):
        loaded(encode("cuda_graph"))


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 8 GiB",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_a_full_board_is_our_out_of_memory(cuda, monkeypatch, said):
    from paretobench.backends.torch import EncodeSession

    def full(self, inputs):
        raise torch.OutOfMemoryError(said) if "Tried" in said else RuntimeError(said)

    monkeypatch.setattr(EncodeSession, "_forward", full)
    for mode in ("eager", "best", "cuda_graph"):
        with pytest.raises(OutOfMemoryError, match="small does not fit in memory"):
            loaded(encode(mode)).run()


def test_one_attention_kernel_can_be_asked_for(cuda, monkeypatch):
    said = {}
    for name in ("flash", "mem_efficient", "cudnn", "math"):
        monkeypatch.setattr(
            torch.backends.cuda,
            f"enable_{name}_sdp",
            lambda enabled, name=name: said.update({name: enabled}),
        )
    loaded(prefill("eager", sdpa="efficient"))
    assert said == {"flash": False, "mem_efficient": True, "cudnn": False, "math": False}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mode": "fast"}, "mode=eager, cuda_graph, compile, compiled_graph, best, not fast"),
        ({"mode": "cuda_graph"}, "mode=cuda_graph needs device=cuda, not cpu"),
        ({"mode": "compiled_graph"}, "mode=compiled_graph needs device=cuda, not cpu"),
        ({"sdpa": "math"}, "chooses among CUDA's kernels, and this is device=cpu"),
        ({"device": "cuda", "sdpa": "triton"}, "sdpa=flash, efficient, cudnn, math, not triton"),
    ],
)
def test_modes_and_kernels_that_do_not_exist_are_refused(options, reason):
    workload = Workload("encode", "small", SMALL, Runtime("torch", "fp32", options))
    assert reason in (get("torch").refuses(workload) or "")


def test_a_mode_that_needs_a_board_says_so_without_one():
    with pytest.raises(UnsupportedError, match="mode=cuda_graph needs device=cuda"):
        torch_modes.start("cuda_graph", lambda inputs: None, {}, torch, None)


def test_on_a_board_best_is_the_default_and_eager_elsewhere():
    for device, mode in (("cuda:1", "best"), ("cpu", "eager"), ("mps", "eager")):
        workload = Workload("encode", "s", SMALL, Runtime("torch", "fp32", {"device": device}))
        assert torch_session.mode_of(workload) == mode


class Costs:
    """A clock that moves by what a scripted mode takes."""

    def __init__(self, **seconds):
        self.seconds, self.now, self.order, self.closed = seconds, 0.0, [], []

    def clock(self):
        return self.now

    def begin(self, mode):
        costs = self

        class Runner:
            def __call__(self, inputs):
                costs.now += costs.seconds[mode]
                costs.order.append(mode)

            def close(self):
                costs.closed.append(mode)

        if self.seconds[mode] is None:
            raise RuntimeError("no compiler\nand a page of text")
        return Runner()

    def choose(self):
        return torch_modes.choose(
            tuple(self.seconds), self.begin, {}, lambda: None, clock=self.clock
        )[1]


def test_best_is_the_fastest_and_the_others_are_closed():
    costs = Costs(eager=0.03, cuda_graph=0.02, compile=0.01)
    facts = costs.choose()
    assert facts["mode"] == "compile" and costs.closed == ["eager", "cuda_graph"]
    assert facts["mode_trials_s"] == pytest.approx({"eager": 0.03, "cuda_graph": 0.02,
                                                    "compile": 0.01})  # fmt: skip


def test_of_two_that_take_the_same_the_simpler_is_chosen():
    assert Costs(eager=1.005e-3, cuda_graph=1.0e-3).choose()["mode"] == "eager"
    assert Costs(eager=1.02e-3, cuda_graph=1.0e-3).choose()["mode"] == "cuda_graph"


def test_candidates_take_turns_there_and_back():
    costs = Costs(eager=1e-3, cuda_graph=1e-3)
    costs.choose()
    trials = costs.order[2 * torch_modes.LEAST_ROUNDS :]
    assert len(trials) == 2 * torch_modes.ROUNDS
    rounds = [trials[place : place + 2] for place in range(0, len(trials), 2)]
    assert rounds[0] == rounds[1][::-1]


def test_slow_candidates_have_fewer_rounds():
    costs = Costs(eager=1.0, compile=2.0)
    costs.choose()
    assert costs.order.count("eager") == 2 * torch_modes.LEAST_ROUNDS


def test_a_mode_that_fails_is_left_out_with_the_first_line_of_its_reason():
    facts = Costs(eager=1e-3, compile=None).choose()
    assert facts["mode"] == "eager"
    assert facts["mode_failures"] == {"compile": "RuntimeError: no compiler"}
    with pytest.raises(RuntimeError, match="no compiler"):
        Costs(eager=None, compile=1e-3).choose()


@pytest.mark.heavy
def test_compile_gives_the_same_tokens_on_a_cpu():
    workload = Workload("encode", "small", SMALL, Runtime("torch", "fp32", {"mode": "compile"}))
    plain = Workload("encode", "small", SMALL, Runtime("torch", "fp32"))
    results = []
    for one in (workload, plain):
        running = get("torch").load(one, PreparedArtifact())
        running.set_input(pixels_of(64))
        running.run()
        results.append(running.output().copy())
    assert np.allclose(*results, atol=1e-3)


def test_the_board_is_watched_by_its_uuid(cuda, monkeypatch):
    states = [
        cuda_nvml.BoardState(0, uuid="GPU-other", sm_clock_mhz=1),
        cuda_nvml.BoardState(1, uuid=f"GPU-{UUID}", sm_clock_mhz=1980, driver="580.1"),
    ]
    monkeypatch.setattr(cuda_nvml, "boards", lambda: states)
    running = loaded(encode("eager"))
    assert running.facts["board"] == {
        "looks": 1,
        "driver": "580.1",
        "sm_clock_mhz": [1980, 1980],
        "limits": [],
    }


def test_a_whole_point_runs_through_graphs_with_projected_tokens(cuda):
    runtime = {"backend": "torch", "precision": "fp32"}
    options = {
        "encode": runtime | {"options": {"device": "cuda", "mode": "cuda_graph"}},
        "prefill": runtime | {"options": {"device": "cuda", "mode": "cuda_graph"}},
    }
    subject = SMALL | {"llm": TINY, "n_tokens": 9, "passes": 1}
    workload = Workload("end_to_end", "point", subject, Runtime("end_to_end", "fp32", options))
    made = {"path": None, "facts": {}}
    running = get("end_to_end").load(
        workload, PreparedArtifact(facts={"encode": made, "prefill": made})
    )
    logits = []
    for _ in range(2):
        running.renew_input()
        running.run()
        logits.append(running.llm.output().copy())
    assert not np.array_equal(*logits)
    running.close()


def benchmark():
    """The benchmark that compares `best` with the modes it chooses among."""
    path = Path(__file__).parents[2] / "benchmarks" / "modes.py"
    specification = importlib.util.spec_from_file_location("modes_benchmark", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_benchmark_compares_best_with_every_mode(cuda, monkeypatch, capsys):
    modes = benchmark()
    monkeypatch.setattr(
        modes, "prefill", lambda _, runtime: Workload("encode", "s", SMALL, runtime)
    )
    monkeypatch.setattr(modes, "encode", modes.prefill)
    options = modes.parse(["--rounds", "1", "--precision", "fp32"])
    assert options.encoder == "fastvithd@1024" and options.llm == "qwen2_0_5b@256"
    assert modes.compare(modes.encode, options) > 0
    said = capsys.readouterr().out
    assert all(f"  {mode} " in said for mode in torch_modes.CHOICES) and "best / fastest" in said


def test_the_benchmark_holds_best_against_the_fastest(capsys):
    ratio = benchmark().report({"eager": 3.0, "cuda_graph": 2.0, "best": 2.1}, "cuda_graph")
    assert ratio == pytest.approx(1.05)
    assert "best / fastest 1.050 (allowed: 1.05)" in capsys.readouterr().out
