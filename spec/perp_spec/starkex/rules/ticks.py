"""Ticks: new funding indices and new prices, for some or all assets at once."""

from perp_spec.language import absolute, both, either, fold, indicator, require, require_if, table
from perp_spec.starkex.bounds import ASSET_ID_BOUND, INDEX_BOUND, ONE, RANGE_BOUND
from perp_spec.starkex.common import STARKEX, at_least
from perp_spec.starkex.footprint import reads, updates, updates_rows
from perp_spec.starkex.position import Held
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Config, FundingIndex, IndexRow, KnownIndices, OraclePrice, PriceRow, System
from perp_spec.starkex.transactions import FundingTick, OracleTick


@table()
def next_index(
    carry: tuple[int, int], row: IndexRow, config: Config, seconds: int
) -> tuple[FundingIndex, tuple[int, int]]:
    """Check one index of a tick. The carry is the asset before, and how many known assets were met.

    Assets strictly rise, and none that has an index is left out. Where there is one, the new index differs by at most
    the rate times the price times the time, and the asset has a price; a new one may start anywhere.
    """
    last, met = carry
    require(at_least(row.asset_id, last + 1), Reason.UNCODED_ASSERT)
    in_range = both(row.index >= -INDEX_BOUND, row.index < INDEX_BOUND)
    require(in_range, Reason.OUT_OF_RANGE_FUNDING_INDEX)
    require(both(row.asset_id < ASSET_ID_BOUND, met == row.known_before), Reason.UNCODED_ASSERT)
    moved = absolute(row.index - row.known_index) * ONE
    fits = both(row.priced, moved <= config.max_funding_rate * row.price * seconds)
    require_if(row.known, fits, Reason.UNCODED_ASSERT)
    return FundingIndex(row.asset_id, row.index), (row.asset_id, met + indicator(row.known))


@STARKEX.operation(FundingTick, updates(System), reads(Config), reads(KnownIndices), *updates_rows(IndexRow))
def funding_tick(
    op: FundingTick, system: System, config: Config, known: KnownIndices, rows: Held
) -> tuple[System, Held]:
    """Give new funding indices. What they are is the operator's word, within the largest rate.

    The indices of the tick replace all that were known.
    """
    require(at_least(op.timestamp, system.system_time), Reason.UNCODED_ASSERT)
    seconds = op.timestamp - system.funding_timestamp
    indices, (_, met) = fold(next_index, rows, (-1, 0), config, seconds)
    require(met == known.count, Reason.UNCODED_ASSERT)
    return System(op.timestamp, op.timestamp, system.minimum_expiration), indices


@table()
def next_price(last: int, row: PriceRow) -> tuple[OraclePrice, int]:
    """Check one price of a tick: the assets strictly rise, and the price lies between the batch's signed ones.

    The program first looks for the id's place among the ids above the last one that have a price.
    """
    findable = both(row.asset_id >= 0, row.asset_id - row.highest <= RANGE_BOUND)
    require(either(row.highest <= last, findable), Reason.UNCODED_ASSERT)
    require(at_least(row.asset_id, last + 1), Reason.UNSORTED_ORACLE_PRICES)
    require(both(row.bounded, row.price >= row.low, row.price <= row.high), Reason.UNCODED_ASSERT)
    return OraclePrice(row.asset_id, row.price), row.asset_id


@STARKEX.operation(OracleTick, updates(System), *updates_rows(PriceRow))
def oracle_tick(op: OracleTick, system: System, rows: Held) -> tuple[System, Held]:
    """Give new prices. An asset that the tick leaves out keeps its price, however old it is."""
    require(at_least(op.timestamp, system.system_time), Reason.UNCODED_ASSERT)
    prices, last = fold(next_price, rows, -1)
    require(last < ASSET_ID_BOUND, Reason.UNCODED_ASSERT)
    return System(op.timestamp, system.funding_timestamp, system.minimum_expiration), prices
