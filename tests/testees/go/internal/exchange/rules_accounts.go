package exchange

import "perptestee/internal/reason"

func (m *Machine) openAccount(op OpenAccount) error {
	switch {
	case m.frozen():
		return reason.Frozen
	case op.Account < firstUser:
		return reason.ReservedAccount
	case m.state.Accounts[op.Account].Kind != kindAbsent:
		return reason.AccountExists
	case op.Owner == (digest{}):
		return reason.BadSignature
	case !op.Authorised:
		return reason.BadSignature
	case m.now() > op.Expiry:
		return reason.OrderExpired
	case op.Kind < kindCross || op.Kind > kindPortfolio:
		return reason.BadKind
	case !m.parentAllowed(op):
		return reason.BadParent
	case op.Kind == kindIsolated && !m.subject(op.Market).configured():
		return reason.NoMarket
	}
	m.state.Accounts.put(op.Account, Account{Kind: op.Kind, Owner: op.Owner, Parent: op.Parent, Market: op.Market})
	return nil
}

func (m *Machine) parentAllowed(op OpenAccount) bool {
	if op.Kind != kindIsolated {
		return op.Parent == 0 && op.Market == 0
	}
	parent := m.state.Accounts[op.Parent]
	return op.Parent >= firstUser && parent.Kind != kindAbsent && parent.Kind != kindIsolated &&
		parent.Owner == op.Owner
}

func (m *Machine) setKind(op SetKind) error {
	key := slotKey{op.Account, op.Intent.Slot}
	switch {
	case m.frozen():
		return reason.Frozen
	case op.Account < firstUser:
		return reason.ReservedAccount
	case !m.load(op.Account, noSlot).exists():
		return reason.NoAccount
	}
	used, err := m.useIntent(op.Intent, m.state.Orders[key])
	s := m.settleWhole(op.Account, 0)
	switch {
	case err != nil:
		return err
	case s.account.Kind == kindIsolated || op.Kind != kindCross && op.Kind != kindPortfolio:
		return reason.BadKind
	}
	worst := worstLoss(s.others, 0, subject{market: &notListed})
	after := m.healthOf(op.Kind, s.collateral, s.all.weight, worst)
	if s.health.equity < s.health.initial || after.equity < after.initial {
		return reason.InitialMargin
	}
	s.account.Kind = op.Kind
	m.book(booking{dust: s.all.dust})
	m.put(s, s.collateral)
	m.state.Orders.put(key, used)
	return nil
}

func (m *Machine) cancel(op Cancel) error {
	key := slotKey{op.Account, op.Intent.Slot}
	switch {
	case m.frozen():
		return reason.Frozen
	case op.Account == fundAccount:
		return reason.ReservedAccount
	case m.state.Accounts[op.Account].Kind == kindAbsent:
		return reason.NoAccount
	}
	used, err := m.useIntent(op.Intent, m.state.Orders[key])
	if err != nil {
		return err
	}
	m.state.Orders.put(key, used)
	return nil
}

func (m *Machine) compact(op Compact) error {
	account := m.state.Accounts[op.Account]
	holeKey, topKey := slotKey{op.Account, op.Hole}, slotKey{op.Account, op.Top}
	hole, top := m.state.Positions[holeKey], m.state.Positions[topKey]
	vacant := top.Size == 0
	switch {
	case m.frozen():
		return reason.Frozen
	case account.Kind == kindAbsent:
		return reason.NoAccount
	case op.Top != account.Slots-1 || op.Hole == op.Top:
		return reason.Slot
	case !vacant && (hole.Size != 0 || op.Hole >= op.Top):
		return reason.NothingToCompact
	}
	account.Slots--
	m.state.Accounts.put(op.Account, account)
	if !vacant {
		m.state.Positions.put(holeKey, top)
	}
	m.state.Positions.put(topKey, Position{})
	return nil
}
