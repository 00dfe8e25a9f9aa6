"""Replays recorded prices through the exchange: a population of traders, and the operator's side of the rules."""
