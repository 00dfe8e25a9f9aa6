"""A bounded search for attacks: sequences of operations in a small exchange after which something is wrong."""
