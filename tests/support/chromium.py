"""A headless Chromium, driven over a pipe by the DevTools protocol.

Messages are JSON texts that end with a zero byte: commands go in at the browser's file descriptor 3, replies and events
come out at 4. There is neither a port nor a driver between.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

MISSING = (
    "no Chromium in PATH: the tier `browser` needs one of "
    f"{', '.join(NAMES)} (Debian and Ubuntu: apt-get install chromium)"
)

TIMEOUT_SECONDS = 120.0
"""Longest wait for a reply or for something to become true, unless a test says otherwise."""

PATIENCE_SECONDS = 30.0
"""After which a page is asked for again."""

READ_BYTES = 1 << 16

LAUNCH = """
import fcntl, os, sys
come, go = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(come, 3)
os.dup2(go, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Gives the two ends of the pipes the numbers that the browser expects, and becomes the browser."""

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    # Every name, and every address but the loopback's, resolves to nothing.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

PHONE, DESKTOP = (390, 844), (1440, 900)
"""Width and height of screens, in CSS pixels."""

MOBILE_BELOW = 600
"""A narrower screen is shown as a phone shows it."""

Event = dict[str, Any]


def executable() -> str:
    """The browser.

    Raises:
        FileNotFoundError: There is none.
    """
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError(MISSING)


class ProtocolError(Exception):
    """The browser refuses a command, or is gone."""


class Browser:
    """A browser with a profile of its own; to be closed.

    Attributes:
        events: What happened and nobody has taken yet, oldest first.
    """

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands, self._commands = os.pipe()
        self._replies, replies = os.pipe()
        for end in (commands, replies):
            os.set_inheritable(end, True)
        launched = [sys.executable, "-c", LAUNCH, str(commands), str(replies), executable()]
        self._process = subprocess.Popen(
            [*launched, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(commands, replies),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(replies)
        self._rest = b""
        self._last = 0
        self.events: deque[Event] = deque()
        self._answers: dict[int, Event] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(ProtocolError, OSError):
            self.send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._replies)
        self._profile.cleanup()

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Give a command and wait for its result.

        Raises:
            ProtocolError: The browser refuses it, is gone or does not answer.
        """
        return self.answer_to(self.post(method, session, **parameters), method)

    def answered(self, number: int) -> bool:
        """The answer of a number has come."""
        return number in self._answers

    def answer_to(self, number: int, method: str) -> dict[str, Any]:
        """Wait for the result of a command.

        Raises:
            ProtocolError: The browser refuses it, is gone or does not answer.
        """
        self.until(lambda: self.answered(number), f"an answer to {method}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise ProtocolError(f"{method}: {answer['error']}")
        return answer["result"]

    def post(self, method: str, session: str | None = None, **parameters: Any) -> int:
        """Give a command and do not wait; the number of its answer."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._commands, data) :]
        return self._last

    def until(self, true: Callable[[], bool], what: str, seconds: float = TIMEOUT_SECONDS) -> None:
        """Take in what the browser says until something is true.

        Raises:
            ProtocolError: It is gone, or the time is over.
        """
        end = time.monotonic() + seconds
        while not true():
            left = end - time.monotonic()
            if left <= 0:
                raise ProtocolError(f"waited {seconds:.0f} s for {what}")
            self.listen(min(left, 0.1))

    def listen(self, seconds: float) -> None:
        """Take in what the browser says within some seconds; returns at the first of it."""
        ready, _, _ = select.select([self._replies], [], [], seconds)
        if not ready:
            return
        data = os.read(self._replies, READ_BYTES)
        if not data:
            raise ProtocolError(f"the browser has ended with {self._process.poll()}")
        *whole, self._rest = (self._rest + data).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.append(message)

    def take(self) -> Iterator[Event]:
        """The events so far, each once."""
        while self.events:
            yield self.events.popleft()


class Page:
    """A tab, and the workers it starts.

    Attributes:
        requests: Every address that the page and its workers asked for.
        errors: Every error and warning that the console shows, and every request that failed.
        width: Of its screen, in CSS pixels.
    """

    def __init__(self, browser: Browser, width: int, height: int, *, dark: bool) -> None:
        self.browser = browser
        self.width = width
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._loaded = ""
        """The newest document that is loaded with all that it names, by its loader."""
        self._context = browser.send("Target.createBrowserContext")["browserContextId"]
        target = browser.send("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = browser.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session: str = attached["sessionId"]
        self._sessions = {self.session}
        self.watch(self.session)
        self.send("Page.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.send("Target.disposeBrowserContext", browserContextId=self._context)
        self.browser.events.clear()

    def watch(self, session: str) -> None:
        """Hear of requests, of what the console shows, and of the workers that a session starts."""
        self._sessions.add(session)
        for method in ("Network.enable", "Runtime.enable", "Log.enable"):
            self.browser.post(method, session)
        self.browser.post("Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        self.browser.post("Runtime.runIfWaitingForDebugger", session)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give the page a command."""
        return self.browser.send(method, self.session, **parameters)

    def resize(self, width: int, height: int) -> None:
        """Show the page on a screen of so many CSS pixels."""
        self.width = width
        phone = width < MOBILE_BELOW
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def outside(self, address: str) -> list[str]:
        """What the page and its workers asked for that is not below an address, sorted."""
        return sorted(asked for asked in self.requests if not asked.startswith((address, "data:", "blob:")))

    def hear(self) -> None:
        """Look at what happened."""
        for event in self.browser.take():
            if event.get("sessionId") in self._sessions:
                self.note(event["method"], event["params"])

    def note(self, method: str, event: Event) -> None:
        """Take one event in."""
        match method:
            case "Target.attachedToTarget":
                self.watch(event["sessionId"])
            case "Page.lifecycleEvent" if event["name"] == "load":
                self._loaded = event["loaderId"]
            case "Network.requestWillBeSent":
                self.requests.append(event["request"]["url"])
            case "Network.loadingFailed" if not event.get("canceled"):
                self.errors.append(f"a request failed: {event['errorText']}")
            case "Runtime.exceptionThrown":
                details = event["exceptionDetails"]
                thrown = details.get("exception", {}).get("description", "")
                self.errors.append(f"{details['text']} {thrown}".strip())
            case "Runtime.consoleAPICalled" if event["type"] in ("error", "warning", "assert"):
                said = [str(argument.get("value", argument.get("description"))) for argument in event["args"]]
                self.errors.append(f"console.{event['type']}: {' '.join(said)}")
            case "Log.entryAdded" if event["entry"]["level"] in ("error", "warning"):
                entry = event["entry"]
                self.errors.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}".strip())
            case _:
                pass

    def until(self, true: Callable[[], bool], what: str, seconds: float = TIMEOUT_SECONDS) -> None:
        """Wait until something is true of the page.

        Raises:
            ProtocolError: It does not become true in time.
        """

        def looked() -> bool:
            self.hear()
            return true()

        self.browser.until(looked, what, seconds)

    def soon(self, true: Callable[[], bool], what: str) -> bool:
        """Wait for something until it should be asked for again; whether it has become true."""
        end = time.monotonic() + PATIENCE_SECONDS
        self.until(lambda: true() or time.monotonic() >= end, what)
        return true()

    def open(self, address: str) -> None:
        """Go to an address and wait until the page with all that it names is loaded.

        Asked once more where nothing comes for long: a connection that the browser opens may be lost on a busy machine.
        """
        loader = self.go(address)
        if not self.soon(lambda: self._loaded == loader, f"{address} to load"):
            loader = self.go(address)
            self.until(lambda: self._loaded == loader, f"{address} to load")

    def go(self, address: str) -> str:
        """Leave for an address; the loader of the document that is to come.

        Raises:
            ProtocolError: There is nothing at the address.
        """
        answer = self.send("Page.navigate", url=address)
        if "errorText" in answer:
            raise ProtocolError(f"{address}: {answer['errorText']}")
        return answer["loaderId"]

    def rest(self, seconds: float) -> None:
        """Hear for some time what the page and its workers do after they are loaded."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, "the time to pass", seconds + TIMEOUT_SECONDS)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for.

        Raises:
            ProtocolError: It throws.
        """
        return self.value(expression, self.browser.answer_to(self.ask(expression), "Runtime.evaluate"))

    def read(self, expression: str) -> Any:
        """The value of an expression that changes nothing.

        Asked once more where no answer comes for long: the browser loses those of a page that it is just leaving.

        Raises:
            ProtocolError: It throws.
        """
        number = self.ask(expression)
        if not self.soon(lambda: self.browser.answered(number), expression):
            number = self.ask(expression)
        return self.value(expression, self.browser.answer_to(number, "Runtime.evaluate"))

    def ask(self, expression: str) -> int:
        """Ask for the value of an expression; the number of the answer."""
        return self.browser.post(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True, awaitPromise=True
        )

    def value(self, expression: str, answer: dict[str, Any]) -> Any:
        """The value in an answer.

        Raises:
            ProtocolError: The expression throws.
        """
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ProtocolError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = TIMEOUT_SECONDS) -> None:
        """Wait until an expression in the page is true."""
        self.until(lambda: bool(self.read(expression)), expression, seconds)

    def picture(self, file: Path) -> None:
        """Write a picture of the whole page."""
        taken = self.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        file.write_bytes(base64.b64decode(taken["data"]))
