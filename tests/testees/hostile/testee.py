"""A testee that behaves as badly as it can: python testee.py MANNER WHEN, where WHEN is the request it does so at.

Up to then it answers as the template does: it knows of withdrawals that amounts below 1 are rejected.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

HELLO = {
    "implementation": {"name": "hostile", "version": "1", "language": "Python", "source": ""},
    "rules": ["perpetual"],
    "operations": ["withdraw"],
    "features": [],
    "observes": ["reason", "delta"],
}

MEGABYTE = 2**20


def result(step: dict[str, Any]) -> dict[str, Any]:
    if int(step["args"]["amount"]) < 1:
        return {"outcome": "rejected", "reason": "AMOUNT", "delta": []}
    return {"outcome": "accepted", "delta": []}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    match request["request"]:
        case "hello":
            return {"seq": request["seq"], **HELLO}
        case "run":
            return {"seq": request["seq"], "results": [result(step) for step in request["case"]["steps"]]}
        case _:
            return {"seq": request["seq"], "result": "ok"}


def write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def line(request: dict[str, Any]) -> bytes:
    return f"{json.dumps(answer(request))}\n".encode()


def hang(_: object = None) -> NoReturn:
    while True:
        time.sleep(3_600)


def long_line(request: dict[str, Any]) -> None:
    for _ in range(100):
        write(b"x" * MEGABYTE)
    write(b"\n")


def endless(request: dict[str, Any]) -> None:
    while True:
        write(b"x" * MEGABYTE)


def endless_log(request: dict[str, Any]) -> None:
    while True:
        sys.stderr.buffer.write(b"x" * MEGABYTE)


def log_first(request: dict[str, Any]) -> None:
    for _ in range(10):
        sys.stderr.buffer.write(b"x" * MEGABYTE)
    write(line(request))


def child(request: dict[str, Any]) -> None:
    """Start a child that holds on to standard output and error, answer, and end at stop as one should.

    Its number is written to the file that the third argument names.
    """
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], stdin=subprocess.DEVNULL)
    if len(sys.argv) > 3:
        Path(sys.argv[3]).write_text(str(process.pid), encoding="ascii")
    write(line(request))


def child_and_end(request: dict[str, Any]) -> None:
    child(request)
    sys.exit(3)


def close(request: dict[str, Any]) -> None:
    os.close(1)
    hang()


def close_input(request: dict[str, Any]) -> None:
    os.close(0)
    write(line(request))
    hang()


def flood(request: dict[str, Any]) -> None:
    while True:
        write(b'{"seq":0}\n' * 1_000)


def drip(request: dict[str, Any]) -> None:
    while True:
        write(b" ")
        time.sleep(0.01)


MANNERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "garbage": lambda _: write(b"\x00\x01\x02 garbage\n"),
    "empty": lambda _: write(b"\n"),
    "long": long_line,
    "endless": endless,
    "nothing": hang,
    "exit": lambda _: sys.exit(3),
    "exit_0": lambda _: sys.exit(0),
    "abort": lambda _: os.abort(),
    "close": close,
    "close_input": close_input,
    "log": log_first,
    "endless_log": endless_log,
    "drip": drip,
    "late": lambda request: (time.sleep(2), write(line(request))),
    "twice": lambda request: write(line(request) * 2),
    "flood": flood,
    "latin": lambda request: write(line(request).replace(b"}\n", b',"x":"\xe9"}\n')),
    "mark": lambda request: write(b"\xef\xbb\xbf" + line(request)),
    "utf16": lambda request: write(line(request).decode().encode("utf-16")),
    "duplicate": lambda request: write(line(request).replace(b"{", b'{"seq":1,', 1)),
    "nan": lambda request: write(line(request).replace(b"}\n", b',"x":NaN}\n')),
    "nan_seq": lambda _: write(b'{"seq":NaN}\n'),
    "huge_seq": lambda _: write(b'{"seq":' + b"9" * 1_000_000 + b"}\n"),
    "huge_exponent": lambda _: write(b'{"seq":1e999999999}\n'),
    "deep": lambda _: write(b"[" * 200_000 + b"]" * 200_000 + b"\n"),
    "deep_object": lambda _: write(b'{"seq":' * 100_000 + b"1" + b"}" * 100_000 + b"\n"),
    "surrogate": lambda request: write(
        line(request).replace(b'"hostile"', b'"\\ud800"').replace(b'"AMOUNT"', b'"\\ud800"')
    ),
    "zero_byte": lambda request: write(line(request).replace(b'"hostile"', b'"a\\u0000b"')),
    "escapes": lambda request: write(line(request).replace(b'"hostile"', b'"\\u001b[31mred\\r\\n"')),
    "other_seq": lambda request: write(line({**request, "seq": request["seq"] + 1})),
    "old_seq": lambda request: write(line({**request, "seq": request["seq"] - 1})),
    "error": lambda request: write(json.dumps({"seq": request["seq"], "error": "no"}).encode() + b"\n"),
    "child": child,
    "child_and_end": child_and_end,
    "carriage": lambda request: write(line(request).replace(b"\n", b"\r\n")),
    "no_feed": lambda request: (write(line(request).rstrip(b"\n")), hang()),
}


def main(manner: str, when: str) -> None:
    for text in sys.stdin:
        request = json.loads(text)
        if request["request"] == when:
            MANNERS[manner](request)
        elif request["request"] == "stop":
            return
        else:
            write(line(request))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
