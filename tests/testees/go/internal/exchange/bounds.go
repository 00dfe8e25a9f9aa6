package exchange

import "fmt"

// BadConfig is a bound of docs/state.md that a configuration breaks.
type BadConfig struct{ Field, Bound string }

func (b BadConfig) Error() string {
	return fmt.Sprintf("%s must be %s", b.Field, b.Bound)
}

// bound is what must hold of a field.
type bound struct {
	field, text string
	holds       bool
}

func firstBroken(bounds []bound) error {
	for _, b := range bounds {
		if !b.holds {
			return BadConfig{b.field, b.text}
		}
	}
	return nil
}

// Check holds a configuration against the bounds that are not ranges of single fields.
func (c *Config) Check() error {
	parameters := &c.Parameters
	if int64(len(c.Markets)) != parameters.Markets {
		return BadConfig{"markets", "the number of markets"}
	}
	if err := firstBroken(parameterBounds(parameters)); err != nil {
		return err
	}
	if err := firstBroken(familyBounds(c)); err != nil {
		return err
	}
	var largestSize, largestPrice int64
	for _, listing := range c.Markets {
		if err := checkMarket(&listing.Market); err != nil {
			return fmt.Errorf("market %s: %w", listing.Symbol, err)
		}
		largestSize = max(largestSize, listing.Market.MaxSize)
		largestPrice = max(largestPrice, listing.Market.MaxPrice)
	}
	return firstBroken([]bound{
		{"rises", "such that any two markets move alike in the first scenario and apart in another", c.scenariosTell()},
		{"close_out_ppm", "the same in all markets", c.closeOutAlike()},
		{"max_size", "with every max_price at most 2^56", productAtMost(largestSize, largestPrice, notionalMax, 1)},
	})
}

// notionalMax is the largest value of one position.
const notionalMax = 1 << 56

func parameterBounds(p *Parameters) []bound {
	return []bound{
		{"markets", "from 1 to 64", p.Markets >= 1},
		{"governance", "the digest of a key", p.Governance != digest{}},
		{"vault_cap", "at least 1", p.VaultCap >= 1},
		{"cooldown_seconds", "at most 86400", p.CooldownSeconds <= day},
		{"bucket_refill", "at most 2^40", p.BucketRefill <= 1<<40},
		{"forced_seconds", "at least 1", p.ForcedSeconds >= 1},
		{"claim_seconds", "at least 1", p.ClaimSeconds >= 1},
		{"backstop_atoms", "at least 1", p.BackstopAtoms >= 1},
		{"fund_multiple", "at least 1", p.FundMultiple >= 1},
		{"portfolio_floor_ppm", "at least 1", p.PortfolioFloorPPM >= 1},
		{"portfolio_initial_ppm", "at least 1000000", p.PortfolioInitialPPM >= million},
		{"window_seconds", "at least 1", p.WindowSeconds >= 1},
		{"window_markets", "at least 1", p.WindowMarkets >= 1},
		{"window_floor_atoms", "at least 1", p.WindowFloorAtoms >= 1},
		{"window_throttle_ppm", "from 1 to window_reduce_ppm", rising(p.WindowThrottlePPM, p.WindowReducePPM)},
		{"fund_throttle_ppm", "from 1 to fund_reduce_ppm", rising(p.FundThrottlePPM, p.FundReducePPM)},
		{"proof_throttle", "from 1 to proof_reduce", rising(p.ProofThrottle, p.ProofReduce)},
	}
}

// rising says whether thresholds are at least 1 and do not fall.
func rising(first, second int64) bool {
	return first >= 1 && first <= second
}

func familyBounds(c *Config) []bound {
	p := &c.Parameters
	bounds := []bound{{"families", "from 2 to 4", p.Families >= 2}}
	for i, signers := range p.Signers {
		quorum := p.Quorums[i]
		if int64(i) >= p.Families {
			bounds = append(bounds, bound{"signers", "0 beyond the families", signers == 0 && quorum == 0})
			continue
		}
		bounds = append(bounds,
			bound{"signers", "from 1 to 8", signers >= 1},
			bound{"quorums", "more than half of the signers and at most all", 2*quorum > signers && quorum <= signers},
		)
	}
	return bounds
}

// checkMarket has the bounds of one market. Those of the margins' sums come last, when the rates are known to be in
// range.
func checkMarket(m *Market) error {
	if err := firstBroken(marketBounds(m)); err != nil {
		return err
	}
	return firstBroken(marginSums(m))
}

func marketBounds(m *Market) []bound {
	feeBase := floorDiv(m.Maintenance1PPM, m.CloseOutPPM, million)
	return []bound{
		{"max_price", "from 2 to 2^32", m.MaxPrice >= 2 && m.MaxPrice <= 1<<32},
		{"max_size", "at least 1", m.MaxSize >= 1},
		{"bracket_3", "at least bracket_2, and that at least 1", rising(m.Bracket2, m.Bracket3)},
		{"maintenance_1_ppm", "at least 1", m.Maintenance1PPM >= 1},
		{"initial_1_ppm", "at least maintenance_1_ppm", m.Initial1PPM >= m.Maintenance1PPM},
		{"initial_2_ppm", "at least maintenance_2_ppm", m.Initial2PPM >= m.Maintenance2PPM},
		{"initial_3_ppm", "at least maintenance_3_ppm", m.Initial3PPM >= m.Maintenance3PPM},
		{"maintenance_2_ppm", "at least maintenance_1_ppm", m.Maintenance2PPM >= m.Maintenance1PPM},
		{"maintenance_3_ppm", "at least maintenance_2_ppm", m.Maintenance3PPM >= m.Maintenance2PPM},
		{"initial_2_ppm", "at least initial_1_ppm", m.Initial2PPM >= m.Initial1PPM},
		{"initial_3_ppm", "at least initial_2_ppm", m.Initial3PPM >= m.Initial2PPM},
		{"close_out_ppm", "at least 1", m.CloseOutPPM >= 1},
		{"close_factor_ppm", "at least 1", m.CloseFactorPPM >= 1},
		{"slippage_full_ppm", "below 1000000", m.SlippageFullPPM < million},
		{
			"slippage_partial_ppm", "with liquidation_fee_cap_ppm at most initial_1_ppm",
			m.SlippagePartialPPM+m.LiquidationFeeCapPPM <= m.Initial1PPM,
		},
		{"slip_ppm", "below maintenance_1_ppm", m.SlipPPM < m.Maintenance1PPM},
		{"fee_cap_ppm", "at most initial_1_ppm", m.FeeCapPPM <= m.Initial1PPM},
		{"staleness_seconds", "at least 1", m.StalenessSeconds >= 1},
		{"average_seconds", "at least 1", m.AverageSeconds >= 1},
		{"band_ppm", "from 1 to 999999", m.BandPPM >= 1 && m.BandPPM < million},
		{"deviation_ppm", "below band_ppm", m.DeviationPPM < m.BandPPM},
		{"mark_clamp_ppm", "at most half of maintenance_1_ppm", 2*m.MarkClampPPM <= m.Maintenance1PPM},
		{"loss_cap_ppm", "from 1 to 999999", m.LossCapPPM >= 1 && m.LossCapPPM < million},
		{"shock_ppm", "at least maintenance_3_ppm", m.ShockPPM >= m.Maintenance3PPM},
		{"price_band_ppm", "below 1000000", m.PriceBandPPM < million},
		{"max_size", "such that max_price * max_size <= 2^56", productAtMost(m.MaxPrice, m.MaxSize, notionalMax, 1)},
		{
			"open_interest_cap", "such that open_interest_cap * max_price <= 2^60",
			productAtMost(m.OpenInterestCap, m.MaxPrice, 1<<60, 1),
		},
		{"liquidation_fee_cap_ppm", "at most that part of maintenance_1_ppm", m.LiquidationFeeCapPPM <= feeBase},
		{
			"buffer_intervals", "with the funding cap, or the floor, at most 1000000",
			m.BufferIntervals*max(m.FundingCapPPM, m.BufferFloorPPM) <= million,
		},
	}
}

// marginSums are the margins of whole brackets, each part rounded up.
func marginSums(m *Market) []bound {
	second := m.Bracket3 - m.Bracket2
	return []bound{
		{"maintenance_2_atoms", "the margin of bracket_2", m.Maintenance2Atoms == ofPPM(m.Bracket2, m.Maintenance1PPM)},
		{
			"maintenance_3_atoms", "the margin of bracket_3",
			m.Maintenance3Atoms == m.Maintenance2Atoms+ofPPM(second, m.Maintenance2PPM),
		},
		{"initial_2_atoms", "the margin of bracket_2", m.Initial2Atoms == ofPPM(m.Bracket2, m.Initial1PPM)},
		{
			"initial_3_atoms", "the margin of bracket_3",
			m.Initial3Atoms == m.Initial2Atoms+ofPPM(second, m.Initial2PPM),
		},
	}
}

// closeOutAlike says whether all markets have one close-out.
func (c *Config) closeOutAlike() bool {
	for _, listing := range c.Markets {
		if listing.Market.CloseOutPPM != c.Markets[0].Market.CloseOutPPM {
			return false
		}
	}
	return true
}

// scenariosTell says whether any two markets move alike in the first scenario and apart in some other.
func (c *Config) scenariosTell() bool {
	seen := map[[directions]bool]bool{}
	for _, listing := range c.Markets {
		if seen[listing.Market.Rises] || listing.Market.Rises[0] != c.Markets[0].Market.Rises[0] {
			return false
		}
		seen[listing.Market.Rises] = true
	}
	return true
}
