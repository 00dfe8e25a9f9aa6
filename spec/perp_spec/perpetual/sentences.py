"""What the rules say, in words: a sentence for every guard, and the effects of every rule.

The catalogue joins these with what it reads from the rules themselves; nothing here decides anything. A sentence says
what must hold. A name in braces is a parameter of the function that holds the guard, and becomes what a rule gives it.
"""

from perp_spec.perpetual.reasons import Reason

GUARDS: dict[str, tuple[tuple[Reason, str], ...]] = {
    "require_live": ((Reason.FROZEN, "The exchange is not frozen."),),
    "require_market": ((Reason.NO_MARKET, "The market is configured."),),
    "require_account": ((Reason.NO_ACCOUNT, "{account} exists."),),
    "require_amount": ((Reason.AMOUNT, "{amount} is at least 1 and at most 2^60 atoms, or lots."),),
    "require_collateral": ((Reason.COLLATERAL_RANGE, "{collateral} is between -2^61 and 2^61 atoms."),),
    "require_not_halted": (
        (Reason.MODE, "Neither a mode nor a kill switch, of the exchange or of the market, is HALT."),
    ),
    "use_intent": (
        (Reason.BAD_SIGNATURE, "The intent is signed."),
        (Reason.ORDER_EXPIRED, "The intent has not expired: the time of the batch is its expiry or earlier."),
        (Reason.ORDER_STALE, "The intent's nonce is at least the one stored for its order slot."),
    ),
    "fill_order_if": (
        (Reason.BAD_SIGNATURE, "{order} is signed."),
        (Reason.ORDER_EXPIRED, "{order} has not expired: the time of the batch is its expiry or earlier."),
        (Reason.ORDER_STALE, "The nonce of {order} is at least the one stored for its order slot."),
        (
            Reason.ORDER_FILLED,
            "{order} has that many lots left; what its slot has filled counts only where the stored nonce is its own.",
        ),
        (Reason.ORDER_MARKET, "{order} is for this market."),
        (Reason.ORDER_SIDE, "{order} is for this side."),
        (
            Reason.ORDER_PRICE,
            "The price is not worse than the limit of {order}: not above it for a buyer, not below it for a seller.",
        ),
        (Reason.ORDER_POST_ONLY, "{order} is not post-only where it is the taker."),
        (Reason.ORDER_FEE, "The fee rate is at most what {order} allows."),
    ),
    "require_valid_transition_if": (
        (
            Reason.INITIAL_MARGIN,
            "Afterwards {kind} has its initial margin, or its position in this market was only reduced.",
        ),
        (
            Reason.HEALTH_RATIO_FELL,
            "Afterwards {kind} has its initial margin, or its health did not get worse (transition_kept_health).",
        ),
    ),
    "consume_entry": (
        (Reason.QUEUE_ORDER, "The entry's number is the number of entries consumed so far."),
        (Reason.HASH_CHAIN, "The stated chain is the digest of the chain before, the key and the entry's words."),
    ),
    "credit": (
        (Reason.NO_ACCOUNT, "The account exists and belongs to the key the depositor named."),
        (Reason.VAULT_CAP, "The vault stays within its cap."),
    ),
    "deposit": ((Reason.FORCED_RESULT, "The stated result is the one the rules give."),),
    "pay_out": (
        (Reason.INITIAL_MARGIN, "The equity that stays is at least the initial margin."),
        (
            Reason.ORACLE_LEVEL,
            (
                "No position of the account is in a market at oracle level 1 or above; or what stays is at "
                "least twice the initial margin, once at the health price, and once with every position at the "
                "worse of health price and index, in a degraded market less its band, and the margin at the higher "
                "of the two."
            ),
        ),
    ),
    "withdraw": (
        (Reason.RESERVED_ACCOUNT, "The account is not the insurance fund."),
        (Reason.BUCKET, "The withdrawal bucket holds the amount."),
        (Reason.VAULT, "The vault holds the amount."),
    ),
    "transfer": (
        (Reason.SAME_ACCOUNT, "Sender and recipient differ."),
        (Reason.RESERVED_ACCOUNT, "The sender is not the insurance fund."),
    ),
    "open_account": (
        (Reason.RESERVED_ACCOUNT, "The new id is none of the reserved ones."),
        (Reason.ACCOUNT_EXISTS, "The id is not taken."),
        (Reason.BAD_SIGNATURE, "The owner's digest is not zero."),
        (Reason.BAD_SIGNATURE, "The owner has signed it."),
        (Reason.ORDER_EXPIRED, "The signature has not expired: the time of the batch is its expiry or earlier."),
        (Reason.BAD_KIND, "The kind is CROSS, ISOLATED or PORTFOLIO."),
        (
            Reason.BAD_PARENT,
            (
                "An isolated account names a parent that is not reserved, exists, is not isolated and has the "
                "same owner; any other account names parent 0 and market 0."
            ),
        ),
        (Reason.NO_MARKET, "The market of an isolated account is configured."),
    ),
    "cancel": ((Reason.RESERVED_ACCOUNT, "The account is not the insurance fund, whose slots are governance's."),),
    "set_kind": (
        (Reason.RESERVED_ACCOUNT, "The account is none of the reserved ones."),
        (Reason.BAD_KIND, "The account is not isolated, and the new kind is CROSS or PORTFOLIO."),
        (Reason.INITIAL_MARGIN, "The account has its initial margin under the old kind and under the new one."),
    ),
    "compact": (
        (Reason.SLOT, "`top` is the highest slot of the account's count, and `hole` is another one."),
        (Reason.NOTHING_TO_COMPACT, "The highest slot is empty, or `hole` is empty and lies below it."),
    ),
    "trade": (
        (Reason.LOTS, "The lots are at least 1 and at most the market's max_size."),
        (Reason.PRICE_RANGE, "The price is at least 1 and at most the market's max_price."),
        (Reason.SAME_ACCOUNT, "Buyer and seller are different accounts."),
        (Reason.RESERVED_ACCOUNT, "Neither side is a reserved account."),
        (Reason.SAME_OWNER, "The sides have different owners."),
        (Reason.FEE, "Neither rate is above the market's cap in size, and they sum to zero or more."),
        (Reason.PRICE_BAND, "The price is within the price band around the health price."),
        (Reason.SLOT, "The buyer's slot holds the market, or is free and no other slot holds the market."),
        (Reason.SLOT, "The seller's slot holds the market, or is free and no other slot holds the market."),
        (Reason.MARKET_NOT_ALLOWED, "Neither side is an isolated account of another market."),
        (Reason.ORDER_REDUCE_ONLY, "A reduce-only order of the buyer only reduced its position."),
        (Reason.ORDER_REDUCE_ONLY, "A reduce-only order of the seller only reduced its position."),
        (Reason.REDUCE_ONLY, "The mode is below REDUCE_ONLY, or both sides only reduced."),
        (Reason.ORACLE_LEVEL, "The market is not at oracle level 3."),
        (
            Reason.ORACLE_LEVEL,
            "The buyer only reduced; or neither this market nor any the buyer holds is at oracle level 1 or above.",
        ),
        (
            Reason.ORACLE_LEVEL,
            "The seller only reduced; or neither this market nor any the seller holds is at oracle level 1 or above.",
        ),
        (Reason.SIZE_RANGE, "The buyer's position is at most max_size long, the seller's at most max_size short."),
        (
            Reason.OPEN_INTEREST,
            "Open interest does not rise; or it stays within its cap and the mode is below THROTTLE.",
        ),
    ),
    "liquidate": (
        (Reason.LOTS, "The lots are at least 1 and at most the market's max_size."),
        (Reason.PRICE_RANGE, "The price is at least 1 and at most the market's max_price."),
        (Reason.SAME_ACCOUNT, "The taker is another account."),
        (Reason.RESERVED_ACCOUNT, "The account is not the fee account, and the taker is no reserved account."),
        (Reason.SAME_OWNER, "The taker has another owner."),
        (Reason.FEE, "The liquidation fee rate is from 0 to the market's cap."),
        (Reason.FEE, "The taker's fee rate is from 0 to the market's cap."),
        (Reason.NO_POSITION, "The named slot holds a position in the market."),
        (Reason.LOTS, "The lots are at most the position."),
        (Reason.SLOT, "The taker's slot holds the market, or is free and no other slot holds the market."),
        (Reason.MARKET_NOT_ALLOWED, "The taker is no isolated account of another market."),
        (Reason.ORDER_REDUCE_ONLY, "A reduce-only order of the taker only reduced its position."),
        (Reason.ORACLE_LEVEL, "The market is not blind."),
        (Reason.ORACLE_LEVEL, "No market the taker holds is blind, or the taker only reduced."),
        (
            Reason.NOT_LIQUIDATABLE,
            (
                "Equity is below the maintenance margin, even if every position in a blind market is worth more by its "
                "band; the insurance fund may always unwind."
            ),
        ),
        (Reason.SIZE_RANGE, "The taker's position is at most max_size."),
        (Reason.HEALTH_RATIO_FELL, "The liquidated account's health did not get worse (liquidation_kept_health)."),
    ),
    "require_staged": (
        (Reason.CLOSE_FACTOR, "From close-out up, the lots are at most the step cap. The fund is exempt."),
        (
            Reason.STEP_TOO_SMALL,
            "From close-out up, the lots are at least half the step cap, rounded up. The fund is exempt.",
        ),
        (
            Reason.COOLDOWN,
            (
                "From close-out up, the cooldown since the account's last liquidation is over, the fund exempt; "
                "and the account is not spared, or is below zero."
            ),
        ),
        (
            Reason.SLIPPAGE,
            (
                "The price is within the slippage cap around the health price: the full one below close-out, "
                "else the partial one; and for the account it is not worse than the index by more than that cap."
            ),
        ),
    ),
    "take_over": (
        (Reason.ORACLE_LEVEL, "The market is not blind."),
        (
            Reason.NOT_CLOSE_OUT,
            (
                "Equity is below the close-out fraction of the maintenance margin, even if every position in a blind "
                "market is worth more by its band."
            ),
        ),
        (Reason.COOLDOWN, "The account is not spared, or is below zero."),
        (Reason.FUND_MARGIN, ("The fund may take the lots (fund_able).")),
    ),
    "backstop": (
        (Reason.LOTS, "The lots are at least 1 and at most the market's max_size."),
        (Reason.RESERVED_ACCOUNT, "The account is none of the reserved ones."),
        (Reason.NO_POSITION, "The named slot holds a position in the market."),
        (Reason.LOTS, "The lots are at most the position."),
    ),
    "backstop_possible": (
        (
            Reason.SLOT,
            (
                "The fund's slot holds the market, or is free and no other slot of it does; or the fund has no "
                "free slot and does not hold the market."
            ),
        ),
    ),
    "fund_could_reduce": (
        (
            Reason.SLOT,
            (
                "The fund's slot holds the market, or is free and no other slot of it does; or the "
                "fund has no free slot and does not hold the market."
            ),
        ),
    ),
    "deleverage": (
        (Reason.LOTS, "The lots are at least 1 and at most the market's max_size."),
        (Reason.SAME_ACCOUNT, "Account and counterparty differ."),
        (Reason.RESERVED_ACCOUNT, ("Neither the account nor the counterparty is the fee account.")),
        (Reason.NO_POSITION, "The named slot holds a position in the market."),
        (Reason.LOTS, "The lots are at most the position."),
        (Reason.NOT_OPPOSITE, "The counterparty's slot holds an opposite position of at least the lots."),
        (Reason.ORACLE_LEVEL, "The market is not blind."),
        (
            Reason.NOT_CLOSE_OUT,
            (
                "Equity is below the close-out fraction of the maintenance margin, even if every position in a blind "
                "market is worth more by its band."
            ),
        ),
        (Reason.COOLDOWN, "The account is not spared, or is below zero."),
        (Reason.BACKSTOP_POSSIBLE, ("The fund could not take over a piece of the position, or is itself the account.")),
    ),
    "socialise": (
        (Reason.NOT_BANKRUPT_FLAT, "The account has no position and its collateral is below zero."),
        (Reason.MARKET_NOT_ALLOWED, "The market is the account's last closed one; 0 for an account without."),
        (Reason.NO_OPEN_INTEREST, "The fund pays something or some loss index rises."),
    ),
    "reported_median": (
        (Reason.QUORUM, "The family reports at least its quorum and at most its signers."),
        (Reason.SIGNERS_NOT_RISING, "The first `count` signers strictly rise and are signers of the family."),
        (Reason.PRICE_RANGE, "The first `count` values are from 1 to the market's max_price."),
        (
            Reason.NOT_MEDIAN,
            "The median is the lower one: at least half of the values are at most it, and more than half at least it.",
        ),
    ),
    "oracle_tick": (
        (Reason.BAD_SIGNATURE, "Every signer has signed its value."),
        (Reason.TICK_TOO_SOON, "The market's last tick is at least 10 seconds ago."),
    ),
    "require_book": ((Reason.PRICE_RANGE, "1 <= bid <= ask <= the market's max_price."),),
    "mark": (
        (Reason.PRICE_RANGE, "The last trade's price is at least 1 and at most the market's max_price."),
        (Reason.ORACLE_LEVEL, "The market has an index price."),
    ),
    "premium_sample": (
        (Reason.ORACLE_LEVEL, "The market has an index price."),
        (Reason.SAMPLE_TOO_SOON, "The market's last sample is at least 60 seconds ago."),
    ),
    "funding_tick": ((Reason.TICK_TOO_SOON, "The market's last funding tick is at least 3600 seconds ago."),),
    "begin_batch": (
        (Reason.BATCH_NUMBER, "The batch's number is the one after the last."),
        (Reason.TIME_BACKWARDS, "The batch's time is not before the last one's."),
        (Reason.PREVIOUS_ROOT, "The header names the root of the state the batch is applied to."),
        (Reason.CONFIG_DIGEST, "The header names the digest of the configuration."),
    ),
    "record_proof": (
        (Reason.BATCH_NUMBER, "The batch is later than the last one known to be proved, and before this one."),
    ),
    "set_kill_switch": ((Reason.KILL_SWITCH, "The mode is NORMAL, THROTTLE, REDUCE_ONLY or HALT."),),
    "end_batch": (
        (Reason.KILL_SWITCH, "The stated mode is not AUCTION."),
        (Reason.MODE_NOT_ESCALATED, "The stated mode is at least what the state demands."),
    ),
    "note_request": (
        (Reason.RESERVED_ACCOUNT, "The account is none of the reserved ones."),
        (Reason.NO_ACCOUNT, "The account exists and belongs to the key that made the request."),
        (Reason.BAD_KIND, "The request is to withdraw or to reduce."),
        (Reason.NO_MARKET, "The named market is configured, also where a withdrawal names one without need."),
        (Reason.FORCED_PENDING, "The account has no forced request open."),
    ),
    "request_forced": ((Reason.FORCED_RESULT, "The stated result is the one the rules give."),),
    "forced_payment": ((Reason.VAULT, "The vault holds the amount."),),
    "forced_withdraw": (
        (Reason.FORCED_UNKNOWN, "The account has a forced withdrawal open."),
        (Reason.FORCED_RESULT, "The stated result is the one the rules give."),
    ),
    "reduction_allowed": (
        (Reason.NO_POSITION, "The named slot holds a position in the requested market."),
        (Reason.ORACLE_LEVEL, "The market is not blind."),
        (
            Reason.HEALTH_RATIO_FELL,
            (
                "After closing all that is requested the account has its initial margin, or its health did not "
                "get worse (transition_kept_health), positions in blind markets at the best price their bands allow."
            ),
        ),
    ),
    "require_counterparty": (
        (
            Reason.RESERVED_ACCOUNT,
            (
                "The other side is no reserved account on path ORDER, the fund on path FUND, and not "
                "the fee account on path OPPOSITE."
            ),
        ),
        (Reason.NO_ACCOUNT, "The other side exists."),
        (Reason.NO_ACCOUNT, "The order is the other side's."),
        (Reason.SAME_OWNER, "The other side has another owner."),
        (Reason.SLOT, "The other side's slot holds the market, or is free and no other slot of it does."),
        (Reason.MARKET_NOT_ALLOWED, "The other side is no isolated account of another market."),
        (Reason.ORDER_REDUCE_ONLY, "A reduce-only order only reduced its position."),
        (Reason.ORACLE_LEVEL, "No market the other side holds is blind, or it only reduced."),
        (Reason.SIZE_RANGE, "The other side's position is at most max_size."),
        (Reason.FUND_MARGIN, ("The fund may take the lots (fund_able).")),
        (Reason.NOT_OPPOSITE, "The other side's slot holds an opposite position that was only reduced."),
        (Reason.BACKSTOP_POSSIBLE, ("On path OPPOSITE, the fund could not take the same lots at the same price.")),
        (Reason.COLLATERAL_RANGE, "The other side's collateral is between -2^61 and 2^61 atoms."),
    ),
    "forced_reduce": (
        (Reason.SAME_ACCOUNT, "Account and other side differ."),
        (Reason.FORCED_UNKNOWN, "The account has a forced reduction open."),
        (
            Reason.SLOT,
            "Both named slots are empty or hold the market; the account's holds the requested market, or no slot does.",
        ),
        (Reason.FORCED_RESULT, "The stated result is the one the rules give."),
        (Reason.LOTS, "The lots are from 1 to the requested ones that the position has; 0 for a refusal."),
    ),
    "freeze": (
        (Reason.FORCED_UNKNOWN, "The account has a forced request open."),
        (Reason.NOT_DUE, "The request's deadline is before the time of the batch."),
    ),
    "escape_claim": (
        (Reason.NOT_FROZEN, "The exchange is frozen."),
        (
            Reason.CLAIM_WINDOW,
            "The claim window is open: it ends claim_seconds after the freeze, that second included.",
        ),
        (Reason.RESERVED_ACCOUNT, "The account is none of the reserved ones."),
        (Reason.CLAIMED, "The account has not claimed yet."),
    ),
    "escape_pay": (
        (Reason.NOT_FROZEN, "The exchange is frozen."),
        (Reason.CLAIM_WINDOW, "The claim window is over: more than claim_seconds have passed since the freeze."),
        (Reason.CLAIMED, "The account has claimed and was not paid."),
        (Reason.AMOUNT, "The stated amount is the one the rules give."),
        (Reason.VAULT, "The vault holds it."),
    ),
}
"""The sentences of each function's own guards, in order."""

THINGS: dict[str, str] = {
    "account": "the account",
    "buyer": "the buyer",
    "seller": "the seller",
    "taker": "the taker",
    "sender": "the sender",
    "recipient": "the recipient",
    "counterparty": "the counterparty",
    "other": "the debtor, or the fee account where the debtor is the fund,",
    "buyer.kind": "the buyer",
    "seller.kind": "the seller",
    "taker.kind": "the taker",
    "counterparty.kind": "the other side",
    "op.amount": "the amount",
    "op.buyer": "the buyer's order",
    "op.seller": "the seller's order",
    "op.taker": "the taker's order",
    "op.order": "the order",
    "side.collateral + op.amount": "the account's collateral with the deposit",
    "side.collateral - op.amount": "the account's collateral afterwards",
    "payer.collateral - op.amount": "the sender's collateral afterwards",
    "side.collateral - request.amount": "the account's collateral afterwards",
    "payee.collateral + op.amount": "the recipient's collateral afterwards",
    "bought.account.collateral": "the buyer's collateral afterwards",
    "sold.account.collateral": "the seller's collateral afterwards",
    "moved.account.collateral": "the liquidated account's collateral afterwards",
    "took.account.collateral": "the taker's collateral afterwards",
    "closed.account.collateral": "the account's collateral after closing all that is requested",
}
"""What the arguments of shared guards are called."""

SETTLED = "All positions of the account are settled: each gets its side's current index, and collateral the cash."
TOUCHED = "lots and cash are moved as move_side says; the other positions are settled"
DUST = "The ledger takes the dust of settling; whole atoms of it go to the fund's inbox."
BANKRUPT = "The ledger's count of bankrupt accounts follows the account's state before and after."

EFFECTS: dict[str, tuple[str, ...]] = {
    "begin_batch": (
        "The exchange takes the batch's number and time.",
        (
            "The withdrawal bucket gains bucket_refill for each second since it was last filled, at most a day "
            "of it, and never holds more than bucket_size; bucket_at becomes the batch's time."
        ),
    ),
    "deposit": (
        SETTLED,
        (
            "If it can be credited (result 0), collateral and vault gain the amount. Otherwise neither changes: "
            "the money is returned on the chain below."
        ),
        "The queue moves on by one entry either way, and its chain becomes the stated one.",
        "Where the account is the fund or the fee account, its inbox is emptied into its collateral.",
        DUST,
        BANKRUPT,
    ),
    "withdraw": (
        SETTLED,
        "Collateral, vault and bucket lose the amount.",
        "The intent's nonce is used up: the slot's nonce becomes one more, its filled lots 0.",
        "Where the account is the fee account, its inbox is emptied into its collateral.",
        DUST,
        BANKRUPT,
    ),
    "transfer": (
        "All positions of both accounts are settled.",
        "The sender's collateral loses the amount and the recipient's gains it. Vault and bucket do not change.",
        "The intent's nonce is used up: the slot's nonce becomes one more, its filled lots 0.",
        "Where an account is the fund or the fee account, its inbox is emptied into its collateral.",
        DUST,
        BANKRUPT,
    ),
    "open_account": ("The account exists from now on, with its owner, kind, parent and market, and all else zero.",),
    "set_kind": (
        SETTLED,
        "The account has the new kind.",
        "The intent's nonce is used up: the slot's nonce becomes one more, its filled lots 0.",
        DUST,
    ),
    "cancel": (
        (
            "The slot's nonce becomes one more than the intent's, its filled lots 0: every nonce up to the "
            "intent's is unusable from now on."
        ),
    ),
    "compact": (
        "The account's count of slots becomes one less.",
        (
            "The position of the highest slot moves into `hole`, and the highest slot becomes empty. Where the "
            "highest slot was empty, no position moves."
        ),
    ),
    "trade": (
        (
            f"Buyer and seller: {TOUCHED}. The buyer gains the lots and pays lots * price and its fee; the "
            "seller loses the lots and receives lots * price less its fee."
        ),
        (
            "Each fee is lots * price * rate / 1000000, rounded up, a rebate toward zero. The fee account's "
            "inbox gains both."
        ),
        (
            "Each order's slot takes the order's nonce, and its filled lots grow by the lots (from 0 where the "
            "nonce is new)."
        ),
        "Open interest changes by the long lots the two sides gain or lose.",
        DUST,
        BANKRUPT,
    ),
    "liquidate": (
        (
            f"The liquidated account: {TOUCHED}. It loses lots in the direction of its position, receives (a "
            "long) or pays (a short) lots * price, and pays the liquidation fee; liquidated_at becomes now."
        ),
        f"The taker: {TOUCHED}. It gains what the account loses, and pays its own fee.",
        "Both fees are rounded up; the liquidation fee goes to the fund's inbox, the taker's to the fee account's.",
        "Where the account is the fund, its inbox is emptied into its collateral.",
        "The taker's order slot takes the order's nonce, and its filled lots grow.",
        "Open interest follows; the window's liquidated lots grow unless the account is the fund.",
        DUST,
        BANKRUPT,
    ),
    "backstop": (
        (
            f"The account: {TOUCHED}. It loses the lots at the health price, less the zero-price amount of those "
            "lots; while its equity is not negative that amount is at most the penalty, penalty_ppm of the "
            "value, rounded up. liquidated_at becomes now."
        ),
        (
            "The fund gains the lots at the health price, and the amount: it is paid more where the amount is "
            "positive, and pays the deficit where it is negative."
        ),
        "The fund's inbox is emptied into its collateral.",
        "Open interest follows; the window's liquidated lots grow.",
        DUST,
        BANKRUPT,
    ),
    "deleverage": (
        (
            f"The account: {TOUCHED}. It closes the lots at the health price and receives what the counterparty "
            "pays beyond it; liquidated_at becomes now."
        ),
        (
            f"The counterparty: {TOUCHED}. It closes the lots at the health price and pays beyond it "
            "its part of a deficit, rounded down, and no more than lets it keep its ratio."
        ),
        (
            "Where the account or the counterparty is the fund, its inbox is emptied into its "
            "collateral; else the fund is only looked at."
        ),
        (
            "A counterparty other than the fund that lost its maintenance margin by it, or fell below close-out by it, "
            "is spared for cooldown_seconds: its liquidated_at becomes that much later than now."
        ),
        "Open interest falls by the lots; the window's liquidated lots grow unless the account is the fund.",
        DUST,
        BANKRUPT,
    ),
    "socialise": (
        (
            "The fund and the debtor are settled. Where the debtor is the fund itself, the fee account is "
            "loaded in the debtor's place, and only settled."
        ),
        (
            "The fund pays what it can spare: its equity, positions in blind markets at the worst price their bands "
            "allow, beyond its maintenance margin, and at most its collateral. It pays nothing for itself."
        ),
        (
            "The rest is borne by the open interest, first of the debtor's last closed market, then of all "
            "others by rising id: each raises its loss index as far as the day's cap and the index's range "
            "allow (bear_loss)."
        ),
        (
            "The debtor's collateral gains what was paid and collected, at most to zero; what is left stays as "
            "negative collateral."
        ),
        (
            "Whole atoms collected beyond the deficit go to the fund's inbox, the fractions to dust; the fund's "
            "old inbox is emptied into its collateral."
        ),
        DUST,
        BANKRUPT,
    ),
    "oracle_tick": (
        (
            "Each family that reports has its value and its time noted; one that does not keeps its old ones "
            "and goes stale by age."
        ),
        "The index moves unless the market is blind; then it and the health price stay as they were.",
        "The average moves where two fresh families agree with the index, unless the market is blind.",
        (
            "The level is 0, 1 or 2. A good tick brings it to 0 only where it was 0 in effect before, after ten "
            "good ticks in a row since it was blind, or at the first price ever; else to 1. One bad family gives "
            "1 where the index is inside the band: around the new average where two others agree, else around the"
            " old one. A gap or blindness gives 2. Two families alone that disagree by more than the band, or for"
            " longer than staleness_seconds, make it blind, and so does one alone for longer than blind_seconds, "
            "both counted from disputed_since."
        ),
        "Unless blind, the health price is the mark; at a gap the mark kept within the band around the new average.",
        "blind_since is when the blindness began, 0 where it is not blind.",
        (
            "disputed_since is since when no two fresh families agree with the index, 0 where they do. A tick without "
            "fresh reports counts as no agreement, and where the market was blind before the tick it is since when."
        ),
    ),
    "mark": (
        "The premium's average moves toward mid less index; `book` becomes the median of bid, ask and last.",
        "The health price becomes the new mark, kept within the band at a gap; it stays where the market is blind.",
    ),
    "premium_sample": (
        "The clamped premium is added to the sum and the count grows by one, up to 60 samples; sampled_at becomes now.",
    ),
    "funding_tick": (
        "F grows by the hourly rate times the index price, and stays within max_price * 1000000 either way.",
        "The buffers become buffer_intervals times the rate each side pays, at least buffer_floor_ppm.",
        "The rate is noted, the samples start over, funded_at becomes now.",
    ),
    "record_proof": ("`proven` becomes the stated number.",),
    "set_kill_switch": (
        "The switch of the exchange, or of the one market, becomes the stated mode; the other does not change.",
        "The intent's nonce is used up, in an order slot of account 0.",
    ),
    "end_batch": (
        "Every market's mode becomes REDUCE_ONLY at a gap, else NORMAL, and at least its kill switch.",
        "In a new window every market's window starts over: its open interest now, nothing liquidated.",
        "The exchange's mode becomes the stated one.",
        ("The window's highest demand is kept; in a new window it becomes the previous one's, and starts over."),
        "On the first batch of a day the fund's equity becomes its reference.",
    ),
    "request_forced": (
        "The queue moves on by one entry, and its chain becomes the stated one.",
        (
            "If it can be noted (result 0), the account's request is the stated one, with a deadline "
            "forced_seconds after it was posted, or after now, if it was posted later. Otherwise the request does "
            "not change."
        ),
    ),
    "forced_withdraw": (
        SETTLED,
        (
            "Done (result 0): collateral and vault lose the requested amount; the bucket does not change; the "
            "request is gone."
        ),
        (
            "Refused: nothing is paid. The request is gone too, unless the reason is ORACLE_LEVEL: then it stays, its "
            "deadline running."
        ),
        DUST,
        BANKRUPT,
    ),
    "forced_reduce": (
        (
            f"Done: the account and the other side: {TOUCHED}. The lots change hands at the conceded price: the "
            "health price less slip_ppm of it for a long, plus slip_ppm of it for a short, the slip rounded "
            "down."
        ),
        "Refused: no lots and no cash move. Both accounts are settled.",
        (
            "The request is gone when all is done or it is refused; it stays, with what is left, where only a "
            "piece was done, and as it was where the refusal is ORACLE_LEVEL."
        ),
        "On path ORDER the order's slot takes the nonce and its filled lots grow; else it does not change.",
        (
            "On path OPPOSITE a user's account that lost its maintenance margin by it, or fell below close-out by it, "
            "is spared for cooldown_seconds: its liquidated_at becomes that much later than now."
        ),
        "Where the other side is the fund or the fee account, its inbox is emptied into its collateral.",
        DUST,
        BANKRUPT,
    ),
    "freeze": (
        (
            "The exchange is frozen from the time of the batch, for good. The vault of that moment is kept as "
            "what claims share."
        ),
    ),
    "escape_claim": (
        SETTLED,
        (
            "The claim is the account's equity: at least 0, and at most what the sum of claims has left below 2^62. "
            "The sum of claims grows by it."
        ),
        DUST,
        BANKRUPT,
    ),
    "escape_pay": (
        (
            "Vault and collateral lose the payout: the claim where the frozen vault covers all claims, else its "
            "part, rounded down."
        ),
        "The request is PAID.",
    ),
}
"""What each rule does where it is not rejected."""
