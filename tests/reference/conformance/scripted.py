"""A testee that answers what it is told: python scripted.py PLAN, a JSON object from requests to lists of replies.

A reply is an object, to which the seq is added; a string is written as it is, {seq} in it replaced; the last one of a
list is repeated. "!exit N" ends it with an exit code, "!sleep" does nothing for an hour, "!wait" rejects one step after
a second, "!log TEXT" writes to standard error and ends it.
"""

import json
import sys
import time

plan = json.loads(sys.argv[1])

for line in sys.stdin:
    request = json.loads(line)
    replies = plan.get(request["request"], ["!exit 0"])
    reply = replies.pop(0) if len(replies) > 1 else replies[0]
    if isinstance(reply, dict):
        reply = json.dumps({"seq": request["seq"], **reply})
    elif reply.startswith("!exit"):
        sys.exit(int(reply.split()[1]))
    elif reply == "!sleep":
        time.sleep(3_600)
    elif reply == "!wait":
        time.sleep(1)
        results = [{"outcome": "rejected", "reason": "AMOUNT", "delta": []}]
        reply = json.dumps({"seq": request["seq"], "results": results})
    elif reply.startswith("!log"):
        sys.stderr.write(reply[5:])
        sys.exit(7)
    sys.stdout.write(reply.replace("{seq}", str(request["seq"])) + "\n")
    sys.stdout.flush()
