"""The recorded program: the rules as data, for the prover and the verifier."""
