"""How torch runs a forward pass: eager, compiled, or as a captured CUDA graph; and which is best.

    eager           one kernel launch after another
    compile         torch.compile: fused kernels (Inductor), shapes fixed
    cuda_graph      the eager kernels, captured once and launched as one graph
    compiled_graph  the fused kernels, captured likewise
    best            whichever is fastest for this very network and input; found out by the first
                    process that loads it, and kept for the others, since compiling takes a minute

A runner is called with the same inputs' dictionary each time; a graph reads them where they lay
when it was captured, so inputs are written in place.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench.errors import UnsupportedError

MODES = ("eager", "cuda_graph", "compile", "compiled_graph")
"""In the order in which the simpler one is preferred when two take the same time."""

GRAPHS = ("cuda_graph", "compiled_graph")
"""Modes that need an NVIDIA board."""

CHOICES = (*MODES, "best")

ROUNDS, LEAST_ROUNDS = 10, 3
"""How often each candidate is timed, in turn, and how often when that takes long."""

TRIAL_S = 2.0
"""Seconds of timing after which `LEAST_ROUNDS` suffice."""

TIE = 0.01
"""A mode must be faster than a simpler one by more than this fraction to replace it, so that
the processes of one workload choose alike."""

Inputs = Mapping[str, Any]
Forward = Callable[[Inputs], Any]


class Runner:
    """One way to run a forward pass; here eager or compiled: the function is called."""

    def __init__(self, forward: Forward) -> None:
        self._forward: Forward | None = forward

    def __call__(self, inputs: Inputs) -> Any:
        """Start it; returns the result's tensor, which may not be there yet."""
        assert self._forward is not None, "closed"
        return self._forward(inputs)

    def close(self) -> None:
        """Free what it holds beside the network."""
        self._forward = None


class Graph(Runner):
    """A captured graph: every call replays the kernels on the inputs' current content.

    Args:
        forward, inputs: what is captured.
        board: a `torch_cuda.Board`.
    """

    def __init__(self, forward: Forward, inputs: Inputs, board: Any) -> None:
        super().__init__(forward)
        self._held = dict(inputs)
        self._graph, self._result = board.capture(lambda: forward(self._held))

    def __call__(self, inputs: Inputs) -> Any:
        """See `Runner`.

        Raises:
            ValueError: if the inputs are other tensors than those that were captured.
        """
        if inputs.keys() != self._held.keys() or any(
            inputs[name] is not tensor for name, tensor in self._held.items()
        ):
            raise ValueError("a captured graph reads the inputs of its capture: write into them")
        self._graph.replay()
        return self._result

    def close(self) -> None:
        """Free the graph's memory."""
        super().close()
        self._graph.reset()
        self._result = None


def start(mode: str, forward: Forward, inputs: Inputs, torch: Any, board: Any | None) -> Runner:
    """A runner of one of `MODES`, built but for what its first calls still do.

    Args:
        board: a `torch_cuda.Board`; None on another device.

    Raises:
        UnsupportedError: if the mode needs a board.
    """
    if mode in GRAPHS and board is None:
        raise UnsupportedError(f"mode={mode} needs device=cuda; use mode=compile")
    if mode in ("compile", "compiled_graph"):
        forward = torch.compile(forward, dynamic=False)
    return Graph(forward, inputs, board) if mode in GRAPHS else Runner(forward)


def candidates(board: Any | None) -> tuple[str, ...]:
    """What `best` chooses among: on a board the fused kernels as a graph only, without which
    they wait for their launches."""
    return ("eager", "compile") if board is None else ("eager", *GRAPHS)


def kept_choice(file: Path) -> dict[str, Any] | None:
    """The facts of a choice that another process of the same workload made; None if there is
    none, or none that can be read."""
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = isinstance(facts, dict) and facts.get("mode") in MODES
    return facts | {"mode_chosen": "by an earlier process"} if is_whole else None


def choose(
    modes: Sequence[str],
    begin: Callable[[str], Runner],
    inputs: Inputs,
    synchronise: Callable[[], None],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Runner, dict[str, Any]]:
    """The fastest mode's runner, and the facts of the choice.

    A mode that fails (a model that cannot be captured, no compiler) is left out and its reason
    kept; the first mode's failure is everyone's.

    Args:
        modes: candidates, the simplest first.
        begin: makes a runner.
        synchronise: waits for the device.
        clock: seconds.

    Returns:
        The runner, and `mode`, `mode_trials_s` (medians) and `mode_failures`.
    """
    runners: dict[str, Runner] = {}
    failures: dict[str, str] = {}
    for mode in modes:
        try:
            runner = begin(mode)
            for _ in range(LEAST_ROUNDS):
                runner(inputs)
            synchronise()
            runners[mode] = runner
        except Exception as error:
            if mode == modes[0]:
                raise
            whole = f"{type(error).__name__}: {str(error).strip()}"  # compilers say pages
            failures[mode] = whole.splitlines()[0].removesuffix(": ")
    medians = take_turns(runners, inputs, synchronise, clock)
    fastest = min(medians.values())
    chosen = next(mode for mode in runners if medians[mode] <= fastest * (1.0 + TIE))
    for mode, runner in runners.items():
        if mode != chosen:
            runner.close()
    facts: dict[str, Any] = {"mode": chosen, "mode_trials_s": medians}
    return runners[chosen], facts | ({"mode_failures": failures} if failures else {})


def take_turns(
    runners: Mapping[str, Runner],
    inputs: Inputs,
    synchronise: Callable[[], None],
    clock: Callable[[], float],
) -> dict[str, float]:
    """Median seconds of each runner; all take turns in every round, there and back."""
    samples: dict[str, list[float]] = {mode: [] for mode in runners}
    began = clock()
    for index in range(ROUNDS):
        order = list(runners) if index % 2 == 0 else list(runners)[::-1]
        for mode in order:
            begun = clock()
            runners[mode](inputs)
            synchronise()
            samples[mode].append(clock() - begun)
        if index + 1 >= LEAST_ROUNDS and clock() - began > TRIAL_S:
            break
    return {mode: statistics.median(values) for mode, values in samples.items()}


def attention_kernels(torch: Any, forward: Callable[[], Any]) -> list[str]:
    """Which scaled-dot-product kernels one eager call really used, by torch's names.

    Counted in the dispatcher, so that it is what ran and not what was allowed.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    used: set[str] = set()

    class Listen(TorchDispatchMode):  # type: ignore[misc]  # torch is not followed
        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            name = function.name().removeprefix("aten::")
            if name.startswith("_scaled_dot_product"):
                used.add(name.removeprefix("_").partition(".")[0])
            return function(*args, **(kwargs or {}))

    # Not in inference mode: there attention reaches the listener before it chooses a kernel.
    with torch.no_grad(), Listen():
        forward()
    return sorted(used)
