"""Handwritten scenarios of single mistakes in an engine, a module for each group of rules."""
