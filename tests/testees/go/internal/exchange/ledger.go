package exchange

// booking is what an operation adds to the ledger: dust in micro-atoms, bankrupt a count, all else atoms.
type booking struct {
	dust, fund, fees, vault, bankrupt, bucket, claims int64
}

// book adds to the ledger. Whole atoms of dust go to the fund's inbox.
func (m *Machine) book(b booking) {
	ledger := &m.state.Ledger
	atoms, dust := divide(ledger.Dust+b.dust, 1, million)
	ledger.Vault += b.vault
	ledger.Dust = dust
	ledger.FundInbox += b.fund + atoms
	ledger.FeesInbox += b.fees
	ledger.Bankrupt += b.bankrupt
	ledger.Bucket += b.bucket
	ledger.Claims += b.claims
}

// inboxes are what waits for the fund and for the fee account.
type inboxes struct{ fund, fees int64 }

// inboxesOf is what waits for an account: nothing but for the reserved ones.
func (m *Machine) inboxesOf(account int64) inboxes {
	switch account {
	case fundAccount:
		return inboxes{fund: m.state.Ledger.FundInbox}
	case feesAccount:
		return inboxes{fees: m.state.Ledger.FeesInbox}
	}
	return inboxes{}
}

func (i inboxes) total() int64 {
	return i.fund + i.fees
}

// flatAndNegative is 1 for an account without positions and with negative collateral.
func flatAndNegative(occupied, collateral int64) int64 {
	return count(occupied == 0 && collateral < 0)
}

// putOpenInterest changes a market's open interest, and the lots liquidated in the window.
func (m *Machine) putOpenInterest(market, change, liquidated int64) {
	book := m.state.Books[market]
	book.OpenInterest += change
	book.WindowLiquidated += liquidated
	m.state.Books.put(market, book)
}

// longLots is what a position adds to open interest.
func longLots(size int64) int64 {
	return max(size, 0)
}
