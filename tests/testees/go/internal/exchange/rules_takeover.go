package exchange

import "perptestee/internal/reason"

func (m *Machine) backstop(op Backstop) error {
	sub := m.subject(op.Market)
	account := m.load(op.Account, op.Slot)
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case op.Lots < 1 || op.Lots > sub.market.MaxSize:
		return reason.Lots
	case op.Account < firstUser:
		return reason.ReservedAccount
	case !account.exists():
		return reason.NoAccount
	case m.mode(sub) >= modeHalt:
		return reason.Mode
	case !account.holds(op.Market):
		return reason.NoPosition
	case op.Lots > magnitude(account.position.Size):
		return reason.Lots
	}
	s := m.settle(account, 0, sub)
	inbox := m.state.Ledger.FundInbox
	after, taken, err := m.takeOver(s, m.load(fundAccount, op.FundSlot), sub, op.Lots)
	if err != nil {
		return err
	}
	booked := bookingOf(after, taken)
	booked.fund = -inbox
	m.book(booked)
	m.putOpenInterest(op.Market, openInterestChange(after, taken), op.Lots)
	m.putMoved(after)
	m.putMoved(taken)
	return nil
}

func (m *Machine) deleverage(op Deleverage) error {
	sub := m.subject(op.Market)
	account, counterparty := m.load(op.Account, op.Slot), m.load(op.Counterparty, op.CounterpartySlot)
	if err := m.checkDeleverageParties(op, sub, account, counterparty); err != nil {
		return err
	}
	inbox, otherInbox := m.inboxesOf(op.Account).fund, m.inboxesOf(op.Counterparty).fund
	s, other := m.settle(account, inbox, sub), m.settle(counterparty, otherInbox, sub)
	if err := m.checkTakeOver(s, sub); err != nil {
		return err
	}
	if op.Account != fundAccount {
		possible, err := m.backstopPossible(s, op.FundSlot, sub)
		switch {
		case err != nil:
			return err
		case possible:
			return reason.BackstopPossible
		}
	}
	direction := s.direction()
	value := direction * op.Lots * sub.price.Price
	closed := m.move(other, sub, direction*op.Lots, -value)
	paid := deleveragePayment(s, other, closed.health, op.Lots, sub)
	closed.account.Collateral -= paid
	closed.health.equity -= paid
	if leftUnhealthy(other, closed.health, sub.market) {
		closed.account.LiquidatedAt = m.sparedUntil()
	}
	after := m.move(s, sub, -direction*op.Lots, value+paid)
	after.account.LiquidatedAt = m.now()
	booked := bookingOf(after, closed)
	booked.fund = -inbox - otherInbox
	m.book(booked)
	m.putOpenInterest(op.Market, -op.Lots, unlessFund(op.Account, op.Lots))
	m.putMoved(after)
	m.putMoved(closed)
	return nil
}

func (m *Machine) checkDeleverageParties(op Deleverage, sub subject, account, counterparty loaded) error {
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case op.Lots < 1 || op.Lots > sub.market.MaxSize:
		return reason.Lots
	case op.Account == op.Counterparty:
		return reason.SameAccount
	case op.Account == feesAccount || op.Counterparty == feesAccount:
		return reason.ReservedAccount
	case !account.exists() || !counterparty.exists():
		return reason.NoAccount
	case m.mode(sub) >= modeHalt:
		return reason.Mode
	case !account.holds(op.Market):
		return reason.NoPosition
	case op.Lots > magnitude(account.position.Size):
		return reason.Lots
	case !counterparty.holds(op.Market) || -account.direction()*counterparty.position.Size < op.Lots:
		return reason.NotOpposite
	}
	return nil
}

// deleveragePayment is what the counterparty pays beyond the health price: a bankrupt account's deficit for those lots,
// but no more than lets it keep its ratio, on its linear margin and on its maintenance margin.
func deleveragePayment(s, other side, unpaid health, lots int64, sub subject) int64 {
	share := shareOf(s.position.Size, lots, sub)
	deficit := floorDiv(share, max(-s.certainEquity(), 0), max(s.health.linear, 1))
	before := other.health
	bearable := min(
		released(before.equity, before.linear, unpaid.linear),
		released(before.equity, before.maintenance, unpaid.maintenance),
	)
	return min(deficit, max(bearable, 0))
}

// released is the part of an equity that goes with a requirement that falls.
func released(equity, before, after int64) int64 {
	return floorDiv(max(before-after, 0), equity, max(before, 1))
}

// loss is a deficit on its way through the markets.
type loss struct {
	// deficit is not yet covered, excess was collected beyond it: atoms. raised was added to loss indices, dust
	// collected beyond whole atoms: micro-atoms.
	deficit, raised, dust, excess int64
}

// borne is a market after it bore its part of a loss.
type borne struct {
	market int64
	price  MarketPrice
	book   MarketBook
}

func (m *Machine) socialise(op Socialise) error {
	isFund, inbox := op.Account == fundAccount, m.state.Ledger.FundInbox
	otherID := op.Account
	if isFund {
		otherID = feesAccount
	}
	switch {
	case m.frozen():
		return reason.Frozen
	case !m.subject(op.Market).configured():
		return reason.NoMarket
	case !m.load(otherID, noSlot).exists():
		return reason.NoAccount
	}
	fund, other := m.settleWhole(fundAccount, inbox), m.settleWhole(otherID, 0)
	debtor := &other
	if isFund {
		debtor = &fund
	}
	debt := -debtor.collateral
	switch {
	case debtor.all.occupied != 0 || debt < 1:
		return reason.NotBankruptFlat
	case op.Market != max(debtor.account.ClosedMarket-1, 0):
		return reason.MarketNotAllowed
	}
	paid := int64(0)
	if !isFund {
		sureEquity := fund.health.equity - fund.all.doubt
		paid = min(debt, max(min(sureEquity-fund.health.maintenance, fund.collateral), 0))
	}
	bearing, last := m.spread(loss{deficit: debt - paid}, op.Market)
	if paid+last.raised < 1 {
		return reason.NoOpenInterest
	}
	fund.collateral -= paid
	debtor.collateral += debt - last.deficit
	m.book(booking{
		dust: fund.all.dust + other.all.dust + last.dust,
		fund: last.excess - inbox,
		bankrupt: flatAndNegative(fund.all.occupied, fund.collateral) +
			flatAndNegative(other.all.occupied, other.collateral) - fund.bankrupt - other.bankrupt,
	})
	for _, b := range bearing {
		m.state.Prices.put(b.market, b.price)
		m.state.Books.put(b.market, b.book)
	}
	m.put(fund, fund.collateral)
	m.put(other, other.collateral)
	return nil
}

// spread lets the markets bear a deficit: a first one, then all others by id.
func (m *Machine) spread(l loss, first int64) ([]borne, loss) {
	var bearing []borne
	bear := func(id int64) {
		price, book := m.state.Prices[id], m.state.Books[id]
		rise := riseOf(l.deficit, price, book, m.config.market(id), m.now()/day)
		collected, dust := divide(2*book.OpenInterest, rise, million)
		covered := min(l.deficit, collected)
		l = loss{l.deficit - covered, l.raised + rise, l.dust + dust, l.excess + collected - covered}
		price.LossIndex += rise
		book.LossToday = borneOn(book, m.now()/day) + rise
		book.LossDay = m.now() / day
		bearing = append(bearing, borne{id, price, book})
	}
	bear(first)
	for id := range m.config.Parameters.Markets {
		if id != first {
			bear(id)
		}
	}
	return bearing, l
}

// borneOn is what a market has borne on a day.
func borneOn(book MarketBook, today int64) int64 {
	if book.LossDay != today {
		return 0
	}
	return book.LossToday
}

// riseOf is by how much a market's loss index rises: what covers the deficit, or its limit.
func riseOf(deficit int64, price MarketPrice, book MarketBook, market *Market, today int64) int64 {
	lots := 2 * book.OpenInterest
	if lots == 0 {
		return 0
	}
	left := max(market.LossCapPPM*price.Price-borneOn(book, today), 0)
	room := max(market.MaxPrice*million-price.LossIndex, 0)
	limit := min(left, room)
	if floorDiv(lots, limit, million) <= deficit {
		return limit
	}
	return ceilDiv(deficit, million, lots)
}
