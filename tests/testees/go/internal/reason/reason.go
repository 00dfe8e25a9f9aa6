// Package reason names why an operation is rejected.
package reason

// Reason is why an operation is rejected; its number is the code of docs/reasons.md.
type Reason int64

// The reasons, in order of their codes.
const (
	Overflow         Reason = 1
	Amount           Reason = 2
	CollateralRange  Reason = 3
	SizeRange        Reason = 4
	PriceRange       Reason = 5
	VaultCap         Reason = 6
	Vault            Reason = 7
	Config           Reason = 8
	NoAccount        Reason = 10
	AccountExists    Reason = 11
	NoMarket         Reason = 12
	SameAccount      Reason = 13
	SameOwner        Reason = 14
	ReservedAccount  Reason = 15
	BadParent        Reason = 16
	BadKind          Reason = 17
	MarketNotAllowed Reason = 18
	Slot             Reason = 19
	NothingToCompact Reason = 20
	BadSignature     Reason = 30
	OrderExpired     Reason = 31
	OrderStale       Reason = 32
	OrderFilled      Reason = 33
	OrderSide        Reason = 34
	OrderMarket      Reason = 35
	OrderPrice       Reason = 36
	OrderFee         Reason = 37
	OrderReduceOnly  Reason = 38
	OrderPostOnly    Reason = 39
	Fee              Reason = 40
	Bucket           Reason = 41
	PriceBand        Reason = 50
	OpenInterest     Reason = 51
	ReduceOnly       Reason = 52
	Mode             Reason = 53
	OracleLevel      Reason = 54
	InitialMargin    Reason = 55
	HealthRatioFell  Reason = 56
	NoPosition       Reason = 60
	Lots             Reason = 61
	NotLiquidatable  Reason = 62
	CloseFactor      Reason = 63
	StepTooSmall     Reason = 64
	Cooldown         Reason = 65
	Slippage         Reason = 66
	NotCloseOut      Reason = 67
	FundMargin       Reason = 68
	NotOpposite      Reason = 69
	BackstopPossible Reason = 70
	NotBankruptFlat  Reason = 71
	NoOpenInterest   Reason = 72
	TimeBackwards    Reason = 80
	TickTooSoon      Reason = 81
	SampleTooSoon    Reason = 82
	Quorum           Reason = 83
	SignersNotRising Reason = 84
	NotMedian        Reason = 85
	Families         Reason = 86
	QueueOrder       Reason = 90
	HashChain        Reason = 91
	ForcedUnknown    Reason = 92
	ForcedResult     Reason = 93
	Frozen           Reason = 94
	Claimed          Reason = 95
	BatchNumber      Reason = 96
	PreviousRoot     Reason = 97
	ConfigDigest     Reason = 98
	NotFrozen        Reason = 99
	NotDue           Reason = 100
	ClaimWindow      Reason = 101
	KillSwitch       Reason = 102
	ModeNotEscalated Reason = 103
	ForcedPending    Reason = 104
)

var reasonNames = map[Reason]string{
	Overflow:         "OVERFLOW",
	Amount:           "AMOUNT",
	CollateralRange:  "COLLATERAL_RANGE",
	SizeRange:        "SIZE_RANGE",
	PriceRange:       "PRICE_RANGE",
	VaultCap:         "VAULT_CAP",
	Vault:            "VAULT",
	Config:           "CONFIG",
	NoAccount:        "NO_ACCOUNT",
	AccountExists:    "ACCOUNT_EXISTS",
	NoMarket:         "NO_MARKET",
	SameAccount:      "SAME_ACCOUNT",
	SameOwner:        "SAME_OWNER",
	ReservedAccount:  "RESERVED_ACCOUNT",
	BadParent:        "BAD_PARENT",
	BadKind:          "BAD_KIND",
	MarketNotAllowed: "MARKET_NOT_ALLOWED",
	Slot:             "SLOT",
	NothingToCompact: "NOTHING_TO_COMPACT",
	BadSignature:     "BAD_SIGNATURE",
	OrderExpired:     "ORDER_EXPIRED",
	OrderStale:       "ORDER_STALE",
	OrderFilled:      "ORDER_FILLED",
	OrderSide:        "ORDER_SIDE",
	OrderMarket:      "ORDER_MARKET",
	OrderPrice:       "ORDER_PRICE",
	OrderFee:         "ORDER_FEE",
	OrderReduceOnly:  "ORDER_REDUCE_ONLY",
	OrderPostOnly:    "ORDER_POST_ONLY",
	Fee:              "FEE",
	Bucket:           "BUCKET",
	PriceBand:        "PRICE_BAND",
	OpenInterest:     "OPEN_INTEREST",
	ReduceOnly:       "REDUCE_ONLY",
	Mode:             "MODE",
	OracleLevel:      "ORACLE_LEVEL",
	InitialMargin:    "INITIAL_MARGIN",
	HealthRatioFell:  "HEALTH_RATIO_FELL",
	NoPosition:       "NO_POSITION",
	Lots:             "LOTS",
	NotLiquidatable:  "NOT_LIQUIDATABLE",
	CloseFactor:      "CLOSE_FACTOR",
	StepTooSmall:     "STEP_TOO_SMALL",
	Cooldown:         "COOLDOWN",
	Slippage:         "SLIPPAGE",
	NotCloseOut:      "NOT_CLOSE_OUT",
	FundMargin:       "FUND_MARGIN",
	NotOpposite:      "NOT_OPPOSITE",
	BackstopPossible: "BACKSTOP_POSSIBLE",
	NotBankruptFlat:  "NOT_BANKRUPT_FLAT",
	NoOpenInterest:   "NO_OPEN_INTEREST",
	TimeBackwards:    "TIME_BACKWARDS",
	TickTooSoon:      "TICK_TOO_SOON",
	SampleTooSoon:    "SAMPLE_TOO_SOON",
	Quorum:           "QUORUM",
	SignersNotRising: "SIGNERS_NOT_RISING",
	NotMedian:        "NOT_MEDIAN",
	Families:         "FAMILIES",
	QueueOrder:       "QUEUE_ORDER",
	HashChain:        "HASH_CHAIN",
	ForcedUnknown:    "FORCED_UNKNOWN",
	ForcedResult:     "FORCED_RESULT",
	Frozen:           "FROZEN",
	Claimed:          "CLAIMED",
	BatchNumber:      "BATCH_NUMBER",
	PreviousRoot:     "PREVIOUS_ROOT",
	ConfigDigest:     "CONFIG_DIGEST",
	NotFrozen:        "NOT_FROZEN",
	NotDue:           "NOT_DUE",
	ClaimWindow:      "CLAIM_WINDOW",
	KillSwitch:       "KILL_SWITCH",
	ModeNotEscalated: "MODE_NOT_ESCALATED",
	ForcedPending:    "FORCED_PENDING",
}

// Error gives the name of the reason, as the protocol does.
func (r Reason) Error() string {
	return reasonNames[r]
}
