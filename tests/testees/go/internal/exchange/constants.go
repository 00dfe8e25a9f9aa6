package exchange

// Kinds of accounts.
const (
	kindAbsent = iota
	kindCross
	kindIsolated
	kindPortfolio
)

// Modes of the exchange and of a market.
const (
	modeNormal = iota
	modeThrottle
	modeReduceOnly
	modeAuction
	modeHalt
)

// Kinds of forced requests.
const (
	forcedNone = iota
	forcedWithdrawal
	forcedReduction
)

// How far an account's escape has come.
const (
	claimNone = iota
	claimClaimed
	claimPaid
)

// Who takes the other side of a forced reduction.
const (
	pathOrder = iota
	pathFund
	pathOpposite
)

// Oracle levels as a tick leaves them.
const (
	levelGood = iota
	levelDegraded
	levelSuspended
)

// Reserved accounts, and the first that is none.
const (
	fundAccount = iota
	feesAccount
	firstUser
)

const (
	collateralMax = 1 << 61
	amountMax     = 1 << 60
	claimsMax     = 1 << 62
	timeMax       = 1 << 40
	positionSlots = 16
	day           = 86_400

	depositEntry = 1
	forcedEntry  = 2

	tickSeconds    = 10
	sampleSeconds  = 60
	fundingSeconds = 3_600
	goodTicks      = 10

	samplesFull       = 60
	samplesLeast      = 45
	premiumClampPPM   = 5_000
	interestPPM       = 100
	interestClampPPM  = 500
	fundingIntervals  = 8
	heightOfAccounts  = 20
	heightOfOrders    = 11
	heightOfMarkets   = 6
	heightOfRequests  = 20
	layoutVersion     = 1
	ruleSetIdentifier = "perpetual-1"
)
