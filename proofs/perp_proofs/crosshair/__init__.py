"""Contracts of the rules that CrossHair checks: the rules' text run on symbolic integers, path by path."""
