package exchange

import "perptestee/internal/reason"

// belowCloseOut says whether equity is below the close-out fraction of the maintenance margin.
func belowCloseOut(h health, market *Market) bool {
	return !productAtMost(market.CloseOutPPM, h.maintenance, h.equity, million)
}

// certainEquity is the equity for amounts that others pay: a deficit counts only as far as no blind position can make up
// for it.
func (s side) certainEquity() int64 {
	if s.health.equity >= 0 {
		return s.health.equity
	}
	return min(s.health.equity+s.all.doubt, 0)
}

// isSpared says whether the account is spared, and not below zero.
func (m *Machine) isSpared(s side) bool {
	return m.now() < s.account.LiquidatedAt && s.atBest().equity >= 0
}

// sparedUntil is until when an account is spared from now on.
func (m *Machine) sparedUntil() int64 {
	return min(m.now()+m.config.Parameters.CooldownSeconds, timeMax)
}

// leftUnhealthy says whether a user's account lost its maintenance margin, or fell below close-out.
func leftUnhealthy(before side, after health, market *Market) bool {
	had, has := before.atBest(), after.atBest(before.all.doubt)
	lost := had.equity >= had.maintenance && has.equity < has.maintenance
	fell := !belowCloseOut(had, market) && belowCloseOut(has, market)
	return before.id != fundAccount && (lost || fell)
}

// shareOf is how much of the linear maintenance margin belongs to lots of the touched position.
func shareOf(size, lots int64, sub subject) int64 {
	whole, _ := marginAt(magnitude(size*sub.price.Price), sub.market)
	rest, _ := marginAt((magnitude(size)-lots)*sub.price.Price, sub.market)
	return whole - rest
}

// checkTakeOver has the guards of a takeover that are about the account.
func (m *Machine) checkTakeOver(s side, sub subject) error {
	switch {
	case sub.oracle.blind:
		return reason.OracleLevel
	case !belowCloseOut(s.atBest(), sub.market):
		return reason.NotCloseOut
	case m.isSpared(s):
		return reason.Cooldown
	}
	return nil
}

// takeOver lets the fund take over lots for the zero-price amount.
func (m *Machine) takeOver(s side, fund loaded, sub subject, lots int64) (after, taken moved, err error) {
	if err := m.checkTakeOver(s, sub); err != nil {
		return moved{}, moved{}, err
	}
	if !fund.fits(sub.id) {
		// What that slot holds has another price.
		return moved{}, moved{}, reason.FundMargin
	}
	direction, value := s.direction(), lots*sub.price.Price
	// The linear margin, since with the buffers in it a full close would leave equity behind.
	amount := ceilDiv(shareOf(s.position.Size, lots, sub), s.certainEquity(), max(s.health.linear, 1))
	if s.health.equity >= 0 {
		amount = min(amount, ofPPM(value, m.config.Parameters.PenaltyPPM))
	}
	after = m.move(s, sub, -direction*lots, direction*value-amount)
	after.account.LiquidatedAt = m.now()
	settled := m.settle(fund, m.state.Ledger.FundInbox, sub)
	taken = m.move(settled, sub, direction*lots, amount-direction*value)
	if !m.fundAble(taken, sub) {
		return moved{}, moved{}, reason.FundMargin
	}
	return after, taken, nil
}

// fundAble says whether the fund may take lots: it keeps margin, or only reduces and stays solvent; and it has room and
// range. Its own positions in blind markets count at the worst price their bands allow.
func (m *Machine) fundAble(taken moved, sub subject) bool {
	sureEquity := taken.health.equity - taken.side.all.doubt
	marginLeft := productAtMost(m.config.Parameters.FundMultiple, taken.health.initial, sureEquity, 1)
	return (marginLeft || taken.reduced && sureEquity >= 0) &&
		taken.side.fits(sub.id) &&
		magnitude(taken.position.Size) <= sub.market.MaxSize &&
		collateralAllowed(taken.account.Collateral)
}

// decides says whether the touched slot of the fund is the one that decides what it can take. Only a fund without any
// free slot may have another position named.
func (l loaded) decides(sub subject) bool {
	occupied := int64(0)
	for _, held := range l.others {
		occupied += count(held.position.Size != 0)
	}
	full := occupied == positionSlots-1 && l.position.Size != 0 && l.othersIn(sub.id) == 0
	return l.fits(sub.id) || full
}

// backstopPossible says whether the fund could take over a piece of a position, the least that a backstop must be unable
// to take before a deleverage. A slot of the fund that does not decide it rejects.
func (m *Machine) backstopPossible(s side, fundSlot int64, sub subject) (bool, error) {
	fund := m.load(fundAccount, fundSlot)
	if !fund.decides(sub) {
		return false, reason.Slot
	}
	piece := max(m.config.Parameters.BackstopAtoms/max(sub.price.Price, 1), 1)
	lots := min(magnitude(s.position.Size), piece)
	_, _, err := m.takeOver(s, fund, sub, lots)
	return err == nil, nil
}
