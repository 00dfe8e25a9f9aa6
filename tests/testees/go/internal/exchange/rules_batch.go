package exchange

import "perptestee/internal/reason"

func (m *Machine) beginBatch(header Header) error {
	exchange, ledger, parameters := m.state.Exchange, m.state.Ledger, &m.config.Parameters
	switch {
	case header.Number != exchange.Number+1:
		return reason.BatchNumber
	case header.Time < exchange.Time:
		return reason.TimeBackwards
	}
	root, err := m.Root()
	switch {
	case err != nil:
		return err
	case header.PreviousRoot != root:
		return reason.PreviousRoot
	case header.ConfigDigest != m.config.Digest(m.hasher):
		return reason.ConfigDigest
	}
	elapsed := min(header.Time-ledger.BucketAt, day)
	m.state.Exchange.Number, m.state.Exchange.Time = header.Number, header.Time
	m.state.Ledger.Bucket = min(ledger.Bucket+elapsed*parameters.BucketRefill, parameters.BucketSize)
	m.state.Ledger.BucketAt = header.Time
	return nil
}

func (m *Machine) recordProof(op RecordProof) error {
	switch {
	case m.frozen():
		return reason.Frozen
	case op.Number <= m.state.Exchange.Proven || op.Number >= m.state.Exchange.Number:
		return reason.BatchNumber
	}
	m.state.Exchange.Proven = op.Number
	return nil
}

func (m *Machine) setKillSwitch(op SetKillSwitch) error {
	sub := m.subject(op.Market)
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	}
	key := slotKey{fundAccount, op.Intent.Slot}
	used, err := m.useIntent(op.Intent, m.state.Orders[key])
	switch {
	case err != nil:
		return err
	case op.Mode > modeHalt || op.Mode == modeAuction:
		return reason.KillSwitch
	}
	if op.Whole {
		m.state.Exchange.Switch = op.Mode
	} else {
		sub.price.Switch = op.Mode
		m.state.Prices.put(sub.id, sub.price)
	}
	m.state.Orders.put(key, used)
	return nil
}

func (m *Machine) endBatch(op EndBatch) error {
	exchange, parameters := m.state.Exchange, &m.config.Parameters
	window := exchange.Time / max(parameters.WindowSeconds, 1)
	rolled := window != exchange.Window
	windowMode := max(exchange.WindowMode, m.windowSeverity())
	if rolled {
		exchange.WindowPrevious = windowMode
	}
	equity := m.settleWhole(fundAccount, m.state.Ledger.FundInbox).health.equity
	if today := exchange.Time / day; today != exchange.FundDay {
		exchange.FundDay, exchange.FundReference = today, equity
	}
	demanded := max(
		exchange.Switch,
		windowMode,
		exchange.WindowPrevious,
		fundSeverity(equity, exchange.FundReference, parameters),
		graded(exchange.Number-exchange.Proven, parameters.ProofThrottle, parameters.ProofReduce),
	)
	if m.state.Ledger.Bankrupt >= 1 {
		demanded = max(demanded, modeReduceOnly)
	}
	switch {
	case op.Mode == modeAuction:
		return reason.KillSwitch
	case op.Mode < demanded:
		return reason.ModeNotEscalated
	}
	exchange.Mode, exchange.Window, exchange.WindowMode = op.Mode, window, windowMode
	if rolled {
		exchange.WindowMode = modeNormal
	}
	m.state.Exchange = exchange
	m.endMarkets(rolled)
	return nil
}

// endMarkets sets the mode of every market, and starts its window over where a new one has begun.
func (m *Machine) endMarkets(rolled bool) {
	for id := range m.config.Parameters.Markets {
		price, book := m.state.Prices[id], m.state.Books[id]
		price.Mode = price.Switch
		if price.Gap {
			price.Mode = max(price.Switch, modeReduceOnly)
		}
		if rolled {
			book.WindowOpenInterest, book.WindowLiquidated = book.OpenInterest, 0
		}
		m.state.Prices.put(id, price)
		m.state.Books.put(id, book)
	}
}

// windowSeverity is the mode that correlated liquidations demand: of at least half of the markets with enough open
// interest to count, and of some number of them.
func (m *Machine) windowSeverity() int64 {
	parameters := &m.config.Parameters
	var counted, throttled, reduced int64
	for id := range parameters.Markets {
		book := m.state.Books[id]
		if book.WindowOpenInterest*m.state.Prices[id].Price < parameters.WindowFloorAtoms {
			continue
		}
		counted++
		alarms := func(partPPM int64) int64 {
			return count(productAtMost(partPPM, book.WindowOpenInterest, book.WindowLiquidated, million))
		}
		throttled += alarms(parameters.WindowThrottlePPM)
		reduced += alarms(parameters.WindowReducePPM)
	}
	enough := max(parameters.WindowMarkets, (counted+1)/2)
	switch {
	case reduced >= enough:
		return modeReduceOnly
	case throttled >= enough:
		return modeThrottle
	}
	return modeNormal
}

// fundSeverity is the mode that a fall of the fund on the day demands.
func fundSeverity(equity, reference int64, parameters *Parameters) int64 {
	fell := max(reference-equity, 0)
	switch {
	case reference < 1:
		return modeNormal
	case productAtMost(parameters.FundReducePPM, reference, fell, million):
		return modeReduceOnly
	case productAtMost(parameters.FundThrottlePPM, reference, fell, million):
		return modeThrottle
	}
	return modeNormal
}

// graded is the mode that a figure demands by its two thresholds.
func graded(value, throttle, reduce int64) int64 {
	switch {
	case value >= reduce:
		return modeReduceOnly
	case value >= throttle:
		return modeThrottle
	}
	return modeNormal
}
