package exchange

import (
	"slices"

	"perptestee/internal/reason"
)

func (m *Machine) oracleTick(op OracleTick) error {
	sub, now := m.subject(op.Market), m.now()
	price, oracle, market := sub.price, m.state.Oracles[op.Market], sub.market
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case !op.Authorised:
		return reason.BadSignature
	case now-price.TickedAt < tickSeconds:
		return reason.TickTooSoon
	}
	for family, report := range op.Reports {
		if report.Count < 1 {
			continue
		}
		if err := m.checkReport(family, report, market.MaxPrice); err != nil {
			return err
		}
		oracle.Values[family], oracle.ReportedAt[family] = report.Median, now
	}
	m.takePrice(sub, price, oracle)
	return nil
}

// checkReport checks what a family reports, and that its median is the lower one.
func (m *Machine) checkReport(family int, report Report, maxPrice int64) error {
	parameters := &m.config.Parameters
	rising, inRange, last := true, true, int64(-1)
	var atMost, atLeast int64
	for place := range report.Count {
		signer, value := report.Signers[place], report.Values[place]
		rising = rising && signer > last && signer < parameters.Signers[family]
		inRange = inRange && value >= 1 && value <= maxPrice
		atMost += count(value <= report.Median)
		atLeast += count(value >= report.Median)
		last = signer
	}
	switch {
	case report.Count < parameters.Quorums[family] || report.Count > parameters.Signers[family]:
		return reason.Quorum
	case !rising:
		return reason.SignersNotRising
	case !inRange:
		return reason.PriceRange
	case 2*atMost < report.Count || 2*atLeast <= report.Count:
		return reason.NotMedian
	}
	return nil
}

// takePrice moves a market by what the families have said.
func (m *Machine) takePrice(sub subject, price MarketPrice, oracle MarketOracle) {
	now, market, before := m.now(), sub.market, sub.oracle
	seen := m.candidateOf(oracle, market)
	average := oracle.Average
	if seen.price >= 1 {
		average = seen.price
		if oracle.Average != 0 {
			average = approach(oracle.Average, seen.price, now-price.TickedAt, market)
		}
	}
	near := within(magnitude(seen.price-average), market.BandPPM, average)
	nearBefore := within(magnitude(seen.price-oracle.Average), market.BandPPM, oracle.Average)
	begun := now
	if before.blind {
		begun = before.blindFrom
	}
	switch {
	case seen.confirmed:
		oracle.DisputedSince = 0
	case oracle.DisputedSince == 0:
		oracle.DisputedSince = begun
	}
	lasting := !seen.confirmed && now-oracle.DisputedSince > patience(seen, market)
	good, gap := seen.bad == 0 && near, seen.bad <= 1 && seen.confirmed && !near
	believed := nearBefore && !seen.apart && !lasting
	if seen.confirmed {
		believed = near
	}
	degraded := seen.bad == 1 && seen.price >= 1 && believed
	blind := !good && !gap && !degraded

	price.Level = levelAfter(&oracle, before, good, degraded)
	if seen.confirmed && !blind {
		oracle.Average = average
	}
	price.Gap, price.TickedAt = gap, now
	if blind {
		price.BlindSince = begun
	} else {
		price.BlindSince, price.Index = 0, seen.price
		newMark := markOf(seen.price, oracle.Premium, oracle.Book, market)
		price.Price = healthPrice(newMark, gap, oracle.Average, market)
	}
	m.state.Prices.put(sub.id, price)
	m.state.Oracles.put(sub.id, oracle)
}

// levelAfter counts good ticks and gives the level: good ones bring it to 0 where it was 0 in effect, after enough of them
// in a row, or at the first price.
func levelAfter(oracle *MarketOracle, before oracleState, good, degraded bool) int64 {
	if before.blind {
		oracle.GoodTicks = 0
	}
	oracle.GoodTicks++
	if !good {
		oracle.GoodTicks = 0
	}
	oracle.GoodTicks = min(oracle.GoodTicks, goodTicks)
	recovered := !before.degraded || oracle.GoodTicks >= goodTicks || oracle.Average == 0
	switch {
	case good && recovered:
		return levelGood
	case good || degraded:
		return levelDegraded
	}
	return levelSuspended
}

// patience is for how long one family alone, or families that disagree, are believed.
func patience(seen candidate, market *Market) int64 {
	if seen.lone {
		return market.BlindSeconds
	}
	return market.StalenessSeconds
}

// candidate is what the fresh families say together.
type candidate struct {
	// price is 0 where no family is fresh; bad counts those that are stale or deviate.
	price, bad int64
	// lone: one is fresh. confirmed: two at least agree. apart: just two are fresh, and disagree by more than the band.
	lone, confirmed, apart bool
}

func (m *Machine) candidateOf(oracle MarketOracle, market *Market) candidate {
	families := m.config.Parameters.Families
	// A family that is not fresh counts as a price beyond all others, so that it comes last.
	beyond := market.MaxPrice + 1
	prices, fresh := []int64{beyond, beyond, beyond, beyond}, int64(0)
	for family := range families {
		value, age := oracle.Values[family], m.now()-oracle.ReportedAt[family]
		if value >= 1 && age <= market.StalenessSeconds {
			prices[family] = value
			fresh++
		}
	}
	slices.Sort(prices)
	c := candidate{bad: families - fresh}
	switch {
	case fresh >= 3:
		c.price = prices[1]
		for _, price := range prices {
			far := !within(magnitude(price-c.price), market.DeviationPPM, c.price)
			c.bad += count(price != beyond && far)
		}
	case fresh == 2:
		c.ofTwo(prices[0], prices[1], oracle.Average, market)
	case fresh == 1:
		c.price, c.lone = prices[0], true
	}
	c.confirmed = c.bad+2 <= families
	return c
}

// ofTwo takes two prices in rising order: their mean where they agree, else the one nearest to the average.
func (c *candidate) ofTwo(first, second, average int64, market *Market) {
	if within(second-first, market.DeviationPPM, first) {
		c.price = (first + second) / 2
		return
	}
	c.price = second
	if magnitude(first-average) <= magnitude(second-average) {
		c.price = first
	}
	c.bad++
	c.apart = !within(second-first, market.BandPPM, first)
}

func (m *Machine) mark(op Mark) error {
	sub, now := m.subject(op.Market), m.now()
	price, oracle, market := sub.price, m.state.Oracles[op.Market], sub.market
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case !bookAllowed(op.Bid, op.Ask, market):
		return reason.PriceRange
	case op.Last < 1 || op.Last > market.MaxPrice:
		return reason.PriceRange
	case price.Index < 1:
		return reason.OracleLevel
	}
	middle := (op.Bid + op.Ask) / 2
	oracle.Premium = approach(oracle.Premium, middle-price.Index, now-oracle.MarkedAt, market)
	oracle.Book = median(op.Bid, op.Ask, op.Last)
	oracle.MarkedAt = now
	if !sub.oracle.blind {
		newMark := markOf(price.Index, oracle.Premium, oracle.Book, market)
		price.Price = healthPrice(newMark, price.Gap, oracle.Average, market)
	}
	m.state.Prices.put(sub.id, price)
	m.state.Oracles.put(sub.id, oracle)
	return nil
}

func (m *Machine) premiumSample(op PremiumSample) error {
	sub, now := m.subject(op.Market), m.now()
	oracle, index := m.state.Oracles[op.Market], sub.price.Index
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case !bookAllowed(op.Bid, op.Ask, sub.market):
		return reason.PriceRange
	case index < 1:
		return reason.OracleLevel
	case now-oracle.SampledAt < sampleSeconds:
		return reason.SampleTooSoon
	}
	if oracle.Samples < samplesFull && !sub.oracle.suspended {
		distance := max(op.Bid-index, 0) - max(index-op.Ask, 0)
		oracle.PremiumSum += clamp(truncDiv(distance, million, index), -premiumClampPPM, premiumClampPPM)
		oracle.Samples++
	}
	oracle.SampledAt = now
	m.state.Oracles.put(sub.id, oracle)
	return nil
}

func (m *Machine) fundingTick(op FundingTick) error {
	sub, now := m.subject(op.Market), m.now()
	price, oracle, market := sub.price, m.state.Oracles[op.Market], sub.market
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case now-oracle.FundedAt < fundingSeconds:
		return reason.TickTooSoon
	}
	ratePPM := int64(0)
	if oracle.Samples >= samplesLeast && !sub.oracle.suspended {
		ratePPM = hourlyRatePPM(oracle.PremiumSum, market)
	}
	bound := market.MaxPrice * million
	buffer := func(paidPPM int64) int64 {
		return min(market.BufferIntervals*max(paidPPM, market.BufferFloorPPM), million)
	}
	price.FundingIndex = clamp(price.FundingIndex+ratePPM*price.Index, -bound, bound)
	price.BufferLongPPM, price.BufferShortPPM = buffer(ratePPM), buffer(-ratePPM)
	oracle.FundingRatePPM, oracle.PremiumSum, oracle.Samples, oracle.FundedAt = ratePPM, 0, 0, now
	m.state.Prices.put(sub.id, price)
	m.state.Oracles.put(sub.id, oracle)
	return nil
}

// hourlyRatePPM is what the samples average to, pulled towards the interest, capped, for an eighth of the period. Missing
// samples count as zero. Go's division rounds toward zero, as these do.
func hourlyRatePPM(premiumSum int64, market *Market) int64 {
	average := premiumSum / samplesFull
	pull := clamp(interestPPM-average, -interestClampPPM, interestClampPPM)
	return clamp(average+pull, -market.FundingCapPPM, market.FundingCapPPM) / fundingIntervals
}
