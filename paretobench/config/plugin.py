"""The `sweep` verb inside Hydra: our Sweeper, and `hydra.main`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hydra
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from paretobench.config import catalogue, composition
from paretobench.config import parsed_overrides as words
from paretobench.config.request import Request
from paretobench.config.search_path import (
    PLUGIN_MODULE,
    current_folder,
    register,
    search_path,
)
from paretobench.errors import ParetobenchError
from paretobench.resources import sweeps_folder

Action = Callable[[Request], int]

_BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


class GridSweeper(Sweeper):  # type: ignore[misc]
    """Makes one request of all overrides, instead of one job of each combination.

    With Hydra's basic launcher the request is handed to whoever called `run`; with another
    one (`hydra/launcher=submitit_slurm`) the whole sweep becomes one job of that launcher,
    since latencies of one device must not be taken side by side.
    """

    __module__ = PLUGIN_MODULE

    def __init__(self, params: Any = None, blocks: Any = None) -> None:
        self.params, self.blocks = params, blocks
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.task_function: Any = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra before `sweep`."""
        self.hydra_context, self.config = hydra_context, config
        self.task_function = task_function

    def sweep(self, arguments: list[str]) -> None:
        """Called by Hydra with the task's overrides."""
        assert self.hydra_context is not None and self.config is not None
        outcome: HydraResult = self.task_function.outcome
        loader = self.hydra_context.config_loader
        arguments = [*arguments, *outcome.devices]
        request = composition.compose_request(arguments, loader, current_folder())
        if self.config.hydra.launcher._target_ == _BASIC_LAUNCHER:
            outcome.request = request
            return
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=self.hydra_context, task_function=self.task_function, config=self.config
        )
        launched = launcher.launch([[_as_one_word(arguments)]], initial_job_idx=0)
        outcome.status = max(int(job.return_value or 0) for job in launched)


class HydraResult:
    """What comes back from inside Hydra: a request to act on, or a launcher's exit status.

    Attributes:
        devices: the words that name devices. Hydra knows profiles only, and would refuse a
            machine of the inventory before the sweeper sees it.
    """

    def __init__(self, devices: Sequence[str] = ()) -> None:
        self.devices = tuple(devices)
        self.request: Request | None = None
        self.status = 0


def run(overrides: Sequence[str], action: Action) -> int:
    """See `paretobench.config.run_hydra`."""
    is_asking = any(word.startswith("-") for word in overrides)  # Hydra answers that by itself
    devices = [word for word in overrides if word.startswith("device=") and not is_asking]
    outcome = HydraResult(devices)

    def task(config: DictConfig) -> int:
        """The one job of a launcher: expand again where it runs, and act."""
        return action(composition.expand(OmegaConf.to_object(config.sweep_overrides), None))

    task.outcome = outcome  # type: ignore[attr-defined]
    register(GridSweeper)
    main = hydra.main(version_base="1.3", config_path=str(sweeps_folder()), config_name="config")
    argv = ["paretobench sweep", *(word for word in overrides if word not in devices)]
    if not is_asking:
        composition.check(overrides, None)
    with search_path(catalogue.user_folder()), _command_line(argv), _own_error_report() as is_ours:
        try:
            main(task)()
        except Exception as error:
            if is_ours or isinstance(error, ParetobenchError):
                raise words.in_users_words(error) from error
            raise
    return outcome.status if outcome.request is None else action(outcome.request)


def _as_one_word(overrides: Sequence[str]) -> str:
    """All overrides as the one override that a launcher's job is given."""
    return f"+sweep_overrides=[{', '.join(map(_quoted, overrides))}]"


def _quoted(word: str) -> str:
    """A word as Hydra's grammar quotes it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@contextmanager
def _command_line(argv: list[str]) -> Iterator[None]:
    """`hydra.main` reads `sys.argv`."""
    before, sys.argv = sys.argv, argv
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _own_error_report() -> Iterator[bool]:
    """Have Hydra raise what goes wrong, instead of printing it and exiting.

    Yields whether errors are ours to report; not if the user asked for Hydra's full ones.
    """
    name = "HYDRA_FULL_ERROR"
    is_ours = name not in os.environ
    if is_ours:
        os.environ[name] = "1"
    try:
        yield is_ours
    finally:
        if is_ours:
            del os.environ[name]
