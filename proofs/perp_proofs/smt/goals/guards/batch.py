"""When a batch begins and ends, and when what concerns the whole exchange is accepted."""

from perp_proofs.smt.goals.guards.shared import Case, Guards, live, market_there, signed
from perp_proofs.smt.goals.guards.waterfall import whole_fund
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, either, maximum, mul_div_ceil, mul_div_floor, negate, select, sweep
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Mode
from perp_spec.perpetual.rules.batch import market_window
from perp_spec.words import PPM


def begin_batch(case: Case) -> Guards:
    """Of a batch's header."""
    header, exchange, applied = case.op, case.exchange, case.applied
    yield Reason.BATCH_NUMBER, header.number - exchange.number == 1
    yield Reason.TIME_BACKWARDS, negate(header.time < exchange.time)
    yield Reason.PREVIOUS_ROOT, applied.root == header.previous_root
    yield Reason.CONFIG_DIGEST, applied.config_digest == header.config_digest


def record_proof(case: Case) -> Guards:
    """Of a proof that the chain below accepted."""
    yield from live(case)
    newer = case.op.number > case.exchange.proven
    yield Reason.BATCH_NUMBER, both(newer, negate(case.op.number > case.exchange.number - 1))


def set_kill_switch(case: Case) -> Guards:
    """Of the kill switch."""
    yield from live(case)
    yield from market_there(case)
    yield from signed(case)
    mode = case.op.mode
    yield Reason.KILL_SWITCH, either(mode == 0, mode == 1, mode == 2, mode == 4)


def end_batch(case: Case) -> Guards:
    """Of the end of a batch."""
    yield Reason.KILL_SWITCH, negate(case.op.mode == 3)
    strict: Flag = True
    for demand in demanded(case):
        strict = both(strict, negate(case.op.mode < demand))
    yield Reason.MODE_NOT_ESCALATED, strict


def demanded(case: Case) -> list[Word]:
    """Every mode that the state demands."""
    own, exchange = case.parameters, case.exchange
    window, previous = window_modes(case)
    unproven = exchange.number - exchange.proven
    return [
        exchange.switch,
        window,
        previous,
        fall_of_fund(case),
        stricter(negate(unproven < own.proof_reduce), negate(unproven < own.proof_throttle)),
        select(case.ledger.bankrupt > 0, Mode.REDUCE_ONLY, Mode.NORMAL),
    ]


def stricter(reduce: Flag, throttle: Flag) -> Word:
    """A mode by its two signs."""
    return select(reduce, Mode.REDUCE_ONLY, select(throttle, Mode.THROTTLE, Mode.NORMAL))


def rolls(case: Case) -> tuple[Word, Flag]:
    """The window it is, and whether another has begun."""
    window = mul_div_floor(case.exchange.time, 1, maximum(case.parameters.window_seconds, 1))
    return window, negate(window == case.exchange.window)


def window_modes(case: Case) -> tuple[Word, Word]:
    """What this window demands, with what it demanded before, and what the one before demands."""
    _, rolled = rolls(case)
    own = case.parameters
    _, sums = sweep(market_window, case.markets, own, rolled)
    counted, throttled, reduced = sums
    half = mul_div_ceil(counted, 1, 2)
    many = [both(negate(count < half), negate(count < own.window_markets)) for count in (reduced, throttled)]
    window = maximum(stricter(*many), case.exchange.window_mode)
    return window, select(rolled, window, case.exchange.window_previous)


def fund_figures(case: Case) -> tuple[Word, Word, Word]:
    """The day, the fund's equity, and the equity it is compared with."""
    today = mul_div_floor(case.exchange.time, 1, 86_400)
    equity = whole_fund(case).health.equity
    return today, equity, select(negate(today == case.exchange.fund_day), equity, case.exchange.fund_reference)


def fall_of_fund(case: Case) -> Word:
    """What a fall of the fund on the day demands."""
    own = case.parameters
    _, equity, reference = fund_figures(case)
    fell = select(reference > equity, reference - equity, 0)
    deep = [
        both(reference > 0, negate(fell * PPM < part * maximum(reference, 0)))
        for part in (own.fund_reduce_ppm, own.fund_throttle_ppm)
    ]
    return stricter(*deep)
