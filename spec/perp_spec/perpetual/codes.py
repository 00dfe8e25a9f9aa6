"""Numbers for the kinds of operations and records, where they are hashed or written as bytes.

A number is never changed and never used again; a new kind takes the next one.
"""

from typing import Any

from perp_spec.perpetual.operations import (
    Backstop,
    Cancel,
    Compact,
    Deleverage,
    Deposit,
    EndBatch,
    EscapeClaim,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    Freeze,
    FundingTick,
    Liquidate,
    Mark,
    OpenAccount,
    OracleTick,
    PremiumSample,
    RecordProof,
    RequestForced,
    SetKillSwitch,
    SetKind,
    Socialise,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Queue,
    Request,
)

OPERATION_CODES: dict[type[Any], int] = {
    Deposit: 1,
    Withdraw: 2,
    Transfer: 3,
    OpenAccount: 4,
    SetKind: 5,
    Cancel: 6,
    Compact: 7,
    Trade: 8,
    Liquidate: 9,
    Backstop: 10,
    Deleverage: 11,
    Socialise: 12,
    OracleTick: 13,
    Mark: 14,
    PremiumSample: 15,
    FundingTick: 16,
    RecordProof: 17,
    SetKillSwitch: 18,
    RequestForced: 19,
    ForcedWithdraw: 20,
    ForcedReduce: 21,
    Freeze: 22,
    EscapeClaim: 23,
    EscapePay: 24,
    EndBatch: 25,
}
"""The first element of an operation's digest, so that no operation can be taken for one of another kind."""

RECORD_CODES: dict[type[Any], int] = {
    Exchange: 1,
    Ledger: 2,
    Queue: 3,
    MarketPrice: 4,
    MarketOracle: 5,
    MarketBook: 6,
    Account: 7,
    Position: 8,
    OrderSlot: 9,
    Request: 10,
    Parameters: 11,
    Market: 12,
}
"""Records of the state in the order of a state file, then those of the configuration."""
