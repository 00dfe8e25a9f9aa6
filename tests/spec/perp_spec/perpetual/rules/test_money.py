"""Money in and out: what an accepted operation leaves."""

import attrs

from perp_hash.tags import Tag
from perp_spec.language import digest
from perp_spec.perpetual.operations import Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FEES, FUND, Account, Ledger, MarketPrice, OrderSlot, Position, Queue
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS
from support.scenes.money import deposit_scene, redeposit, transfer_scene, withdraw_scene
from support.scenes.scene import LONG, SHORT, deal, traded_world
from support.worlds import FEES_OWNER, intent


def test_deposit_credits_the_account_and_the_vault() -> None:
    """Given LONG with 20,000, when 700 come in, then account and vault hold 700 more and the entry is consumed."""
    world, operation = deposit_scene()
    ledger, queue, account = world.get(Ledger), world.get(Queue), world.get(Account, LONG)
    chain = digest(Tag.QUEUE, (queue.chain, 1_004), (1, LONG, 700))
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, vault=100_700),
        (Queue, 0): Queue(6, chain),
        (Account, LONG): attrs.evolve(account, collateral=20_700),
    }


def test_a_deposit_that_cannot_be_credited_is_consumed_and_returned() -> None:
    """Given an entry with another owner's key, when it is applied, then only the queue moves on."""
    world, operation = deposit_scene()
    operation = attrs.evolve(redeposit(LONG, 700, key=9)(world, operation), result=int(Reason.NO_ACCOUNT))
    assert world.effects(operation) == {(Queue, 0): Queue(6, operation.chain)}


def test_a_deposit_to_a_reserved_account_empties_its_inbox() -> None:
    """Given 40 and 30 in the inboxes, when the fund and the fee account get deposits, then they have both."""
    world, _ = deposit_scene()
    world.set(Ledger, 0, fund_inbox=40, fees_inbox=30)
    world.must(world.deposit(FUND, 5, key=0))
    world.must(world.deposit(FEES, 6, key=FEES_OWNER))
    assert (world.get(Account, FUND).collateral, world.get(Account, FEES).collateral) == (45, 36)
    assert (world.get(Ledger).fund_inbox, world.get(Ledger).fees_inbox) == (0, 0)


def test_withdraw_pays_out_of_account_vault_and_bucket() -> None:
    """Given LONG with collateral 10,000, when 5,000 leave, then account, vault and bucket hold 5,000 less."""
    world, operation = withdraw_scene()
    ledger, account = world.get(Ledger), world.get(Account, LONG)
    assert (account.collateral, ledger.vault, ledger.bucket) == (10_000, 100_000, 50_000)
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, vault=95_000, bucket=45_000),
        (Account, LONG): attrs.evolve(account, collateral=5_000),
        (OrderSlot, LONG * ORDER_SLOTS): OrderSlot(4, 0),
    }


def test_withdraw_settles_first_and_keeps_the_dust() -> None:
    """Given an index that rose by 0.015 atoms a lot, when LONG withdraws, then it pays 2 for 1.5 and 0.5 is dust.

    100 lots owe 100 * 15,000 micro-atoms = 1,500,000: 2 atoms leave the collateral, 500,000 micro-atoms stay.
    """
    world = traded_world()
    world.set(MarketPrice, 0, funding_index=15_000)
    effects = world.effects(Withdraw(LONG, 1, intent(3)))
    assert effects[Account, LONG].collateral == 10_000 - 2 - 1
    assert effects[Ledger, 0].dust == 500_000
    assert effects[Position, LONG * POSITION_SLOTS] == Position(0, 100, 15_000)


def test_whole_atoms_of_dust_go_to_the_fund() -> None:
    """Given 700,000 micro-atoms of dust, when settling adds 500,000, then one atom goes to the inbox of the fund."""
    world = traded_world()
    world.set(MarketPrice, 0, funding_index=15_000)
    world.set(Ledger, 0, dust=700_000)
    world.must(Withdraw(LONG, 1, intent(3)))
    assert (world.get(Ledger).dust, world.get(Ledger).fund_inbox) == (200_000, 1)


def test_fees_can_be_withdrawn_by_their_owner() -> None:
    """Given 30 in the inbox of the fee account, when its owner withdraws 10, then it keeps 20."""
    world = traded_world()
    world.set(Ledger, 0, fees_inbox=30)
    world.must(Withdraw(FEES, 10, intent(0)))
    assert (world.get(Account, FEES).collateral, world.get(Ledger).fees_inbox) == (20, 0)


def test_transfer_moves_collateral_and_leaves_the_vault() -> None:
    """Given both with positions, when LONG sends 5,000 to SHORT, then only the two accounts and the nonce change."""
    world, operation = transfer_scene()
    sender, recipient = world.get(Account, LONG), world.get(Account, SHORT)
    assert (sender.collateral, recipient.collateral) == (10_000, 30_000)
    assert world.effects(operation) == {
        (Account, LONG): attrs.evolve(sender, collateral=5_000),
        (Account, SHORT): attrs.evolve(recipient, collateral=35_000),
        (OrderSlot, LONG * ORDER_SLOTS): OrderSlot(4, 0),
    }


def test_transfer_lifts_an_account_out_of_bankruptcy() -> None:
    """Given SHORT flat and 300 below zero, when LONG sends 300, then no account is counted as bankrupt."""
    world = traded_world()
    world.must(deal(SHORT, LONG, 100, 100))
    world.set(Account, SHORT, collateral=-300)
    world.set(Ledger, 0, bankrupt=1, vault=79_700)
    _, operation = transfer_scene()
    world.must(attrs.evolve(operation, amount=299))
    assert world.get(Ledger).bankrupt == 1
    world.must(attrs.evolve(operation, amount=1, intent=intent(4)))
    assert world.get(Ledger).bankrupt == 0


def test_withdraw_while_suspended_counts_each_position_at_the_worse_price() -> None:
    """Given a gap, health price 100 and index 90, when LONG withdraws, then twice the initial margin stays at both.

    At 100: equity 20,000 of 2 * 900. At the worse: collateral 10,000 + 100 * 90 less the band, a tenth of 100 * 100, is
    18,000 of 2 * 900 (at 100, the higher price). So 16,200 may leave and not one more.
    """
    world = traded_world()
    world.set(MarketPrice, 0, level=2, gap=True, index=90)
    assert world.would(Withdraw(LONG, 16_201, intent(3))) is Reason.ORACLE_LEVEL
    assert world.would(Withdraw(LONG, 16_200, intent(3))) is None
