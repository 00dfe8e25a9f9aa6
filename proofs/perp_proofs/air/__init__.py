"""The arithmetisation: tables of columns, their constraints and buses, for every way of reading them.

Standard library, perp_hash and the listing of programs only: the verifier is made of it too.
"""
