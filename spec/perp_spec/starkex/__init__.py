"""The StarkEx perpetual rules, as the deployed program (version 3.2) behaves: a second rule set beside `perpetual`.

One collateral asset, cross margin by risk factors, limit orders filled by an operator, funding and prices by ticks, and
forced actions. `docs/starkex.md` compares it with this project's own rules.
"""
