"""Headless Chromium over its debugging pipe (Chrome DevTools Protocol): the standard library and Debian's `chromium` are enough."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
).split()
PATIENCE = 30.0

# Chromium reads commands from descriptor 3 and answers on 4, whatever numbers our pipes have.
_LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""

Json = dict[str, object]


class BrowserFailed(Exception):
    """The browser, or a script in the page, failed."""


class Browser:
    """One page in one browser. Scripts are JavaScript expressions; their values come back as JSON."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._received = b""
        self._last = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requested: list[str] = []
        target = self._call("Target.createTarget", {"url": "about:blank"})
        attached = self._call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Show a page at a size, and wait until it has loaded."""
        self.resize(width, height)
        self._call("Page.navigate", {"url": "about:blank"})
        self.complaints.clear()
        self.requested.clear()
        self._call("Page.navigate", {"url": url})
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")

    def resize(self, width: int, height: int) -> None:
        """Another size of the window, in CSS pixels."""
        self._call("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def value(self, script: str) -> object:
        """The value of an expression in the page. Raises BrowserFailed when it throws."""
        answer = self._call("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise BrowserFailed(f"{script}: {answer['exceptionDetails']}")
        result = answer["result"]
        return result.get("value") if isinstance(result, dict) else None

    def wait_for(self, script: str, patience: float = PATIENCE) -> None:
        """Ask until the expression is true. Raises BrowserFailed when patience (seconds) ends."""
        end = time.monotonic() + patience
        while not self.value(f"Boolean({script})"):
            if time.monotonic() > end:
                raise BrowserFailed(f"never became true: {script}")

    def click(self, selector: str) -> None:
        """Click an element. Raises BrowserFailed when there is none."""
        self.value(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "char", "keyUp"):
            text = {"text": "\r"} if kind == "char" and key == "Enter" else {}
            if kind != "char" or text:
                self._call("Input.dispatchKeyEvent", {"type": kind, "key": key, "windowsVirtualKeyCode": code, **text})

    def media(self, **features: str) -> None:
        """Pretend a media feature, as in `media(prefers_color_scheme="dark")`; `type` chooses screen or print."""
        kind = features.pop("type", "")
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self._call("Emulation.setEmulatedMedia", {"media": kind, "features": wanted})

    def picture(self, to: Path) -> None:
        """Save what the window shows as PNG."""
        shot = self._call("Page.captureScreenshot", {"format": "png"})
        to.write_bytes(base64.b64decode(str(shot["data"])))

    def _call(self, method: str, parameters: Mapping[str, object] | None = None) -> Json:
        self._last += 1
        message: Json = {"id": self._last, "method": method, "params": dict(parameters or {})}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise BrowserFailed(f"{method}: {answer['error']}")
                result = answer["result"]
                return result if isinstance(result, dict) else {}
            self._notice(str(answer.get("method")), answer.get("params"))

    def _next(self) -> Json:
        while b"\0" not in self._received:
            if not select([self._answers], [], [], PATIENCE)[0]:
                raise BrowserFailed(f"Chromium did not answer within {PATIENCE:.0f} s")
            chunk = os.read(self._answers, 1 << 20)
            if not chunk:
                raise BrowserFailed("Chromium ended")
            self._received += chunk
        raw, self._received = self._received.split(b"\0", 1)
        answer: Json = json.loads(raw)
        return answer

    def _notice(self, method: str, parameters: object) -> None:
        """Keep what the page complained of, and what it asked the network for."""
        if not isinstance(parameters, dict):
            return
        if method == "Network.requestWillBeSent":
            self.requested.append(str(parameters["request"]["url"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.complaints.append(str(parameters["args"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own, ended afterwards. Raises BrowserFailed when no Chromium is installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise BrowserFailed("no chromium on PATH; on Debian: apt-get install chromium")
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        launch = [sys.executable, "-c", _LAUNCH, str(command_end), str(answer_end), program, *FLAGS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(launch, pass_fds=(command_end, answer_end), stderr=subprocess.DEVNULL)
        os.close(command_end)
        os.close(answer_end)
        try:
            yield Browser(commands, answers)
        finally:
            os.close(commands)
            os.close(answers)
            process.terminate()
            process.wait(PATIENCE)
