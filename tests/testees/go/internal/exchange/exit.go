package exchange

import "perptestee/internal/reason"

// payOut gives the collateral after an amount leaves a settled account, if it may leave.
func (m *Machine) payOut(s side, amount int64) (int64, error) {
	collateral := s.collateral - amount
	equity := s.health.equity - amount
	switch {
	case equity < s.health.initial:
		return 0, reason.InitialMargin
	case s.all.degraded >= 1 && !m.cautiouslyEnough(s, collateral, equity):
		return 0, reason.OracleLevel
	case !collateralAllowed(collateral):
		return 0, reason.CollateralRange
	}
	return collateral, nil
}

// cautiouslyEnough says whether twice the initial margin stays, at the health price and at the worse of it and the
// index.
func (m *Machine) cautiouslyEnough(s side, collateral, equity int64) bool {
	var value, initial int64
	for _, held := range s.others {
		v, i := m.cautiousTerms(held)
		value, initial = value+v, initial+i
	}
	return productAtMost(2, s.health.initial, equity, 1) && collateral+value >= 2*initial
}

// cautiousTerms are value and initial margin of a position at the worse of health price and index. In a degraded market
// the value is less by the band, in a blind one by a band more for every blind_seconds.
func (m *Machine) cautiousTerms(held holding) (value, initial int64) {
	size, price, market := held.position.Size, held.price, held.market
	notional := magnitude(size) * max(price.Price, price.Index)
	oracle := oracleStateOf(price, market, m.now())
	doubtPPM := int64(0)
	if oracle.degraded {
		bands := int64(1)
		if oracle.blind {
			bands += max(m.now()-oracle.blindFrom, 0) / max(market.BlindSeconds, 1)
		}
		doubtPPM = min(market.BandPPM*bands, million)
	}
	_, initial = marginAt(notional, market)
	return min(size*price.Price, size*price.Index) - ofPPM(notional, doubtPPM), initial
}
