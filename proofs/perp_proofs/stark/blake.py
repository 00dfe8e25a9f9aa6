"""BLAKE2s for sixteen messages of one length side by side, and Merkle trees and grinding with it.

The same function as hashlib.blake2s with a personalisation (RFC 7693), on messages that are given word by word.
"""

import functools

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perp_proofs.stark.arithmetic import LANES, Elements
from perp_proofs.stark.threads import in_parallel

DIGEST_WORDS = 8
BLOCK_WORDS = 16
WORD_BYTES = 4

INITIAL = np.array(
    (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19), np.uint32
)
PARAMETERS = 0x01010020
"""Digest of 32 bytes, no key, no tree."""

I0, I1, I2, I3, I4, I5, I6, I7 = INITIAL


@functools.cache
def start_of(person: bytes) -> NDArray[np.uint32]:
    """The state before the first block."""
    state = INITIAL.copy()
    state[0] ^= np.uint32(PARAMETERS)
    state[6:8] ^= np.frombuffer(person, "<u4")
    return state


@njit(forceinline=True)
def rotate(value, count):
    """Rotate right."""
    return (value >> np.uint32(count)) | (value << np.uint32(32 - count))


@njit(forceinline=True)
def mix(a, b, c, d, x, y):
    """The quarter round."""
    a = np.uint32(a + b + x)
    d = rotate(np.uint32(d ^ a), 16)
    c = np.uint32(c + d)
    b = rotate(np.uint32(b ^ c), 12)
    a = np.uint32(a + b + y)
    d = rotate(np.uint32(d ^ a), 8)
    c = np.uint32(c + d)
    b = rotate(np.uint32(b ^ c), 7)
    return a, b, c, d


@njit(forceinline=True)
def one_round(v, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15):
    """A round on sixteen words of state; x0.. are the words of the message in the order of the round."""
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 = v
    v0, v4, v8, v12 = mix(v0, v4, v8, v12, x0, x1)
    v1, v5, v9, v13 = mix(v1, v5, v9, v13, x2, x3)
    v2, v6, v10, v14 = mix(v2, v6, v10, v14, x4, x5)
    v3, v7, v11, v15 = mix(v3, v7, v11, v15, x6, x7)
    v0, v5, v10, v15 = mix(v0, v5, v10, v15, x8, x9)
    v1, v6, v11, v12 = mix(v1, v6, v11, v12, x10, x11)
    v2, v7, v8, v13 = mix(v2, v7, v8, v13, x12, x13)
    v3, v4, v9, v14 = mix(v3, v4, v9, v14, x14, x15)
    return v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15


@njit
def compress(state, m, length, last):
    """Take in a block: sixteen lanes of state and of message; `length` counts the bytes so far."""
    low, end = I4 ^ np.uint32(length), ~I6 if last else I6
    for s in range(LANES):
        m0, m1, m2, m3, m4, m5, m6, m7 = m[0, s], m[1, s], m[2, s], m[3, s], m[4, s], m[5, s], m[6, s], m[7, s]
        m8, m9, m10, m11, m12, m13 = m[8, s], m[9, s], m[10, s], m[11, s], m[12, s], m[13, s]
        m14, m15 = m[14, s], m[15, s]
        h0, h1, h2, h3 = state[0, s], state[1, s], state[2, s], state[3, s]
        h4, h5, h6, h7 = state[4, s], state[5, s], state[6, s], state[7, s]
        v = (h0, h1, h2, h3, h4, h5, h6, h7, I0, I1, I2, I3, low, I5, end, I7)
        v = one_round(v, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15)
        v = one_round(v, m14, m10, m4, m8, m9, m15, m13, m6, m1, m12, m0, m2, m11, m7, m5, m3)
        v = one_round(v, m11, m8, m12, m0, m5, m2, m15, m13, m10, m14, m3, m6, m7, m1, m9, m4)
        v = one_round(v, m7, m9, m3, m1, m13, m12, m11, m14, m2, m6, m5, m10, m4, m0, m15, m8)
        v = one_round(v, m9, m0, m5, m7, m2, m4, m10, m15, m14, m1, m11, m12, m6, m8, m3, m13)
        v = one_round(v, m2, m12, m6, m10, m0, m11, m8, m3, m4, m13, m7, m5, m15, m14, m1, m9)
        v = one_round(v, m12, m5, m1, m15, m14, m13, m4, m10, m0, m7, m6, m3, m9, m2, m8, m11)
        v = one_round(v, m13, m11, m7, m14, m12, m1, m3, m9, m5, m0, m15, m4, m8, m6, m2, m10)
        v = one_round(v, m6, m15, m14, m9, m11, m3, m0, m8, m12, m2, m13, m7, m1, m4, m10, m5)
        v = one_round(v, m10, m2, m8, m4, m7, m6, m1, m5, m15, m11, m9, m14, m3, m12, m13, m0)
        v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 = v
        state[0, s], state[1, s], state[2, s], state[3, s] = h0 ^ v0 ^ v8, h1 ^ v1 ^ v9, h2 ^ v2 ^ v10, h3 ^ v3 ^ v11
        state[4, s], state[5, s], state[6, s], state[7, s] = h4 ^ v4 ^ v12, h5 ^ v5 ^ v13, h6 ^ v6 ^ v14, h7 ^ v7 ^ v15


@njit(cache=True, nogil=True)
def rows_kernel(start, stop, words, initial, digests):
    """Hash groups of sixteen rows: row r is words[:, r]."""
    count, size = words.shape
    state = np.empty((8, LANES), np.uint32)
    m = np.empty((16, LANES), np.uint32)
    for group in range(start, stop):
        first = group * LANES
        lanes = min(LANES, size - first)
        for i in range(8):
            for s in range(LANES):
                state[i, s] = initial[i]
        for begin in range(0, max(count, 1), 16):
            for i in range(16):
                if begin + i < count:
                    row = words[begin + i, first : first + lanes]
                    for s in range(lanes):
                        m[i, s] = row[s]
                else:
                    for s in range(LANES):
                        m[i, s] = 0
            compress(state, m, 4 * min(begin + 16, count), begin + 16 >= count)
        for s in range(lanes):
            for i in range(8):
                digests[first + s, i] = state[i, s]


@njit(cache=True, nogil=True)
def nodes_kernel(start, stop, below, initial, above):
    """Hash groups of sixteen pairs of digests."""
    size = above.shape[0]
    state = np.empty((8, LANES), np.uint32)
    m = np.empty((16, LANES), np.uint32)
    pairs = below.reshape(size, 16)
    for group in range(start, stop):
        first = group * LANES
        lanes = min(LANES, size - first)
        for i in range(8):
            for s in range(LANES):
                state[i, s] = initial[i]
        for s in range(lanes):
            for i in range(16):
                m[i, s] = pairs[first + s, i]
        compress(state, m, 64, True)
        for s in range(lanes):
            for i in range(8):
                above[first + s, i] = state[i, s]


@njit(cache=True, nogil=True)
def grind_kernel(start, stop, head, length, nonce_at, initial, bits, found):
    """Try the nonces from sixteen times `start` on; found[0] is the least that was found, or -1.

    `head` is the message with a nonce of 0, as bytes; the nonce is at `nonce_at`, eight bytes.
    """
    state = np.empty((8, LANES), np.uint32)
    m = np.empty((16, LANES), np.uint32)
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    for group in range(start, stop):
        for i in range(16):
            for s in range(LANES):
                m[i, s] = head[i]
        for s in range(LANES):
            nonce = np.uint64(group * LANES + s)
            for byte in range(8):
                place = nonce_at + byte
                value = np.uint32((nonce >> np.uint64(8 * byte)) & np.uint64(255))
                m[place // 4, s] |= value << np.uint32(8 * (place % 4))
        for i in range(8):
            for s in range(LANES):
                state[i, s] = initial[i]
        compress(state, m, length, True)
        for s in range(LANES):
            low = np.uint64(state[0, s]) | np.uint64(state[1, s]) << np.uint64(32)
            if low & mask == 0:
                found[0] = group * LANES + s
                return


class Tree:
    """A Merkle tree over rows that lie across words: row r is words[:, r]."""

    def __init__(self, words: Elements, row_person: bytes, node_person: bytes) -> None:
        self.words = words
        size = words.shape[1]
        level = np.empty((size, DIGEST_WORDS), np.uint32)
        in_parallel(rows_kernel, -(-size // LANES), words, start_of(row_person), level)
        self.levels = [level]
        while len(level) > 1:
            above = np.empty((len(level) // 2, DIGEST_WORDS), np.uint32)
            in_parallel(nodes_kernel, -(-len(above) // LANES), level, start_of(node_person), above, least=64)
            self.levels.append(above)
            level = above

    @property
    def root(self) -> bytes:
        """32 bytes."""
        return self.levels[-1][0].astype("<u4").tobytes()

    def row(self, index: int) -> bytes:
        """A row, as it was hashed."""
        return self.words[:, index].astype("<u4").tobytes()

    def node(self, height: int, index: int) -> bytes:
        """A digest of a level, counted from the rows."""
        return self.levels[height][index].astype("<u4").tobytes()


GRIND_GROUPS = 4096
"""Groups of sixteen nonces that are tried between two looks at the result."""


def grind(message: bytes, nonce_at: int, person: bytes, bits: int) -> int:
    """The least nonce with which the low `bits` bits of a message's digest are 0; message of at most 64 bytes."""
    head = np.frombuffer(message.ljust(BLOCK_WORDS * WORD_BYTES, b"\0"), "<u4").astype(np.uint32)
    start = 0
    while True:
        results = [np.full(1, -1, np.int64) for _ in range(2)]
        in_parallel(grind_both, 2, start, head, len(message), nonce_at, start_of(person), bits, results)
        for result in results:
            if result[0] >= 0:
                return int(result[0])
        start += 2 * GRIND_GROUPS


def grind_both(
    first: int,
    stop: int,
    start: int,
    head: NDArray[np.uint32],
    length: int,
    nonce_at: int,
    initial: NDArray[np.uint32],
    bits: int,
    results: list[NDArray[np.int64]],
) -> None:
    """One thread's share of a grind."""
    for share in range(first, stop):
        begin = start + share * GRIND_GROUPS
        grind_kernel(begin, begin + GRIND_GROUPS, head, length, nonce_at, initial, bits, results[share])
