"""Settings that all tests share: nothing draws on a screen, and property tests repeat exactly. And a server on loopback, for models over HTTP."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("NO_PROXY", "127.0.0.1")

settings.register_profile("clinsim", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("clinsim")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that the tests stand in."""
    return Path(__file__).resolve().parent.parent


class ModelServer:
    """A real HTTP server that acts as one of chat completions. `answer` makes of each request's body:

    a dict or bytes (sent with 200), a pair of status and body, or None (the connection is closed without a word). Pauses between tries are asked
    for a millisecond. `stop` is set when the test is over: an answer that is to come too late waits for it.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.answer = answer
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.stop = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.stop.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(body)
                server.keys.append(self.headers.get("Authorization", ""))
                made = server.answer(body)
                if made is None:
                    self.close_connection = True
                    return
                status, content = made if isinstance(made, tuple) else (200, made)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        return Handler


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[dict[str, Any]], Any]], ModelServer]]:
    """Start a server on loopback that answers by a function; it is closed after the test."""
    started: list[ModelServer] = []

    def start(answer: Callable[[dict[str, Any]], Any]) -> ModelServer:
        started.append(ModelServer(answer))
        return started[-1]

    yield start
    for server in started:
        server.close()
