"""How the rules of this set name what they load: positions with one asset apart, and the rows of a tick."""

from typing import Any

from perp_spec.operation import Access, Key, Shape, reads, updates, updates_held
from perp_spec.starkex.bounds import NO_ASSET
from perp_spec.starkex.records import Asset, Holding, Position

FEE_POSITION = -1
"""Stands, as a position id in a footprint, for the position that the configuration names."""

__all__ = ["FEE_POSITION", "reads", "updates", "updates_collateral", "updates_position", "updates_rows"]


def updates_position(position_id: Key, asset_id: Key) -> tuple[Access, ...]:
    """Load and store a position: itself, its holding of one asset, that asset, and its other holdings with theirs."""
    return (
        updates(Position, position_id),
        updates(Holding, position_id, asset_id),
        reads(Asset, asset_id),
        updates_held(position_id, skip=asset_id),
    )


def updates_collateral(position_id: Key) -> tuple[Access, ...]:
    """Load and store a position of which no asset changes: itself, and all its holdings with their assets."""
    return updates(Position, position_id), updates_held(position_id, skip=NO_ASSET)


def updates_rows(kind: type[Any]) -> tuple[Access, ...]:
    """Load the rows of a tick in its order, and store a record for each."""
    return (Access(Shape.HELD, kind, (), stores=True),)
