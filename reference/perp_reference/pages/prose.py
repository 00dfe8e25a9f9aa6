"""Words that the pages add to the docstrings: what a formula means, and how operations are put together."""

APPLYING: tuple[str, ...] = (
    "## How an operation is applied",
    (
        "1. Load what the rule's page lists, in order. A record that is absent reads as the record of all "
        "zeros, so every load succeeds. The configuration of a market that is not configured reads as all zeros "
        "too.\n2. Evaluate the guards in order. The first that does not hold rejects the operation with its "
        "reason, and nothing is stored.\n3. Store what the rule returns where it was loaded from. A record that "
        "becomes all zeros is absent again."
    ),
    (
        "*Positions of an account* are its slots from 0 to the account's `slots` less one, in that order, empty ones "
        "included, each joined with price and configuration of its market (an empty slot has market 0). Where the "
        "footprint names a slot to leave out, that one is missing, if it is among them. They are stored back into "
        "the slots they were loaded from."
    ),
    (
        "Two entries of a footprint may name one record, as where an account of the operation is the fund. Both see "
        "it as it was before the operation, and the guards see to it that only one of them is stored."
    ),
    "*Every market* means the markets 0 to `markets` less one of the configuration, in that order.",
    (
        "A rule never stores a value outside the range of its field. If an implementation finds one, it has an "
        "error: no operation is meant to be rejected for it, and no rule says when to check."
    ),
    "## How a batch is applied",
    "A batch is a header and a list of operations, and is valid or invalid as a whole.",
    (
        "1. [begin_batch](begin_batch.md) checks the header against the root of the state and the digest of the "
        "configuration.\n2. Each operation is applied in order. Its time is the time of the batch. If one is "
        "rejected the batch is invalid and the state stays as it was before the header.\n3. The last operation "
        "is [end_batch](end_batch.md), and no other one is."
    ),
    (
        "A field outside the range its page names makes the batch malformed, which is another error than "
        "rejection: it is found before any rule runs. Amounts, lots, prices and fee rates are any word; their "
        "bounds are guards."
    ),
    "## The first state",
    (
        "Before the first batch there are two accounts and nothing else: 0, the insurance fund, of kind CROSS "
        "with owner zero; and 1, the fee account, of kind CROSS with an owner that the configuration names. "
        "Exchange, ledger and queue are all zeros: no batch, no money, an empty bucket, an empty chain."
    ),
)
"""What the index says beyond its tables."""

PROSE: dict[str, tuple[str, ...]] = {
    "within": ("`distance * 1000000 <= limit_ppm * base`, both products exact.",),
    "fill_order_if": (
        (
            "A slot remembers one nonce. A higher nonce than the stored one starts with nothing filled, and "
            "from then on the stored one is unusable. `buys` is the side the operation gives the order, `taker` "
            "whether it takes."
        ),
    ),
    "use_intent": ("The stored nonce becomes one more than the intent's, so every nonce up to it is used up.",),
    "carry": (
        (
            "New dust and old are added; what makes whole atoms leaves dust and goes to the fund's inbox, so "
            "dust is always from 0 to 999999 micro-atoms. Every other argument is added to the field of its "
            "name."
        ),
    ),
    "emptied": (
        (
            "A rule that settles a reserved account adds the inbox to its collateral (see inbox_of) and passes "
            "the negative of it to carry: the atoms move, and none is made."
        ),
    ),
    "oracle_state": (
        (
            "A market never ticked has ticked_at 0 and so is blind. A market that was not blind at its last "
            "tick and then falls silent counts as blind from the moment the tick became stale, not from the "
            "moment somebody noticed."
        ),
        "`exits_only` is level 3: blind for more than blind_seconds.",
    ),
    "mark_of": (
        (
            "While no book has been seen (`book` is 0) the index stands in for it. The distance is rounded "
            "down, toward the index."
        ),
    ),
    "approach": (
        (
            "The average moves the whole way in average_seconds or more. The distance moved is rounded up: in a "
            "second or more it moves by an atom at least, whichever way, and never beyond the target."
        ),
    ),
    "margin_at": (
        (
            "The brackets are marginal, like those of an income tax: the part of the notional up to bracket_2 "
            "pays rate 1, the part from there to bracket_3 rate 2, the rest rate 3. Each part is rounded up by "
            "itself; the configuration holds what the whole parts below bracket_2 and bracket_3 come to."
        ),
    ),
    "margin": (
        (
            "The value of a position is size times health price and is exact. The buffer is what funding may "
            "take: the notional times the buffer rate of the position's side. An empty position (size 0) has no "
            "value, no margin and no buffer."
        ),
    ),
    "health": (
        (
            "Equity E is collateral and value. For CROSS and ISOLATED accounts the maintenance margin M is the "
            "linear one and the buffers, the initial margin I likewise. For PORTFOLIO accounts M is the "
            "portfolio requirement and the buffers, and I a multiple of M, rounded up. Kinds never mix: an "
            "account has one."
        ),
    ),
    "portfolio_requirement": ("The floor is portfolio_floor_ppm of the linear margin, rounded up.",),
    "losses_of": (
        (
            "In each scenario the price of every market moves by its shock_ppm, up or down. A position loses where "
            "its value moves against it. Gains are negative losses and offset other positions. Every item is rounded "
            "up before they are added. The mirror image of a scenario moves every market the other way."
        ),
    ),
    "worst_loss": ("The fourteen sums are compared one with another, and with 0.",),
    "side_index": (
        (
            "A long owes F + L for every lot, a short F - L: funding passes from one side to the other, a "
            "socialised loss is borne by both. A long pays, and a short receives, when F rises; both pay when L "
            "rises."
        ),
    ),
    "position_terms": (
        (
            "The cash is `floor(-size * due / 1000000)` atoms, due being how far the side's index moved since "
            "the snapshot. It is rounded down, against the account, and the remainder, from 0 to 999999 "
            "micro-atoms, is its dust. The snapshot becomes the current index; that of an empty slot becomes 0."
        ),
    ),
    "cautious_terms": (
        (
            "The value is the smaller of size times health price and size times index, in a degraded market less the "
            "band of the notional at the higher of the two prices, rounded up; the margin is the linear initial margin "
            "at the higher of the two prices. In a blind market it is one band, and one more for every blind_seconds "
            "that have passed since the blindness began, up to the whole notional."
        ),
    ),
    "settled_side": (
        (
            "The touched position is settled like the others; it is not stored here but by the rule, with its "
            "lots changed. `degraded`, `blind` and `doubt` are about every position the account holds, the touched "
            "one included. `bankrupt` is about the account as it was loaded: its collateral before settling."
        ),
    ),
    "settle_whole": (
        (
            "For accounts of which no single position changes. `bankrupt` is about the account as it was loaded: "
            "its collateral before settling."
        ),
    ),
    "moved_side": (
        (
            "The position takes the current index of its new side as its snapshot. Closing it empties the slot "
            "and notes the market (plus 1) as the last closed one. Opening in a slot at or above the count of "
            "slots raises the count. The health after is the sum over the other positions and the touched one's "
            "new terms."
        ),
        (
            "`reduced` holds where the position kept its sign or closed, and did not grow; a position of size 0 "
            "that stays 0 counts as reduced."
        ),
    ),
    "slot_fits": ("A position slot is named by whoever builds the operation; nothing looks for one.",),
    "sign_of": (
        "An empty slot counts as a short. No guard depends on it: without a position the operation is refused.",
    ),
    "ratio_kept": (
        (
            "With E0, M0 before and E1, M1 after, M the linear margin where `on_linear`: where E0 < 0 or M0 = 0 the "
            "equity may not fall, E1 >= E0; else E0 * M1 <= E1 * M0, both products exact. The ratio form would "
            "forbid a bankrupt account to reduce."
        ),
    ),
    "require_valid_transition_if": (
        "`reduced` is about the touched position; an operation touches one of an account.",
    ),
    "share_of": (
        (
            "The marginal brackets make this the margin of the most expensive part of the position. Shares of "
            "successive pieces add up to the whole."
        ),
    ),
    "zero_price_amount": (
        (
            "`ceil(share * E / Mlin)`, E with its sign: positive for an account with equity, which leaves that "
            "part behind, negative for a bankrupt one, whose deficit is taken over. It is computed on the "
            "linear margin: with the buffer in it a full close would leave equity behind. Rounding up goes "
            "against the account."
        ),
    ),
    "below_close_out": ("`E * 1000000 < close_out_ppm * M`, with the close-out fraction of all markets.",),
    "take_over": (
        (
            "The account loses the lots at the health price and the amount besides. While its equity is not "
            "negative the amount is at most the penalty, penalty_ppm of the value of the lots, rounded up. The "
            "fund receives what the account gives."
        ),
    ),
    "backstop_lots": (
        (
            "As many lots as backstop_atoms buys at the health price, rounded down, but at least one and at "
            "most the position."
        ),
    ),
    "backstop_possible": (
        (
            "The answer is yes where the takeover of that piece would pass all its guards. The slot is checked "
            "first, and that check rejects the operation: it is no part of the judgement."
        ),
    ),
    "pay_out": (
        (
            "The same guard for every way out, so that none is a way around another. The first condition counts "
            "only while some position of the account is in a market at oracle level 1 or above."
        ),
    ),
    "step_cap": (
        (
            "All of the position where its value is at most full_close_atoms, else close_factor_ppm of it, "
            "rounded up. Half of that, rounded up, while any market the account holds is at oracle level 1 or "
            "above."
        ),
    ),
    "deleverage_payment": (
        (
            "Nothing where the account's certain equity is zero or more. Otherwise `floor(share * -E / Mlin)` of its "
            "deficit, and at most what the counterparty's requirement releases by closing: the smaller of the "
            "two amounts that keep its ratio to the linear and to the maintenance margin, never below 0. All are "
            "rounded down, for the counterparty."
        ),
    ),
    "released": (
        (
            "`floor(max(before - after, 0) * equity / max(before, 1))`: with equity E and requirement M, paying "
            "E * (M0 - M1) / M0 leaves E / M as it was."
        ),
    ),
    "fund_able": (
        (
            "All of these, its equity taken less the band of its positions in blind markets: the fund keeps equity "
            "of fund_multiple times its initial margin, or it only reduces and its equity is not below zero; the "
            "named slot fits; its position is at most max_size and its collateral at most 2^61 atoms either way."
        ),
    ),
    "bear_loss": (
        (
            "Both sides of the market bear it alike: 2 * open interest lots. The rise of the loss index is "
            "limited by the cap of the day, loss_cap_ppm of the price, less what the day has borne, and by the "
            "index's range. If the limit does not cover the deficit the rise is the limit, else what covers it, "
            "rounded up. Whole atoms cover the deficit; what rounding up collects beyond it is dust, or an "
            "excess that goes to the fund."
        ),
        "Without open interest nothing rises. The day is noted in every market visited.",
    ),
    "reported_median": (
        (
            "The lower median m of n values is the one with 2 * #(values <= m) >= n and 2 * #(values >= m) > n. "
            "It is one of the values and there is only one. Places beyond `count` are not looked at."
        ),
    ),
    "candidate_of": (
        (
            "A family is fresh while it has a value and its last report is at most staleness_seconds old. The "
            "prices are sorted by five exchanges; a family that is not fresh counts as max_price + 1 and so "
            "comes last. Of three or four fresh families the second smallest is the lower median. The nearest "
            "to the average is the smaller one where both are equally near."
        ),
        (
            "`bad` counts the families that are not fresh, and those that deviate. Where two are fresh and "
            "disagree that is one; with three or four it is each that is further than deviation_ppm from the "
            "index."
        ),
    ),
    "SAMPLES_FULL": ("Sampling stops counting there, and a funding tick divides by it.",),
    "exchanged": ("The smaller one first.",),
    "hourly_rate_ppm": (
        (
            "Always divided by 60: missing samples count as zero. Both quotients are rounded toward zero, so "
            "that a rate and its negative are treated alike."
        ),
    ),
    "oracle_tick": (
        (
            "In short, with `bad` the number of stale or deviating families, `confirmed` whether two fresh ones agree "
            "with the index, and `near` whether the index is within the band around the *new* average:"
        ),
        (
            "| bad | index | outcome |\n| --- | --- | --- |\n| 0 | near | good: level 0, or 1 until ten good "
            "ticks in a row |\n| 0 or 1, confirmed | not near | gap: level 2, the health price clamped to the "
            "band around the average |\n| 1, confirmed | near | degraded: level 1, the average moves |\n| 1, not "
            "confirmed | within the band around the *old* average, and not `apart` or lasting | degraded: level 1, "
            "the average stays |\n| otherwise | | blind: level 2, prices and average stay, after blind_seconds "
            "level 3 |"
        ),
    ),
    "market_window": (
        (
            "A market counts where its open interest at the start of the window was worth at least "
            "window_floor_atoms. It alarms where the lots liquidated in the window are at least the given part "
            "of that open interest."
        ),
    ),
    "window_severity": (
        (
            "Enough means at least window_markets and at least half of the counted markets, rounded up. "
            "Liquidations never demand HALT."
        ),
    ),
    "graded": ("For proof lag: batches begun since the last one known to be proved.",),
    "fund_severity": ("Demands nothing where the fund had no equity at the start of the day.",),
    "set_kill_switch": (
        "A configured market must be named also where the switch of the whole exchange is set; it is not changed then.",
    ),
    "liquidate": (
        (
            "The side the taker's order must be on follows from the named slot as it is loaded, whatever market it "
            "holds: a wrong slot may be refused with ORDER_SIDE before NO_POSITION."
        ),
    ),
    "debtor_beside_fund": (
        (
            "The fund is loaded in any case, and no rule may load a record twice. Where the fund is the debtor, "
            "another account has to stand in its place: the fee account, which is settled without its inbox and "
            "nothing else."
        ),
    ),
    "conceded_price": (
        (
            "The slip is slip_ppm of the health price, rounded down. A long is closed at the health price less "
            "the slip, a short at the health price plus the slip."
        ),
    ),
    "reduction_allowed": (
        "Judged on all the requested lots, at most the position, whatever piece the operator closes now.",
    ),
    "require_counterparty": (
        "Nothing here counts where the reduction is refused. A guard that names no path counts on all three.",
    ),
    "answered": ("A request that is gone leaves kind, market, amount and deadline zero; a claim is never touched.",),
    "forced_withdraw": (
        "The operator cannot choose the outcome: it states the one the rules give, and any other is rejected.",
    ),
    "escape_pay": (
        (
            "The payout is `floor(claim * min(frozen vault, sum of claims) / max(sum of claims, 1))`: everybody "
            "gets the same part, whoever comes first."
        ),
    ),
}
"""Paragraphs after the docstring of a function or a rule."""
