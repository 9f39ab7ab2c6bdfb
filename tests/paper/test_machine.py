"""What separates a machine from the paper's is named."""

from paretobench.config import load_devices
from paretobench.domain.records import Environment
from paretobench.paper.machine import PROFILE, differences, note_for

TWIN = {"chip": "Apple M1 Max", "memory_gib": 32.0, "packages": {"coremltools": "7.2"}}


def test_the_papers_own_machine_differs_in_nothing():
    assert differences(Environment(TWIN)) == []
    assert "the machine is the paper's" in note_for(PROFILE, Environment(TWIN))


def test_another_mac_is_named_with_all_that_differs():
    other = {"chip": "Apple M4", "memory_gib": 16.0, "packages": {"coremltools": "9.0"}}
    assert differences(Environment(other)) == [
        "the chip is Apple M4, not Apple M1 Max",
        "the memory is 16.0 GiB, not 32",
        "coremltools is 9.0, not 7.2",
    ]
    assert "It does not state the encoder's precision" in note_for(PROFILE, Environment(other))


def test_a_battery_is_named():
    (found,) = differences(Environment(TWIN | {"power": "battery"}))
    assert "runs on battery" in found


def test_the_profile_is_the_papers_protocol():
    profile = next(device for device in load_devices() if device.name == PROFILE)
    assert profile.encode["options"]["compute_units"] == "cpu_and_ne"
    assert profile.prefill["options"]["prefill_mode"] == "cache_prompt"
    assert {profile.encode["precision"], profile.prefill["precision"]} == {"fp16"}
