package exchange

// oracleState is how far the price of a market can be trusted now.
type oracleState struct {
	degraded  bool // level 1 or above
	suspended bool // level 2 or above
	blind     bool // level 2 without a gap, or 3
	exitsOnly bool // level 3
	blindFrom int64
}

func oracleStateOf(price MarketPrice, market *Market, now int64) oracleState {
	stale := now-price.TickedAt > market.StalenessSeconds
	blindFrom := price.BlindSince
	if blindFrom == 0 {
		blindFrom = price.TickedAt + market.StalenessSeconds
	}
	blind := stale || price.Level >= levelSuspended && !price.Gap
	return oracleState{
		degraded:  stale || price.Level >= levelDegraded,
		suspended: stale || price.Level >= levelSuspended,
		blind:     blind,
		exitsOnly: blind && now-blindFrom > market.BlindSeconds,
		blindFrom: blindFrom,
	}
}

// markOf is the middle of index plus premium, book and index, kept close to the index.
func markOf(index, premium, book int64, market *Market) int64 {
	if book == 0 {
		book = index
	}
	distance := floorDiv(index, market.MarkClampPPM, million)
	return clamp(median(index+premium, book, index), index-distance, min(index+distance, market.MaxPrice))
}

// healthPrice is the mark; at a gap it is kept within the band around the average.
func healthPrice(mark int64, gap bool, average int64, market *Market) int64 {
	if !gap {
		return mark
	}
	distance := floorDiv(average, market.BandPPM, million)
	return clamp(mark, average-distance, average+distance)
}

// approach moves an average toward a target, the whole way in average_seconds or more, and by an atom at least.
func approach(average, target, elapsed int64, market *Market) int64 {
	moved := ceilDiv(magnitude(target-average), min(elapsed, market.AverageSeconds), market.AverageSeconds)
	if target > average {
		return average + moved
	}
	return average - moved
}

// bookAllowed says whether bid and ask are prices, and not crossed.
func bookAllowed(bid, ask int64, market *Market) bool {
	return bid >= 1 && bid <= ask && ask <= market.MaxPrice
}
