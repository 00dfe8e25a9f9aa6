package exchange

import (
	"errors"
	"fmt"

	"perptestee/internal/hashsuite"
	"perptestee/internal/wire"
)

type digest = hashsuite.Digest

// tree is the root of a tree from the leaves that are not `empty`, each by its index.
func tree(h *hashsuite.Hasher, leaves map[int64]digest, height int, empty digest) digest {
	for range height {
		parents := map[int64]digest{}
		for index := range leaves {
			parent := index / 2
			if _, done := parents[parent]; !done {
				left, right := leafOr(leaves, 2*parent, empty), leafOr(leaves, 2*parent+1, empty)
				parents[parent] = h.Compress(hashsuite.Node, left, right)
			}
		}
		leaves, empty = parents, h.Compress(hashsuite.Node, empty, empty)
	}
	return leafOr(leaves, 0, empty)
}

func leafOr(leaves map[int64]digest, index int64, empty digest) digest {
	if leaf, ok := leaves[index]; ok {
		return leaf
	}
	return empty
}

// rootOf is the state root, or an error where a state has none.
func rootOf(h *hashsuite.Hasher, s *State) (digest, error) {
	accountLeaves, err := accountLeaves(h, s)
	if err != nil {
		return digest{}, err
	}
	requests := map[int64]digest{}
	for id, request := range s.Requests {
		requests[id] = h.HashElements(hashsuite.RequestLeaf, wire.Elements(request))
	}
	global := append(wire.Elements(s.Exchange), wire.Elements(s.Ledger)...)
	global = append(global, wire.Elements(s.Queue)...)
	var elements []uint32
	for _, part := range []digest{
		tree(h, accountLeaves, heightOfAccounts, digest{}),
		tree(h, marketLeaves(h, s), heightOfMarkets, digest{}),
		tree(h, requests, heightOfRequests, digest{}),
		h.HashElements(hashsuite.Global, global),
	} {
		elements = append(elements, part[:]...)
	}
	return h.HashElements(hashsuite.StateRoot, elements), nil
}

func marketLeaves(h *hashsuite.Hasher, s *State) map[int64]digest {
	leaves := map[int64]digest{}
	for id := range int64(markets) {
		price, oracle, book := s.Prices[id], s.Oracles[id], s.Books[id]
		if price == (MarketPrice{}) && oracle == (MarketOracle{}) && book == (MarketBook{}) {
			continue
		}
		elements := append(wire.Elements(price), wire.Elements(oracle)...)
		elements = append(elements, wire.Elements(book)...)
		leaves[id] = h.HashElements(hashsuite.MarketLeaf, elements)
	}
	return leaves
}

func accountLeaves(h *hashsuite.Hasher, s *State) (map[int64]digest, error) {
	for key := range s.Positions {
		if key.slot >= s.Accounts[key.account].Slots {
			return nil, fmt.Errorf("position %d of account %d is at its count of slots or above", key.slot, key.account)
		}
	}
	orders := map[int64]map[int64]digest{}
	for key := range s.Orders {
		if s.Accounts[key.account] == (Account{}) {
			return nil, errors.New("an account that is absent has order slots")
		}
		if orders[key.account] == nil {
			orders[key.account] = map[int64]digest{}
		}
		left := wire.Elements(s.Orders[slotKey{key.account, key.slot &^ 1}])
		right := wire.Elements(s.Orders[slotKey{key.account, key.slot | 1}])
		orders[key.account][key.slot/2] = h.Compress(hashsuite.OrderLeaf, block(left), block(right))
	}
	empty := h.Compress(hashsuite.OrderLeaf, digest{}, digest{})
	leaves := map[int64]digest{}
	for id, account := range s.Accounts {
		leaf := tree(h, orders[id], heightOfOrders, empty)
		elements := wire.Elements(account)
		leaf = h.Step(leaf, block(elements[:8]))
		for slot := range account.Slots {
			leaf = h.Step(leaf, block(wire.Elements(s.Positions[slotKey{id, slot}])))
		}
		leaves[id] = h.Compress(hashsuite.AccountLeaf, leaf, block(elements[8:]))
	}
	return leaves, nil
}

// block is at most eight elements, filled up with zeros.
func block(elements []uint32) (filled digest) {
	copy(filled[:], elements)
	return filled
}
