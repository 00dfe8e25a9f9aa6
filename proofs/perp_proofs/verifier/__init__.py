"""The verifier of a proof, for any system of tables. docs/proof-system describes it.

Standard library, perp_hash and the air only; never the prover. To read it, begin with verify.py.
"""
