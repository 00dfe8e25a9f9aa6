"""Tests of contracts are collected where CrossHair is installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("crosshair") else ["test_*.py", "*/test_*.py"]
