"""Contracts of whole rules: when an operation is accepted, and what it changes then.

Accounts have no other positions than the one that an operation touches. A contract is a line of the docstring: `pre`
what it assumes, `post` what it claims of the answer `_`, for all integers, also those that no record may hold.
"""

from perp_proofs.crosshair.branching import Answer, answer, answer_of
from perp_spec.perpetual.operations import (
    Cancel,
    Compact,
    Deposit,
    EndBatch,
    EscapeClaim,
    EscapePay,
    ForcedWithdraw,
    Freeze,
    FundingTick,
    Header,
    Intent,
    OpenAccount,
    PremiumSample,
    RecordProof,
    RequestForced,
    SetKillSwitch,
    SetKind,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    Market,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Queue,
    Request,
)
from perp_spec.perpetual.rules import batch
from perp_spec.words import AMOUNT_MAX, COLLATERAL_MAX  # noqa: F401 - contracts name them


def usable(intent: Intent, stored: OrderSlot, now: int) -> bool:
    """An intent may be used."""
    return intent.authorised and now <= intent.expiry and intent.nonce >= stored.nonce


def both_grew(vault: int, collateral: int, op: Deposit) -> bool:
    """Vault and account grew by the deposit, or by nothing where it is returned."""
    return vault == collateral == (op.amount if op.result == 0 else 0)


def paid(fell: int, op: ForcedWithdraw, request: Request) -> bool:
    """It fell by what was requested, or by nothing where the request is refused."""
    return fell == (request.amount if op.result == 0 else 0)


# The exchange


def record_proof(op: RecordProof, exchange: Exchange) -> Answer:
    """Accepted just for a batch that is behind, and was not noted.

    post: _.accepted == (exchange.frozen_at == 0 and exchange.proven < op.number < exchange.number)
    post: not _.accepted or (_.after[0].proven == op.number and _.after[0].number == exchange.number)
    """
    return answer("record_proof", op, exchange)


def freeze(op: Freeze, exchange: Exchange, ledger: Ledger, request: Request) -> Answer:
    """Accepted just where a request is overdue.

    post: _.accepted == (exchange.frozen_at == 0 and request.kind != 0 and exchange.time > request.deadline)
    post: not _.accepted or (_.after[0].frozen_at == exchange.time and _.after[0].escape_vault == ledger.vault)
    """
    return answer("freeze", op, exchange, ledger, request)


def begin_batch(header: Header, root: int, digest: int, refill: int, size: int, number: int, time: int) -> Answer:
    """A header follows the state: number, time, root and configuration.

    pre: refill >= 0 and size >= 0
    post: not _.accepted or (header.number == number + 1 and header.time >= time)
    post: not _.accepted or (header.previous_root == root and header.config_digest == digest)
    post: not _.accepted or _.after[1].bucket <= size
    """
    parameters = Parameters(bucket_refill=refill, bucket_size=size)
    exchange = Exchange(number=number, time=time)
    return answer_of(batch.begin_batch, header, root, digest, parameters, exchange, Ledger())


def end_batch(mode: int, switch: int, window_mode: int, previous: int, bankrupt: int) -> Answer:
    """In an exchange without markets the mode is at least what is demanded, and no auction.

    pre: switch >= 0 and window_mode >= 0 and previous >= 0 and bankrupt >= 0
    post: not _.accepted or (mode != 3 and mode >= max(switch, window_mode, previous, 2 * (bankrupt > 0)))
    post: _.reason != "KILL_SWITCH" or mode == 3
    post: not _.accepted or (_.after[0].mode, _.after[0].switch) == (mode, switch)
    """
    exchange = Exchange(switch=switch, window_mode=window_mode, window_previous=previous)
    parameters = Parameters(window_seconds=3_600, proof_throttle=1, proof_reduce=2)
    ledger, fund = Ledger(bankrupt=bankrupt), Account(kind=1)
    return answer("end_batch", EndBatch(mode), parameters, exchange, ledger, (), fund, ())


def set_kill_switch(op: SetKillSwitch, exchange: Exchange, configured: int, switch: int, stored: OrderSlot) -> Answer:
    """Accepted just where governance signed a mode that can be set; one switch changes.

    pre: op.mode >= 0
    post: not _.accepted or (exchange.frozen_at == 0 and configured >= 1 and usable(op.intent, stored, exchange.time))
    post: not _.accepted or op.mode in (0, 1, 2, 4)
    post: not _.accepted or _.after[0].switch == (op.mode if op.whole else exchange.switch)
    post: not _.accepted or _.after[1].switch == (switch if op.whole else op.mode)
    post: not _.accepted or _.after[0].mode == exchange.mode
    """
    return answer("set_kill_switch", op, exchange, Market(max_price=configured), MarketPrice(switch=switch), stored)


# Accounts


def open_account(op: OpenAccount, exchange: Exchange, configured: int, parent: Account, account: Account) -> Answer:
    """What is opened is empty, of the owner who signed, and new.

    post: not _.accepted or (op.authorised and op.account >= 2 and account.kind == 0 and exchange.time <= op.expiry)
    post: not _.accepted or _.after[0] == Account(op.kind, op.owner, op.parent, op.market)
    post: not _.accepted or op.kind != 2 or (parent.owner == op.owner and parent.kind not in (0, 2) and configured >= 1)
    """
    return answer("open_account", op, exchange, Market(max_price=configured), parent, account)


def cancel(op: Cancel, exchange: Exchange, account: Account, stored: OrderSlot) -> Answer:
    """Accepted just where the owner signed it; nonces only rise.

    post: not _.accepted or (exchange.frozen_at == 0 and op.account != 0 and account.kind != 0)
    post: not _.accepted or usable(op.intent, stored, exchange.time)
    post: not usable(op.intent, stored, exchange.time) or _.reason in ("", "FROZEN", "RESERVED_ACCOUNT", "NO_ACCOUNT")
    post: not _.accepted or (_.after[0].nonce == op.intent.nonce + 1 > stored.nonce and _.after[0].filled == 0)
    """
    return answer("cancel", op, exchange, account, stored)


def compact(op: Compact, exchange: Exchange, account: Account, hole: Position, top: Position) -> Answer:
    """The position of the highest slot moves whole, or there is none.

    post: not _.accepted or _.after[0].slots == account.slots - 1 == op.top
    post: not _.accepted or _.after[2] == Position()
    post: not _.accepted or _.after[1] == (hole if top.size == 0 else top)
    post: not _.accepted or (_.after[0].collateral == account.collateral and _.after[0].owner == account.owner)
    """
    return answer("compact", op, exchange, account, hole, top)


def set_kind(op: SetKind, exchange: Exchange, ledger: Ledger, account: Account, stored: OrderSlot) -> Answer:
    """Of an account without positions: signed, and nothing but the kind changes.

    post: not _.accepted or (account.collateral >= 0 and op.account >= 2 and usable(op.intent, stored, exchange.time))
    post: not _.accepted or (account.kind not in (0, 2) and op.kind in (1, 3))
    post: not _.accepted or (_.after[1].collateral == account.collateral and _.after[1].kind == op.kind)
    """
    return answer("set_kind", op, Parameters(), exchange, ledger, account, (), stored)


# Money


def deposit(op: Deposit, cap: int, ledger: Ledger, queue: Queue, account: Account, chain: int) -> Answer:
    """Of an account without positions: the vault and the account grow by the amount, or nothing does.

    pre: 0 <= ledger.dust < 1000000 and op.account >= 2
    post: not _.accepted or (op.position == queue.position and op.chain == chain)
    post: not _.accepted or both_grew(_.after[0].vault - ledger.vault, _.after[2].collateral - account.collateral, op)
    """
    parameters = Parameters(vault_cap=cap)
    return answer("deposit", op, parameters, Exchange(), ledger, queue, account, (), chain=chain)


def withdraw(op: Withdraw, exchange: Exchange, ledger: Ledger, account: Account, stored: OrderSlot) -> Answer:
    """Of a user's account without positions: signed, covered, and to the atom.

    pre: 0 <= ledger.dust < 1000000 and op.account >= 2 and account.kind == 1
    post: not _.accepted or (usable(op.intent, stored, exchange.time) and 1 <= op.amount <= AMOUNT_MAX)
    post: not _.accepted or op.amount <= min(ledger.bucket, ledger.vault, account.collateral)
    post: not _.accepted or _.after[1].collateral == account.collateral - op.amount >= 0
    post: not _.accepted or _.after[0].vault == ledger.vault - op.amount
    post: not _.accepted or _.after[0].bucket == ledger.bucket - op.amount
    """
    return answer("withdraw", op, Parameters(), exchange, ledger, account, (), stored)


def transfer(op: Transfer, ledger: Ledger, sender: Account, stored: OrderSlot, recipient: Account) -> Answer:
    """Between users' accounts without positions: what one loses the other gains.

    pre: 0 <= ledger.dust < 1000000 and op.sender >= 2 and op.recipient >= 2
    pre: sender.kind == 1 and recipient.kind == 1
    post: not _.accepted or (usable(op.intent, stored, 0) and op.sender != op.recipient)
    post: not _.accepted or _.after[1].collateral + _.after[4].collateral == sender.collateral + recipient.collateral
    post: not _.accepted or (0 <= _.after[1].collateral < sender.collateral and _.after[4].collateral <= COLLATERAL_MAX)
    post: not _.accepted or (_.after[0].vault, _.after[0].dust) == (ledger.vault, ledger.dust)
    """
    return answer("transfer", op, Parameters(), Exchange(), ledger, sender, (), stored, recipient, ())


# Ticks


def premium_sample(op: PremiumSample, exchange: Exchange, index: int, sum_ppm: int, samples: int) -> Answer:
    """A sample adds no more than the clamp, and nothing beyond the sixtieth.

    post: not _.accepted or abs(_.after[0].premium_sum - sum_ppm) <= 20000
    post: not _.accepted or samples < 60 or (_.after[0].premium_sum, _.after[0].samples) == (sum_ppm, samples)
    post: not _.accepted or _.after[0].samples <= samples + 1
    post: not _.accepted or (1 <= op.bid <= op.ask and index >= 1)
    """
    market = Market(max_price=2**30, staleness_seconds=120)
    price = MarketPrice(index=index, ticked_at=exchange.time)
    oracle = MarketOracle(premium_sum=sum_ppm, samples=samples, sampled_at=exchange.time - 60)
    return answer("premium_sample", op, exchange, market, price, oracle)


def funding_tick(exchange: Exchange, sum_ppm: int, samples: int, index: int, funding_index: int) -> Answer:
    """An hour of funding moves the index by no more than the cap's eighth of the price.

    pre: index >= 0 and -1000000 * 2**30 <= funding_index <= 1000000 * 2**30
    post: not _.accepted or 8 * abs(_.after[0].funding_index - funding_index) <= 10000 * index
    post: not _.accepted or (_.after[1].samples, _.after[1].premium_sum, _.after[1].funded_at) == (0, 0, exchange.time)
    post: not _.accepted or (_.after[0].buffer_long_ppm >= 300 and _.after[0].buffer_short_ppm >= 300)
    """
    market = Market(
        max_price=2**30, staleness_seconds=120, funding_cap_ppm=10_000, buffer_intervals=3, buffer_floor_ppm=100
    )
    price = MarketPrice(index=index, funding_index=funding_index, ticked_at=exchange.time)
    oracle = MarketOracle(premium_sum=sum_ppm, samples=samples, funded_at=exchange.time - 3_600)
    return answer("funding_tick", FundingTick(), exchange, market, price, oracle)


# Forced requests and escape


def request_forced(
    op: RequestForced, markets: int, queue: Queue, account: Account, request: Request, chain: int
) -> Answer:
    """Never blocked: for every entry in its turn there is one result that is accepted.

    post: not _.accepted or (op.position == queue.position and op.chain == chain)
    post: op.position != queue.position or op.chain != chain or _.reason in ("", "FORCED_RESULT")
    post: not _.accepted or op.result != 0 or (account.owner == op.key and request.kind == 0 and op.kind in (1, 2))
    post: not _.accepted or op.result != 0 or (_.after[1].kind, _.after[1].amount) == (op.kind, op.amount)
    post: not _.accepted or op.result == 0 or _.after[1] == request
    """
    parameters = Parameters(markets=markets)
    return answer("request_forced", op, parameters, Exchange(), queue, account, request, chain=chain)


def forced_withdraw(op: ForcedWithdraw, ledger: Ledger, request: Request, account: Account) -> Answer:
    """Of a cross account without positions: done to the atom, or refused and nothing leaves.

    pre: 0 <= ledger.dust < 1000000 and account.kind == 1
    post: request.kind != 1 or _.reason in ("", "FORCED_RESULT")
    post: not _.accepted or paid(ledger.vault - _.after[0].vault, op, request)
    post: not _.accepted or paid(account.collateral - _.after[2].collateral, op, request)
    """
    return answer("forced_withdraw", op, Parameters(), Exchange(), ledger, request, account, ())


def escape_claim(
    op: EscapeClaim, exchange: Exchange, seconds: int, request: Request, account: Account, claims: int
) -> Answer:
    """Of a cross account without positions: its equity, once, in time, and no more than the bound leaves.

    pre: account.kind == 1 and 0 <= claims <= 2**62
    post: not _.accepted or (exchange.frozen_at != 0 and exchange.time <= exchange.frozen_at + seconds)
    post: not _.accepted or (request.claimed == 0 and _.after[1].claimed == 1)
    post: not _.accepted or _.after[1].claim == max(0, min(account.collateral, 2**62 - claims))
    post: not _.accepted or _.after[0].claims == claims + _.after[1].claim <= 2**62
    """
    return answer(
        "escape_claim", op, Parameters(claim_seconds=seconds), exchange, Ledger(claims=claims), request, account, ()
    )


def escape_pay(op: EscapePay, vault: int, claims: int, frozen: int, request: Request, account: Account) -> Answer:
    """Paid once, in proportion, and together no more than the vault at the freeze.

    pre: 0 <= request.claim <= claims and frozen >= 0
    post: not _.accepted or (request.claimed == 1 and _.after[1].claimed == 2 and op.amount <= vault)
    post: not _.accepted or op.amount * max(claims, 1) <= request.claim * frozen
    post: not _.accepted or 0 <= op.amount <= request.claim
    post: not _.accepted or _.after[0].vault == vault - op.amount
    post: not _.accepted or _.after[2].collateral == account.collateral - op.amount
    """
    exchange = Exchange(frozen_at=1, time=10, escape_vault=frozen)
    return answer("escape_pay", op, Parameters(), exchange, Ledger(vault=vault, claims=claims), request, account)
