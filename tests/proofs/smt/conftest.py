"""Tests of the Z3 reading are collected where Z3 is installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("z3") else ["test_*.py", "*/test_*.py"]
