"""The numbers of the deployed program. Its words are elements of a field of 251 bits; a signed one lies around zero.

A bound is exclusive: a value is below it. Fixed-point numbers are named by their binary places: .32 counts in units of
2^-32.
"""

ONE = 2**32
"""1 as a .32 number."""

AMOUNT_BOUND = 2**64
"""Amounts and fees of transactions, in resolution units."""

BALANCE_BOUND = 2**63
"""Collateral and synthetic balances are in [-2^63, 2^63) resolution units."""

TOTAL_VALUE_BOUND = 2**95
"""A total value, .32, is in [-2^95, 2^95): in resolution units the range of a balance."""

TOTAL_RISK_BOUND = 2**128
"""A total risk, .64."""

PRICE_BOUND = 2**64
"""Prices, .32 collateral units for a synthetic unit; at least 1."""

INDEX_BOUND = 2**63
"""Funding indices, .32 collateral units for a synthetic unit, are in [-2^63, 2^63)."""

ASSET_ID_BOUND = 2**120
"""Ids of synthetic assets, so that an asset of a position packs into one field element."""

POSITION_ASSETS = 64
"""Synthetic assets a position can hold."""

SYSTEM_ASSETS_BOUND = 2**16
"""Synthetic assets of a configuration."""

EXPIRATION_BOUND = 2**32
"""Expiration times of orders, hours since the epoch."""

NONCE_BOUND = 2**32
"""Nonces of orders."""

RANGE_BOUND = 2**128
"""What the program can prove to be non-negative: an inequality fails where the two sides are further apart."""

DIVISOR_LAST = 2**123 + 17 * 2**64
"""The largest number the program can divide by: what RANGE_BOUND times it is still an element of the field."""

RISK_FACTOR_BOUND = 2**32
"""Risk factors, .32; at least 1."""

RISK_SEGMENT_LAST = 2**128 - 1
"""The upper bound of the last risk segment, inclusive."""

RESOLUTION_BOUND = 2**64
"""Resolutions: units of the system for one unit of the asset; at least 1."""

QUORUM_BOUND = 2**32
"""Signatures a price must have; at least 1."""

COLLATERAL_ASSET_BOUND = 2**250
"""Ids of the collateral asset."""

EXTERNAL_UNIT = 10**18
"""1 in a signed price: collateral for one unit of the asset, before resolutions."""

EXTERNAL_PRICE_LAST = 2**120
"""The highest signed price."""

SIGNATURE_TIME_LAST = 2**32
"""The latest time a signed price can have."""

NO_ASSET = -1
"""Stands for an asset where a transaction changes collateral only."""

POSITION_ID_BITS = 64
"""Height of the tree of positions in practice, and of the tree of orders."""

HASH_BITS = 251
"""Bits of a hash that a signature covers."""

ORDER_ID_BITS = 64
"""An order's id is this many high bits of its hash."""
