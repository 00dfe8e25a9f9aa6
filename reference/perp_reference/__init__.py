"""The reference machine: runs the rules of `perp_spec` on plain integers."""
