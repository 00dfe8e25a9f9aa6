package exchange

import "perptestee/internal/hashsuite"

// Deposit asks to credit the next entry of the queue, or return it to the depositor.
type Deposit struct {
	Position int64            `perp:"position,0..2^63-1"`       // number of the queue entry
	Chain    hashsuite.Digest `perp:"chain"`                    // hash chain of the queue including this entry
	Account  int64            `perp:"account,0..2^20-1"`        // account to credit
	Key      hashsuite.Digest `perp:"key"`                      // owner the depositor expects
	Amount   int64            `perp:"amount,-(2^63-1)..2^63-1"` // amount
	Result   int64            `perp:"result,0..255"`            // 0 where credited, else the reason for which it is returned
}

// Withdraw asks to pay out collateral to the account's owner.
type Withdraw struct {
	Account int64  `perp:"account,0..2^20-1"`        // account
	Amount  int64  `perp:"amount,-(2^63-1)..2^63-1"` // amount
	Intent  Intent `perp:"intent"`                   // the owner's signature
}

// Transfer asks to move collateral to another account: one's own, or anybody's.
type Transfer struct {
	Sender    int64  `perp:"sender,0..2^20-1"`         // account that pays
	Recipient int64  `perp:"recipient,0..2^20-1"`      // account that receives
	Amount    int64  `perp:"amount,-(2^63-1)..2^63-1"` // amount
	Intent    Intent `perp:"intent"`                   // the signature of the sender's owner
}

// OpenAccount asks to make an account.
type OpenAccount struct {
	Account    int64            `perp:"account,0..2^20-1"` // new id
	Owner      hashsuite.Digest `perp:"owner"`             // digest of the owner's key
	Kind       int64            `perp:"kind,0..255"`       // CROSS, ISOLATED or PORTFOLIO
	Parent     int64            `perp:"parent,0..2^20-1"`  // parent of an isolated account, else 0
	Market     int64            `perp:"market,0..63"`      // the one market of an isolated account, else 0
	Expiry     int64            `perp:"expiry,0..2^40"`    // last second at which the signature holds
	Authorised bool             `perp:"authorised"`        // the owner's key has signed this (checked outside the rules)
}

// SetKind asks to change between cross and portfolio margin, with the initial margin met under both.
type SetKind struct {
	Account int64  `perp:"account,0..2^20-1"` // account
	Kind    int64  `perp:"kind,0..255"`       // CROSS or PORTFOLIO
	Intent  Intent `perp:"intent"`            // the owner's signature
}

// Cancel asks to make the nonces of an order slot up to the intent's unusable.
type Cancel struct {
	Account int64  `perp:"account,0..2^20-1"` // account
	Intent  Intent `perp:"intent"`            // the owner's signature; its slot and nonce are what is cancelled
}

// Compact asks to move the position of the highest slot into an empty one, and lower the count of slots by one.
type Compact struct {
	Account int64 `perp:"account,0..2^20-1"` // account
	Hole    int64 `perp:"hole,0..15"`        // an empty slot below the highest, to move its position into; any other slot if the highest is empty
	Top     int64 `perp:"top,0..15"`         // the highest slot
}

// Trade asks to match two orders.
type Trade struct {
	Market       int64 `perp:"market,0..63"`                     // market
	Lots         int64 `perp:"lots,-(2^63-1)..2^63-1"`           // lots
	Price        int64 `perp:"price,-(2^63-1)..2^63-1"`          // price
	TakerBuys    bool  `perp:"taker_buys"`                       // the buyer is the taker
	Buyer        Order `perp:"buyer"`                            // the buyer's order
	Seller       Order `perp:"seller"`                           // the seller's order
	BuyerSlot    int64 `perp:"buyer_slot,0..15"`                 // the buyer's position slot
	SellerSlot   int64 `perp:"seller_slot,0..15"`                // the seller's position slot
	BuyerFeePPM  int64 `perp:"buyer_fee_ppm,-1000000..1000000"`  // fee rate of the buyer, negative for a rebate
	SellerFeePPM int64 `perp:"seller_fee_ppm,-1000000..1000000"` // fee rate of the seller, negative for a rebate
}

// Liquidate asks to close lots of an account below its maintenance margin against a willing order.
type Liquidate struct {
	Account     int64 `perp:"account,0..2^20-1"`               // account to liquidate; the fund may unwind this way too
	Slot        int64 `perp:"slot,0..15"`                      // its position slot
	Market      int64 `perp:"market,0..63"`                    // market
	Lots        int64 `perp:"lots,-(2^63-1)..2^63-1"`          // lots to close
	Price       int64 `perp:"price,-(2^63-1)..2^63-1"`         // price
	FeePPM      int64 `perp:"fee_ppm,-1000000..1000000"`       // liquidation fee rate, to the fund
	Taker       Order `perp:"taker"`                           // the order on the other side
	TakerSlot   int64 `perp:"taker_slot,0..15"`                // its account's position slot
	TakerFeePPM int64 `perp:"taker_fee_ppm,-1000000..1000000"` // fee rate of the taker
}

// Backstop asks the insurance fund to take over lots of an account below close-out.
type Backstop struct {
	Account  int64 `perp:"account,0..2^20-1"`      // account below close-out
	Slot     int64 `perp:"slot,0..15"`             // its position slot
	Market   int64 `perp:"market,0..63"`           // market
	Lots     int64 `perp:"lots,-(2^63-1)..2^63-1"` // lots to take over
	FundSlot int64 `perp:"fund_slot,0..15"`        // the fund's position slot
}

// Deleverage asks to close lots of an account below close-out against an opposite position, at the health price.
type Deleverage struct {
	Account          int64 `perp:"account,0..2^20-1"`       // account below close-out
	Slot             int64 `perp:"slot,0..15"`              // its position slot
	Counterparty     int64 `perp:"counterparty,0..2^20-1"`  // account with an opposite position
	CounterpartySlot int64 `perp:"counterparty_slot,0..15"` // its position slot
	Market           int64 `perp:"market,0..63"`            // market
	Lots             int64 `perp:"lots,-(2^63-1)..2^63-1"`  // lots to close
	FundSlot         int64 `perp:"fund_slot,0..15"`         // the slot where the fund holds the market, or would
}

// Socialise asks to cover the deficit of a flat account.
type Socialise struct {
	Account int64 `perp:"account,0..2^20-1"` // account without positions and with negative collateral
	Market  int64 `perp:"market,0..63"`      // its last closed market, which bears the loss first
}

// OracleTick asks to take the families' reports of a market, and move its index, its average, its oracle level and its health price.
type OracleTick struct {
	Market     int64     `perp:"market,0..63"` // market
	Reports    [4]Report `perp:"reports"`      // one report for each family
	Authorised bool      `perp:"authorised"`   // every signer has signed its value (checked outside the rules)
}

// Mark asks to take the state of the order book, and move the mark and with it the health price.
type Mark struct {
	Market int64 `perp:"market,0..63"`           // market
	Bid    int64 `perp:"bid,-(2^63-1)..2^63-1"`  // best bid
	Ask    int64 `perp:"ask,-(2^63-1)..2^63-1"`  // best ask
	Last   int64 `perp:"last,-(2^63-1)..2^63-1"` // last trade
}

// PremiumSample asks to note how far the book's impact prices are from the index; while the oracle is suspended it counts for nothing.
type PremiumSample struct {
	Market int64 `perp:"market,0..63"`          // market
	Bid    int64 `perp:"bid,-(2^63-1)..2^63-1"` // impact bid
	Ask    int64 `perp:"ask,-(2^63-1)..2^63-1"` // impact ask
}

// FundingTick asks to charge an hour of funding, by moving the cumulative index, and set the funding buffers.
type FundingTick struct {
	Market int64 `perp:"market,0..63"` // market
}

// RecordProof asks to note that the chain below has accepted the proof of a batch.
type RecordProof struct {
	Number int64 `perp:"number,0..2^63-1"` // number of the batch
}

// SetKillSwitch asks to set the lower bound of the exchange's mode, or of one market's.
type SetKillSwitch struct {
	Market int64  `perp:"market,0..63"` // market, where it is one market's switch
	Whole  bool   `perp:"whole"`        // the switch of the whole exchange; else the market's
	Mode   int64  `perp:"mode,0..255"`  // NORMAL, THROTTLE, REDUCE_ONLY or HALT
	Intent Intent `perp:"intent"`       // governance's signature; it uses the order slots of account 0
}

// RequestForced asks to note the next entry of the queue, a forced request, or refuse it.
type RequestForced struct {
	Position int64            `perp:"position,0..2^63-1"`       // number of the queue entry
	Chain    hashsuite.Digest `perp:"chain"`                    // hash chain of the queue including this entry
	Account  int64            `perp:"account,0..2^20-1"`        // account
	Key      hashsuite.Digest `perp:"key"`                      // owner who made the request
	Kind     int64            `perp:"kind,0..255"`              // WITHDRAW or REDUCE
	Market   int64            `perp:"market,0..63"`             // market to reduce; any configured one for a withdrawal
	Amount   int64            `perp:"amount,-(2^63-1)..2^63-1"` // atoms to withdraw or lots to reduce
	Posted   int64            `perp:"posted,0..2^40"`           // when it was posted, by the clock of the chain below
	Result   int64            `perp:"result,0..255"`            // 0 where it is noted, else the reason for which it is refused
}

// ForcedWithdraw asks to answer a forced withdrawal.
type ForcedWithdraw struct {
	Account int64 `perp:"account,0..2^20-1"` // account
	Result  int64 `perp:"result,0..255"`     // 0 where done, else the reason
}

// ForcedReduce asks to answer a forced reduction: close lots at the health price less a slip, or refuse.
type ForcedReduce struct {
	Account          int64 `perp:"account,0..2^20-1"`       // account
	Slot             int64 `perp:"slot,0..15"`              // its slot holding the market; any slot where it does not hold it
	Market           int64 `perp:"market,0..63"`            // market of the position in that slot
	Lots             int64 `perp:"lots,-(2^63-1)..2^63-1"`  // lots to close now, at most what is requested
	Result           int64 `perp:"result,0..255"`           // 0 where done, else the reason
	Path             int64 `perp:"path,0..2"`               // who takes the other side: ORDER, FUND or OPPOSITE
	Counterparty     int64 `perp:"counterparty,0..2^20-1"`  // account on the other side
	CounterpartySlot int64 `perp:"counterparty_slot,0..15"` // its position slot
	Order            Order `perp:"order"`                   // the order, on that path
	FundSlot         int64 `perp:"fund_slot,0..15"`         // the slot where the fund holds the market, or would
}

// Freeze asks to stop the exchange for good, because a forced request is past its deadline.
type Freeze struct {
	Account int64 `perp:"account,0..2^20-1"` // account whose request is overdue
}

// EscapeClaim asks to claim an account's equity at the frozen prices, once, within the claim window.
type EscapeClaim struct {
	Account int64 `perp:"account,0..2^20-1"` // account
}

// EscapePay asks to pay a claim after the claim window: all of it, or the part of it that the vault covered for all claims.
type EscapePay struct {
	Account int64 `perp:"account,0..2^20-1"`        // account
	Amount  int64 `perp:"amount,-(2^63-1)..2^63-1"` // what is paid
}

// EndBatch asks to close a batch: roll windows and the day, and set the modes.
type EndBatch struct {
	Mode int64 `perp:"mode,0..4"` // mode of the exchange from now on
}
