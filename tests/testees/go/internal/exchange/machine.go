// Package exchange implements the rules of docs/rules.
//
// A rule is a method of Machine. Its guards are the cases of a switch, in the order of the rule's page: the first that is
// true rejects. It stores nothing before its last guard.
package exchange

import (
	"fmt"
	"maps"
	"slices"

	"perptestee/internal/hashsuite"
	"perptestee/internal/wire"
)

// Machine applies operations to a state.
type Machine struct {
	config *Config
	state  *State
	hasher *hashsuite.Hasher
}

// NewMachine has the empty state.
func NewMachine(config *Config) *Machine {
	return &Machine{config: config, state: NewState(), hasher: hashsuite.NewHasher()}
}

// SetState makes a state the current one.
func (m *Machine) SetState(s *State) {
	m.state = s
}

// State is the current state. Applying an operation changes it.
func (m *Machine) State() *State {
	return m.state
}

// Root is the root of the current state.
func (m *Machine) Root() (digest, error) {
	return rootOf(m.hasher, m.state)
}

// rules has the rule of each operation, with the reading of its arguments.
var rules = map[string]func(m *Machine, args any) error{
	"begin_batch":     rule((*Machine).beginBatch),
	"deposit":         rule((*Machine).deposit),
	"withdraw":        rule((*Machine).withdraw),
	"transfer":        rule((*Machine).transfer),
	"open_account":    rule((*Machine).openAccount),
	"set_kind":        rule((*Machine).setKind),
	"cancel":          rule((*Machine).cancel),
	"compact":         rule((*Machine).compact),
	"trade":           rule((*Machine).trade),
	"liquidate":       rule((*Machine).liquidate),
	"backstop":        rule((*Machine).backstop),
	"deleverage":      rule((*Machine).deleverage),
	"socialise":       rule((*Machine).socialise),
	"oracle_tick":     rule((*Machine).oracleTick),
	"mark":            rule((*Machine).mark),
	"premium_sample":  rule((*Machine).premiumSample),
	"funding_tick":    rule((*Machine).fundingTick),
	"record_proof":    rule((*Machine).recordProof),
	"set_kill_switch": rule((*Machine).setKillSwitch),
	"request_forced":  rule((*Machine).requestForced),
	"forced_withdraw": rule((*Machine).forcedWithdraw),
	"forced_reduce":   rule((*Machine).forcedReduce),
	"freeze":          rule((*Machine).freeze),
	"escape_claim":    rule((*Machine).escapeClaim),
	"escape_pay":      rule((*Machine).escapePay),
	"end_batch":       rule((*Machine).endBatch),
}

// Malformed says that arguments are none of the operation. No rule has run.
type Malformed struct{ error }

func rule[Op any](apply func(*Machine, Op) error) func(*Machine, any) error {
	return func(m *Machine, args any) error {
		var op Op
		if err := wire.Decode(args, "args", &op); err != nil {
			return Malformed{err}
		}
		return apply(m, op)
	}
}

// Operations names what can be applied.
func Operations() []string {
	return slices.Sorted(maps.Keys(rules))
}

// Apply applies an operation wholly, or not at all: then the error is a reason, or Malformed.
func (m *Machine) Apply(name string, args any) error {
	apply, known := rules[name]
	if !known {
		return Malformed{fmt.Errorf("unknown operation %q", name)}
	}
	return apply(m, args)
}

func (m *Machine) now() int64 {
	return m.state.Exchange.Time
}

func (m *Machine) frozen() bool {
	return m.state.Exchange.FrozenAt != 0
}

// subject is the market that an operation is about.
type subject struct {
	id     int64
	price  MarketPrice
	market *Market
	// oracle is its oracle level now.
	oracle oracleState
}

func (m *Machine) subject(id int64) subject {
	price, market := m.state.Prices[id], m.config.market(id)
	return subject{id, price, market, oracleStateOf(price, market, m.now())}
}

// configured says whether the market is.
func (s subject) configured() bool {
	return s.market.MaxPrice >= 1
}

// mode is the mode that holds for a market now: the highest of modes and kill switches.
func (m *Machine) mode(s subject) int64 {
	return max(m.state.Exchange.Mode, m.state.Exchange.Switch, s.price.Mode, s.price.Switch)
}

func amountAllowed(amount int64) bool {
	return amount >= 1 && amount <= amountMax
}

func collateralAllowed(collateral int64) bool {
	return magnitude(collateral) <= collateralMax
}

// marketAllowed says whether an account may hold a market: an isolated one has its one market only.
func marketAllowed(account Account, market int64) bool {
	return account.Kind != kindIsolated || account.Market == market
}
