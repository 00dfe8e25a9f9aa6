"""Files of the exchange: batches, drafts, states, differences, configurations and market candles.

Every reader takes the whole of a file or refuses it with `MalformedInput`; docs/formats.md says what it accepts.
"""
