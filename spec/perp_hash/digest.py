"""Digests, and the two ways to hash with them. docs/hash-suite.md is the same in the words of a specification.

A digest is a tuple of eight canonical field elements, 248 bits. Everything rests on one function of sixteen elements,

    step(left, right) = first eight lanes of permute(left, right) + left,

where adding the input back (the feed-forward) is what makes it one-way: a permutation alone can be run backwards, also
when only half of its output is shown.

compress(tag, left, right) = step(left, right) with the tag added to element 0 of the result. All sixteen lanes carry
data, so there is no spare input lane for a tag, and a tag added to an input lane could be cancelled by whoever chooses
that lane: (tag, x) and (tag + 1, x - 1) would have one digest. Added to the output it cannot be cancelled: two tags
share a digest only where two results of `step` differ by exactly the difference of the tags, which is as hard to find
as a collision; T tags give 2 T - 1 such differences instead of one and cost at most log2(2 T - 1) / 2 of the 124 bits.
So the two halves may also be plain data, sixteen elements for one permutation, and a row of a proof's table is the same
for a leaf, a node and a link of a chain: sixteen inputs, a tag, eight outputs linear in cells that are there anyway.

hash_elements(tag, elements) starts from the digest (tag, length, 0, 0, 0, 0, 0, 0) and takes in eight elements at a
time, digest = step(digest, block), the last block filled with zeros. Different tags and lengths have different starts,
and no step leads to a start (six zeros: a preimage of 186 bits), so this is Merkle-Damgard with its usual proof: a
collision of two sequences is a collision of `step`. A sponge would need as many permutations, but its permutation can
be run backwards to meet in the middle of a guessed capacity, which halves its preimage resistance.
"""

from collections.abc import Sequence

from perp_hash.field import ELEMENT_BITS, MODULUS, check_elements
from perp_hash.poseidon import DEFAULT_SUITE, Suite, permute
from perp_hash.tags import Tag
from perp_hash.words import words_elements

DIGEST_ELEMENTS = 8
"""Half a state: the best collision search takes 2^124 permutations."""

BYTES_AN_ELEMENT = 3
"""Bytes of text in one element: four could reach p."""

ELEMENT_BYTES = 4
"""Bytes that one element is written in."""

DIGEST_BYTES = DIGEST_ELEMENTS * ELEMENT_BYTES

PACKED_BITS = DIGEST_ELEMENTS * ELEMENT_BITS

Digest = tuple[int, ...]
"""Eight canonical elements."""

ZERO_DIGEST: Digest = (0,) * DIGEST_ELEMENTS
"""Stands for an absent leaf. Nothing is known that hashes to it, nor can it be found (a preimage of 248 bits)."""


def check_digest(digest: Sequence[int], what: str = "digest") -> None:
    """Raise ValueError unless `digest` is eight canonical elements. `what` names it in the message."""
    if len(digest) != DIGEST_ELEMENTS:
        raise ValueError(f"{what} has {DIGEST_ELEMENTS} elements, not {len(digest)}")
    check_elements(digest, f"{what} element")


def step(left: Sequence[int], right: Sequence[int], suite: Suite = DEFAULT_SUITE) -> Digest:
    """The one-way function of two times eight canonical elements under all hashes; see the top of this file.

    Raises ValueError for other lengths or elements. Use compress or hash_elements, which know what they hash,
    unless a layout says how it chains steps.
    """
    check_digest(left, "left half")
    check_digest(right, "right half")
    lanes = permute(suite, (*left, *right))
    return tuple((lane + fed) % MODULUS for lane, fed in zip(lanes[:DIGEST_ELEMENTS], left, strict=True))


def compress(tag: Tag, left: Sequence[int], right: Sequence[int], suite: Suite = DEFAULT_SUITE) -> Digest:
    """The digest of exactly sixteen elements, two digests or other data, with one permutation.

    `left` and `right` hold eight canonical elements each. Raises ValueError for other lengths, elements or tags.
    """
    first, *others = step(left, right, suite)
    return ((first + Tag(tag)) % MODULUS, *others)


def hash_elements(tag: Tag, elements: Sequence[int], suite: Suite = DEFAULT_SUITE) -> Digest:
    """The digest of a sequence of canonical elements, which binds their number too.

    Takes one permutation for every eight elements begun, and one for the empty sequence. Raises ValueError for
    elements or tags that are none.
    """
    check_elements(elements, "element")
    length = len(elements)
    digest: Digest = (int(Tag(tag)), length, *ZERO_DIGEST[2:])
    for start in range(0, max(length, 1), DIGEST_ELEMENTS):
        block = elements[start : start + DIGEST_ELEMENTS]
        digest = step(digest, (*block, *ZERO_DIGEST[len(block) :]), suite)
    return digest


def bytes_elements(data: bytes) -> tuple[int, ...]:
    """The elements that stand for a byte string: its length, then three bytes an element, least significant first.

    The length tells trailing zero bytes from filling. Raises ValueError from p bytes on.
    """
    if len(data) >= MODULUS:
        raise ValueError(f"{len(data)} bytes are too many to hash")
    chunks = (data[start : start + BYTES_AN_ELEMENT] for start in range(0, len(data), BYTES_AN_ELEMENT))
    return (len(data), *(int.from_bytes(chunk, "little") for chunk in chunks))


def hash_bytes(tag: Tag, data: bytes, suite: Suite = DEFAULT_SUITE) -> Digest:
    """The digest of a byte string, which binds its length too: hash_elements of bytes_elements, with their errors."""
    return hash_elements(tag, bytes_elements(data), suite)


def pack_digest(digest: Sequence[int]) -> int:
    """A digest as one integer of 248 bits, 31 bits an element, element 0 lowest. Raises ValueError if it is none."""
    check_digest(digest)
    return sum(element << ELEMENT_BITS * index for index, element in enumerate(digest))


def unpack_digest(packed: int) -> Digest:
    """The inverse of pack_digest. Raises ValueError for integers that pack no digest."""
    if type(packed) is not int or not 0 <= packed < 1 << PACKED_BITS:
        raise ValueError(f"not a packed digest of {PACKED_BITS} bits: {packed!r}")
    mask = (1 << ELEMENT_BITS) - 1
    digest = tuple(packed >> ELEMENT_BITS * index & mask for index in range(DIGEST_ELEMENTS))
    check_digest(digest)
    return digest


def digest_to_bytes(digest: Sequence[int]) -> bytes:
    """A digest as 32 bytes, four an element, least significant first. Raises ValueError if it is none."""
    check_digest(digest)
    return b"".join(element.to_bytes(ELEMENT_BYTES, "little") for element in digest)


def digest_from_bytes(data: bytes) -> Digest:
    """The inverse of digest_to_bytes. Raises ValueError for another length and for elements that are not below p."""
    if len(data) != DIGEST_BYTES:
        raise ValueError(f"a digest is {DIGEST_BYTES} bytes, not {len(data)}")
    starts = range(0, DIGEST_BYTES, ELEMENT_BYTES)
    digest = tuple(int.from_bytes(data[start : start + ELEMENT_BYTES], "little") for start in starts)
    check_digest(digest)
    return digest


def digest_to_hex(digest: Sequence[int]) -> str:
    """The 32 bytes of a digest as 64 lower-case hexadecimal digits. Raises ValueError if it is no digest."""
    return digest_to_bytes(digest).hex()


def digest_from_hex(text: str) -> Digest:
    """The inverse of digest_to_hex. Raises ValueError for anything it does not produce, upper case and spaces too."""
    if len(text) != 2 * DIGEST_BYTES or not set(text) <= set("0123456789abcdef"):
        raise ValueError(f"a digest is {2 * DIGEST_BYTES} lower-case hexadecimal digits, not {text!r}")
    return digest_from_bytes(bytes.fromhex(text))


def hash_words(tag: int, digests: Sequence[int], words: Sequence[int], suite: Suite = DEFAULT_SUITE) -> int:
    """The packed digest of some packed digests followed by some words, as the rules carry them: all plain integers.

    It is hash_elements of eight elements a digest and then words_elements. Its length binds the number of words, given
    the number of digests, and that is fixed by the tag. Raises ValueError for integers that pack no digest, are no
    words, or number no tag.
    """
    elements = [element for packed in digests for element in unpack_digest(packed)]
    return pack_digest(hash_elements(Tag(tag), (*elements, *words_elements(words)), suite))
