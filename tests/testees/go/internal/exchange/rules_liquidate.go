package exchange

import "perptestee/internal/reason"

func (m *Machine) liquidate(op Liquidate) error {
	sub := m.subject(op.Market)
	account, taker := m.load(op.Account, op.Slot), m.load(op.Taker.Account, op.TakerSlot)
	key := slotKey{op.Taker.Account, op.Taker.Slot}
	if err := m.checkLiquidationParties(op, sub, account, taker); err != nil {
		return err
	}
	sells := account.position.Size > 0
	filled := fill{op.Market, op.Lots, op.Price, op.TakerFeePPM, sells, true}
	used, err := m.fillOrder(op.Taker, m.state.Orders[key], filled)
	if err != nil {
		return err
	}
	if err := m.checkLiquidationTerms(op, sub, account, taker); err != nil {
		return err
	}
	direction, notional, inbox := account.direction(), op.Lots*op.Price, int64(0)
	if op.Account == fundAccount {
		inbox = m.state.Ledger.FundInbox
	}
	fee, takerFee := ofPPM(notional, op.FeePPM), ofPPM(notional, op.TakerFeePPM)
	closed := m.move(m.settle(account, inbox, sub), sub, -direction*op.Lots, direction*notional-fee)
	closed.account.LiquidatedAt = m.now()
	took := m.move(m.settle(taker, 0, sub), sub, direction*op.Lots, -direction*notional-takerFee)
	if err := m.checkLiquidation(op, sub, closed, took); err != nil {
		return err
	}
	booked := bookingOf(closed, took)
	booked.fund, booked.fees = fee-inbox, takerFee
	m.book(booked)
	m.putOpenInterest(op.Market, openInterestChange(closed, took), unlessFund(op.Account, op.Lots))
	m.putMoved(closed)
	m.putMoved(took)
	m.state.Orders.put(key, used)
	return nil
}

// unlessFund is what counts in the window: nothing where the fund unwinds.
func unlessFund(account, lots int64) int64 {
	if account == fundAccount {
		return 0
	}
	return lots
}

func (m *Machine) checkLiquidationParties(op Liquidate, sub subject, account, taker loaded) error {
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case op.Lots < 1 || op.Lots > sub.market.MaxSize:
		return reason.Lots
	case op.Price < 1 || op.Price > sub.market.MaxPrice:
		return reason.PriceRange
	case op.Account == op.Taker.Account:
		return reason.SameAccount
	case op.Account == feesAccount || op.Taker.Account < firstUser:
		return reason.ReservedAccount
	case !account.exists() || !taker.exists():
		return reason.NoAccount
	case account.account.Owner == taker.account.Owner:
		return reason.SameOwner
	}
	return nil
}

// checkLiquidationTerms has the guards behind the order that need no settled account.
func (m *Machine) checkLiquidationTerms(op Liquidate, sub subject, account, taker loaded) error {
	switch {
	case op.FeePPM < 0 || op.FeePPM > sub.market.LiquidationFeeCapPPM:
		return reason.Fee
	case op.TakerFeePPM < 0 || op.TakerFeePPM > sub.market.FeeCapPPM:
		return reason.Fee
	case m.mode(sub) >= modeHalt:
		return reason.Mode
	case !account.holds(op.Market):
		return reason.NoPosition
	case op.Lots > magnitude(account.position.Size):
		return reason.Lots
	case !taker.fits(op.Market):
		return reason.Slot
	case !marketAllowed(taker.account, op.Market):
		return reason.MarketNotAllowed
	}
	return nil
}

// checkLiquidation has the guards about the accounts before and after.
func (m *Machine) checkLiquidation(op Liquidate, sub subject, closed, took moved) error {
	s := closed.side
	switch {
	case op.Taker.ReduceOnly && !took.reduced:
		return reason.OrderReduceOnly
	case sub.oracle.blind:
		return reason.OracleLevel
	case took.side.all.blind > 0 && !took.reduced:
		return reason.OracleLevel
	case s.atBest().equity >= s.health.maintenance && op.Account != fundAccount:
		return reason.NotLiquidatable
	}
	if err := m.checkStaged(op, sub, s); err != nil {
		return err
	}
	switch {
	case magnitude(took.position.Size) > sub.market.MaxSize:
		return reason.SizeRange
	case !collateralAllowed(closed.account.Collateral) || !collateralAllowed(took.account.Collateral):
		return reason.CollateralRange
	}
	if err := checkTransition(took); err != nil {
		return err
	}
	onLinear := s.account.Kind == kindPortfolio || op.Account == fundAccount
	if !keptRatio(onLinear, s.health, closed.health) {
		return reason.HealthRatioFell
	}
	return nil
}

// checkStaged: between maintenance and close-out a liquidation goes in steps, not too large, too small or too often.
func (m *Machine) checkStaged(op Liquidate, sub subject, s side) error {
	closeOut := belowCloseOut(s.atBest(), sub.market)
	staged := !closeOut && op.Account != fundAccount
	limit := stepCap(s, sub)
	slippagePPM, givenAway := sub.market.SlippagePartialPPM, op.Price-sub.price.Index
	if closeOut {
		slippagePPM = sub.market.SlippageFullPPM
	}
	if s.position.Size > 0 {
		givenAway = -givenAway
	}
	near := within(magnitude(op.Price-sub.price.Price), slippagePPM, sub.price.Price)
	switch {
	case staged && op.Lots > limit:
		return reason.CloseFactor
	case staged && op.Lots < (limit+1)/2:
		return reason.StepTooSmall
	case staged && m.now()-s.account.LiquidatedAt < m.config.Parameters.CooldownSeconds:
		return reason.Cooldown
	case m.isSpared(s):
		return reason.Cooldown
	case !near || !within(givenAway, slippagePPM, sub.price.Index):
		return reason.Slippage
	}
	return nil
}

// stepCap is the most lots one staged liquidation may close. An oracle in doubt halves it.
func stepCap(s side, sub subject) int64 {
	size := magnitude(s.position.Size)
	limit := size
	if size*sub.price.Price > sub.market.FullCloseAtoms {
		limit = ofPPM(size, sub.market.CloseFactorPPM)
	}
	if s.all.degraded > 0 {
		limit = (limit + 1) / 2
	}
	return limit
}
