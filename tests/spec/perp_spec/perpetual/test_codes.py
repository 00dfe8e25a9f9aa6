"""Numbers of operations and records: complete, and as they were first given."""

from perp_reference.core.state import STATE_RECORDS
from perp_spec.perpetual import rules
from perp_spec.perpetual.codes import OPERATION_CODES, RECORD_CODES
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.records import Market, Parameters

FIRST_OPERATIONS = (
    "Deposit Withdraw Transfer OpenAccount SetKind Cancel Compact Trade Liquidate Backstop Deleverage Socialise "
    "OracleTick Mark PremiumSample FundingTick RecordProof SetKillSwitch RequestForced ForcedWithdraw ForcedReduce "
    "Freeze EscapeClaim EscapePay EndBatch"
)

FIRST_RECORDS = (
    "Exchange Ledger Queue MarketPrice MarketOracle MarketBook Account Position OrderSlot Request Parameters Market"
)


def test_every_operation_of_the_rules_has_a_number() -> None:
    assert rules.__all__
    assert {rule.operation for rule in PERPETUAL.rules.values()} == set(OPERATION_CODES)


def test_every_record_has_a_number_and_the_state_comes_first() -> None:
    assert tuple(RECORD_CODES) == (*STATE_RECORDS, Parameters, Market)


def test_numbers_stay_what_they_were() -> None:
    operations = {kind.__name__: code for kind, code in OPERATION_CODES.items()}
    records = {kind.__name__: code for kind, code in RECORD_CODES.items()}
    assert [operations[name] for name in FIRST_OPERATIONS.split()] == list(range(1, 26))
    assert [records[name] for name in FIRST_RECORDS.split()] == list(range(1, 13))


def test_no_number_is_used_twice() -> None:
    for codes in (OPERATION_CODES, RECORD_CODES):
        assert len(set(codes.values())) == len(codes)
        assert min(codes.values()) >= 1
