"""The choice of runtimes: what `auto` takes, and what each refusal says."""

import json
import subprocess
import sys

import pytest

from paretobench.backends import NAMES, Availability, choose, get, hardware
from paretobench.backends.choose import choose_device, wanted_probes
from paretobench.backends.hardware import Hardware
from paretobench.backends.probes import Timings
from paretobench.config import load_catalogue
from paretobench.domain import Device
from paretobench.errors import BackendMissingError, UnknownNameError

FAST = Hardware("Linux", "x86_64", has_fast_bf16=True, has_cuda=False, bf16_feature="amx_bf16")
PLAIN = Hardware("Linux", "x86_64", has_fast_bf16=False, has_cuda=False)
GPU = Hardware("Linux", "x86_64", has_fast_bf16=True, has_cuda=True, bf16_feature="amx_bf16")
MAC = Hardware("Darwin", "arm64", has_fast_bf16=False, has_cuda=False)


def request(name="auto", encode="auto", prefill="auto", **options):
    half = {"precision": "auto", "options": options}
    return {
        "name": name,
        "encode": half | {"backend": encode},
        "prefill": half | {"backend": prefill},
        "executor": "local",
    }


@pytest.fixture
def installed(monkeypatch):
    """Pretend that exactly these backends are installed."""

    def pretend(*names, cuda_torch=False):
        for name in NAMES:
            state = (
                Availability(True, version="1.0")
                if name in names
                else Availability(False, f"{name} is not installed: pip install '.[cpu]'")
            )
            monkeypatch.setattr(type(get(name)), "available", lambda self, state=state: state)
        monkeypatch.setattr(hardware, "torch_was_built_for_cuda", lambda: cuda_torch)

    return pretend


@pytest.fixture
def on_fast(monkeypatch):
    """This machine is FAST: what a backend refuses, it refuses for the machine that it is on."""
    monkeypatch.setattr(hardware, "detect", lambda: FAST)


@pytest.mark.parametrize(
    ("machine", "names", "encode", "prefill"),
    [
        (FAST, ("openvino", "onnxruntime", "torch", "mlx"), "openvino bf16", "torch bf16"),
        (FAST, ("onnxruntime", "torch", "mlx"), "torch bf16", "torch bf16"),
        (FAST, ("onnxruntime", "mlx"), "onnxruntime fp32", "mlx fp32"),
        (PLAIN, ("openvino", "torch"), "openvino fp32", "torch fp32"),
        (PLAIN, ("onnxruntime", "torch"), "onnxruntime fp32", "torch fp32"),
        (MAC, ("coreml", "torch", "mlx"), "coreml fp16", "mlx fp16"),
        (MAC, ("torch",), "torch fp16", "torch fp16"),
    ],
)
def test_auto_takes_the_fastest_that_is_installed(installed, machine, names, encode, prefill):
    installed(*names)
    device = choose_device(request(), machine)
    assert (str(device.encode), str(device.prefill)) == (encode, prefill)


@pytest.mark.parametrize(
    ("machine", "precisions", "prefill"),
    [
        (PLAIN, (), "llamacpp fp16"),
        (FAST, (), "torch bf16"),
        (FAST, ("fp16", "int4"), "llamacpp fp16"),
        (FAST, ("fp16",), "torch bf16"),
        (MAC, ("fp16", "int4"), "mlx fp16"),
    ],
)
def test_a_runtime_without_the_precisions_that_a_grid_names_is_passed_over(
    installed, machine, precisions, prefill
):
    installed("openvino", "torch", "llamacpp", "mlx", "coreml")
    asked = request()
    asked["prefill"] = {**asked["prefill"], "precisions": precisions}
    assert str(choose_device(asked, machine).prefill) == prefill


def test_decoding_takes_a_runtime_that_decodes(installed):
    installed("openvino", "torch", "llamacpp", "mlx")
    asked = request()
    asked["prefill"] = {**asked["prefill"], "decodes": True}
    assert str(choose_device(asked, PLAIN).prefill) == "llamacpp fp16"
    installed("openvino", "mlx")
    assert str(choose_device(asked, PLAIN).prefill) == "mlx fp32"


def test_shared_or_own_weights_take_a_runtime_that_runs_the_network(installed):
    installed("openvino", "torch", "llamacpp", "mlx")
    asked = request()
    asked["prefill"] = {**asked["prefill"], "runs_network": True}
    device = choose_device(asked, PLAIN)
    assert (str(device.prefill), device.fallbacks) == ("torch fp32", ())


def test_llama_cpp_stands_by_only_where_nobody_chose_a_runtime_or_a_precision(installed):
    installed("openvino", "torch", "llamacpp")
    assert [str(one) for one in choose_device(request(), FAST).fallbacks] == [
        "llamacpp fp16",
        "llamacpp int8",
        "llamacpp int4",
    ]
    assert choose_device(request(prefill="torch"), FAST).fallbacks == ()
    installed("openvino", "torch")
    assert choose_device(request(), FAST).fallbacks == ()


def test_auto_says_which_and_why_in_one_line(installed):
    installed("onnxruntime", "torch")
    why = choose_device(request(), FAST).why
    assert "torch encodes: the first installed in the list openvino, torch, onnxruntime" in why
    assert "openvino not installed" in why
    assert "in bf16 because the processor has amx_bf16" in why
    assert "\n" not in why


def test_a_gpu_goes_before_the_processor_if_torch_can_use_it(installed):
    installed("openvino", "torch", cuda_torch=True)
    device = choose_device(request(), GPU)
    assert (str(device.encode), device.encode.options["device"]) == ("torch bf16", "cuda")
    installed("openvino", "torch", cuda_torch=False)
    device = choose_device(request(), GPU)
    assert (str(device.encode), device.encode.options["device"]) == ("openvino bf16", "cpu")


def test_a_choice_by_auto_and_the_same_by_name_have_the_same_workload_keys(installed):
    installed("openvino", "torch")
    by_auto = choose_device(request(), FAST)
    by_name = choose_device(request("cpu", "openvino", "torch", device="cpu"), FAST)
    assert by_auto.encode.spec() == by_name.encode.spec()
    assert by_auto.prefill.spec() == by_name.prefill.spec()


def test_a_stated_precision_and_options_are_kept(installed):
    installed("openvino", "torch")
    wish = request("mine", "openvino", "torch", threads=1)
    wish["encode"] = wish["encode"] | {"precision": "fp32"}
    device = choose_device(wish, FAST)
    assert device.encode.precision == "fp32"
    assert device.encode.options == {"threads": 1, "device": "cpu"}


def test_device_apple_off_a_mac_says_how_to_convert_here_and_measure_there():
    with pytest.raises(BackendMissingError) as caught:
        choose_device(request("apple", "coreml", "mlx"), FAST)
    message = str(caught.value)
    assert "\n" not in message
    assert "needs a Mac with Apple silicon, and this is Linux x86_64" in message
    assert "paretobench artifacts build" in message
    assert "sweep +grid=NAME device=apple" in message


def test_apples_gpu_is_refused_off_a_mac(installed):
    installed("openvino", "mlx")
    with pytest.raises(BackendMissingError, match="asks for Apple's GPU, and this is Linux"):
        choose_device(request("metal", "openvino", "mlx", device="gpu"), FAST)


def test_device_cuda_without_a_gpu_is_refused(installed):
    installed("torch")
    with pytest.raises(BackendMissingError, match="needs an NVIDIA GPU with its driver"):
        choose_device(request("cuda", "torch", "torch", device="cuda"), FAST)


def test_device_cuda_with_a_torch_without_cuda_gives_the_command(installed):
    installed("torch")
    with pytest.raises(BackendMissingError, match=r"pip install '.*\[cuda\]'"):
        choose_device(request("cuda", "torch", "torch", device="cuda"), GPU)


def test_a_named_backend_that_is_missing_gives_the_command(installed):
    installed("torch")
    with pytest.raises(BackendMissingError, match=r"needs openvino: .*pip install"):
        choose_device(request("cpu", "openvino", "torch"), FAST)


def test_nothing_installed_gives_the_command(installed):
    installed()
    with pytest.raises(BackendMissingError, match=r"nothing that can encode is installed .*pip"):
        choose_device(request(), FAST)


def test_an_unknown_backend_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'openvino'"):
        choose_device(request("mine", "openvin", "torch"), FAST)


def test_choosing_imports_no_framework():
    code = (
        "import sys\n"
        "from paretobench import backends\n"
        "from paretobench.backends.choose import choose_device\n"
        "half = {'backend': 'auto', 'precision': 'auto', 'options': {}}\n"
        "choose_device({'name': 'auto', 'encode': half, 'prefill': half})\n"
        "heavy = {'torch', 'openvino', 'onnxruntime', 'mlx.core', 'timm', 'transformers'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_processor_features_are_read_from_the_operating_system(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx512_bf16 amx_bf16\n")
    assert {"avx512_bf16", "amx_bf16"} <= hardware.processor_features(file)
    assert hardware.processor_features(tmp_path / "none") == frozenset()


def test_every_order_names_backends_that_exist():
    for machine in (FAST, PLAIN, GPU, MAC):
        for half in ("encode", "prefill"):
            assert set(choose.order(half, machine)) <= set(NAMES)


CATALOGUE = load_catalogue()
WHERE = "EPYC (2 cores)"


def of_models(encoders=(), llms=(), precision=""):
    """A request that leaves both runtimes open for models of the catalogue."""

    def models(found):
        return {one.name: {"spec": one.spec(), "precision": precision} for one in found}

    asked = request()
    asked["encode"] = asked["encode"] | {"models": models(CATALOGUE.encoders[n] for n in encoders)}
    asked["prefill"] = asked["prefill"] | {"models": models(CATALOGUE.llms[n] for n in llms)}
    return asked


def timings(asked, machine, **seconds):
    """As if each backend's probes had taken so long; None where they could not be run."""
    return Timings(
        WHERE, {w.key: seconds[w.runtime.backend] for w in wanted_probes(asked, machine)}
    )


def test_the_runtime_whose_probe_was_fastest_here_is_chosen_and_the_plan_shows_the_numbers(
    installed, on_fast
):
    installed("openvino", "torch", "onnxruntime")
    asked = of_models(["vit_l14"], ["qwen2_0_5b"])
    found = timings(asked, FAST, openvino=0.030, torch=0.020, onnxruntime=0.010)
    device = choose_device(asked, FAST, found)
    assert [str(one) for one in device.encoders["vit_l14"]] == [
        "onnxruntime fp32",
        "torch bf16",
        "openvino bf16",
    ]
    assert str(device.encode) == "onnxruntime fp32" and str(device.prefill) == "torch bf16"
    assert WHERE in device.why and "onnxruntime fp32 10.0 ms" in device.why
    assert "openvino bf16 30.0 ms" in device.why


def test_probes_that_differ_by_less_than_processes_do_leave_the_choice_to_the_list(
    installed, on_fast
):
    installed("openvino", "torch", "onnxruntime")
    asked = of_models(["vit_l14"])
    found = timings(asked, FAST, openvino=0.0102, torch=0.020, onnxruntime=0.0100)
    assert str(choose_device(asked, FAST, found).encode) == "openvino bf16"


def test_each_family_of_models_gets_the_runtime_of_its_own_probe(installed):
    installed("openvino", "onnxruntime")
    asked = of_models(["vit_l14", "fastvit", "fastvithd"])
    slow_for_fastvit = {
        one.key: 0.02 if (one.runtime.backend, "FastViT" in one.label) == ("openvino", True)
        else 0.015 if one.runtime.backend == "onnxruntime" else 0.01
        for one in wanted_probes(asked, PLAIN)
    }  # fmt: skip
    device = choose_device(asked, PLAIN, Timings(WHERE, slow_for_fastvit))
    first = {name: runtimes[0].backend for name, runtimes in device.encoders.items()}
    assert first == {
        "vit_l14": "openvino", "fastvit": "onnxruntime", "fastvithd": "onnxruntime"
    }  # fmt: skip
    assert device.encode.backend == "onnxruntime", "the one that most models have"


def test_a_runtime_whose_probe_failed_comes_last(installed, on_fast):
    installed("openvino", "torch")
    asked = of_models(["vit_l14"])
    found = timings(asked, FAST, openvino=None, torch=0.5)
    device = choose_device(asked, FAST, found)
    assert device.encode.backend == "torch" and "openvino bf16 cannot" in device.why


def test_without_all_probes_of_a_family_the_list_decides_and_says_so(installed, on_fast):
    installed("openvino", "torch", "onnxruntime")
    asked = of_models(["vit_l14"])
    whole = timings(asked, FAST, openvino=0.030, torch=0.020, onnxruntime=0.010)
    part = Timings(WHERE, dict(list(whole.seconds.items())[1:]))
    device = choose_device(asked, FAST, part)
    assert str(device.encode) == "openvino bf16" and "in the list" in device.why


def test_a_model_takes_only_runtimes_that_can_run_it(installed):
    installed("torch", "llamacpp", "openvino")
    device = choose_device(of_models(llms=["qwen2_0_5b", "gemma3_1b"]), PLAIN)
    assert device.llms["qwen2_0_5b"][0].backend == "llamacpp"
    assert all(one.backend != "llamacpp" for one in device.llms["gemma3_1b"])


def test_precisions_have_probes_of_their_own(installed):
    installed("torch", "llamacpp", "openvino")
    asked = of_models(llms=["qwen2_0_5b"], precision="int4")
    assert {str(one.runtime) for one in wanted_probes(asked, FAST)} == {
        "llamacpp int4",
        "openvino int4",
    }
    found = timings(asked, FAST, llamacpp=0.02, openvino=0.01)
    (ranked,) = choose_device(asked, FAST, found).llms.values()
    assert [str(one) for one in ranked] == ["openvino int4", "llamacpp int4"]


@pytest.mark.parametrize("machine", [MAC, GPU])
def test_nothing_is_timed_where_a_device_has_its_runtime(installed, machine):
    installed("coreml", "torch", "mlx", cuda_torch=True)
    assert wanted_probes(of_models(["vit_l14"], ["qwen2_0_5b"]), machine) == []


def test_a_runtime_that_was_named_is_not_timed(installed):
    installed("openvino", "torch", "llamacpp")
    asked = of_models(["vit_l14"], ["qwen2_0_5b"])
    for half in ("encode", "prefill"):
        asked[half] = asked[half] | {"backend": "openvino"}
    assert wanted_probes(asked, FAST) == []


def test_a_choice_travels_between_machines_whole(installed):
    installed("openvino", "torch", "llamacpp")
    device = choose_device(of_models(["vit_l14"], ["qwen2_0_5b"]), FAST)
    sent = json.loads(json.dumps(device.choice()))
    assert Device.of_choice(device.name, sent) == device
