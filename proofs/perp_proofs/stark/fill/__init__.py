"""Filling the tables: from a state, a batch and what its run did, the trace that is proved. NumPy and Numba."""
