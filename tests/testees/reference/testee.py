"""The reference as a testee, for both rule sets: python testee.py [OBSERVED ...] [stepwise]."""

import sys

from perp_reference.conformance.serve import reference, serve

if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if name != "stepwise"]
    server = reference(observes=tuple(name for name in chosen if name != "nothing") if chosen else None)
    if "stepwise" in sys.argv:
        server.features = (*server.features, "stepwise")
    serve(server)
