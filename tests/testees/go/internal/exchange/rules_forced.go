package exchange

import "perptestee/internal/reason"

func (m *Machine) requestForced(op RequestForced) error {
	if m.frozen() {
		return reason.Frozen
	}
	consumed, err := m.consumeEntry(
		op.Position, op.Chain, op.Key, forcedEntry, op.Account, op.Amount, op.Kind, op.Market, op.Posted,
	)
	if err != nil {
		return err
	}
	result := codeOf(m.notable(op))
	if op.Result != result {
		return reason.ForcedResult
	}
	m.state.Queue = consumed
	if result == 0 {
		request := m.state.Requests[op.Account]
		request.Kind, request.Market, request.Amount = op.Kind, op.Market, op.Amount
		request.Deadline = min(op.Posted, m.now()) + m.config.Parameters.ForcedSeconds
		m.state.Requests.put(op.Account, request)
	}
	return nil
}

// notable judges whether a request can be noted.
func (m *Machine) notable(op RequestForced) error {
	account := m.state.Accounts[op.Account]
	switch {
	case !amountAllowed(op.Amount):
		return reason.Amount
	case op.Account < firstUser:
		return reason.ReservedAccount
	case account.Kind == kindAbsent || account.Owner != op.Key:
		return reason.NoAccount
	case op.Kind != forcedWithdrawal && op.Kind != forcedReduction:
		return reason.BadKind
	case op.Market >= m.config.Parameters.Markets:
		return reason.NoMarket
	case m.state.Requests[op.Account].Kind != forcedNone:
		return reason.ForcedPending
	}
	return nil
}

// answer leaves a request with that amount, or none. A claim is never touched.
func (m *Machine) answer(account int64, kept bool, amount int64) {
	request := m.state.Requests[account]
	if kept {
		request.Amount = amount
	} else {
		request = Request{Claim: request.Claim, Claimed: request.Claimed}
	}
	m.state.Requests.put(account, request)
}

func (m *Machine) forcedWithdraw(op ForcedWithdraw) error {
	request := m.state.Requests[op.Account]
	switch {
	case m.frozen():
		return reason.Frozen
	case request.Kind != forcedWithdrawal:
		return reason.ForcedUnknown
	}
	s := m.settleWhole(op.Account, 0)
	collateral, err := s.collateral, error(reason.Vault)
	if request.Amount <= m.state.Ledger.Vault {
		_, err = m.payOut(s, request.Amount)
	}
	result, paid := codeOf(err), int64(0)
	if op.Result != result {
		return reason.ForcedResult
	}
	if result == 0 {
		paid = request.Amount
	}
	collateral -= paid
	m.book(booking{
		dust:     s.all.dust,
		vault:    -paid,
		bankrupt: flatAndNegative(s.all.occupied, collateral) - s.bankrupt,
	})
	m.answer(op.Account, err == reason.OracleLevel, request.Amount)
	m.put(s, collateral)
	return nil
}

// reduction is a forced reduction as it is judged and done.
type reduction struct {
	op      ForcedReduce
	sub     subject
	request Request
	side    side
	other   loaded
	// price is the conceded one, wanted how many lots are to be closed in all.
	price, wanted int64
	err           error
}

func (m *Machine) forcedReduce(op ForcedReduce) error {
	sub, request := m.subject(op.Market), m.state.Requests[op.Account]
	account, other := m.load(op.Account, op.Slot), m.load(op.Counterparty, op.CounterpartySlot)
	emptyOr := func(l loaded) bool { return l.position.Size == 0 || l.position.Market == op.Market }
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case op.Account == op.Counterparty:
		return reason.SameAccount
	case request.Kind != forcedReduction:
		return reason.ForcedUnknown
	case !emptyOr(account) || !emptyOr(other):
		return reason.Slot
	case !account.holds(request.Market) && account.othersIn(request.Market) != 0:
		return reason.Slot
	}
	r := reduction{op: op, sub: sub, request: request, side: m.settle(account, 0, sub), other: other}
	r.price = concededPrice(account.position.Size, sub)
	r.wanted, r.err = m.judgeReduction(r)
	if op.Result != codeOf(r.err) {
		return reason.ForcedResult
	}
	if r.err != nil {
		return m.refuseReduction(r)
	}
	return m.doReduction(r)
}

// concededPrice is the health price, or the index where that is worse, less the slip for whoever closes.
func concededPrice(size int64, sub subject) int64 {
	slip := floorDiv(sub.price.Price, sub.market.SlipPPM, million)
	if size > 0 {
		return min(sub.price.Price, sub.price.Index) - slip
	}
	return max(sub.price.Price, sub.price.Index) + slip
}

// judgeReduction gives the lots to close, if closing all of them keeps the account's health. Positions in other blind
// markets count at the best price their bands allow.
func (m *Machine) judgeReduction(r reduction) (wanted int64, err error) {
	s := r.side
	switch {
	case !s.holds(r.request.Market):
		return 0, reason.NoPosition
	case r.sub.oracle.blind:
		return 0, reason.OracleLevel
	}
	wanted = min(r.request.Amount, magnitude(s.position.Size))
	closed := m.move(s, r.sub, -s.direction()*wanted, s.direction()*wanted*r.price)
	before, after := s.atBest(), closed.health.atBest(s.all.doubt)
	switch {
	case !collateralAllowed(closed.account.Collateral):
		return 0, reason.CollateralRange
	case after.equity < after.initial && !keptHealth(s.account.Kind, before, after):
		return 0, reason.HealthRatioFell
	}
	return wanted, nil
}

// refuseReduction settles both accounts. The request is gone, unless the oracle is to blame.
func (m *Machine) refuseReduction(r reduction) error {
	if r.op.Lots != 0 {
		return reason.Lots
	}
	m.finishReduction(r, m.move(r.side, r.sub, 0, 0), m.moveOther(r, 0, 0))
	m.answer(r.op.Account, r.err == reason.OracleLevel, r.request.Amount)
	return nil
}

// doReduction closes the lots against the other side.
func (m *Machine) doReduction(r reduction) error {
	op := r.op
	if op.Lots < 1 || op.Lots > r.wanted {
		return reason.Lots
	}
	direction := r.side.direction()
	delta, cash := direction*op.Lots, -direction*op.Lots*r.price
	key := slotKey{op.Counterparty, op.Order.Slot}
	used := m.state.Orders[key]
	if op.Path == pathOrder {
		filled := fill{op.Market, op.Lots, r.price, 0, r.side.position.Size > 0, true}
		var err error
		if used, err = m.fillOrder(op.Order, used, filled); err != nil {
			return err
		}
	}
	if err := m.checkCounterparty(r); err != nil {
		return err
	}
	after, took := m.move(r.side, r.sub, -delta, -cash), m.moveOther(r, delta, cash)
	if err := m.checkPath(r, took, delta, cash); err != nil {
		return err
	}
	if op.Path == pathOpposite && leftUnhealthy(took.side, took.health, r.sub.market) {
		took.account.LiquidatedAt = m.sparedUntil()
	}
	m.finishReduction(r, after, took)
	m.answer(op.Account, op.Lots < r.wanted, r.request.Amount-op.Lots)
	m.state.Orders.put(key, used)
	return nil
}

// moveOther settles the other side, and gives it lots and cash.
func (m *Machine) moveOther(r reduction, lots, cash int64) moved {
	return m.move(m.settle(r.other, m.inboxesOf(r.op.Counterparty).total(), r.sub), r.sub, lots, cash)
}

func (m *Machine) finishReduction(r reduction, after, took moved) {
	inbox, booked := m.inboxesOf(r.op.Counterparty), bookingOf(after, took)
	booked.fund, booked.fees = -inbox.fund, -inbox.fees
	m.book(booked)
	m.putOpenInterest(r.op.Market, openInterestChange(after, took), 0)
	m.putMoved(after)
	m.putMoved(took)
}

// checkCounterparty has the guards about who the other side is.
func (m *Machine) checkCounterparty(r reduction) error {
	op, other := r.op, r.other
	permitted := op.Counterparty != feesAccount
	switch op.Path {
	case pathOrder:
		permitted = op.Counterparty >= firstUser
	case pathFund:
		permitted = op.Counterparty == fundAccount
	}
	byOrder := op.Path == pathOrder
	switch {
	case !permitted:
		return reason.ReservedAccount
	case !other.exists():
		return reason.NoAccount
	case byOrder && op.Order.Account != op.Counterparty:
		return reason.NoAccount
	case byOrder && r.side.account.Owner == other.account.Owner:
		return reason.SameOwner
	case !other.fits(op.Market):
		return reason.Slot
	case byOrder && !marketAllowed(other.account, op.Market):
		return reason.MarketNotAllowed
	}
	return nil
}

// checkPath has the guards about the other side before and after.
func (m *Machine) checkPath(r reduction, took moved, delta, cash int64) error {
	switch r.op.Path {
	case pathOrder:
		return m.checkTaker(r, took)
	case pathFund:
		if !m.fundAble(took, r.sub) {
			return reason.FundMargin
		}
		return nil
	}
	if !r.other.holds(r.op.Market) || !took.reduced {
		return reason.NotOpposite
	}
	possible, err := m.fundCouldReduce(r, delta, cash)
	switch {
	case err != nil:
		return err
	case possible:
		return reason.BackstopPossible
	}
	return nil
}

// fundCouldReduce says whether the fund could take the same lots at the same price. A slot that does not decide it
// rejects.
func (m *Machine) fundCouldReduce(r reduction, lots, cash int64) (bool, error) {
	fund := m.load(fundAccount, r.op.FundSlot)
	switch {
	case !fund.decides(r.sub):
		return false, reason.Slot
	case !fund.fits(r.sub.id):
		return false, nil
	}
	settled := m.settle(fund, m.state.Ledger.FundInbox, r.sub)
	return m.fundAble(m.move(settled, r.sub, lots, cash), r.sub), nil
}

// checkTaker has the guards about a willing order's account.
func (m *Machine) checkTaker(r reduction, took moved) error {
	switch {
	case r.op.Order.ReduceOnly && !took.reduced:
		return reason.OrderReduceOnly
	case took.side.all.blind > 0 && !took.reduced:
		return reason.OracleLevel
	case magnitude(took.position.Size) > r.sub.market.MaxSize:
		return reason.SizeRange
	case !collateralAllowed(took.account.Collateral):
		return reason.CollateralRange
	}
	return checkTransition(took)
}
