"""A position: its funding, its value and risk, which transitions are valid, and how it is updated."""

from typing import Any, NamedTuple

from perp_spec.language import (
    absolute,
    attempt,
    both,
    call_if,
    either,
    indicator,
    mul_div_floor,
    negate,
    product_le,
    require,
    require_if,
    select,
    sweep,
    table,
)
from perp_spec.starkex.bounds import (
    BALANCE_BOUND,
    NO_ASSET,
    ONE,
    POSITION_ASSETS,
    RANGE_BOUND,
    TOTAL_RISK_BOUND,
    TOTAL_VALUE_BOUND,
)
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Holding, Position, System

Held = Any
"""Holdings of a position in order of asset, each with what is known of its asset; opaque to the rules."""


class Terms(NamedTuple):
    """What the assets of a position add up to."""

    funding: int
    """Collateral the position owes since funding was last applied, .32."""
    value: int
    """Collateral units, .32; negative for a short."""
    risk: int
    """Collateral units, .64."""
    held: int
    """Assets held."""
    indexed: int
    """Assets held that have a funding index."""
    valued: int
    """Assets held whose value and risk the program can compute. On any other it aborts."""


@table()
def risk_factor(magnitude: int, asset: Asset) -> int:
    """The factor of the segment that a balance without its sign lies in, .32. It holds for the whole balance."""
    amount = select(asset.risk_by_balance, magnitude, magnitude * asset.price)
    factor = 0
    passed = -1
    for upper_bound, risk in zip(asset.upper_bounds, asset.risks, strict=True):
        factor = select(amount > passed, risk, factor)
        passed = upper_bound
    return factor


@table(width=len(Terms._fields))
def asset_terms(holding: Holding, asset: Asset) -> tuple[Holding, Terms]:
    """Apply funding to one holding, and say what it adds to its position.

    The program computes no risk for a short of exactly 2^63.
    """
    balance = holding.balance
    magnitude = absolute(balance)
    value = balance * asset.price
    occupied = balance != 0
    funding = (asset.index - holding.cached_index) * balance
    risk = absolute(value) * risk_factor(magnitude, asset)
    held = indicator(occupied)
    indexed = indicator(both(occupied, asset.indexed))
    valued = indicator(both(occupied, asset.rated, magnitude < BALANCE_BOUND))
    return Holding(balance, asset.index), Terms(funding, value, risk, held, indexed, valued)


def balance_fits(balance: int) -> bool:
    """A balance is in [-2^63, 2^63)."""
    return both(balance >= -BALANCE_BOUND, balance < BALANCE_BOUND)


# Funding


def funded_position(system: System, position: Position, funding: int, all_indexed: bool) -> Position:
    """The position with `funding` taken from its collateral, rounded down once over all its assets.

    It comes first on every touch. A held asset without an index, or collateral out of range, aborts the batch.
    """
    collateral = mul_div_floor(position.collateral * ONE - funding, 1, ONE)
    require(all_indexed, Reason.UNCODED_ASSERT)
    require(balance_fits(collateral), Reason.UNCODED_ASSERT)
    return Position(position.public_key, collateral, system.funding_timestamp)


class Whole(NamedTuple):
    """A funded position of which no asset is to change."""

    position: Position
    held: Held
    """All holdings, funded, to be stored."""
    terms: Terms
    """What they add up to."""


@table()
def fund_whole(system: System, position: Position, held: Held) -> Whole:
    """Apply funding to a position."""
    stored, sums = sweep(asset_terms, held)
    terms = Terms(*sums)
    return Whole(funded_position(system, position, terms.funding, terms.indexed == terms.held), stored, terms)


class Side(NamedTuple):
    """A funded position, with one of its assets apart: the touched one."""

    position: Position
    holding: Holding
    """Of the touched asset."""
    others: Held
    """The other holdings, funded, to be stored."""
    rest: Terms
    """What the other holdings add up to."""
    touched: Terms
    """What the touched holding adds."""


@table()
def fund_side(system: System, position: Position, holding: Holding, asset: Asset, others: Held) -> Side:
    """Apply funding to a position, one of its assets apart."""
    stored, sums = sweep(asset_terms, others)
    rest = Terms(*sums)
    funded, touched = asset_terms(holding, asset)
    all_indexed = rest.indexed + touched.indexed == rest.held + touched.held
    after = funded_position(system, position, rest.funding + touched.funding, all_indexed)
    return Side(after, funded, stored, rest, touched)


# Value and risk


class Status(NamedTuple):
    """Total value and total risk of a position."""

    value: int
    """TV: collateral and the value of the assets, collateral units, .32."""
    risk: int
    """TR: each asset's value without its sign times its risk factor, collateral units, .64."""
    known: bool
    """They could be computed."""


def whole_status(collateral: int, terms: Terms) -> Status:
    """The status of a position from its collateral and what its assets add up to."""
    return Status(collateral * ONE + terms.value, terms.risk, terms.valued == terms.held)


def side_status(collateral: int, rest: Terms, touched: Terms) -> Status:
    """The status of a position from its collateral and what its assets add, one of them apart."""
    value = collateral * ONE + rest.value + touched.value
    known = rest.valued + touched.valued == rest.held + touched.held
    return Status(value, rest.risk + touched.risk, known)


def require_status(status: Status) -> None:
    """The status could be computed, and is in range."""
    require(status.known, Reason.UNCODED_ASSERT)
    in_range = both(status.value >= -TOTAL_VALUE_BOUND, status.value < TOTAL_VALUE_BOUND)
    require(in_range, Reason.OUT_OF_RANGE_TOTAL_VALUE)
    require(status.risk < TOTAL_RISK_BOUND, Reason.OUT_OF_RANGE_TOTAL_RISK)


@table()
def position_status(collateral: int, held: Held) -> Status:
    """The status of a position, which must be computable and in range."""
    _, sums = sweep(asset_terms, held)
    status = whole_status(collateral, Terms(*sums))
    require_status(status)
    return status


def well_leveraged(status: Status) -> bool:
    """Total risk is at most total value."""
    return status.risk <= status.value * ONE


# Transitions


def kept_or_reduced(before: int, after: int) -> bool:
    """A balance kept its sign or went to zero, and did not grow."""
    return either(both(before >= 0, after >= 0, after <= before), both(before <= 0, after <= 0, after >= before))


@table()
def require_reduction(before: Status, after: Status, reduced: bool) -> int:
    """A position that is not well leveraged was only reduced, and is worth no less for each unit of risk.

    The ratio is compared by products, so a position without risk must keep its value by a rule of its own. Returns
    what the caller has no use for.
    """
    require_status(before)
    require(reduced, Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS)
    ratio_kept = product_le(before.value, after.risk, after.value, before.risk)
    require(ratio_kept, Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO)
    value_kept = either(before.risk != 0, after.value >= before.value)
    require(value_kept, Reason.ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE)
    return 0


def require_valid_transition(before: Status, after: Status, reduced: bool) -> None:
    """The valid transition: well leveraged after, or only reduced and not made worse."""
    require_status(after)
    call_if(negate(well_leveraged(after)), require_reduction, before, after, reduced, otherwise=0)


# Updates


class Change(NamedTuple):
    """What a transaction asks of a position."""

    public_key: int
    """The key that asks; 0 for the position's own."""
    collateral: int
    """Collateral units to add."""
    asset_id: int
    """The touched asset, or NO_ASSET."""
    balance: int
    """Units of the touched asset to add."""


def require_tradable(change: Change, asset: Asset) -> None:
    """The touched asset has a price and a funding index, even where nothing of it is added.

    The program looks for its id among sorted ones, by inequalities: one outside [0, 2^128) it cannot look for.
    """
    touches = change.asset_id != NO_ASSET
    findable = both(change.asset_id >= 0, change.asset_id < RANGE_BOUND)
    require(either(findable, both(negate(touches), change.balance == 0)), Reason.UNCODED_ASSERT)
    require_if(touches, asset.priced, Reason.MISSING_ORACLE_PRICE)
    require_if(touches, asset.indexed, Reason.MISSING_GLOBAL_FUNDING_INDEX)


def resulting_key(public_key: int, position: Position, nothing: bool) -> int:
    """The key of the position after, if the one that asks may change it: its own, or any where it is empty.

    Where nobody asks, only an empty change, in which there is `nothing`, leaves an empty position alone.
    """
    key = select(public_key == 0, position.public_key, public_key)
    require(either(key != 0, nothing), Reason.INVALID_PUBLIC_KEY)
    require(either(position.public_key == 0, position.public_key == key), Reason.INVALID_PUBLIC_KEY)
    return key


def position_after(funded: Position, key: int, collateral: int, held: int) -> Position:
    """The position after, which holds so many assets: an empty one loses its key and its time.

    Where key is zero nothing changes.
    """
    empty = both(collateral == 0, held == 0)
    after = Position(select(empty, 0, key), collateral, select(empty, 0, funded.funding_timestamp))
    return select(key == 0, funded, after)


@table()
def change_collateral(public_key: int, amount: int, whole: Whole) -> Position:
    """Add collateral to a funded position, if that is allowed; `public_key` asks, 0 stands for the position's own."""
    before = whole.position
    key = resulting_key(public_key, before, amount == 0)
    collateral = before.collateral + amount
    require(balance_fits(collateral), Reason.OUT_OF_RANGE_BALANCE)
    require_valid_transition(whole_status(before.collateral, whole.terms), whole_status(collateral, whole.terms), True)
    return position_after(before, key, collateral, whole.terms.held)


@table()
def change_position(change: Change, side: Side, asset: Asset) -> tuple[Position, Holding]:
    """Add collateral and units of the touched asset to a funded position, if that is allowed."""
    before = side.position
    rest = side.rest
    require_tradable(change, asset)
    key = resulting_key(change.public_key, before, both(change.collateral == 0, change.balance == 0))
    collateral = before.collateral + change.collateral
    balance = side.holding.balance + change.balance
    holding, touched = asset_terms(Holding(balance, side.holding.cached_index), asset)
    held = rest.held + touched.held
    require(balance_fits(collateral), Reason.OUT_OF_RANGE_BALANCE)
    require(balance_fits(balance), Reason.OUT_OF_RANGE_BALANCE)
    asset_moves = change.balance != 0
    require_if(asset_moves, held <= POSITION_ASSETS, Reason.TOO_MANY_SYNTHETIC_ASSETS_IN_POSITION)
    require_valid_transition(
        side_status(before.collateral, rest, side.touched),
        side_status(collateral, rest, touched),
        kept_or_reduced(side.holding.balance, balance),
    )
    return position_after(before, key, collateral, held), holding


class Updated(NamedTuple):
    """A position after an update, as it is stored."""

    position: Position
    holding: Holding
    others: Held


@table()
def update_position(
    system: System, change: Change, position: Position, holding: Holding, asset: Asset, others: Held
) -> Updated:
    """Apply funding to a position and change it, or fail."""
    side = fund_side(system, position, holding, asset, others)
    after, touched = change_position(change, side, asset)
    return Updated(after, touched, side.others)


class Tried(NamedTuple):
    """What came of an update that may fail with a code."""

    code: int
    """SUCCESS, or the code of the first guard that failed."""
    funded: Updated
    """The position with funding applied and nothing else."""
    after: Updated
    """The position after; the funded one where the update failed."""


@table()
def fund_and_try(
    system: System, change: Change, position: Position, holding: Holding, asset: Asset, others: Held
) -> Tried:
    """Apply funding to a position and change it; after any failure of the change it is the funded one."""
    side = fund_side(system, position, holding, asset, others)
    code, (after, touched) = attempt(change_position, change, side, asset, otherwise=(side.position, side.holding))
    return Tried(
        code=code,
        funded=Updated(side.position, side.holding, side.others),
        after=Updated(after, touched, side.others),
    )


@table()
def try_update_position(
    system: System, change: Change, position: Position, holding: Holding, asset: Asset, others: Held
) -> Tried:
    """Apply funding to a position and change it; after an error code it is the funded one, unchanged.

    An assertion without a code still aborts.
    """
    tried = fund_and_try(system, change, position, holding, asset, others)
    require(tried.code != int(Reason.UNCODED_ASSERT), Reason.UNCODED_ASSERT)
    return tried


@table()
def update_collateral(
    system: System, public_key: int, amount: int, position: Position, held: Held
) -> tuple[Position, Held]:
    """Apply funding to a position and add collateral only, or fail."""
    whole = fund_whole(system, position, held)
    return change_collateral(public_key, amount, whole), whole.held


@table()
def try_update_collateral(
    system: System, public_key: int, amount: int, position: Position, held: Held
) -> tuple[int, Position, Held]:
    """Apply funding to a position and add collateral only; after an error code it is the funded one.

    An assertion without a code still aborts.
    """
    whole = fund_whole(system, position, held)
    code, after = attempt(change_collateral, public_key, amount, whole, otherwise=whole.position)
    require(code != int(Reason.UNCODED_ASSERT), Reason.UNCODED_ASSERT)
    return code, after, whole.held
