"""The hash suite: a field, a permutation, and everything that is hashed with it. Standard library only."""
