"""Durable state: one SQLite file that holds a whole number of batches, whenever the process dies."""
