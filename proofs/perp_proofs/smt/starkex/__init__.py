"""Theorems about the StarkEx rule set, and the claims about it that are false."""
