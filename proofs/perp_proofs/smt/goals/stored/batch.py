"""What begins and ends a batch, and what proofs and switches store."""

import attrs

from perp_proofs.smt.goals.guards.batch import fund_figures, rolls, window_modes
from perp_proofs.smt.goals.guards.shared import Case
from perp_proofs.smt.goals.stored.shared import Expected, used
from perp_spec.language import negate, select


def begin_batch(case: Case) -> Expected:
    """Of a batch's header."""
    header, own, ledger = case.op, case.parameters, case.ledger
    waited = header.time - ledger.bucket_at
    filled = ledger.bucket + own.bucket_refill * select(waited > 86_400, 86_400, waited)
    return {
        "exchange": attrs.evolve(case.exchange, number=case.exchange.number + 1, time=header.time),
        "ledger": attrs.evolve(
            ledger, bucket=select(filled > own.bucket_size, own.bucket_size, filled), bucket_at=header.time
        ),
    }


def record_proof(case: Case) -> Expected:
    """Of a proof that the chain below accepted."""
    return {"exchange": attrs.evolve(case.exchange, proven=case.op.number)}


def set_kill_switch(case: Case) -> Expected:
    """Of the kill switch."""
    op, exchange, price = case.op, case.exchange, case.price
    return {
        "exchange": attrs.evolve(exchange, switch=select(op.whole, op.mode, exchange.switch)),
        "price": attrs.evolve(price, switch=select(negate(op.whole), op.mode, price.switch)),
        "stored": used(case),
    }


def end_batch(case: Case) -> Expected:
    """Of the end of a batch."""
    window, rolled = rolls(case)
    demand, previous = window_modes(case)
    today, _, reference = fund_figures(case)
    return {
        "exchange": attrs.evolve(
            case.exchange,
            mode=case.op.mode,
            window=window,
            window_mode=select(rolled, 0, demand),
            window_previous=previous,
            fund_day=today,
            fund_reference=reference,
        )
    }
