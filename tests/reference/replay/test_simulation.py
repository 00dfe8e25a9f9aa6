"""A replay of made-up candles: every stage has work, nothing is left over, and the same seed gives the same state."""

from collections.abc import Callable

import attrs
import pytest

from perp_reference.core.audit import audit
from perp_reference.kernels.tree import commitment
from perp_reference.replay.dice import Dice
from perp_reference.replay.oracle import Fault, Trouble
from perp_reference.replay.population import Style, populate
from perp_reference.replay.simulation import Simulation
from perp_reference.replay.tally import BLIND, DEGRADED, EXITS_ONLY, GAP, GOOD
from perp_reference.replay.watch import look_at
from perp_reference.replay.waterfall import BACKSTOP, CLOSE_OUT, DELEVERAGE, SOCIALISE, STAGED, STAGES, UNWIND
from perp_spec.perpetual.defaults import USD
from perp_spec.perpetual.records import FIRST_USER, FUND, Account, Kind, Ledger, Mode, Position
from perp_spec.words import POSITION_SLOTS

Simulate = Callable[..., Simulation]


@pytest.fixture(scope="module")
def crashed(simulate: Simulate) -> Simulation:
    """A crash with a small insurance fund."""
    return simulate(accounts=150, seed=4, fund_ppm=500)


def steps(simulation: Simulation) -> dict[str, int]:
    return {name: stage.steps for name, stage in simulation.waterfall.stages.items()}


def test_every_stage_of_the_waterfall_has_work(crashed: Simulation) -> None:
    done = steps(crashed)
    assert list(done) == [STAGED, CLOSE_OUT, BACKSTOP, DELEVERAGE, SOCIALISE, UNWIND] == list(STAGES)
    assert all(count > 0 for count in done.values()), done
    losses = crashed.waterfall.losses
    assert min(losses.taken_over, losses.fund_paid, losses.deleveraged) > 0


def test_the_audit_is_clean_and_no_account_is_left(crashed: Simulation) -> None:
    assert audit(crashed.state) == []
    assert crashed.stuck() == {}
    accounts = range(FIRST_USER, crashed.population.accounts)
    healths = [look_at(crashed.state, account).health for account in accounts]
    assert all(health.equity >= health.maintenance for health in healths)


def test_a_gap_degrades_the_oracle_and_it_comes_back(crashed: Simulation) -> None:
    levels = crashed.tally.markets[2].level
    assert GAP in levels
    assert levels[-1] == GOOD
    assert Mode.REDUCE_ONLY in crashed.tally.markets[2].mode


def test_equity_of_users_is_that_of_every_account(crashed: Simulation) -> None:
    accounts = range(FIRST_USER, crashed.population.accounts)
    equity = sum(look_at(crashed.state, account).health.equity for account in accounts)
    # Funding owed but not settled is rounded for each position.
    assert abs(equity - crashed.tally.series.users[-1]) <= 16 * crashed.population.accounts


def test_the_same_seed_gives_the_same_state_and_another_seed_another(simulate: Simulate) -> None:
    first, again, other = simulate(seed=3), simulate(seed=3), simulate(seed=5)
    assert first.digest() == again.digest() != other.digest()
    assert attrs.asdict(first.tally.series) == attrs.asdict(again.tally.series)


def test_the_root_is_kept_and_changes_nothing(simulate: Simulate) -> None:
    without, kept = simulate(minutes=12), simulate(minutes=12, commit=commitment)
    assert without.root() == ""
    assert kept.digest() == without.digest()
    assert kept.root() == simulate(minutes=12, commit=commitment).root()
    assert kept.commits.root == commitment(kept.state).root


@pytest.mark.parametrize(
    ("fault", "worst"), [(Fault.SILENT, DEGRADED), (Fault.LYING, BLIND), (Fault.FROZEN, BLIND)], ids=str
)
def test_one_family_in_trouble_lowers_the_trust_in_the_oracle_for_a_while(
    simulate: Simulate, fault: Fault, worst: int
) -> None:
    """A silent family is missed; one that contradicts the other too far or too long makes the market blind."""
    simulation = simulate(minutes=30, troubles=(Trouble(2, 8, fault),))
    levels = simulation.tally.markets[0].level
    assert levels[0] == GOOD
    assert max(levels[2:8]) == worst
    assert levels[-1] == GOOD
    assert simulation.stuck() == {}
    assert audit(simulation.state) == []


def test_an_outage_ends_in_exits_only_and_trading_comes_back(simulate: Simulate) -> None:
    simulation = simulate(minutes=60, troubles=(Trouble(1, 36, Fault.OUTAGE),))
    levels = simulation.tally.markets[0].level
    assert [levels[0], levels[10], levels[34]] == [GOOD, BLIND, EXITS_ONLY]
    assert levels[-1] == GOOD
    assert simulation.stuck() == {}
    assert audit(simulation.state) == []


def in_debt(simulation: Simulation, account: int, debt: int) -> None:
    """Take away more than an account has, and its positions' money with it: the vault pays for it."""
    state = simulation.state
    before = state.get(Account, account)
    ledger = state.get(Ledger, 0)
    taken = before.collateral + debt
    state.put(Account, account, attrs.evolve(before, collateral=-debt))
    state.put(Ledger, 0, attrs.evolve(ledger, vault=ledger.vault - taken, bankrupt=ledger.bankrupt + 1))
    state.commit()
    simulation.venue.touched.add(account)


def flat_account(simulation: Simulation) -> int:
    """A user's account without positions or debt."""
    state = simulation.state
    for account in range(FIRST_USER, simulation.population.accounts):
        slots = range(state.get(Account, account).slots)
        if not any(state.get(Position, account * POSITION_SLOTS + slot).size for slot in slots):
            return account
    raise AssertionError("every account holds a position")


def test_a_debt_is_paid_by_the_fund_and_then_by_open_positions(simulate: Simulate) -> None:
    """Given a flat account that owes more than the fund can spare, when the waterfall runs, then both pay."""
    simulation = simulate(minutes=5, fund_ppm=2_000)
    account = flat_account(simulation)
    spare = look_at(simulation.state, FUND).health
    debt = spare.equity - spare.maintenance + 100 * USD
    in_debt(simulation, account, debt)
    assert audit(simulation.state) == []
    simulation.venue.begin(simulation.venue.now + 20)
    simulation.waterfall.run()
    simulation.venue.end()
    losses = simulation.waterfall.losses
    assert losses.fund_paid + losses.socialised == debt
    assert losses.socialised >= 100 * USD
    assert look_at(simulation.state, account).health.equity == 0
    assert simulation.stuck() == {}
    assert audit(simulation.state) == []


def test_a_debt_beyond_the_cap_of_the_day_waits_and_is_named(simulate: Simulate) -> None:
    """Given a debt larger than all may bear in a day, then the account is reported, and cleared on later days."""
    simulation = simulate(minutes=3)
    account = flat_account(simulation)
    open_interest = sum(market.open_interest[-1] for market in simulation.tally.markets)
    in_debt(simulation, account, open_interest // 5)
    simulation.venue.begin(simulation.venue.now + 20)
    simulation.waterfall.run()
    simulation.venue.end()
    assert simulation.stuck()[account] == {"socialise: NO_OPEN_INTEREST": 1}
    assert simulation.state.get(Ledger, 0).bankrupt == 1
    simulation.drain()
    assert simulation.stuck() == {}
    assert simulation.state.get(Ledger, 0).bankrupt == 0
    assert audit(simulation.state) == []


def test_the_population_has_every_style_and_parents_before_children() -> None:
    population = populate(500, 11, Dice(1))
    everyone = {trader.account: trader for trader in (*population.makers, *population.traders)}
    assert sorted(everyone) == list(range(FIRST_USER, FIRST_USER + 500))
    assert {trader.style for trader in everyone.values()} == set(Style)
    for trader in everyone.values():
        assert (trader.kind == Kind.ISOLATED) == (trader.parent > 0)
        assert len(set(trader.markets)) == len(trader.markets) >= 1
        if trader.parent:
            assert trader.parent < trader.account
            assert everyone[trader.parent].owner == trader.owner
            assert everyone[trader.parent].kind != Kind.ISOLATED


def test_the_dice_are_splitmix64() -> None:
    """The first outputs for seed 0 are those of the published generator."""
    dice = Dice(0)
    assert [dice.bits() for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
