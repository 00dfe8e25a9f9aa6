"""Signatures: the bytes that are signed, the keys that sign them, and what a signature authorises."""
