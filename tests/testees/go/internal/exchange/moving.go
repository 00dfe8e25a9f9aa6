package exchange

// moved is an account after its touched position and its collateral changed.
type moved struct {
	side     side
	account  Account
	position Position
	health   health
	// reduced: the position kept its sign or closed, and did not grow.
	reduced  bool
	bankrupt int64
}

// move adds lots of the subject market and cash to a settled account.
func (m *Machine) move(s side, sub subject, lots, cash int64) moved {
	size := s.position.Size + lots
	after := moved{side: s, account: s.account, reduced: onlyReduced(s.position.Size, size)}
	after.account.Collateral = s.collateral + cash
	if size == 0 {
		if s.position.Size != 0 {
			after.account.ClosedMarket = sub.id + 1
		}
	} else {
		after.account.Slots = max(s.account.Slots, s.slot+1)
		after.position = Position{sub.id, size, sideIndex(size, sub.price)}
	}
	sum := s.rest.weight.plus(weigh(size, sub.price, sub.market))
	worst := m.worstIfPortfolio(s.loaded, s.account.Kind, size, sub)
	after.health = m.healthOf(s.account.Kind, after.account.Collateral, sum, worst)
	occupied := s.rest.occupied + count(size != 0)
	after.bankrupt = flatAndNegative(occupied, after.account.Collateral)
	return after
}

func onlyReduced(before, after int64) bool {
	return before >= 0 && after >= 0 && after <= before || before <= 0 && after <= 0 && after >= before
}

// putMoved stores an account with all its positions.
func (m *Machine) putMoved(after moved) {
	m.putAccount(after.side, after.account)
	m.state.Positions.put(slotKey{after.side.id, after.side.slot}, after.position)
}

// openInterestChange is by how much the long lots of accounts changed.
func openInterestChange(accounts ...moved) (change int64) {
	for _, after := range accounts {
		change += longLots(after.position.Size) - longLots(after.side.position.Size)
	}
	return change
}

// bookingOf starts a booking with what settling and moving accounts leave to the ledger.
func bookingOf(accounts ...moved) (b booking) {
	for _, after := range accounts {
		b.dust += after.side.all.dust
		b.bankrupt += after.bankrupt - after.side.bankrupt
	}
	return b
}
