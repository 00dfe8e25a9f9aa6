"""A plain server of files on the loopback, the one of the standard library."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """Takes all the connections that a browser opens at once; the five of the base class it would leave waiting."""

    request_queue_size = 128


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serves a directory; gives its address, which ends with a slash."""
    with Server(("127.0.0.1", 0), partial(Quiet, directory=str(directory))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
