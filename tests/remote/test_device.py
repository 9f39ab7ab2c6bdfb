"""A device behind a session: what arrives, what is refused, and what is lost when it is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from paretobench.config import DeviceRequest, InventoryDevice, Limits
from paretobench.domain import Runtime, Workload
from paretobench.errors import ExecutorError, StoreError
from paretobench.measure import events, terms
from paretobench.remote import device as remote_device
from paretobench.remote.device import RemoteDevice
from paretobench.remote.places import LocalDevice, measuring_device, target
from paretobench.remote.session import Connection
from paretobench.store import Store
from tests.remote.places import place, put_fake_ssh_on_path

HALF = {"backend": "pretend", "precision": "fp32", "options": {}}
OPTIONS = terms.Options(Path("unused"), fidelity="quick", cell_timeout_s=120.0)
Make = Callable[..., RemoteDevice]


def workload(label: str) -> Workload:
    return Workload("encode", label, {"label": label}, Runtime("pretend", "fp32"))


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes sites; each is closed at the end."""
    put_fake_ssh_on_path(tmp_path, monkeypatch)
    made: list[RemoteDevice] = []

    def make(
        name: str = "desk", host: str = "fine", limits: Limits | None = None, **env: str
    ) -> RemoteDevice:
        there = place(name, tmp_path, host, limits, **env)
        made.append(RemoteDevice(target(name, "ssh", there)))
        return made[-1]

    yield make
    for site in made:
        site.close()


def request(name: str = "desk") -> DeviceRequest:
    return DeviceRequest(name, HALF, HALF, "ssh")


def session_of(site: RemoteDevice) -> int:
    """The process id of the program at the other end."""
    connection = site._connection
    assert connection is not None and connection._process is not None
    found = psutil.Process(connection._process.pid)
    return next((child.pid for child in found.children(recursive=True)), found.pid)


def test_a_profile_is_decided_on_the_device_in_its_environment(away: Make) -> None:
    device, environment = away().describe(request())
    assert str(device.encode) == "pretend fp32"
    assert "over ssh fine" in device.why
    assert environment.identity == {"chip": "desk"}


def test_every_cell_arrives_in_the_store(away: Make, tmp_path: Path) -> None:
    site, seen = away(), []
    _, environment = site.describe(request())
    with Store.open(tmp_path / "x.db") as store:
        account = site.measure(
            [workload("a"), workload("b")], store, environment, OPTIONS, seen.append
        )
        cells = store.cells(environment.key)
    assert sorted(cell.key for cell in cells) == sorted(cell.key for cell in account.cells)
    assert len(cells) == 4
    assert account.device_s > account.work_s > 0
    kinds = {type(event) for event in seen}
    assert {events.CellStarted, events.CellFinished, events.WorkloadDone} <= kinds


def test_what_is_known_is_not_measured_again(away: Make, tmp_path: Path) -> None:
    site = away()
    _, environment = site.describe(request())
    with Store.open(tmp_path / "x.db") as store:
        site.measure([workload("a")], store, environment, OPTIONS)
        again = site.measure([workload("a")], store, environment, OPTIONS)
    assert again.cells == []


def test_a_killed_cell_there_fails_its_workload_alone(away: Make, tmp_path: Path) -> None:
    site = away(PRETEND_LABEL_KILLED="b")
    _, environment = site.describe(request())
    with Store.open(tmp_path / "x.db") as store:
        account = site.measure([workload("a"), workload("b")], store, environment, OPTIONS)
        failures = store.failures(environment.key)
    assert {cell.workload_key for cell in account.cells} == {workload("a").key}
    assert [failure.workload_key for failure in failures] == [workload("b").key]


def test_what_a_device_refuses_it_says_before_anything_is_built(away: Make) -> None:
    site = away(PRETEND_REFUSES="b")
    assert site.refusals([workload("a"), workload("b")]) == {
        workload("b").key: "this device cannot"
    }


def test_a_login_may_print_a_banner(away: Make) -> None:
    device, _ = away(host="greeting").describe(request())
    assert device.encode.backend == "pretend"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("refused", "cannot be reached; is it on"),
        ("late", "cannot be reached; is it on"),
        ("nameless", "nothing has that name"),
        ("denied", "does not accept this user's key"),
        ("unknown", "key is not known here"),
        ("changed", "not the one that was known"),
        ("missing", "paretobench is not installed there"),
    ],
)
def test_a_host_that_cannot_be_used_is_named_with_what_to_do(
    away: Make, host: str, message: str
) -> None:
    with pytest.raises(ExecutorError, match=message) as caught:
        away(host=host).describe(request())
    assert str(caught.value).startswith("desk: ")
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("variables", "limits", "message"),
    [
        ({"PRETEND_VERSION": "9.9.9"}, None, "paretobench 9.9.9 runs there"),
        ({"PRETEND_CLOCK_S": "3600"}, None, r"its clock is 3[56]\d\d s ahead of this one's"),
        ({"PRETEND_CLOCK_S": "-3600"}, None, r"its clock is 3[56]\d\d s behind this one's"),
        ({}, Limits(min_free_gib=1e9), r"GiB are free at .* there, and 1000000000.0 GiB"),
    ],
)
def test_a_device_that_would_spoil_a_sweep_is_refused(
    away: Make, variables: dict[str, str], limits: Limits | None, message: str
) -> None:
    with pytest.raises(ExecutorError, match=message):
        away(limits=limits, **variables).describe(request())


def test_a_profile_that_cannot_run_there_says_so(away: Make) -> None:
    wish = DeviceRequest("desk", {**HALF, "backend": "nothing"}, HALF, "ssh")
    with pytest.raises(ExecutorError, match="desk: unknown backend 'nothing'"):
        away().describe(wish)


def test_a_lost_connection_is_opened_again_while_it_brings_something(
    away: Make, tmp_path: Path
) -> None:
    # Greeting, description, four lines before the first cell, three about the next ones.
    site, seen = away(host="cut-9"), []
    _, environment = site.describe(request())
    with Store.open(tmp_path / "x.db") as store:
        account = site.measure(
            [workload("a"), workload("b")], store, environment, OPTIONS, seen.append
        )
        cells = store.cells(environment.key)
    assert any(isinstance(e, events.Waiting) and "connecting again" in e.text for e in seen)
    assert len(account.cells) == len(cells) == 4
    assert len({(cell.workload_key, cell.round_index) for cell in cells}) == 4


def test_what_arrived_before_a_device_was_lost_is_kept_for_the_next_command(
    away: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_device, "RECONNECTS", 0)
    site = away(host="cut-9")
    _, environment = site.describe(request())
    with Store.open(tmp_path / "x.db") as store:
        with pytest.raises(ExecutorError, match="the same command continues"):
            site.measure([workload("a"), workload("b")], store, environment, OPTIONS)
        kept = {cell.key for cell in store.cells(environment.key)}
        rest = away().measure([workload("a"), workload("b")], store, environment, OPTIONS)
        cells = {cell.key for cell in store.cells(environment.key)}
    assert 1 <= len(kept) < 4
    assert cells == kept | {cell.key for cell in rest.cells}
    assert len(rest.cells) == 4 - len(kept)


def test_a_device_lost_before_anything_arrived_is_not_tried_again(
    away: Make, tmp_path: Path
) -> None:
    site = away(host="cut-2")
    _, environment = site.describe(request())
    with (
        Store.open(tmp_path / "x.db") as store,
        pytest.raises(ExecutorError, match=r"the connection was lost .*nothing had arrived"),
    ):
        site.measure([workload("a")], store, environment, OPTIONS)


def measured_in_a_thread(
    site: RemoteDevice, database: Path
) -> tuple[list[psutil.Process], list[str], threading.Thread]:
    """The processes of a measurement that has begun, why it will have ended, and its thread."""
    begun, reasons = threading.Event(), []
    _, environment = site.describe(request())
    remote = psutil.Process(session_of(site))

    def listen(event: events.Event) -> None:
        if isinstance(event, events.CellStarted):
            begun.set()

    def measure() -> None:
        with Store.open(database) as store:
            try:
                site.measure([workload("a")], store, environment, OPTIONS, listen)
            except ExecutorError as error:
                reasons.append(str(error))

    thread = threading.Thread(target=measure)
    thread.start()
    assert begun.wait(60)
    return [remote, *remote.children(recursive=True)], reasons, thread


def test_closing_a_device_ends_what_it_measures_and_leaves_no_process(
    away: Make, tmp_path: Path
) -> None:
    site = away(PRETEND_RUN_S="60")
    processes, reasons, thread = measured_in_a_thread(site, tmp_path / "x.db")
    site.close()
    thread.join(60)
    assert len(reasons) == 1 and "nothing had arrived" in reasons[0]
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []


def test_when_this_side_is_killed_the_device_is_free_again(away: Make, tmp_path: Path) -> None:
    site = away(PRETEND_RUN_S="60")
    processes, _, thread = measured_in_a_thread(site, tmp_path / "x.db")
    assert site._connection is not None and site._connection._process is not None
    assert site._connection._process.stdin is not None
    with Path(os.devnull).open("wb") as nothing:  # closes the pipe, as for a dead process
        os.dup2(nothing.fileno(), site._connection._process.stdin.fileno())
    _, alive = psutil.wait_procs(processes, timeout=60)
    thread.join(60)
    assert alive == []


def test_a_database_that_cannot_be_written_ends_the_session(away: Make, tmp_path: Path) -> None:
    site = away()
    _, environment = site.describe(request())
    Store.open(tmp_path / "x.db").close()
    with Store.open(tmp_path / "x.db", read_only=True) as store, pytest.raises(StoreError):
        site.measure([workload("a")], store, environment, OPTIONS)


def test_a_device_is_never_measured_by_two_at_a_time(away: Make, tmp_path: Path) -> None:
    first, second = away(), away()
    _, environment = first.describe(request())
    with Store.open(tmp_path / "x.db") as store:
        first.measure([workload("a")], store, environment, OPTIONS)
        with pytest.raises(ExecutorError, match="'machine' is being measured by"):
            second.measure([workload("b")], store, environment, OPTIONS, wait=False)
        first.close()
        assert second.measure([workload("b")], store, environment, OPTIONS, wait=False).cells


def test_without_a_program_to_start_the_device_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = Connection(target("desk", "ssh", place("desk", tmp_path)))
    with pytest.raises(ExecutorError, match="desk: cannot start ssh"):
        connection.open()
    connection.close()


def test_this_machine_has_a_session_of_its_own_beside_others() -> None:
    there = InventoryDevice("here", environment={"OMP_NUM_THREADS": "1"})
    device = RemoteDevice(target("here", "local", there))
    hello = device.connect()
    environment, _ = device.profile()
    device.close()
    assert hello.disk_free
    assert environment.identity["settings"]["OMP_NUM_THREADS"] == "1"


def test_this_machine_alone_is_measured_by_this_process_unless_it_has_variables() -> None:
    plain = DeviceRequest("here", HALF, HALF, "local", InventoryDevice("here"))
    assert isinstance(measuring_device(plain, is_alone=True), LocalDevice)
    assert isinstance(measuring_device(plain, is_alone=False), RemoteDevice)
    changed = DeviceRequest(
        "here", HALF, HALF, "local", InventoryDevice("here", environment={"A": "1"})
    )
    assert isinstance(measuring_device(changed, is_alone=True), RemoteDevice)
