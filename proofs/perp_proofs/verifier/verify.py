"""Verify a proof. The order of everything here is the protocol; docs/proof-system has a page for each part of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from perp_hash.field import MODULUS
from perp_proofs.air.system import PublicFraction, System
from perp_proofs.verifier.codec import ELEMENT_BYTES, Reader, decode_elements, decode_extension, phase_name
from perp_proofs.verifier.constraints import Messages, Opened, check_identity, check_sum
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import DEGREE, Element
from perp_proofs.verifier.plan import FRACTIONS, QUOTIENT, TRACE, Plan, fingerprint, plan
from perp_proofs.verifier.queries import HALVES, Batch, Layer, check_layers, read_rows
from perp_proofs.verifier.security import PROFILE_100, Profile, Security, Sizes, security
from perp_proofs.verifier.transcript import Transcript

PROTOCOL = b"perpspec stacked FRI, version 1"

COUNT_BYTES = 4


@dataclass(frozen=True)
class Verified:
    """What was verified: the sizes of the proof, and its security."""

    plan: Plan
    security: Security


def encode_public(fractions: Sequence[PublicFraction]) -> bytes:
    """The statement's fractions as bytes: how many; of each tag, numerator, number of entries, entries, modulo p."""
    numbers = [len(fractions)]
    for fraction in fractions:
        entries = [entry % MODULUS for entry in fraction.entries]
        numbers += [fraction.tag, fraction.numerator % MODULUS, len(entries), *entries]
    return b"".join(number.to_bytes(COUNT_BYTES, "little") for number in numbers)


def check_public(system: System, fractions: Sequence[PublicFraction]) -> None:
    """Raise ProofError unless every fraction of the statement has a tag of the system, and its arity."""
    for fraction in fractions:
        if system.arities.get(fraction.tag) != len(fraction.entries):
            raise ProofError(f"the statement has a message of tag {fraction.tag} that the system does not know")


def begin(shape: Plan, profile: Profile, public: Sequence[PublicFraction], statement: bytes) -> Transcript:
    """The transcript before the first commitment: everything that both sides knew before."""
    transcript = Transcript(PROTOCOL)
    transcript.absorb("profile", profile.encode())
    transcript.absorb("system", fingerprint(shape.system))
    transcript.absorb("heights", shape.header())
    transcript.absorb("statement", statement)
    transcript.absorb("public", encode_public(public))
    return transcript


def draw_point(transcript: Transcript) -> Element:
    """z, outside the base field: drawn again until it is."""
    while True:
        (point,) = transcript.draw_elements("point", 1)
        if any(point[1:]):
            return point


def check_grind(transcript: Transcript, reader: Reader, label: str, bits: int) -> None:
    """Read a nonce, check its work and absorb it. Raises ProofError if the work is missing."""
    if not bits:
        return
    nonce = reader.nonce(bits, label)
    if not transcript.passes(label, bits, nonce):
        raise ProofError(f"{label}: the nonce does not hold {bits} bits of work")
    transcript.absorb(label, nonce)


def read_root(transcript: Transcript, reader: Reader, shape: Plan, phase: int, roots: dict[int, bytes]) -> None:
    """Read and absorb the root of a phase, if it has words."""
    if shape.stacks[phase]:
        name = phase_name(phase)
        roots[phase] = reader.digest(f"{name} root")
        transcript.absorb(name, roots[phase])


def read_layers(
    transcript: Transcript, reader: Reader, shape: Plan, profile: Profile
) -> tuple[list[Layer], list[Element]]:
    """The roots of the folding layers, each with its challenges, and the last polynomial."""
    layers: list[Layer] = []
    for number in range(shape.layers):
        root = reader.digest(f"layer {number + 1} root")
        transcript.absorb("layer", root)
        check_grind(transcript, reader, "fold grind", profile.fold_grinding)
        layers.append(Layer(root, transcript.draw_elements("fold", len(HALVES))))
    data = reader.take(shape.final_length * DEGREE * ELEMENT_BYTES, "last polynomial")
    transcript.absorb("final", data)
    return layers, decode_extension(data, "last polynomial")


def check_security(shape: Plan, profile: Profile, public: Sequence[PublicFraction], target: float) -> Security:
    """Raise ProofError unless the security reaches the target and no sum of multiplicities can wrap around p."""
    figure = security(profile, Sizes.of(shape, shape.fractions(list(public))))
    if figure.bits < target:
        raise ProofError(f"{figure.bits:.2f} proven bits, below the {target:.2f} demanded")
    weights = shape.weights(list(public))
    if 2 * weights >= MODULUS:
        raise ProofError(f"multiplicities of up to {weights} could wrap around the field")
    return figure


def verify(
    system: System,
    public_fractions: Sequence[PublicFraction],
    statement_bytes: bytes,
    proof: bytes,
    profile: Profile = PROFILE_100,
    target: float | None = None,
) -> Verified:
    """Accept a proof that some trace of the system satisfies every constraint and balances every bus.

    `statement_bytes` and `public_fractions` are what it is about. The least security is that of the profile; another
    `target` is for tests. Raises ProofError, and nothing else, for anything else.
    """
    check_public(system, public_fractions)
    reader = Reader(proof)
    heights, bound = reader.header(len(system.tables))
    shape = plan(system, heights, bound, profile.blowup)
    figure = check_security(shape, profile, public_fractions, profile.target if target is None else target)
    transcript = begin(shape, profile, public_fractions, statement_bytes)

    roots: dict[int, bytes] = {}
    read_root(transcript, reader, shape, TRACE, roots)
    messages = Messages(transcript.draw_elements("message", 1 + shape.message_width))
    read_root(transcript, reader, shape, FRACTIONS, roots)
    (xi,) = transcript.draw_elements("constraint", 1)
    read_root(transcript, reader, shape, QUOTIENT, roots)
    point = draw_point(transcript)

    data = reader.take(shape.slots * DEGREE * ELEMENT_BYTES, "openings")
    transcript.absorb("openings", data)
    values = decode_extension(data, "openings")
    data = reader.take(shape.sums * ELEMENT_BYTES, "openings at 0")
    transcript.absorb("sums", data)
    zeros = decode_elements(data, "openings at 0")
    check_identity(shape, Opened(shape, point, values), point, messages, xi)
    check_sum(shape, zeros, messages, public_fractions)

    check_grind(transcript, reader, "batch grind", profile.batch_grinding)
    (challenge,) = transcript.draw_elements("batch", 1)
    layers, final = read_layers(transcript, reader, shape, profile)
    check_grind(transcript, reader, "query grind", profile.query_grinding)
    indices = set(transcript.draw_indices("query", profile.queries, shape.size))

    rows = read_rows(reader, shape, roots, indices)
    batch = Batch(shape, point, values, zeros, challenge).evaluate(rows)
    check_layers(reader, shape, layers, final, batch)
    reader.finish()
    return Verified(shape, figure)
