package exchange

import "perptestee/internal/reason"

// useIntent checks an intent, and gives its slot with the nonce used up.
func (m *Machine) useIntent(intent Intent, stored OrderSlot) (OrderSlot, error) {
	switch {
	case !intent.Authorised:
		return OrderSlot{}, reason.BadSignature
	case m.now() > intent.Expiry:
		return OrderSlot{}, reason.OrderExpired
	case intent.Nonce < stored.Nonce:
		return OrderSlot{}, reason.OrderStale
	}
	return OrderSlot{Nonce: intent.Nonce + 1}, nil
}

// fill is what an operation makes of an order.
type fill struct {
	market, lots, price, feePPM int64
	buys, taker                 bool
}

// fillOrder checks that an order is live and allows a fill, and gives its slot with the fill booked.
func (m *Machine) fillOrder(order Order, stored OrderSlot, f fill) (OrderSlot, error) {
	filled := f.lots
	if order.Nonce == stored.Nonce {
		filled += stored.Filled
	}
	priceAllowed := f.price >= order.Price
	if f.buys {
		priceAllowed = f.price <= order.Price
	}
	switch {
	case !order.Authorised:
		return OrderSlot{}, reason.BadSignature
	case m.now() > order.Expiry:
		return OrderSlot{}, reason.OrderExpired
	case order.Nonce < stored.Nonce:
		return OrderSlot{}, reason.OrderStale
	case filled > order.Lots:
		return OrderSlot{}, reason.OrderFilled
	case order.Market != f.market:
		return OrderSlot{}, reason.OrderMarket
	case order.Buys != f.buys:
		return OrderSlot{}, reason.OrderSide
	case !priceAllowed:
		return OrderSlot{}, reason.OrderPrice
	case order.PostOnly && f.taker:
		return OrderSlot{}, reason.OrderPostOnly
	case f.feePPM > order.MaxFeePPM:
		return OrderSlot{}, reason.OrderFee
	}
	return OrderSlot{order.Nonce, filled}, nil
}
