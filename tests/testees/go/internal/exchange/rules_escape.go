package exchange

import "perptestee/internal/reason"

func (m *Machine) freeze(op Freeze) error {
	request := m.state.Requests[op.Account]
	switch {
	case m.frozen():
		return reason.Frozen
	case request.Kind == forcedNone:
		return reason.ForcedUnknown
	case m.now() <= request.Deadline:
		return reason.NotDue
	}
	m.state.Exchange.FrozenAt = m.now()
	m.state.Exchange.EscapeVault = m.state.Ledger.Vault
	return nil
}

// claimsEnd is the last second of the claim window.
func (m *Machine) claimsEnd() int64 {
	return m.state.Exchange.FrozenAt + m.config.Parameters.ClaimSeconds
}

func (m *Machine) escapeClaim(op EscapeClaim) error {
	request := m.state.Requests[op.Account]
	switch {
	case !m.frozen():
		return reason.NotFrozen
	case m.now() > m.claimsEnd():
		return reason.ClaimWindow
	case op.Account < firstUser:
		return reason.ReservedAccount
	case !m.load(op.Account, noSlot).exists():
		return reason.NoAccount
	case request.Claimed != claimNone:
		return reason.Claimed
	}
	s := m.settleWhole(op.Account, 0)
	request.Claim, request.Claimed = clamp(s.health.equity, 0, claimsMax-m.state.Ledger.Claims), claimClaimed
	m.book(booking{
		dust:     s.all.dust,
		bankrupt: flatAndNegative(s.all.occupied, s.collateral) - s.bankrupt,
		claims:   request.Claim,
	})
	m.state.Requests.put(op.Account, request)
	m.put(s, s.collateral)
	return nil
}

func (m *Machine) escapePay(op EscapePay) error {
	request, ledger := m.state.Requests[op.Account], m.state.Ledger
	switch {
	case !m.frozen():
		return reason.NotFrozen
	case m.now() <= m.claimsEnd():
		return reason.ClaimWindow
	case request.Claimed != claimClaimed:
		return reason.Claimed
	}
	covered := min(m.state.Exchange.EscapeVault, ledger.Claims)
	payout := floorDiv(request.Claim, covered, max(ledger.Claims, 1))
	switch {
	case op.Amount != payout:
		return reason.Amount
	case payout > ledger.Vault:
		return reason.Vault
	}
	m.book(booking{vault: -payout})
	request.Claimed = claimPaid
	m.state.Requests.put(op.Account, request)
	account := m.state.Accounts[op.Account]
	account.Collateral -= payout
	m.state.Accounts.put(op.Account, account)
	return nil
}
