"""Tests of commands that use a solver are collected where it is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("z3") else ["test_check.py"]
