"""The server of the site."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from perp_reference.site.serve import HOST, Server, server_of


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "index.html").write_text("home", encoding="utf-8")
    (tmp_path / "404.html").write_text("no such page", encoding="utf-8")
    (tmp_path / "run.wasm").write_bytes(b"\0asm")
    server = server_of(tmp_path, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def answer(server: Server, path: str) -> tuple[int, str, str]:
    connection = HTTPConnection(HOST, server.server_address[1])
    connection.request("GET", path)
    reply = connection.getresponse()
    found = reply.status, str(reply.getheader("Content-Type")), reply.read().decode()
    connection.close()
    return found


def test_pages_are_served_to_this_machine_alone(serving: Server) -> None:
    assert serving.server_address[0] == "127.0.0.1"
    assert answer(serving, "/") == (200, "text/html", "home")
    assert answer(serving, "/run.wasm") == (200, "application/wasm", "\0asm")
    assert answer(serving, "/gone.html") == (404, "text/html; charset=utf-8", "no such page")


def test_what_is_outside_of_the_site_is_not_served(serving: Server) -> None:
    assert answer(serving, "/../../../etc/passwd")[0] == 404
