"""What is shown of an account agrees with what the rules would do to it."""

import attrs
import pytest

from perp_reference.core.batch import build_batch
from perp_reference.core.explain import explain
from perp_reference.core.state import State, genesis
from perp_reference.core.views import account_view, level_of, liquidation_price, unhealthy_at
from perp_reference.demo import ACTS, ALICE, BOB, CAROL, DAVE, ERIN, Cast, order
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Liquidate
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import MarketPrice

CAST = Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33})


class NoCommits:
    root = 0
    config_digest = 0

    def update(self, changed: object) -> None:
        pass


def played(acts: int) -> State:
    state = genesis(default_config(3))
    for act in ACTS[:acts]:
        build_batch(state, NoCommits(), act.time, act.operations(CAST))
    return state


def test_the_health_terms_add_up() -> None:
    view = account_view(played(1), CAROL)
    (position,) = view.positions
    assert (position.position.size, position.terms.value) == (5_000, 5_000 * 4_000_000)
    assert view.health.equity == view.whole.collateral + position.terms.value
    assert view.health.maintenance == position.terms.maintenance + position.terms.buffer
    assert (view.state, view.scenarios, level_of(position.oracle)) == ("healthy", (), "good")


def test_a_portfolio_account_shows_its_scenarios() -> None:
    view = account_view(played(1), ERIN)
    assert len(view.scenarios) == 14
    assert max(view.scenarios) > 0


@pytest.mark.parametrize(("account", "step"), [(ALICE, -1), (CAROL, -1), (DAVE, 1), (BOB, 1)])
def test_the_liquidation_price_is_the_first_one_that_liquidates(account: int, step: int) -> None:
    state = played(1)
    price = liquidation_price(state, account, 0)
    assert price is not None
    assert unhealthy_at(state, account, 0, price)
    assert not unhealthy_at(state, account, 0, price - step)


def test_at_its_liquidation_price_the_rules_let_an_account_be_liquidated() -> None:
    state = played(1)
    price = liquidation_price(state, ALICE, 0)
    assert price is not None
    operation = Liquidate(account=ALICE, market=0, lots=4_000, price=price, taker=order(BOB, 9, True, 0, 4_000, 40_000))
    for moved, liquidatable in ((price, True), (price + 1, False)):
        state.put(MarketPrice, 0, attrs.evolve(state.get(MarketPrice, 0), price=moved))
        guards = [guard for guard in explain(state, operation) if guard.reason is Reason.NOT_LIQUIDATABLE]
        assert [guard.holds for guard in guards] == [liquidatable]


def test_a_bankrupt_account_is_shown_as_such() -> None:
    state = played(2)
    state.put(MarketPrice, 0, attrs.evolve(state.get(MarketPrice, 0), price=3_000_000))
    assert account_view(state, ALICE).state == "bankrupt"
