"""Why a transaction fails: the program's own error codes by its own numbers, and one for its unnamed assertions."""

from enum import IntEnum


class Reason(IntEnum):
    """A return code of an update, or the code the program names when an assertion fails.

    A failed transaction makes its whole batch unprovable. Only a forced action that is stated to be invalid goes on
    after a code, never after UNCODED_ASSERT.
    """

    SUCCESS = 0
    ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS = 1
    ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE = 2
    ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO = 3
    INVALID_ASSET_ORACLE_PRICE = 4
    INVALID_COLLATERAL_ASSET_ID = 5
    INVALID_FULFILLMENT_ASSETS_RATIO = 6
    INVALID_FULFILLMENT_FEE_RATIO = 7
    INVALID_FULFILLMENT_INFO = 8
    INVALID_FUNDING_TICK_TIMESTAMP = 9
    INVALID_PUBLIC_KEY = 10
    INVALID_SIGNATURE = 11
    MISSING_GLOBAL_FUNDING_INDEX = 12
    MISSING_ORACLE_PRICE = 13
    MISSING_SYNTHETIC_ASSET_ID = 14
    OUT_OF_RANGE_AMOUNT = 15
    OUT_OF_RANGE_BALANCE = 16
    OUT_OF_RANGE_FUNDING_INDEX = 17
    OUT_OF_RANGE_POSITIVE_AMOUNT = 18
    OUT_OF_RANGE_TOTAL_RISK = 19
    OUT_OF_RANGE_TOTAL_VALUE = 20
    SAME_POSITION_ID = 21
    TOO_MANY_SYNTHETIC_ASSETS_IN_POSITION = 22
    TOO_MANY_SYNTHETIC_ASSETS_IN_SYSTEM = 23
    UNDELEVERAGABLE_POSITION = 24
    UNFAIR_DELEVERAGE = 25
    UNLIQUIDATABLE_POSITION = 26
    UNSORTED_ORACLE_PRICES = 27
    UNCODED_ASSERT = 28


SENTENCES: dict[Reason, str] = {
    Reason.SUCCESS: "Nothing is wrong.",
    Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS: "The position is not well leveraged after, and "
    "an asset was opened, enlarged or turned; or one side of a liquidation or deleverage holds less than the amount.",
    Reason.ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE: "A position without risk is worth less than before.",
    Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO: "The position is not well leveraged after, and "
    "its value for each unit of risk fell.",
    Reason.INVALID_ASSET_ORACLE_PRICE: "A price is signed by a key that is no signer of the asset.",
    Reason.INVALID_COLLATERAL_ASSET_ID: "The asset of the transaction is not the collateral asset.",
    Reason.INVALID_FULFILLMENT_ASSETS_RATIO: "The amounts are worse than the order's by more than rounding.",
    Reason.INVALID_FULFILLMENT_FEE_RATIO: "The fee is larger for its collateral than the order allows.",
    Reason.INVALID_FULFILLMENT_INFO: "The order would be filled beyond its amount.",
    Reason.INVALID_FUNDING_TICK_TIMESTAMP: "The last funding tick is too old.",
    Reason.INVALID_PUBLIC_KEY: "The key is not the position's.",
    Reason.INVALID_SIGNATURE: "The signature does not authorise the order.",
    Reason.MISSING_GLOBAL_FUNDING_INDEX: "The asset has no funding index.",
    Reason.MISSING_ORACLE_PRICE: "The asset has no price.",
    Reason.MISSING_SYNTHETIC_ASSET_ID: "A signed price is for an asset that is not configured.",
    Reason.OUT_OF_RANGE_AMOUNT: "An amount is not in [0, 2^64).",
    Reason.OUT_OF_RANGE_BALANCE: "A balance would leave [-2^63, 2^63).",
    Reason.OUT_OF_RANGE_FUNDING_INDEX: "A funding index is not in [-2^63, 2^63).",
    Reason.OUT_OF_RANGE_POSITIVE_AMOUNT: "An amount that must be positive is not in [1, 2^64).",
    Reason.OUT_OF_RANGE_TOTAL_RISK: "The position's total risk is 2^64 or more.",
    Reason.OUT_OF_RANGE_TOTAL_VALUE: "The position's total value is not in [-2^63, 2^63).",
    Reason.SAME_POSITION_ID: "Two positions of the transaction are the same.",
    Reason.TOO_MANY_SYNTHETIC_ASSETS_IN_POSITION: "The position would hold a 65th asset.",
    Reason.TOO_MANY_SYNTHETIC_ASSETS_IN_SYSTEM: "The configuration lists 2^16 assets or more.",
    Reason.UNDELEVERAGABLE_POSITION: "The position to deleverage is not worth less than zero.",
    Reason.UNFAIR_DELEVERAGE: "The position to deleverage could have been left with one unit of collateral less.",
    Reason.UNLIQUIDATABLE_POSITION: "The position is well leveraged.",
    Reason.UNSORTED_ORACLE_PRICES: "The assets of a price tick do not strictly rise.",
    Reason.UNCODED_ASSERT: "An assertion fails that has no error code.",
}
"""One sentence for each reason."""
