"""What tests share: small exchanges, a plain second opinion on health, invariants, and random actions."""
