"""A testee that answers at once and knows nothing: it shows how fast the tester is."""

import json
import sys

RESULT = '{"outcome":"rejected"}'
HELLO = {
    "implementation": {"name": "trivial", "version": "1", "language": "Python", "source": ""},
    "rules": ["perpetual"],
    "operations": sys.argv[1:],
    "features": [],
    "observes": [],
}


def main() -> None:
    out = sys.stdout.buffer
    # The tester counts from 1, one request a line, so nothing has to be parsed.
    for seq, line in enumerate(sys.stdin.buffer, 1):
        if b'"request":"run"' in line[:60]:
            results = ",".join([RESULT] * line.count(b'{"op":'))
            out.write(f'{{"seq":{seq},"results":[{results}]}}\n'.encode())
        elif b'"request":"hello"' in line[:60]:
            out.write(f"{json.dumps({'seq': seq, **HELLO})}\n".encode())
        elif b'"request":"stop"' in line[:60]:
            return
        else:
            out.write(f'{{"seq":{seq},"result":"ok"}}\n'.encode())
        out.flush()


if __name__ == "__main__":
    main()
