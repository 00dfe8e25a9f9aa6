package exchange

// marginAt gives the linear maintenance and initial margin of a notional: three marginal brackets.
func marginAt(notional int64, market *Market) (maintenance, initial int64) {
	switch {
	case notional > market.Bracket3:
		part := notional - market.Bracket3
		return market.Maintenance3Atoms + ofPPM(part, market.Maintenance3PPM),
			market.Initial3Atoms + ofPPM(part, market.Initial3PPM)
	case notional > market.Bracket2:
		part := notional - market.Bracket2
		return market.Maintenance2Atoms + ofPPM(part, market.Maintenance2PPM),
			market.Initial2Atoms + ofPPM(part, market.Initial2PPM)
	}
	return ofPPM(notional, market.Maintenance1PPM), ofPPM(notional, market.Initial1PPM)
}

// weight is what positions add to their account's health, in atoms.
type weight struct {
	value, maintenance, initial, buffer int64
}

func weigh(size int64, price MarketPrice, market *Market) weight {
	value := size * price.Price
	bufferPPM := price.BufferLongPPM
	if size < 0 {
		bufferPPM = price.BufferShortPPM
	}
	notional := magnitude(value)
	maintenance, initial := marginAt(notional, market)
	return weight{value, maintenance, initial, ofPPM(notional, bufferPPM)}
}

func (w weight) plus(other weight) weight {
	return weight{
		w.value + other.value,
		w.maintenance + other.maintenance,
		w.initial + other.initial,
		w.buffer + other.buffer,
	}
}

// health is what an account is worth and must be backed by, in atoms.
type health struct {
	equity, maintenance, initial int64
	// linear is the linear maintenance margin.
	linear int64
}

// healthOf makes health of the sums over positions; `worst` counts for portfolio accounts only.
func (m *Machine) healthOf(kind, collateral int64, sum weight, worst int64) health {
	h := health{
		equity:      collateral + sum.value,
		maintenance: sum.maintenance + sum.buffer,
		initial:     sum.initial + sum.buffer,
		linear:      sum.maintenance,
	}
	if kind == kindPortfolio {
		parameters := &m.config.Parameters
		h.maintenance = max(worst, ofPPM(sum.maintenance, parameters.PortfolioFloorPPM)) + sum.buffer
		h.initial = ofPPM(h.maintenance, parameters.PortfolioInitialPPM)
	}
	return h
}

// atBest is the health if every position in a blind market were worth more by its band.
func (h health) atBest(doubt int64) health {
	h.equity += doubt
	return h
}

// directions is in how many ways scenarios tell the markets that rise from those that fall.
const directions = 7

// losses are those of each scenario, with its mirror image behind it.
type losses [2 * directions]int64

func (l *losses) add(size int64, price MarketPrice, market *Market) {
	value := size * price.Price
	ifRises, ifFalls := ofPPM(-value, market.ShockPPM), ofPPM(value, market.ShockPPM)
	for place, rises := range market.Rises {
		loss, mirrored := ifFalls, ifRises
		if rises {
			loss, mirrored = ifRises, ifFalls
		}
		l[2*place] += loss
		l[2*place+1] += mirrored
	}
}

// worstLoss is the largest loss over the scenarios of positions and of `size` lots more, at least 0.
func worstLoss(others []holding, size int64, s subject) int64 {
	var sums losses
	for _, held := range others {
		sums.add(held.position.Size, held.price, held.market)
	}
	sums.add(size, s.price, s.market)
	worst := int64(0)
	for _, loss := range sums {
		worst = max(worst, loss)
	}
	return worst
}
