"""Proofs about the rules: the recorded program, its arithmetisation, the prover, the verifier, and the solvers."""
