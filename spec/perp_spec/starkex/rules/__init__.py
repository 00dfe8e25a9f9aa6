"""The rules, one function for each step of a transaction. Importing this package registers them all in `STARKEX`."""

from perp_spec.starkex.rules import forced, money, ticks, trading, unwinding

__all__ = ["forced", "money", "ticks", "trading", "unwinding"]
