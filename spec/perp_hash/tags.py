"""Domain tags: one number for each thing that is hashed, so that no two of them can be taken for one another."""

from enum import IntEnum


class Tag(IntEnum):
    """What a digest is a digest of. A tag belongs to one use: one function, one layout of the elements.

    Numbers are part of the suite: never changed, never used again. 0 stays free, it stands for a step inside a chain;
    5 has been given up.
    A new tag takes the next number and a row in docs/hash-suite.md.
    """

    NODE = 1
    """An inner node of a Merkle tree, from its two children."""
    STATE_ROOT = 2
    """The state, from the roots of its trees and the global leaf."""
    GLOBAL = 3
    """The one record that belongs to no tree."""
    ACCOUNT_LEAF = 4
    ORDER_LEAF = 6
    MARKET_LEAF = 7
    REQUEST_LEAF = 8
    """A forced request waiting in its queue."""
    CONFIG = 9
    """The configuration, as text."""
    PROGRAM = 10
    """The recorded rules."""
    BATCH_HEADER = 11
    OPERATION = 12
    OPERATION_CHAIN = 13
    """The operations of a batch up to one of them, from the digest before it and its own."""
    QUEUE = 14
    """The queue of deposits and other requests up to one entry: the digest before it, and the entry."""
    OWNER_KEY = 15
