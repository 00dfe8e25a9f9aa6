"""The audit: every conservation identity and every total of a state, recomputed from scratch.

Nothing here calls a rule, so that a defect of a rule cannot hide itself. What an identity is made of is computed the
plain way, with loops and sums over the whole state.
"""

from collections import Counter
from collections.abc import Iterator

from attrs import frozen

from perp_reference.core.state import RANGE_CHECKS, SLOTS_OF, STATE_RECORDS, State
from perp_spec.perpetual.records import (
    FEES,
    FIRST_USER,
    FUND,
    LEVEL_SUSPENDED,
    Account,
    Claim,
    Exchange,
    Forced,
    Kind,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Mode,
    OrderSlot,
    Position,
    Request,
)
from perp_spec.words import ACCOUNTS_MAX, COLLATERAL_MAX, POSITION_SLOTS, PPM

SETTLED_MAX = 2 * COLLATERAL_MAX
"""The largest magnitude of a stored collateral: settling may leave twice what a user's operation may."""


@frozen
class Finding:
    """Something that is not as it must be."""

    place: str
    """Which record and field: Account 5 collateral."""
    expected: str
    got: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.place}: expected {self.expected}, got {self.got}"


def audit(state: State) -> list[Finding]:
    """Everything that is wrong with a state; empty for a clean one."""
    found = [*records_in_range(state), *keys_in_range(state)]
    if found:
        return found
    for check in (accounts, positions, markets, conservation, totals, requests, clocks, escape):
        found += check(state)
    return found


def differs(place: str, expected: object, got: object) -> Iterator[Finding]:
    """A finding where two values differ."""
    if expected != got:
        yield Finding(place, str(expected), str(got))


def unless(holds: bool, place: str, expected: object, got: object) -> Iterator[Finding]:
    """A finding unless a condition holds."""
    if not holds:
        yield Finding(place, str(expected), str(got))


# Records


def records_in_range(state: State) -> Iterator[Finding]:
    """Every field is in its declared range, and no record of all zeros is stored."""
    for kind in STATE_RECORDS:
        zero, in_range = kind(), RANGE_CHECKS[kind]
        for key, record in state.tables[kind].items():
            place = f"{kind.__name__} {key}"
            yield from unless(in_range(record), place, "every field in its range", record)
            yield from unless(record != zero, place, "no stored record of all zeros", "all zeros")


def keys_in_range(state: State) -> Iterator[Finding]:
    """Every record is at a place that exists."""
    limits: dict[type, int] = {
        Account: ACCOUNTS_MAX,
        Request: ACCOUNTS_MAX,
        **{kind: ACCOUNTS_MAX * slots for kind, slots in SLOTS_OF.items()},
        MarketPrice: len(state.markets),
        MarketOracle: len(state.markets),
        MarketBook: len(state.markets),
    }
    for kind in STATE_RECORDS:
        limit = limits.get(kind, 1)
        for key in state.tables[kind]:
            yield from unless(0 <= key < limit, f"{kind.__name__} {key}", f"a key below {limit}", key)


# Accounts


def accounts(state: State) -> Iterator[Finding]:
    """The reserved accounts are there; every account has a proper kind, owner, parent and collateral."""
    for number, name in ((FUND, "the fund"), (FEES, "the fee account")):
        kind = state.get(Account, number).kind
        yield from unless(kind == Kind.CROSS, f"Account {number} kind", f"{Kind.CROSS}, {name} is cross", kind)
    for number, account in state.tables[Account].items():
        place = f"Account {number}"
        yield from unless(account.kind != Kind.ABSENT, f"{place} kind", "not absent", account.kind)
        if number >= FIRST_USER:
            yield from unless(account.owner != 0, f"{place} owner", "the digest of a key", account.owner)
        settled = abs(account.collateral) <= SETTLED_MAX
        yield from unless(settled, f"{place} collateral", "at most 2^62 in magnitude", account.collateral)
        closed = account.closed_market
        yield from unless(
            closed <= len(state.markets), f"{place} closed_market", f"at most {len(state.markets)}", closed
        )
        yield from parentage(state, number, account)


def parentage(state: State, number: int, account: Account) -> Iterator[Finding]:
    """An isolated account has a parent of its owner, which is not isolated; any other has none, and no one market."""
    place = f"Account {number}"
    if account.kind != Kind.ISOLATED:
        yield from differs(f"{place} parent", 0, account.parent)
        yield from differs(f"{place} market", 0, account.market)
        return
    parent = state.get(Account, account.parent)
    proper = (
        account.parent >= FIRST_USER
        and parent.kind in (Kind.CROSS, Kind.PORTFOLIO)
        and parent.owner == account.owner
        and account.parent != number
    )
    yield from unless(proper, f"{place} parent", "an account of the same owner, not isolated", account.parent)
    configured = account.market < len(state.markets)
    yield from unless(configured, f"{place} market", "a configured market", account.market)


def positions(state: State) -> Iterator[Finding]:
    """Positions are of existing accounts and configured markets, below the count of slots, one for each market."""
    seen: Counter[tuple[int, int]] = Counter()
    for key, position in state.tables[Position].items():
        number, slot = divmod(key, POSITION_SLOTS)
        account = state.get(Account, number)
        place = f"Position {key} (account {number}, slot {slot})"
        yield from unless(account.kind != Kind.ABSENT, place, "an existing account", "none")
        yield from unless(number != FEES, place, "no position of the fee account", position.size)
        yield from unless(slot < account.slots, place, f"a slot below {account.slots}", slot)
        yield from unless(position.size != 0, f"{place} size", "not 0, else all zeros", position)
        if position.market >= len(state.markets):
            yield Finding(f"{place} market", f"below {len(state.markets)}", str(position.market))
            continue
        market = state.market(position.market)
        small = abs(position.size) <= market.max_size
        yield from unless(small, f"{place} size", f"at most {market.max_size} in magnitude", position.size)
        own = account.kind != Kind.ISOLATED or account.market == position.market
        yield from unless(own, f"{place} market", f"{account.market}, the account's one market", position.market)
        bound = 2 * market.max_price * PPM
        known = abs(position.snapshot) <= bound
        yield from unless(known, f"{place} snapshot", f"at most {bound} in magnitude", position.snapshot)
        seen[number, position.market] += 1
    for (number, market), count in seen.items():
        yield from unless(count == 1, f"Account {number} market {market}", "one position", f"{count}")


# Markets


def markets(state: State) -> Iterator[Finding]:
    """Open interest is what is long and what is short; prices and indices keep their bounds."""
    longs: Counter[int] = Counter()
    shorts: Counter[int] = Counter()
    for position in state.tables[Position].values():
        side = longs if position.size > 0 else shorts
        side[position.market] += abs(position.size)
    for number, market in enumerate(state.markets):
        place = f"Market {number}"
        book = state.get(MarketBook, number)
        price = state.get(MarketPrice, number)
        oracle = state.get(MarketOracle, number)
        yield from differs(f"{place} open_interest", longs[number], book.open_interest)
        yield from differs(f"{place} sum of the negative sizes", -book.open_interest, -shorts[number])
        cap = market.open_interest_cap
        yield from unless(
            book.open_interest <= cap, f"{place} open_interest", f"at most {cap}, the cap", book.open_interest
        )
        for name, value in (("price", price.price), ("index", price.index), ("average", oracle.average)):
            yield from unless(value <= market.max_price, f"{place} {name}", f"at most {market.max_price}", value)
        bound = market.max_price * PPM
        funding = price.funding_index
        yield from unless(abs(funding) <= bound, f"{place} funding_index", f"at most {bound} in magnitude", funding)
        yield from unless(price.loss_index <= bound, f"{place} loss_index", f"at most {bound}", price.loss_index)
        yield from unless(
            price.level == LEVEL_SUSPENDED or not price.gap, f"{place} gap", "False below level 2", price.gap
        )
        yield from unless(
            (price.price == 0) == (price.index == 0) == (oracle.average == 0),
            f"{place} price, index and average",
            "all 0 or none",
            (price.price, price.index, oracle.average),
        )


# Money


def pending_micro_atoms(state: State, position: Position) -> int:
    """What a position owes since it was last settled, in micro-atoms."""
    price = state.get(MarketPrice, position.market)
    loss = price.loss_index if position.size > 0 else -price.loss_index
    return position.size * (price.funding_index + loss - position.snapshot)


def conservation(state: State) -> Iterator[Finding]:
    """The vault holds what the accounts and inboxes hold, less what positions owe, and the dust: to the micro-atom."""
    ledger = state.get(Ledger, 0)
    owned = sum(account.collateral for account in state.tables[Account].values())
    pending = sum(pending_micro_atoms(state, position) for position in state.tables[Position].values())
    expected = PPM * (owned + ledger.fund_inbox + ledger.fees_inbox) - pending + ledger.dust
    yield from differs("Ledger 0 vault, in micro-atoms", expected, PPM * ledger.vault)
    yield from unless(0 <= ledger.dust < PPM, "Ledger 0 dust", "0 to 999999", ledger.dust)
    cap = state.parameters.vault_cap
    yield from unless(ledger.vault <= cap, "Ledger 0 vault", f"at most {cap}, the cap", ledger.vault)
    size = state.parameters.bucket_size
    yield from unless(ledger.bucket <= size, "Ledger 0 bucket", f"at most {size}", ledger.bucket)


def totals(state: State) -> Iterator[Finding]:
    """The ledger counts flat accounts with negative collateral, and adds up the escape claims."""
    ledger = state.get(Ledger, 0)
    occupied = {key // POSITION_SLOTS for key in state.tables[Position]}
    negative = {number for number, account in state.tables[Account].items() if account.collateral < 0}
    yield from differs("Ledger 0 bankrupt", len(negative - occupied), ledger.bankrupt)
    claims = sum(request.claim for request in state.tables[Request].values())
    yield from differs("Ledger 0 claims", claims, ledger.claims)


# Requests, clocks, escape


def requests(state: State) -> Iterator[Finding]:
    """A forced request is whole or absent; a claim is by an existing account of a frozen exchange."""
    frozen_at = state.get(Exchange, 0).frozen_at
    for number, request in state.tables[Request].items():
        place = f"Request {number}"
        present = number >= FIRST_USER and state.get(Account, number).kind != Kind.ABSENT
        yield from unless(present, place, "an existing account of a user", "none")
        if request.kind == Forced.NONE:
            rest = (request.market, request.amount, request.deadline)
            yield from differs(f"{place} market, amount, deadline", (0, 0, 0), rest)
        else:
            yield from unless(request.amount >= 1, f"{place} amount", "at least 1", request.amount)
            known = request.market < len(state.markets)
            yield from unless(known, f"{place} market", "a configured market", request.market)
        if request.claimed == Claim.NONE:
            yield from differs(f"{place} claim", 0, request.claim)
        else:
            yield from unless(frozen_at != 0, f"{place} claimed", "0 while the exchange is not frozen", request.claimed)


def clocks(state: State) -> Iterator[Finding]:
    """Nothing happened later than now, nobody is spared for longer than a cooldown, and modes are known ones."""
    exchange, ledger = state.get(Exchange, 0), state.get(Ledger, 0)
    now = exchange.time
    times = [("Exchange 0 frozen_at", exchange.frozen_at), ("Ledger 0 bucket_at", ledger.bucket_at)]
    modes = [("Exchange 0 mode", exchange.mode), ("Exchange 0 switch", exchange.switch)]
    for number, price in state.tables[MarketPrice].items():
        times += [(f"MarketPrice {number} {name}", getattr(price, name)) for name in ("ticked_at", "blind_since")]
        modes += [(f"MarketPrice {number} {name}", getattr(price, name)) for name in ("mode", "switch")]
    for number, oracle in state.tables[MarketOracle].items():
        names = ("marked_at", "sampled_at", "funded_at", "disputed_since")
        times += [(f"MarketOracle {number} {name}", getattr(oracle, name)) for name in names]
        times += [(f"MarketOracle {number} reported_at", at) for at in oracle.reported_at]
    for place, time in times:
        yield from unless(time <= now, place, f"at most {now}, now", time)
    spared = now + state.parameters.cooldown_seconds
    for number, account in state.tables[Account].items():
        place, at = f"Account {number} liquidated_at", account.liquidated_at
        yield from unless(at <= spared, place, f"at most {spared}, a cooldown from now", at)
    for place, mode in modes:
        yield from unless(mode != Mode.AUCTION, place, "a mode that is not reserved", mode)
    proved = exchange.proven <= exchange.number
    yield from unless(proved, "Exchange 0 proven", f"at most {exchange.number}", exchange.proven)
    for key, stored in state.tables[OrderSlot].items():
        number = key // SLOTS_OF[OrderSlot]
        present = state.get(Account, number).kind != Kind.ABSENT
        yield from unless(present, f"OrderSlot {key}", "a slot of an existing account", stored)


def escape(state: State) -> Iterator[Finding]:
    """Since the freeze the vault fell by what was paid, and no more than the claims' part of it was paid."""
    exchange, ledger = state.get(Exchange, 0), state.get(Ledger, 0)
    if not exchange.frozen_at:
        yield from differs("Exchange 0 escape_vault", 0, exchange.escape_vault)
        return
    covered = min(exchange.escape_vault, ledger.claims)
    paid = sum(
        request.claim * covered // max(ledger.claims, 1)
        for request in state.tables[Request].values()
        if request.claimed == Claim.PAID
    )
    yield from differs("Ledger 0 vault since the freeze", exchange.escape_vault - paid, ledger.vault)
