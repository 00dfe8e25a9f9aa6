"""Serves the site to this machine, and to no other."""

import http.server
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; says nothing of requests, and lets no page be kept when the site is built again."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Says nothing."""

    def end_headers(self) -> None:
        """Adds what browsers have to know."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers a missing page with the site's own."""
        own = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not own.is_file():
            super().send_error(code, message, explain)
            return
        content = own.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class Server(http.server.ThreadingHTTPServer):
    """A server of a site; a visitor who leaves in the middle is no error."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: what goes wrong in a request is answered to who asked."""


def server_of(site: Path, port: int) -> Server:
    """A server of a site; port 0 takes any that is free.

    Raises:
        OSError: The port is taken.
    """
    return Server((HOST, port), partial(Handler, directory=str(site)))
