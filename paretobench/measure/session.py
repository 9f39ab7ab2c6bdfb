"""A measuring session: JSON lines in, JSON lines out, for a sweep that runs elsewhere.

`ssh HOST paretobench measure -` runs it; nothing else of this project listens or stays behind.
The first line of the other side names the protocol; every later line is a question, an empty
one says that it is still there:

    {"protocol": 1}                              -> hello: version, clock, free disk
    {"ask": "describe", "device": {...}}         -> event ..., then described: environment, runtimes
    {"ask": "refusals", "workloads": [...]}      -> refusals: reasons by key
    {"ask": "measure", "workloads": ...}         -> event | cell | failure ..., then done

An error is `{"say": "error"}` with its kind and its text, and ends a question, not the session.
The device's lock is held from the first cell to the end of the session. When the input ends, or
falls silent, so does the session, and with it the process that is being timed.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.domain import Workload
from paretobench.domain.records import Cell, Environment, Failure
from paretobench.errors import ParetobenchError
from paretobench.measure import events, harness, terms
from paretobench.measure.lock import DeviceLock
from paretobench.measure.process import Children
from paretobench.measure.single import MemoryStore
from paretobench.resources import cache_folder
from paretobench.version import __version__

PROTOCOL = 1
"""Version of the messages; both sides must have the same."""

SILENCE_LIMIT_S = 120.0
"""The other side sends an empty line every 20 s; after six that did not come it counts as lost,
even where no connection was closed."""

GRACE_S = 15.0
"""Time for the processes of a session to be ended in order before it ends itself at once."""


class _GoneError(BaseException):
    """The other side is lost. No `Exception`, so that no handler in between catches it."""


def is_opening(line: str) -> bool:
    """Whether a first line of input opens a session, rather than being a workload's JSON.

    >>> is_opening('{"protocol": 1}'), is_opening('{"kind": "encode",'), is_opening('')
    (True, False, False)
    """
    try:
        message = json.loads(line)
    except ValueError:
        return False
    return isinstance(message, dict) and "protocol" in message


def serve() -> int:
    """Answer questions until the input ends; returns the exit status.

    Call it after the opening line was read. What libraries print goes to stderr, so that
    stdout carries the session alone.
    """
    outlet = os.dup(1)
    os.dup2(2, 1)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    session, inbox = _Session(outlet), _Inbox()
    try:
        session.hello()
        while (question := inbox.next()) is not None:
            session.answer(question)
            inbox.is_busy = False
    except (_GoneError, BrokenPipeError, KeyboardInterrupt):
        return 1
    finally:
        session.lock.release()
    return 0


def _leave(number: int, frame: object) -> None:
    for again in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)  # once: the way out must not be interrupted
    raise _GoneError


class _Inbox:
    """Questions in order. A thread reads them, to notice the end while something is timed."""

    def __init__(self) -> None:
        self.is_busy = False
        self._questions: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True, name="questions").start()

    def next(self) -> Mapping[str, Any] | None:
        """The next question; None once the input has ended."""
        question = self._questions.get()
        self.is_busy = question is not None
        return question

    def _read(self) -> None:
        rest = b""
        while chunk := self._chunk():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    self._questions.put(json.loads(line))
        self._questions.put(None)
        last = time.monotonic() + GRACE_S
        while not self.is_busy and time.monotonic() < last:
            time.sleep(0.05)  # with nothing to do it takes the None and ends by itself
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os._exit(1)

    def _chunk(self) -> bytes:
        """What came; nothing at the end of the input and after a long silence."""
        ready, _, _ = select.select([0], [], [], SILENCE_LIMIT_S)
        return os.read(0, 1 << 16) if ready else b""


class _Session:
    """The answers, each one or several lines."""

    def __init__(self, outlet: int) -> None:
        self._outlet = outlet
        self._children = Children()
        self.lock = DeviceLock()
        self._environment: Environment | None = None

    def say(self, what: str, **content: Any) -> None:
        """One line to the other side; `BrokenPipeError` if it is lost."""
        line = json.dumps({"say": what, **content}, allow_nan=False, default=str)
        data = memoryview(line.encode() + b"\n")
        while data:
            data = data[os.write(self._outlet, data) :]

    def hello(self) -> None:
        """Who answers here, and what can be known before any question."""
        folders = (cache_folder(), Path(tempfile.gettempdir()))
        self.say(
            "hello",
            protocol=PROTOCOL,
            version=__version__,
            clock=time.time(),
            disk_free={str(folder): _free_bytes(folder) for folder in folders},
        )

    def answer(self, question: Mapping[str, Any]) -> None:
        """Answer one question; an error is an answer too."""
        answers: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "describe": self.describe,
            "refusals": self.refusals,
            "measure": self.measure,
        }
        try:
            answers[question["ask"]](question)
        except BrokenPipeError:
            raise
        except (ParetobenchError, OSError) as error:
            self.say("error", kind=type(error).__name__, message=str(error))
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            self.say("error", kind=type(error).__name__, message=f"{type(error).__name__}: {error}")

    def environment(self) -> Environment:
        """This machine; found out once in a session."""
        if self._environment is None:
            from paretobench.measure.environment import fingerprint

            self._environment = fingerprint()
        return self._environment

    def describe(self, question: Mapping[str, Any]) -> None:
        """The environment, and the runtimes that a device profile comes to here."""
        from paretobench.measure.runtime_timing import Permission, decide

        environment = self.environment()
        chosen: dict[str, Any] = {}
        if question.get("device"):
            announce = lambda text: self.forward(events.Waiting(text))  # noqa: E731
            wait = question.get("time_runtimes")
            permission = None if wait is None else Permission(announce, bool(wait["wait"]))
            device, environment = decide(
                question["device"], environment, self.lock, permission, self._children
            )
            chosen = device.choice()
        self.say("described", environment=asdict(environment), device=chosen)

    def refusals(self, question: Mapping[str, Any]) -> None:
        """What the runtimes here say against workloads, before anything is built."""
        self.say("refusals", reasons=backends.refusals(_workloads(question)))

    def measure(self, question: Mapping[str, Any]) -> None:
        """Measure workloads; each cell and failure goes out as soon as it is known."""
        store = _Streaming(
            self.say,
            [Cell.from_json(cell) for cell in question["cells"]],
            [Failure(**failure) for failure in question["failures"]],
        )
        wait = bool(question["wait"])
        self.lock.acquire(wait, lambda text: self.forward(events.Waiting(text)))
        account = harness.run(
            _workloads(question),
            store=store,
            environment=self.environment(),
            options=terms.Options(artifacts=cache_folder(), **question["options"]),
            children=self._children,
            listen=self.forward,
            lock=self.lock,
        )
        names = ("reasons", "device_s", "work_s", "prepare_s", "stopped", "decision")
        self.say("done", **{name: getattr(account, name) for name in names})

    def forward(self, event: events.Event) -> None:
        """Forward what a person may see; cells and failures are sent on their own."""
        if isinstance(event, events.Waiting):
            self.say("event", event="waiting", text=event.text)
        elif isinstance(event, events.Preparing):
            key = event.workload.key
            self.say("event", event="preparing", workload=key, done=event.done, total=event.total)
        elif isinstance(event, events.CellStarted):
            self.say(
                "event",
                event="started",
                workload=event.workload.key,
                round_index=event.round_index,
                remaining_s=event.remaining_s,
            )
        elif isinstance(event, events.WorkloadDone):
            self.say("event", event="finished", workload=event.workload.key, why=event.why)


class _Streaming(MemoryStore):
    """What is known already, and a way out for what is new."""

    def __init__(
        self, say: Callable[..., None], cells: Iterable[Cell], failures: Iterable[Failure]
    ) -> None:
        super().__init__(cells, failures)
        self._say = say

    def add_cell(self, cell: Cell) -> None:
        """Send it, then keep it."""
        self._say("cell", cell=cell.to_json())
        super().add_cell(cell)

    def add_failure(self, failure: Failure) -> None:
        """Send it, then keep it."""
        self._say("failure", failure=asdict(failure))
        super().add_failure(failure)


def _workloads(question: Mapping[str, Any]) -> list[Workload]:
    return [Workload.from_json(data) for data in question["workloads"]]


def _free_bytes(folder: Path) -> int | None:
    """Free bytes where a folder is or would be; None if it is not known."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free
    return None
