package exchange

import (
	"perptestee/internal/hashsuite"
	"perptestee/internal/reason"
)

// consumeEntry takes the next entry of the queue, whose number and hash chain must be the stated ones.
func (m *Machine) consumeEntry(position int64, chain, key digest, words ...int64) (Queue, error) {
	queue := m.state.Queue
	switch {
	case position != queue.Position:
		return Queue{}, reason.QueueOrder
	case chain != m.hasher.HashWords(hashsuite.Queue, []digest{queue.Chain, key}, words):
		return Queue{}, reason.HashChain
	}
	return Queue{position + 1, chain}, nil
}

// codeOf is the result that states a judgement.
func codeOf(err error) int64 {
	if err == nil {
		return 0
	}
	return int64(err.(reason.Reason))
}

func (m *Machine) deposit(op Deposit) error {
	if m.frozen() {
		return reason.Frozen
	}
	consumed, err := m.consumeEntry(op.Position, op.Chain, op.Key, depositEntry, op.Account, op.Amount)
	if err != nil {
		return err
	}
	inbox := m.inboxesOf(op.Account)
	s := m.settleWhole(op.Account, inbox.total())
	result := codeOf(m.creditable(op, s))
	if op.Result != result {
		return reason.ForcedResult
	}
	credited := int64(0)
	if result == 0 {
		credited = op.Amount
	}
	collateral := s.collateral + credited
	m.book(booking{
		dust:     s.all.dust,
		fund:     -inbox.fund,
		fees:     -inbox.fees,
		vault:    credited,
		bankrupt: flatAndNegative(s.all.occupied, collateral) - s.bankrupt,
	})
	m.state.Queue = consumed
	m.put(s, collateral)
	return nil
}

// creditable judges whether a deposit can be credited.
func (m *Machine) creditable(op Deposit, s side) error {
	switch {
	case !amountAllowed(op.Amount):
		return reason.Amount
	case !s.exists() || s.account.Owner != op.Key:
		return reason.NoAccount
	case m.state.Ledger.Vault+op.Amount > m.config.Parameters.VaultCap:
		return reason.VaultCap
	case !collateralAllowed(s.collateral + op.Amount):
		return reason.CollateralRange
	}
	return nil
}

func (m *Machine) withdraw(op Withdraw) error {
	payer, key := m.load(op.Account, noSlot), slotKey{op.Account, op.Intent.Slot}
	switch {
	case m.frozen():
		return reason.Frozen
	case !amountAllowed(op.Amount):
		return reason.Amount
	case op.Account == fundAccount:
		return reason.ReservedAccount
	case !payer.exists():
		return reason.NoAccount
	}
	used, err := m.useIntent(op.Intent, m.state.Orders[key])
	switch {
	case err != nil:
		return err
	case op.Amount > m.state.Ledger.Bucket:
		return reason.Bucket
	case op.Amount > m.state.Ledger.Vault:
		return reason.Vault
	}
	inbox := m.inboxesOf(op.Account)
	s := m.settleWhole(op.Account, inbox.total())
	collateral, err := m.payOut(s, op.Amount)
	if err != nil {
		return err
	}
	m.book(booking{
		dust:     s.all.dust,
		fees:     -inbox.fees,
		vault:    -op.Amount,
		bankrupt: flatAndNegative(s.all.occupied, collateral) - s.bankrupt,
		bucket:   -op.Amount,
	})
	m.put(s, collateral)
	m.state.Orders.put(key, used)
	return nil
}

func (m *Machine) transfer(op Transfer) error {
	key := slotKey{op.Sender, op.Intent.Slot}
	switch {
	case m.frozen():
		return reason.Frozen
	case !amountAllowed(op.Amount):
		return reason.Amount
	case op.Sender == op.Recipient:
		return reason.SameAccount
	case op.Sender == fundAccount:
		return reason.ReservedAccount
	case !m.load(op.Sender, noSlot).exists():
		return reason.NoAccount
	case !m.load(op.Recipient, noSlot).exists():
		return reason.NoAccount
	}
	used, err := m.useIntent(op.Intent, m.state.Orders[key])
	if err != nil {
		return err
	}
	paying, receiving := m.inboxesOf(op.Sender), m.inboxesOf(op.Recipient)
	payer := m.settleWhole(op.Sender, paying.total())
	left, err := m.payOut(payer, op.Amount)
	if err != nil {
		return err
	}
	payee := m.settleWhole(op.Recipient, receiving.total())
	received := payee.collateral + op.Amount
	if !collateralAllowed(received) {
		return reason.CollateralRange
	}
	m.book(booking{
		dust: payer.all.dust + payee.all.dust,
		fund: -receiving.fund,
		fees: -paying.fees - receiving.fees,
		bankrupt: flatAndNegative(payer.all.occupied, left) + flatAndNegative(payee.all.occupied, received) -
			payer.bankrupt - payee.bankrupt,
	})
	m.put(payer, left)
	m.put(payee, received)
	m.state.Orders.put(key, used)
	return nil
}
