package exchange

import "perptestee/internal/reason"

// checkTransition is what a user's own operation must leave: the initial margin, or a reduced position and health that
// is no worse.
func checkTransition(after moved) error {
	before := after.side
	switch {
	case after.health.equity >= after.health.initial:
		return nil
	case !after.reduced:
		return reason.InitialMargin
	case !keptHealth(before.account.Kind, before.health, after.health):
		return reason.HealthRatioFell
	}
	return nil
}

// keptHealth is the condition for an account that only reduced. A portfolio account may stay above its maintenance
// margin instead: closing one leg of a hedge can raise its scan.
func keptHealth(kind int64, before, after health) bool {
	portfolio := kind == kindPortfolio
	hedged := portfolio && before.equity >= 0 && after.equity >= after.maintenance
	return hedged || keptRatio(portfolio, before, after)
}

// keptRatio says whether equity over requirement did not fall; below zero or without requirement, whether equity did
// not.
func keptRatio(onLinear bool, before, after health) bool {
	required, requiredAfter := before.maintenance, after.maintenance
	if onLinear {
		required, requiredAfter = before.linear, after.linear
	}
	if before.equity < 0 || required == 0 {
		return after.equity >= before.equity
	}
	return productAtMost(before.equity, requiredAfter, after.equity, required)
}
