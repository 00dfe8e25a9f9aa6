"""The rules, one function for each operation. Importing this package registers them all in `PERPETUAL`."""

from perp_spec.perpetual.rules import accounts, batch, forced, money, ticks, trading, waterfall

__all__ = ["accounts", "batch", "forced", "money", "ticks", "trading", "waterfall"]
