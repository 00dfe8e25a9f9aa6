"""Proofs of lemmas that anybody can check by adding and multiplying polynomials. The standard library only."""
