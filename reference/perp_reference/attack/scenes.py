"""Small exchanges in which attacks are looked for: one market, a coalition of two accounts, two others, all solvent."""

from collections.abc import Callable

from attrs import frozen

from perp_reference.core.state import State, genesis
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Position,
)
from perp_spec.words import POSITION_SLOTS, PPM

NOW = 1_700_000_000

PRICE = 10_000
"""Health price and index of the market, atoms a lot."""

LOTS = 100
"""Size of each position."""

FIRST, SECOND = 2, 3
"""The coalition."""

COALITION = (FIRST, SECOND)

LONG, SHORT = 4, 5
"""Others, with opposite positions and several times their initial margin."""

OTHERS = (LONG, SHORT)

FUND_ATOMS = 10_000_000

OTHERS_ATOMS = 200_000


@frozen
class Scene:
    """Where a search begins.

    Attributes:
        sizes: Lots of each account of the coalition.
        atoms: Equity of each, before what is pending.
        funding: Atoms a lot that longs owe and shorts are owed since they were last settled.
    """

    name: str
    sentence: str
    sizes: tuple[int, int]
    atoms: tuple[int, int]
    funding: int = 0


SCENES = (
    Scene("flat", "The coalition has money and no position.", (0, 0), (50_000, 50_000)),
    Scene("hedged", "The coalition is long and short, above its initial margin.", (LOTS, -LOTS), (30_000, 30_000)),
    Scene(
        "thin",
        "The coalition is long and short; its long is below maintenance and its short has spare money.",
        (LOTS, -LOTS),
        (10_000, 50_000),
    ),
    Scene(
        "sinking",
        "The coalition's long is below close-out, and longs owe funding that is not settled.",
        (LOTS, -LOTS),
        (9_000, 50_000),
        funding=30,
    ),
)


def begin(scene: Scene) -> State:
    """The state of a scene. It is clean: whatever is wrong with a state after it came from operations."""
    state = genesis(default_config(1))
    index = scene.funding * PPM
    market = state.market(0)
    state.put(Exchange, 0, Exchange(number=1, time=NOW))
    state.put(
        MarketPrice,
        0,
        MarketPrice(
            price=PRICE,
            index=PRICE,
            funding_index=index,
            buffer_long_ppm=market.buffer_intervals * market.buffer_floor_ppm,
            buffer_short_ppm=market.buffer_intervals * market.buffer_floor_ppm,
            ticked_at=NOW,
        ),
    )
    state.put(MarketOracle, 0, MarketOracle(average=PRICE))
    holdings = [*zip(COALITION, scene.sizes, scene.atoms, strict=True)]
    holdings += [(LONG, LOTS, OTHERS_ATOMS), (SHORT, -LOTS, OTHERS_ATOMS), (FUND, 0, FUND_ATOMS)]
    vault = 0
    for number, size, atoms in holdings:
        owner = 0 if number == FUND else 1_000 + number
        collateral = atoms - size * PRICE
        account = Account(kind=Kind.CROSS, owner=owner, collateral=collateral, slots=int(size != 0))
        state.put(Account, number, account)
        state.put(Position, number * POSITION_SLOTS, Position(0, size, 0))
        vault += collateral
    longs = sum(size for _, size, _ in holdings if size > 0)
    state.put(MarketBook, 0, MarketBook(open_interest=longs))
    # Sizes sum to zero, so what longs owe is what shorts are owed, and the vault holds the collateral.
    state.put(Ledger, 0, Ledger(vault=vault, bucket=state.parameters.bucket_size, bucket_at=NOW))
    state.commit()
    return state


Wealth = Callable[[State], int]


def equity_micro_atoms(state: State, number: int) -> int:
    """What an account is worth at the health price, in micro-atoms: not by the rules, but by plain sums."""
    total = PPM * state.get(Account, number).collateral
    for slot in range(POSITION_SLOTS):
        position = state.get(Position, number * POSITION_SLOTS + slot)
        price = state.get(MarketPrice, position.market)
        loss = price.loss_index if position.size > 0 else -price.loss_index
        total += position.size * (PPM * price.price - price.funding_index - loss + position.snapshot)
    return total


def is_healthy(state: State, number: int) -> bool:
    """An account has the initial margin of the lowest bracket, and the funding buffer, on every position."""
    required = 0
    for slot in range(POSITION_SLOTS):
        position = state.get(Position, number * POSITION_SLOTS + slot)
        if position.size:
            price, market = state.get(MarketPrice, position.market), state.market(position.market)
            buffer = max(price.buffer_long_ppm, price.buffer_short_ppm)
            required += abs(position.size) * price.price * (market.initial_1_ppm + buffer) + 2 * PPM
    return required > 0 and equity_micro_atoms(state, number) >= required
