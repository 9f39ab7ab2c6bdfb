"""A headless Chromium, driven over its own pipe: no driver, no package, no network.

Chromium reads commands of the DevTools protocol as JSON, ended by a NUL, from descriptor 3
and writes answers and events to descriptor 4 (`--remote-debugging-pipe`). That is all that
these tests need: load a file, press keys, click, look, take a picture.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
ANSWER_S = 240.0
"""How long one answer may take on a machine that is busy with something else."""

KEYS = {
    "Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), " ": (32, " "), "End": (35, ""),
    "Home": (36, ""), "ArrowLeft": (37, ""), "ArrowUp": (38, ""), "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}  # fmt: skip


def find_chromium() -> str | None:
    """The browser of this machine, or what `CHROMIUM` names."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


class ScriptError(AssertionError):
    """The page threw, or could not be asked."""


class Page:
    """One open page: its commands, and the errors it has printed."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._rest = b""
        self._count = 0
        self._session: str | None = None
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        attached = self.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")
        self.command("Performance.enable", timeDomain="threadTicks")

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; events met on the way are kept."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise ScriptError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._keep(answer)

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + ANSWER_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._receive], [], [], max(0.0, end - time.monotonic()))
            got = os.read(self._receive, 1 << 20) if ready else b""
            if not got:
                raise ScriptError("Chromium gave no answer" if not ready else "Chromium is gone")
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def _keep(self, event: dict[str, Any]) -> None:
        method, told = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"].get("exception", told)))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(told["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.errors.append(json.dumps(told["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def open(self, path: Path) -> None:
        """Load a file and wait until its script has run."""
        self.errors.clear()
        self.requests.clear()
        self.command("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete' && 'paretobench' in globalThis")

    def run(self, expression: str) -> Any:
        """The value of an expression in the page, promises awaited."""
        told = self.command(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        if "exceptionDetails" in told:
            raise ScriptError(json.dumps(told["exceptionDetails"])[:2000])
        return told["result"].get("value")

    def wait(self, expression: str, seconds: float = 30.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(expression):
            if time.monotonic() > end:
                raise ScriptError(f"still not true after {seconds} s: {expression}")
            time.sleep(0.02)

    def seconds_of_work(self) -> float:
        """Processor seconds of the page's main thread: other processes do not count."""
        metrics = self.command("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    def text(self, selector: str) -> str:
        """The text of the first element that a selector finds."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent"))

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that a selector finds."""
        query = f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)"
        found: list[str] = self.run(query)
        return found

    def click(self, selector: str) -> None:
        """Click with the mouse in the middle of an element, scrolled into view."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({ block: 'center' }); const b = e.getBoundingClientRect(); "
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.click_at(x, y)

    def click_at(self, x: float, y: float) -> None:
        """Move the mouse to a place of the window and click there."""
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """One event of the mouse."""
        self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, key: str, shift: bool = False) -> None:
        """Press and release one key."""
        code, text = KEYS[key]
        same = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **same)
        self.command("Input.dispatchKeyEvent", type="keyUp", **same)

    def choose(self, select_id: str, text: str) -> None:
        """Choose the option of a select whose text begins so."""
        self.run(
            f"(() => {{ const [id, text] = {json.dumps([select_id, text])}; "
            "const select = document.getElementById(id); "
            "select.selectedIndex = [...select.options].findIndex((o) => o.text.startsWith(text)); "
            "select.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )

    def size(self, width: int, height: int, is_phone: bool = False) -> None:
        """Give the window a size in CSS pixels."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=is_phone,
        )
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def prefer(self, **features: str) -> None:
        """Set media features, such as `prefers_color_scheme='dark'`."""
        told = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        self.command("Emulation.setEmulatedMedia", features=told)

    def picture(self, path: Path, is_full: bool = True) -> Path:
        """A PNG of the window, or of the whole page."""
        told = self.command("Page.captureScreenshot", captureBeyondViewport=is_full)
        if is_full:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
            told = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(told["data"]))
        return path


@contextlib.contextmanager
def browser(executable: str) -> Iterator[Page]:
    """A page in a fresh browser with a profile of its own; both are gone afterwards."""
    to_browser, send = os.pipe()
    receive, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(prefix="paretobench-chromium-") as profile:
        process = subprocess.Popen(
            [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=_at_three_and_four(to_browser, from_browser),
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Page(send, receive)
        finally:
            os.close(send)  # the end of its commands is what Chromium leaves by
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(receive)
            _forget(Path(profile))


def _at_three_and_four(read: int, write: int) -> Callable[[], None]:
    def place() -> None:
        first, second = os.dup(read), os.dup(write)
        high = [os.dup2(fd, 60 + index) for index, fd in enumerate((first, second))]
        for target, source in zip((3, 4), high, strict=True):
            os.dup2(source, target, inheritable=True)

    return place


def _forget(profile: Path) -> None:
    """Children of the browser may still write their last; a profile left behind is no failure."""
    for _ in range(20):
        shutil.rmtree(profile, ignore_errors=True)
        if not profile.exists():
            break
        time.sleep(0.1)
    profile.mkdir(exist_ok=True)
