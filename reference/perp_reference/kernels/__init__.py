"""Compiled kernels: the hot functions of the specification for many inputs at once. They need NumPy and Numba."""
