"""The prover, for any system of tables: compiled kernels around the protocol that perp_proofs.verifier states."""
