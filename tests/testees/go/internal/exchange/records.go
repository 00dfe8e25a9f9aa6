package exchange

import "perptestee/internal/hashsuite"

// Exchange is what every operation reads of the whole exchange.
type Exchange struct {
	Number         int64 `perp:"number,0..2^63-1"`                 // number of the current batch
	Time           int64 `perp:"time,0..2^40"`                     // time of the current batch
	Mode           int64 `perp:"mode,0..4"`                        // mode as of the last batch
	Switch         int64 `perp:"switch,0..4"`                      // kill switch: lower bound of the mode
	Proven         int64 `perp:"proven,0..2^63-1"`                 // last batch known to be proved
	Window         int64 `perp:"window,0..2^63-1"`                 // number of the current liquidation window
	WindowMode     int64 `perp:"window_mode,0..4"`                 // highest mode the current window demanded
	WindowPrevious int64 `perp:"window_previous,0..4"`             // highest mode the window before demanded
	FundDay        int64 `perp:"fund_day,0..2^63-1"`               // day of the fund's reference
	FundReference  int64 `perp:"fund_reference,-(2^63-1)..2^63-1"` // equity of the fund at the first batch of that day
	FrozenAt       int64 `perp:"frozen_at,0..2^40"`                // when the exchange was frozen, 0 if it is not
	EscapeVault    int64 `perp:"escape_vault,0..2^63-1"`           // the vault when the exchange was frozen
}

// Ledger is money that is not in an account, and the totals that operations on accounts keep.
type Ledger struct {
	Vault     int64 `perp:"vault,0..2^63-1"`      // V: all collateral deposited and not paid out
	Dust      int64 `perp:"dust,0..999999"`       // what settling rounded away, below one atom
	FundInbox int64 `perp:"fund_inbox,0..2^63-1"` // credited to the fund when it is next settled
	FeesInbox int64 `perp:"fees_inbox,0..2^63-1"` // credited to the fee account when it is next settled
	Bankrupt  int64 `perp:"bankrupt,0..2^63-1"`   // accounts without positions and with negative collateral
	Bucket    int64 `perp:"bucket,0..2^63-1"`     // what may be withdrawn now
	BucketAt  int64 `perp:"bucket_at,0..2^40"`    // when the bucket was last filled
	Claims    int64 `perp:"claims,0..2^63-1"`     // sum of the escape claims
}

// Queue is how far the queue from the chain below has been consumed.
type Queue struct {
	Position int64            `perp:"position,0..2^63-1"` // entries consumed
	Chain    hashsuite.Digest `perp:"chain"`              // hash chain over them
}

// MarketPrice is what every operation on a position of the market reads.
type MarketPrice struct {
	Price          int64 `perp:"price,0..2^63-1"`                 // the health price P: for health, liquidation and deleverage
	Index          int64 `perp:"index,0..2^63-1"`                 // last index price
	FundingIndex   int64 `perp:"funding_index,-(2^63-1)..2^63-1"` // F: cumulative funding a long pays for a lot
	LossIndex      int64 `perp:"loss_index,0..2^63-1"`            // L: cumulative socialised loss both sides pay for a lot
	BufferLongPPM  int64 `perp:"buffer_long_ppm,0..1000000"`      // funding buffer of longs
	BufferShortPPM int64 `perp:"buffer_short_ppm,0..1000000"`     // funding buffer of shorts
	Level          int64 `perp:"level,0..2"`                      // oracle level at the last tick: 0 good, 1 degraded, 2 suspended
	Gap            bool  `perp:"gap"`                             // level 2 because the index jumped, with the families fresh and agreeing
	TickedAt       int64 `perp:"ticked_at,0..2^40"`               // last oracle tick
	BlindSince     int64 `perp:"blind_since,0..2^40"`             // first blind tick without a better one since, 0 for none
	Mode           int64 `perp:"mode,0..4"`                       // mode of this market as of the last batch
	Switch         int64 `perp:"switch,0..4"`                     // kill switch of this market: lower bound of its mode
}

// MarketOracle is what only the ticks of the market read.
type MarketOracle struct {
	Average        int64    `perp:"average,0..2^63-1"`                  // T: time-weighted index
	Book           int64    `perp:"book,0..2^63-1"`                     // median of bid, ask and last trade when last marked, 0 before
	Premium        int64    `perp:"premium,-(2^63-1)..2^63-1"`          // moving average of the book's mid minus the index
	MarkedAt       int64    `perp:"marked_at,0..2^40"`                  // last mark
	GoodTicks      int64    `perp:"good_ticks,0..2^63-1"`               // good ticks in a row since the level was last above 0
	DisputedSince  int64    `perp:"disputed_since,0..2^40"`             // since when no two fresh families agree, 0 if they do
	FundingRatePPM int64    `perp:"funding_rate_ppm,-(2^63-1)..2^63-1"` // rate of the last funding tick, for one hour
	PremiumSum     int64    `perp:"premium_sum,-(2^63-1)..2^63-1"`      // sum of the premium samples since the last funding tick
	Samples        int64    `perp:"samples,0..2^63-1"`                  // number of those samples
	SampledAt      int64    `perp:"sampled_at,0..2^40"`                 // last premium sample
	FundedAt       int64    `perp:"funded_at,0..2^40"`                  // last funding tick
	Values         [4]int64 `perp:"values,0..2^63-1"`                   // last median of each family
	ReportedAt     [4]int64 `perp:"reported_at,0..2^40"`                // when each family last reported
}

// MarketBook is what trades of the market change.
type MarketBook struct {
	OpenInterest       int64 `perp:"open_interest,0..2^63-1"`        // sum of the positive sizes
	WindowOpenInterest int64 `perp:"window_open_interest,0..2^63-1"` // open interest when the liquidation window began
	WindowLiquidated   int64 `perp:"window_liquidated,0..2^63-1"`    // lots liquidated or taken over in the window
	LossDay            int64 `perp:"loss_day,0..2^63-1"`             // day of the last socialised loss
	LossToday          int64 `perp:"loss_today,0..2^63-1"`           // loss index added on that day
}

// Account is an account: who owns it, what it may hold, and its collateral.
type Account struct {
	Kind         int64            `perp:"kind,0..3"`                    // ABSENT, CROSS, ISOLATED or PORTFOLIO
	Owner        hashsuite.Digest `perp:"owner"`                        // digest of the owner's key; zero for the reserved accounts
	Parent       int64            `perp:"parent,0..2^20-1"`             // parent account of an isolated one, else 0
	Market       int64            `perp:"market,0..63"`                 // the one market of an isolated account, else 0
	Collateral   int64            `perp:"collateral,-(2^63-1)..2^63-1"` // settled collateral; may be negative while positions carry value
	Slots        int64            `perp:"slots,0..16"`                  // high-water count of position slots
	LiquidatedAt int64            `perp:"liquidated_at,0..2^40"`        // last liquidation; in the future: until when it is spared
	ClosedMarket int64            `perp:"closed_market,0..64"`          // market of the last closed position plus 1, 0 for none
}

// Position is a position; all zeros where the slot is empty.
type Position struct {
	Market   int64 `perp:"market,0..63"`               // market
	Size     int64 `perp:"size,-2^56..2^56"`           // lots held, negative for a short
	Snapshot int64 `perp:"snapshot,-(2^63-1)..2^63-1"` // index of its side when last settled
}

// OrderSlot is what is known of the order or intent last seen in an order slot.
type OrderSlot struct {
	Nonce  int64 `perp:"nonce,0..2^40+1"`  // lowest nonce still usable
	Filled int64 `perp:"filled,0..2^63-1"` // lots of that nonce already filled
}

// Request is an account's forced request and its escape claim.
type Request struct {
	Kind     int64 `perp:"kind,0..2"`        // NONE, WITHDRAW or REDUCE
	Market   int64 `perp:"market,0..63"`     // market to reduce
	Amount   int64 `perp:"amount,0..2^60"`   // atoms to withdraw or lots to reduce
	Deadline int64 `perp:"deadline,0..2^41"` // after this anyone may freeze the exchange
	Claim    int64 `perp:"claim,0..2^63-1"`  // equity claimed at the frozen prices
	Claimed  int64 `perp:"claimed,0..2"`     // NONE, CLAIMED or PAID
}

// Parameters are the configuration of the whole exchange.
type Parameters struct {
	ExchangeID          int64            `perp:"exchange_id,0..2^63-1"`            // names the exchange in everything that is signed
	Governance          hashsuite.Digest `perp:"governance"`                       // digest of the key that may use the kill switch
	Markets             int64            `perp:"markets,0..64"`                    // number of configured markets
	VaultCap            int64            `perp:"vault_cap,0..2^60"`                // most the vault may hold
	BucketSize          int64            `perp:"bucket_size,0..2^60"`              // most the withdrawal bucket may hold
	BucketRefill        int64            `perp:"bucket_refill,0..2^60"`            // what flows into the bucket each second
	ForcedSeconds       int64            `perp:"forced_seconds,0..2^40"`           // time to answer a forced request
	ClaimSeconds        int64            `perp:"claim_seconds,0..2^40"`            // length of the claim window after a freeze
	CooldownSeconds     int64            `perp:"cooldown_seconds,0..2^40"`         // pause between staged liquidations of an account
	PenaltyPPM          int64            `perp:"penalty_ppm,0..1000000"`           // most a backstop may cost a solvent account, of notional
	BackstopAtoms       int64            `perp:"backstop_atoms,0..2^60"`           // the piece a backstop must be unable to take before a deleverage
	FundMultiple        int64            `perp:"fund_multiple,0..1000"`            // fund equity a backstop must leave, in initial margins
	PortfolioFloorPPM   int64            `perp:"portfolio_floor_ppm,0..1000000"`   // rho: least portfolio maintenance, of the linear one
	PortfolioInitialPPM int64            `perp:"portfolio_initial_ppm,0..3000000"` // portfolio initial margin, of its maintenance
	WindowSeconds       int64            `perp:"window_seconds,0..2^40"`           // length of a liquidation window
	WindowFloorAtoms    int64            `perp:"window_floor_atoms,0..2^60"`       // open interest from which a market counts in the window
	WindowMarkets       int64            `perp:"window_markets,0..64"`             // least number of markets liquidating together
	WindowThrottlePPM   int64            `perp:"window_throttle_ppm,0..1000000"`   // liquidated part of open interest that demands THROTTLE
	WindowReducePPM     int64            `perp:"window_reduce_ppm,0..1000000"`     // liquidated part of open interest that demands REDUCE_ONLY
	FundThrottlePPM     int64            `perp:"fund_throttle_ppm,0..1000000"`     // fall of the fund on a day that demands THROTTLE
	FundReducePPM       int64            `perp:"fund_reduce_ppm,0..1000000"`       // fall of the fund on a day that demands REDUCE_ONLY
	ProofThrottle       int64            `perp:"proof_throttle,0..2^63-1"`         // unproved batches that demand THROTTLE
	ProofReduce         int64            `perp:"proof_reduce,0..2^63-1"`           // unproved batches that demand REDUCE_ONLY
	Families            int64            `perp:"families,0..4"`                    // number of oracle families
	Signers             [4]int64         `perp:"signers,0..8"`                     // signers of each family
	Quorums             [4]int64         `perp:"quorums,0..8"`                     // least reports of each family
}

// Market is the configuration of one market; all zeros where the id is not configured.
type Market struct {
	MaxPrice             int64   `perp:"max_price,0..2^63-1"`                // largest price
	MaxSize              int64   `perp:"max_size,0..2^63-1"`                 // largest position
	Bracket2             int64   `perp:"bracket_2,0..2^62"`                  // notional where margin bracket 2 begins
	Bracket3             int64   `perp:"bracket_3,0..2^62"`                  // notional where margin bracket 3 begins
	Maintenance1PPM      int64   `perp:"maintenance_1_ppm,0..1000000"`       // maintenance rate of bracket 1
	Maintenance2PPM      int64   `perp:"maintenance_2_ppm,0..1000000"`       // maintenance rate of bracket 2
	Maintenance3PPM      int64   `perp:"maintenance_3_ppm,0..1000000"`       // maintenance rate of bracket 3
	Initial1PPM          int64   `perp:"initial_1_ppm,0..1000000"`           // initial rate of bracket 1
	Initial2PPM          int64   `perp:"initial_2_ppm,0..1000000"`           // initial rate of bracket 2
	Initial3PPM          int64   `perp:"initial_3_ppm,0..1000000"`           // initial rate of bracket 3
	Maintenance2Atoms    int64   `perp:"maintenance_2_atoms,0..2^62"`        // maintenance margin of a notional of bracket_2
	Maintenance3Atoms    int64   `perp:"maintenance_3_atoms,0..2^62"`        // maintenance margin of a notional of bracket_3
	Initial2Atoms        int64   `perp:"initial_2_atoms,0..2^62"`            // initial margin of a notional of bracket_2
	Initial3Atoms        int64   `perp:"initial_3_atoms,0..2^62"`            // initial margin of a notional of bracket_3
	CloseOutPPM          int64   `perp:"close_out_ppm,0..1000000"`           // close-out: equity below this part of the maintenance margin
	BufferIntervals      int64   `perp:"buffer_intervals,0..100"`            // k: funding intervals the buffer covers
	BufferFloorPPM       int64   `perp:"buffer_floor_ppm,0..1000000"`        // least funding rate the buffer assumes
	FundingCapPPM        int64   `perp:"funding_cap_ppm,0..1000000"`         // cap of the eight-hour funding rate
	StalenessSeconds     int64   `perp:"staleness_seconds,0..2^40"`          // age at which a report or a tick is stale
	BlindSeconds         int64   `perp:"blind_seconds,0..2^40"`              // blindness after which only exits are left
	DeviationPPM         int64   `perp:"deviation_ppm,0..1000000"`           // largest distance of agreeing families
	BandPPM              int64   `perp:"band_ppm,0..1000000"`                // largest distance of the index from its average without a gap
	AverageSeconds       int64   `perp:"average_seconds,0..2^40"`            // tau: time constant of the averages
	OpenInterestCap      int64   `perp:"open_interest_cap,0..2^61"`          // largest open interest
	PriceBandPPM         int64   `perp:"price_band_ppm,0..1000000"`          // largest distance of a trade from the health price
	MarkClampPPM         int64   `perp:"mark_clamp_ppm,0..1000000"`          // largest distance of the mark from the index
	CloseFactorPPM       int64   `perp:"close_factor_ppm,0..1000000"`        // part of a position one staged liquidation may close
	FullCloseAtoms       int64   `perp:"full_close_atoms,0..2^60"`           // notional up to which a liquidation may close all
	SlippagePartialPPM   int64   `perp:"slippage_partial_ppm,0..1000000"`    // slippage cap of a staged liquidation
	SlippageFullPPM      int64   `perp:"slippage_full_ppm,0..1000000"`       // slippage cap below close-out
	SlipPPM              int64   `perp:"slip_ppm,0..1000000"`                // what a forced reduction concedes to the other side
	LiquidationFeeCapPPM int64   `perp:"liquidation_fee_cap_ppm,0..1000000"` // cap of the liquidation fee
	FeeCapPPM            int64   `perp:"fee_cap_ppm,0..1000000"`             // cap of a trading fee or rebate
	LossCapPPM           int64   `perp:"loss_cap_ppm,0..1000000"`            // most a socialised loss may take of the price in a day
	ShockPPM             int64   `perp:"shock_ppm,0..1000000"`               // price move in every portfolio scenario
	Rises                [7]bool `perp:"rises"`                              // the price rises in a scenario and falls in its mirror image, or not
}

// Header is what a batch says of itself.
type Header struct {
	Number       int64            `perp:"number,0..2^63-1"` // number of the batch
	Time         int64            `perp:"time,0..2^40"`     // time of all its operations
	PreviousRoot hashsuite.Digest `perp:"previous_root"`    // root of the state it is applied to
	ConfigDigest hashsuite.Digest `perp:"config_digest"`    // digest of the configuration
}

// Intent is what a user signs beside the operation itself. It names the account's order slot whose nonce it uses up.
type Intent struct {
	Slot       int64 `perp:"slot,0..4095"`   // order slot
	Nonce      int64 `perp:"nonce,0..2^40"`  // nonce
	Expiry     int64 `perp:"expiry,0..2^40"` // last second at which it holds
	Authorised bool  `perp:"authorised"`     // the owner's key has signed this (checked outside the rules)
}

// Order is a signed order.
type Order struct {
	Account    int64 `perp:"account,0..2^20-1"`             // account that trades
	Slot       int64 `perp:"slot,0..4095"`                  // order slot
	Nonce      int64 `perp:"nonce,0..2^40"`                 // nonce
	Expiry     int64 `perp:"expiry,0..2^40"`                // last second at which it may be filled
	Market     int64 `perp:"market,0..63"`                  // market
	Buys       bool  `perp:"buys"`                          // buys; else sells
	Lots       int64 `perp:"lots,-(2^63-1)..2^63-1"`        // most lots over all fills
	Price      int64 `perp:"price,-(2^63-1)..2^63-1"`       // worst price
	MaxFeePPM  int64 `perp:"max_fee_ppm,-1000000..1000000"` // highest fee rate
	ReduceOnly bool  `perp:"reduce_only"`                   // may only reduce a position
	PostOnly   bool  `perp:"post_only"`                     // may only be the maker
	Authorised bool  `perp:"authorised"`                    // the owner's key has signed this (checked outside the rules)
}

// Report is what one oracle family reports of a market: `count` values, padded with zeros.
type Report struct {
	Count   int64    `perp:"count,0..8"`               // number of values
	Median  int64    `perp:"median,-(2^63-1)..2^63-1"` // the lower median of the values, 0 where there are none
	Signers [8]int64 `perp:"signers,0..7"`             // signer of each value
	Values  [8]int64 `perp:"values,-(2^63-1)..2^63-1"` // values
}
