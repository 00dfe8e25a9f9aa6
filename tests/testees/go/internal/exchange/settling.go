package exchange

// holding is a position with price and configuration of its market.
type holding struct {
	slot     int64
	position Position
	price    MarketPrice
	market   *Market
}

// loaded is an account as an operation loads it: perhaps with one position apart, the touched one.
type loaded struct {
	id       int64
	account  Account
	slot     int64
	position Position
	others   []holding
}

// noSlot leaves no position out.
const noSlot = -1

// load reads an account, the position of one slot, and all others below the count of slots.
func (m *Machine) load(id, slot int64) loaded {
	l := loaded{id: id, account: m.state.Accounts[id], slot: slot, position: m.state.Positions[slotKey{id, slot}]}
	for other := range l.account.Slots {
		if other == slot {
			continue
		}
		position := m.state.Positions[slotKey{id, other}]
		price, market := m.state.Prices[position.Market], m.config.market(position.Market)
		l.others = append(l.others, holding{other, position, price, market})
	}
	return l
}

func (l loaded) exists() bool {
	return l.account.Kind != kindAbsent
}

// holds says whether the touched slot holds a position in the market.
func (l loaded) holds(market int64) bool {
	return l.position.Size != 0 && l.position.Market == market
}

// othersIn counts the other positions in a market.
func (l loaded) othersIn(market int64) (found int64) {
	for _, held := range l.others {
		found += count(held.position.Size != 0 && held.position.Market == market)
	}
	return found
}

// fits says whether the touched slot holds the market, or is free and no other slot holds it.
func (l loaded) fits(market int64) bool {
	free := l.position.Size == 0 && l.slot <= l.account.Slots && l.othersIn(market) == 0
	return l.holds(market) || free
}

// direction is 1 for a long touched position, -1 for a short or none.
func (l loaded) direction() int64 {
	if l.position.Size > 0 {
		return 1
	}
	return -1
}

// terms are what positions add up to when they are settled.
type terms struct {
	weight
	// cash is what settling adds to collateral, dust the micro-atoms it rounds away.
	cash, dust int64
	// occupied counts positions, degraded and blind those at such oracle levels.
	occupied, degraded, blind int64
	// doubt is by how much the value of positions in blind markets may differ.
	doubt int64
}

func (t terms) plus(other terms) terms {
	return terms{
		weight:   t.weight.plus(other.weight),
		cash:     t.cash + other.cash,
		dust:     t.dust + other.dust,
		occupied: t.occupied + other.occupied,
		degraded: t.degraded + other.degraded,
		blind:    t.blind + other.blind,
		doubt:    t.doubt + other.doubt,
	}
}

// sideIndex is the cumulative index of a position's side; 0 for an empty slot.
func sideIndex(size int64, price MarketPrice) int64 {
	switch {
	case size > 0:
		return price.FundingIndex + price.LossIndex
	case size < 0:
		return price.FundingIndex - price.LossIndex
	}
	return 0
}

// settlePosition pays what is due of a position, and says what it adds to its account.
func settlePosition(p Position, price MarketPrice, market *Market, oracle oracleState) (Position, terms) {
	index := sideIndex(p.Size, price)
	settled := Position{p.Market, p.Size, index}
	if p.Size == 0 {
		return settled, terms{}
	}
	t := terms{
		weight:   weigh(p.Size, price, market),
		occupied: 1,
		degraded: count(oracle.degraded),
		blind:    count(oracle.blind),
	}
	t.cash, t.dust = divide(-p.Size, index-p.Snapshot, million)
	if oracle.blind {
		t.doubt = ofPPM(magnitude(t.value), market.BandPPM)
	}
	return settled, t
}

// side is an account settled.
type side struct {
	loaded
	collateral int64
	settled    []holding
	// rest are the terms of the other positions, all those of the touched one too.
	rest, all terms
	health    health
	// bankrupt is 1 where it held no position and its collateral was negative as loaded.
	bankrupt int64
}

// settle settles an account, and credits an inbox too. The touched position is settled, but it is for the operation to
// store it.
func (m *Machine) settle(l loaded, inbox int64, s subject) side {
	settled := side{loaded: l, settled: make([]holding, len(l.others))}
	for i, held := range l.others {
		oracle := oracleStateOf(held.price, held.market, m.now())
		position, added := settlePosition(held.position, held.price, held.market, oracle)
		settled.settled[i] = holding{held.slot, position, held.price, held.market}
		settled.rest = settled.rest.plus(added)
	}
	_, touched := settlePosition(l.position, s.price, s.market, s.oracle)
	settled.all = settled.rest.plus(touched)
	settled.collateral = l.account.Collateral + settled.all.cash + inbox
	worst := m.worstIfPortfolio(l, l.account.Kind, l.position.Size, s)
	settled.health = m.healthOf(l.account.Kind, settled.collateral, settled.all.weight, worst)
	settled.bankrupt = flatAndNegative(settled.all.occupied, l.account.Collateral)
	return settled
}

func (m *Machine) worstIfPortfolio(l loaded, kind, size int64, s subject) int64 {
	if kind != kindPortfolio {
		return 0
	}
	return worstLoss(l.others, size, s)
}

// settleWhole settles an account of which no single position changes.
func (m *Machine) settleWhole(id, inbox int64) side {
	return m.settle(m.load(id, noSlot), inbox, subject{market: &notListed})
}

// atBest is the account's health with every position in a blind market worth more by its band.
func (s side) atBest() health {
	return s.health.atBest(s.all.doubt)
}

// put stores a settled account with other collateral.
func (m *Machine) put(s side, collateral int64) {
	account := s.account
	account.Collateral = collateral
	m.putAccount(s, account)
}

// putAccount stores an account and its other positions, settled.
func (m *Machine) putAccount(s side, account Account) {
	m.state.Accounts.put(s.id, account)
	for _, held := range s.settled {
		m.state.Positions.put(slotKey{s.id, held.slot}, held.position)
	}
}
