"Headless Chromium, driven through its DevTools protocol."
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from websocket import create_connection

PROGRAMS = "chromium", "chromium-browser", "google-chrome"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0")


def find_program() -> str|None:
    "The name of a Chromium that is installed."
    return next(filter(shutil.which, PROGRAMS), None)


class Browser:
    "One tab; closed with the stack that it was opened in."
    def __init__(self, program:str, stack:ExitStack):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chromium_", ignore_cleanup_errors=True))
        command = [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process = subprocess.Popen(command, **quiet)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        port = wait_for(lambda: read_port(Path(folder)/"DevToolsActivePort"), "the start of the browser")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer: tabs = json.load(answer)
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        self.socket = create_connection(address, timeout=60, suppress_origin=True)
        stack.callback(self.socket.close)
        self.count = 0
        self.errors = [] # what the console says of the pages opened so far
        for domain in ("Page", "Runtime", "Log"): self.call(f"{domain}.enable")

    def call(self, method:str, **params) -> dict:
        "The answer to a command; errors of the page that arrive meanwhile are kept."
        self.count += 1
        self.socket.send(json.dumps(dict(id=self.count, method=method, params=params)))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.count: break
            self.note(message)
        if "error" in message: raise RuntimeError(f"{method}: {message['error']['message']}")
        return message["result"]

    def note(self, message:dict):
        "Keep an event that tells of an error."
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown": self.errors.append(params["exceptionDetails"]["text"])
        if message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    def run(self, script:str):
        "The value of a JavaScript expression; a promise is awaited."
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer: raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def open(self, address:str):
        "Load a page and wait until its pictures and formulas stand."
        self.call("Page.navigate", url=address)
        here = f"location.href === {json.dumps(address)} && document.readyState === 'complete'"
        wait_for(lambda: self.run(here), address)
        self.run("window.MathJax ? MathJax.startup.promise.then(() => true) : true")

    def resize(self, width:int, height:int=1000):
        "The size of the window, in pixels."
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme:str): # light or dark
        "What a page is told of the reader's taste."
        self.call("Emulation.setEmulatedMedia", features=[dict(name="prefers-color-scheme", value=scheme)])


def read_port(file:Path) -> int|None:
    "The port that the browser listens on, as soon as it is written there."
    lines = file.read_text().splitlines() if file.exists() else []
    return int(lines[0]) if len(lines) > 1 else None


def wait_for(ask, what:str, seconds:float=60):
    "The first true answer of `ask()`; TimeoutError if there is none."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask(): return answer
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds} s for {what}")
