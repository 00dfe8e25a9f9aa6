package exchange

import "perptestee/internal/reason"

// tradeSide is one of the two sides of a trade.
type tradeSide struct {
	order  Order
	key    slotKey
	loaded loaded
	feePPM int64
	used   OrderSlot
	after  moved
}

func (m *Machine) tradeSide(order Order, slot, feePPM int64) tradeSide {
	return tradeSide{
		order:  order,
		key:    slotKey{order.Account, order.Slot},
		loaded: m.load(order.Account, slot),
		feePPM: feePPM,
	}
}

func (m *Machine) trade(op Trade) error {
	sub := m.subject(op.Market)
	buyer := m.tradeSide(op.Buyer, op.BuyerSlot, op.BuyerFeePPM)
	seller := m.tradeSide(op.Seller, op.SellerSlot, op.SellerFeePPM)
	if err := m.checkTradeBegins(op, sub, &buyer, &seller); err != nil {
		return err
	}
	notional := op.Lots * op.Price
	buyerFee, sellerFee := ofPPM(notional, op.BuyerFeePPM), ofPPM(notional, op.SellerFeePPM)
	buyer.after = m.move(m.settle(buyer.loaded, 0, sub), sub, op.Lots, -notional-buyerFee)
	seller.after = m.move(m.settle(seller.loaded, 0, sub), sub, -op.Lots, notional-sellerFee)
	change := openInterestChange(buyer.after, seller.after)
	if err := m.checkTradeEnds(op, sub, buyer, seller, change); err != nil {
		return err
	}
	booked := bookingOf(buyer.after, seller.after)
	booked.fees = buyerFee + sellerFee
	m.book(booked)
	m.putOpenInterest(op.Market, change, 0)
	for _, s := range []tradeSide{buyer, seller} {
		m.putMoved(s.after)
		m.state.Orders.put(s.key, s.used)
	}
	return nil
}

// checkTradeBegins has the guards that need no settled account.
func (m *Machine) checkTradeBegins(op Trade, sub subject, buyer, seller *tradeSide) error {
	switch {
	case m.frozen():
		return reason.Frozen
	case !sub.configured():
		return reason.NoMarket
	case op.Lots < 1 || op.Lots > sub.market.MaxSize:
		return reason.Lots
	case op.Price < 1 || op.Price > sub.market.MaxPrice:
		return reason.PriceRange
	case op.Buyer.Account == op.Seller.Account:
		return reason.SameAccount
	case op.Buyer.Account < firstUser || op.Seller.Account < firstUser:
		return reason.ReservedAccount
	case !buyer.loaded.exists() || !seller.loaded.exists():
		return reason.NoAccount
	case buyer.loaded.account.Owner == seller.loaded.account.Owner:
		return reason.SameOwner
	}
	for _, s := range []*tradeSide{buyer, seller} {
		buys := s == buyer
		filled := fill{op.Market, op.Lots, op.Price, s.feePPM, buys, buys == op.TakerBuys}
		var err error
		if s.used, err = m.fillOrder(s.order, m.state.Orders[s.key], filled); err != nil {
			return err
		}
	}
	highestPPM := max(magnitude(op.BuyerFeePPM), magnitude(op.SellerFeePPM))
	switch {
	case highestPPM > sub.market.FeeCapPPM || op.BuyerFeePPM+op.SellerFeePPM < 0:
		return reason.Fee
	case m.mode(sub) >= modeHalt:
		return reason.Mode
	case !within(magnitude(op.Price-sub.price.Price), sub.market.PriceBandPPM, sub.price.Price):
		return reason.PriceBand
	case !buyer.loaded.fits(op.Market) || !seller.loaded.fits(op.Market):
		return reason.Slot
	}
	return nil
}

// checkTradeEnds has the guards about the accounts before and after.
func (m *Machine) checkTradeEnds(op Trade, sub subject, buyer, seller tradeSide, change int64) error {
	bought, sold, mode := buyer.after, seller.after, m.mode(sub)
	openInterest := m.state.Books[op.Market].OpenInterest + change
	mayOpen := func(s side) bool { return s.all.degraded == 0 && !sub.oracle.degraded }
	switch {
	case !marketAllowed(bought.account, op.Market) || !marketAllowed(sold.account, op.Market):
		return reason.MarketNotAllowed
	case op.Buyer.ReduceOnly && !bought.reduced || op.Seller.ReduceOnly && !sold.reduced:
		return reason.OrderReduceOnly
	case mode >= modeReduceOnly && !(bought.reduced && sold.reduced):
		return reason.ReduceOnly
	case sub.oracle.exitsOnly:
		return reason.OracleLevel
	case !bought.reduced && !mayOpen(bought.side) || !sold.reduced && !mayOpen(sold.side):
		return reason.OracleLevel
	case bought.position.Size > sub.market.MaxSize || sold.position.Size < -sub.market.MaxSize:
		return reason.SizeRange
	case change > 0 && (openInterest > sub.market.OpenInterestCap || mode >= modeThrottle):
		return reason.OpenInterest
	case !collateralAllowed(bought.account.Collateral) || !collateralAllowed(sold.account.Collateral):
		return reason.CollateralRange
	}
	if err := checkTransition(bought); err != nil {
		return err
	}
	return checkTransition(sold)
}
