"""All keys of an exchange made from one seed, to sign whatever a scenario needs. For tests, demos and simulations."""

import hashlib
from collections.abc import Callable
from typing import Any

import attrs

from perp_reference.formats.signed import ReportSignatures, Signature, Signed
from perp_reference.signing.authorise import ACCOUNT_OF, ORDERS, unsigned
from perp_reference.signing.keys import KeyPair
from perp_reference.signing.messages import OracleReport, operation_message, order_message, report_message
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.operations import OpenAccount, OracleTick, Order, Report, SetKillSwitch


class KeyRing:
    """The keys of governance, of the fee account, of the oracles' signers and of every account's owner."""

    def __init__(self, seed: str, exchange_id: int, person_of: Callable[[int], int] = lambda account: account) -> None:
        """Whoever knows `seed` knows all keys. Accounts with the same `person_of` have the same owner."""
        self.exchange_id = exchange_id
        self._seed = seed
        self._person_of = person_of
        self._made: dict[str, KeyPair] = {}

    def pair(self, role: str) -> KeyPair:
        """The key pair of a role."""
        if role not in self._made:
            secret = hashlib.sha256(f"perpspec key ring:{self._seed}:{role}".encode()).digest()
            self._made[role] = KeyPair.from_seed(secret)
        return self._made[role]

    @property
    def governance(self) -> KeyPair:
        """Governance's key pair."""
        return self.pair("governance")

    @property
    def fees(self) -> KeyPair:
        """The key pair of the fee account's owner."""
        return self.pair("fees")

    def signer(self, family: int, signer: int) -> KeyPair:
        """The key pair of an oracle's signer."""
        return self.pair(f"oracle {family} {signer}")

    def owner(self, account: int) -> KeyPair:
        """The key pair of an account's owner; account 1 is the fee account."""
        return self.fees if account == 1 else self.pair(f"person {self._person_of(account)}")

    def configured(self, config: Config) -> Config:
        """A configuration with this ring's keys and exchange id."""
        own = config.parameters
        signers = [own.signers[family] for family in range(own.families)]
        return attrs.evolve(
            config,
            parameters=attrs.evolve(own, exchange_id=self.exchange_id, governance=self.governance.owner),
            governance_key=self.governance.key.hex(),
            fees_key=self.fees.key.hex(),
            oracle_keys=tuple(
                tuple(self.signer(family, number).key.hex() for number in range(count))
                for family, count in enumerate(signers)
            ),
        )

    def order(self, order: Order) -> Signature:
        """The signature of an order by its account's owner."""
        return self.owner(order.account).sign(order_message(self.exchange_id, order))

    def sign(self, operation: Any, time: int) -> Signed:
        """An operation for a batch of some time, with everything signed by whoever should.

        An order that all zeros stand for, as in a forced reduction without one, is left unsigned.
        """
        kind = type(operation)
        if kind in ORDERS:
            orders = [getattr(operation, place) for place in ORDERS[kind]]
            return Signed(operation, tuple(None if order == Order() else self.order(order) for order in orders))
        if kind is OracleTick:
            reports = enumerate(operation.reports)
            return Signed(
                operation, tuple(self.report(time, operation.market, family, report) for family, report in reports)
            )
        if kind is OpenAccount or kind in ACCOUNT_OF:
            pair = self.owner(getattr(operation, ACCOUNT_OF.get(kind, "account")))
        elif kind is SetKillSwitch:
            pair = self.governance
        else:
            return unsigned(operation)
        return Signed(operation, (pair.sign(operation_message(self.exchange_id, operation)),))

    def report(self, time: int, market: int, family: int, report: Report) -> ReportSignatures:
        """The signatures of a report's values."""
        padding = (None,) * (len(report.values) - report.count)
        values = zip(report.signers[: report.count], report.values[: report.count], strict=True)
        return (
            *(
                self.signer(family, number)
                .sign(report_message(self.exchange_id, OracleReport(time, market, family, number, value)))
                .value
                for number, value in values
            ),
            *padding,
        )
