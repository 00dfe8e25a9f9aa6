"""The one error of the verifier."""


class ProofError(ValueError):
    """A proof, or what it claims to be about, is refused. The message says at which step."""
