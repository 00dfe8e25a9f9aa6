from typing import Any

import attrs
import pytest

from perp_reference.formats.batch import OPERATIONS
from perp_reference.formats.signed import Signature, Signed
from perp_reference.signing.authorise import ExchangeKeys, Verify, authorise, key_violations, trust, unsigned
from perp_reference.signing.key_ring import KeyRing
from perp_reference.signing.keys import verify
from perp_reference.signing.messages import signed_fields
from perp_spec.perpetual.config import Violation
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import (
    Cancel,
    ForcedReduce,
    FundingTick,
    Intent,
    Liquidate,
    OpenAccount,
    OracleTick,
    Order,
    Report,
    SetKillSwitch,
    SetKind,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.words import Unit

TIME = 1_700_000_000
RING = KeyRing("tests", exchange_id=7)
CONFIG = RING.configured(default_config(2))
KEYS = ExchangeKeys.of(CONFIG)
REPORT = Report(3, 20, (0, 2, 4, 0, 0, 0, 0, 0), (10, 20, 30, 0, 0, 0, 0, 0))
OTHER_REPORT = Report(3, 21, (1, 2, 3, 0, 0, 0, 0, 0), (11, 21, 31, 0, 0, 0, 0, 0))
TICK = OracleTick(1, (REPORT, OTHER_REPORT, Report(), Report()))
BUY = Order(account=2, slot=1, nonce=3, expiry=TIME, market=1, buys=True, lots=5, price=9)
SELL = attrs.evolve(BUY, account=3, buys=False)
INTENT = Intent(1, 2, TIME)

SIGNED_OPERATIONS = [
    Trade(market=1, lots=5, price=9, buyer=BUY, seller=SELL),
    Liquidate(account=4, taker=BUY),
    ForcedReduce(account=4, order=SELL),
    Withdraw(5, 6, INTENT),
    Transfer(5, 6, 7, INTENT),
    SetKind(5, 3, INTENT),
    Cancel(5, INTENT),
    SetKillSwitch(1, False, 2, INTENT),
    OpenAccount(account=5, owner=RING.owner(5).owner, kind=1, expiry=TIME),
    TICK,
]


def owner_of(account: int) -> int:
    return RING.owner(account).owner if account < 10 else 0


def authorised(signed: Signed, time: int = TIME, keys: ExchangeKeys = KEYS, check: Verify = verify) -> Any:
    return authorise(signed, keys, time, owner_of, check)


def flags(operation: Any) -> list[bool]:
    """All flags `authorised` in an operation."""
    found: list[bool] = []
    for attribute in attrs.fields(type(operation)):
        value = getattr(operation, attribute.name)
        if attribute.name == "authorised":
            found.append(value)
        elif attrs.has(type(value)):
            found += flags(value)
    return found


def without_flags(operation: Any) -> Any:
    changes = {}
    for attribute in attrs.fields(type(operation)):
        value = getattr(operation, attribute.name)
        if attribute.name == "authorised":
            changes["authorised"] = False
        elif attrs.has(type(value)):
            changes[attribute.name] = without_flags(value)
    return attrs.evolve(operation, **changes)


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS, ids=lambda operation: type(operation).__name__)
def test_what_the_owner_signed_is_authorised(operation: Any) -> None:
    result = authorised(RING.sign(operation, TIME))
    assert flags(result)
    assert all(flags(result))
    assert without_flags(result) == operation


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS, ids=lambda operation: type(operation).__name__)
def test_what_nobody_signed_is_not_authorised(operation: Any) -> None:
    assert not any(flags(authorised(unsigned(operation))))
    assert not any(flags(authorised(unsigned(operation), check=trust)))


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS, ids=lambda operation: type(operation).__name__)
def test_a_signature_for_another_exchange_does_not_count(operation: Any) -> None:
    other = KeyRing("tests", exchange_id=8)
    assert not any(flags(authorised(other.sign(operation, TIME))))


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS, ids=lambda operation: type(operation).__name__)
def test_a_signature_by_somebody_else_does_not_count(operation: Any) -> None:
    stranger = KeyRing("strangers", exchange_id=7)
    assert not any(flags(authorised(stranger.sign(operation, TIME))))


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS[3:9], ids=lambda operation: type(operation).__name__)
def test_a_signature_for_other_fields_does_not_count(operation: Any) -> None:
    """Every field of an operation with an intent, or of the opening of an account, is signed."""
    signatures = RING.sign(operation, TIME).signatures
    for name, field in signed_fields(type(operation)).items():
        value = getattr(operation, name)
        changed = attrs.evolve(operation, **{name: not value if field.unit is Unit.FLAG else value + 1})
        assert flags(authorised(Signed(changed, signatures))) == [False], name


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS[3:8], ids=lambda operation: type(operation).__name__)
@pytest.mark.parametrize("name", ["slot", "nonce", "expiry"])
def test_a_signature_for_another_intent_does_not_count(operation: Any, name: str) -> None:
    signatures = RING.sign(operation, TIME).signatures
    intent = attrs.evolve(operation.intent, **{name: getattr(operation.intent, name) + 1})
    assert not authorised(Signed(attrs.evolve(operation, intent=intent), signatures)).intent.authorised


@pytest.mark.parametrize("name", signed_fields(Order))
def test_a_signature_for_another_order_does_not_count(name: str) -> None:
    value = getattr(BUY, name)
    changed = attrs.evolve(BUY, **{name: not value if isinstance(value, bool) else value + 1})
    operation = Liquidate(account=4, taker=changed)
    assert flags(authorised(Signed(operation, (RING.order(BUY),)))) == [False]


def test_an_intent_for_one_operation_does_not_count_for_another() -> None:
    withdraw = RING.sign(Withdraw(5, 6, INTENT), TIME)
    assert not authorised(Signed(Cancel(5, INTENT), withdraw.signatures)).intent.authorised
    assert not authorised(Signed(SetKind(5, 6, INTENT), withdraw.signatures)).intent.authorised


def test_the_sides_of_a_trade_are_told_apart() -> None:
    trade = SIGNED_OPERATIONS[0]
    buyer, seller = RING.sign(trade, TIME).signatures
    assert flags(authorised(Signed(trade, (buyer, None)))) == [True, False]
    assert flags(authorised(Signed(trade, (None, seller)))) == [False, True]
    assert flags(authorised(Signed(trade, (seller, buyer)))) == [False, False]


def test_the_fields_of_a_trade_are_not_signed_only_its_orders() -> None:
    trade = SIGNED_OPERATIONS[0]
    signed = RING.sign(trade, TIME)
    assert flags(authorised(Signed(attrs.evolve(trade, lots=1, price=8), signed.signatures))) == [True, True]


def test_a_forced_reduction_without_an_order_is_unsigned() -> None:
    operation = ForcedReduce(account=4, path=1)
    assert RING.sign(operation, TIME) == Signed(operation, (None,))
    assert flags(authorised(RING.sign(operation, TIME))) == [False]


def test_an_account_without_an_owner_authorises_nothing() -> None:
    operation = Withdraw(11, 6, INTENT)
    assert not authorised(RING.sign(operation, TIME)).intent.authorised
    nobody = OpenAccount(account=5, owner=0)
    assert not authorised(RING.sign(nobody, TIME), check=trust).authorised


def test_governance_alone_may_use_the_kill_switch() -> None:
    operation = SetKillSwitch(1, True, 4, INTENT)
    signature = RING.owner(0).sign(b"")
    assert authorised(RING.sign(operation, TIME)).intent.authorised
    assert not authorised(Signed(operation, (signature,)), check=trust).intent.authorised


def test_trust_skips_the_signature_but_not_the_owner() -> None:
    operation = Withdraw(5, 6, INTENT)
    wrong = Signature(RING.owner(5).key, bytes(64))
    assert authorised(Signed(operation, (wrong,)), check=trust).intent.authorised
    assert not authorised(Signed(operation, (Signature(RING.owner(6).key, bytes(64)),)), check=trust).intent.authorised


def test_a_tick_of_another_time_is_not_authorised() -> None:
    assert authorised(RING.sign(TICK, TIME)).authorised
    assert not authorised(RING.sign(TICK, TIME), time=TIME + 1).authorised
    assert not authorised(RING.sign(TICK, TIME - 60)).authorised


def test_a_tick_of_another_market_is_not_authorised() -> None:
    assert not authorised(Signed(attrs.evolve(TICK, market=0), RING.sign(TICK, TIME).signatures)).authorised


@pytest.mark.parametrize("family", [0, 1])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_value_of_a_tick_needs_its_signature(family: int, place: int) -> None:
    signatures = [list(part) for part in RING.sign(TICK, TIME).signatures]
    signatures[family][place] = None
    assert not authorised(Signed(TICK, tuple(map(tuple, signatures)))).authorised
    signatures[family][place] = bytes(64)
    assert not authorised(Signed(TICK, tuple(map(tuple, signatures)))).authorised


def test_signatures_of_two_families_are_told_apart() -> None:
    first, second, *others = RING.sign(OracleTick(1, (REPORT, REPORT, Report(), Report())), TIME).signatures
    operation = OracleTick(1, (REPORT, REPORT, Report(), Report()))
    assert authorised(Signed(operation, (first, second, *others))).authorised
    assert not authorised(Signed(operation, (second, first, *others))).authorised


def test_a_signer_who_is_not_configured_does_not_count() -> None:
    unknown = Report(1, 5, (7, *(0,) * 7), (5, *(0,) * 7))
    for reports in ((unknown, Report(), Report(), Report()), (Report(), Report(), unknown, Report())):
        operation = OracleTick(1, reports)
        assert not authorised(RING.sign(operation, TIME)).authorised


def test_a_tick_that_counts_no_value_needs_no_signature() -> None:
    assert authorised(unsigned(OracleTick(1))).authorised


def test_signatures_beyond_the_count_do_not_matter() -> None:
    first, *others = RING.sign(TICK, TIME).signatures
    assert authorised(Signed(TICK, ((*first[:3], bytes(64), *first[4:]), *others))).authorised


def test_other_operations_stay_as_they_are() -> None:
    operation = FundingTick(1)
    assert authorised(Signed(operation)) is operation
    assert RING.sign(operation, TIME) == Signed(operation)


def test_every_operation_has_as_many_signatures_as_signed_parts() -> None:
    for kind in OPERATIONS.values():
        ring, bare = RING.sign(kind(), TIME), unsigned(kind())
        assert len(ring.signatures) == len(bare.signatures) == len(authorised_parts(kind)), kind.__name__


def authorised_parts(kind: type[Any]) -> list[Any]:
    if kind is OracleTick:
        return list(kind().reports)
    return flags(kind())


def test_the_keys_of_a_key_ring_fit_its_configuration() -> None:
    assert key_violations(CONFIG) == []
    assert CONFIG.parameters.exchange_id == 7


def test_people_can_have_several_accounts() -> None:
    ring = KeyRing("tests", 7, person_of=lambda account: account // 2)
    assert ring.owner(4) == ring.owner(5)
    assert ring.owner(4) != ring.owner(6)
    assert ring.owner(1) == ring.fees


def test_the_same_seed_makes_the_same_keys() -> None:
    assert KeyRing("tests", 1).governance.key == RING.governance.key
    assert KeyRing("tests ", 1).governance.key != RING.governance.key
    assert (
        len({RING.governance.key, RING.fees.key, RING.owner(2).key, RING.signer(0, 2).key, RING.signer(2, 0).key}) == 5
    )


def test_keys_that_do_not_fit_are_found() -> None:
    first, second = CONFIG.oracle_keys
    doubled = (first, (*second[:4], first[0]))
    assert key_violations(attrs.evolve(CONFIG, governance_key="", oracle_keys=(first,))) == [
        Violation(Reason.CONFIG, "governance_key", "the key whose digest is parameters.governance", "no key"),
        Violation(Reason.FAMILIES, "oracle_keys", "families of [5, 5] keys", "[5]"),
    ]
    assert key_violations(attrs.evolve(CONFIG, governance_key=first[0], oracle_keys=doubled)) == [
        Violation(Reason.CONFIG, "governance_key", "the key whose digest is parameters.governance", first[0]),
        Violation(Reason.FAMILIES, "oracle_keys", "each key once", first[0]),
    ]
