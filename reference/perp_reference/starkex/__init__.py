"""The integer machine of the StarkEx rule set: it runs observed cases and whole batches, and compares them."""
