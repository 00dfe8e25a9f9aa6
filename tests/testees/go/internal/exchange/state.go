package exchange

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"perptestee/internal/wire"
)

// slotKey names a position or an order slot.
type slotKey struct{ account, slot int64 }

// table holds the records of one kind that are not all zeros.
type table[K, R comparable] map[K]R

// put stores a record; one of all zeros is absent.
func (t table[K, R]) put(key K, record R) {
	var zero R
	if record == zero {
		delete(t, key)
		return
	}
	t[key] = record
}

// State is the whole state of an exchange.
type State struct {
	Exchange  Exchange
	Ledger    Ledger
	Queue     Queue
	Prices    table[int64, MarketPrice]
	Oracles   table[int64, MarketOracle]
	Books     table[int64, MarketBook]
	Accounts  table[int64, Account]
	Positions table[slotKey, Position]
	Orders    table[slotKey, OrderSlot]
	Requests  table[int64, Request]
}

// NewState is the empty state.
func NewState() *State {
	return &State{
		Prices:    table[int64, MarketPrice]{},
		Oracles:   table[int64, MarketOracle]{},
		Books:     table[int64, MarketBook]{},
		Accounts:  table[int64, Account]{},
		Positions: table[slotKey, Position]{},
		Orders:    table[slotKey, OrderSlot]{},
		Requests:  table[int64, Request]{},
	}
}

// Clone is a copy that shares nothing.
func (s *State) Clone() *State {
	c := *s
	c.Prices, c.Oracles, c.Books = maps.Clone(s.Prices), maps.Clone(s.Oracles), maps.Clone(s.Books)
	c.Accounts, c.Positions, c.Orders = maps.Clone(s.Accounts), maps.Clone(s.Positions), maps.Clone(s.Orders)
	c.Requests = maps.Clone(s.Requests)
	return &c
}

// Bounds of the keys.
const (
	accounts   = 1 << 20
	markets    = 64
	orderSlots = 4096
)

// DecodeState reads the object of a state.
func DecodeState(value any) (*State, error) {
	object, err := wire.AsObject(value, "state")
	if err != nil {
		return nil, err
	}
	s := NewState()
	readers := map[string]func(value any, what string) error{
		"exchange":      func(v any, what string) error { return wire.Decode(v, what, &s.Exchange) },
		"ledger":        func(v any, what string) error { return wire.Decode(v, what, &s.Ledger) },
		"queue":         func(v any, what string) error { return wire.Decode(v, what, &s.Queue) },
		"market_price":  func(v any, what string) error { return decodeTable(v, what, markets, s.Prices) },
		"market_oracle": func(v any, what string) error { return decodeTable(v, what, markets, s.Oracles) },
		"market_book":   func(v any, what string) error { return decodeTable(v, what, markets, s.Books) },
		"account":       func(v any, what string) error { return decodeTable(v, what, accounts, s.Accounts) },
		"request":       func(v any, what string) error { return decodeTable(v, what, accounts, s.Requests) },
		"position":      func(v any, what string) error { return decodeSlots(v, what, positionSlots, s.Positions) },
		"order_slot":    func(v any, what string) error { return decodeSlots(v, what, orderSlots, s.Orders) },
	}
	for name, member := range object {
		read, known := readers[name]
		if !known {
			return nil, fmt.Errorf("state: unknown member %q", name)
		}
		if err := read(member, name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// eachKey goes through an object whose members are named by numbers below a bound.
func eachKey(value any, what string, bound int64, do func(key int64, member any, what string) error) error {
	object, err := wire.AsObject(value, what)
	if err != nil {
		return err
	}
	for name, member := range object {
		key, err := strconv.ParseInt(name, 10, 64)
		if err != nil || strconv.FormatInt(key, 10) != name || key < 0 || key >= bound {
			return fmt.Errorf("%s: expected a key below %d, got %q", what, bound, name)
		}
		if err := do(key, member, what+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func decodeTable[R comparable](value any, what string, bound int64, into table[int64, R]) error {
	return eachKey(value, what, bound, func(key int64, member any, what string) error {
		var record R
		if err := wire.Decode(member, what, &record); err != nil {
			return err
		}
		into.put(key, record)
		return nil
	})
}

func decodeSlots[R comparable](value any, what string, bound int64, into table[slotKey, R]) error {
	return eachKey(value, what, accounts, func(account int64, member any, what string) error {
		return eachKey(member, what, bound, func(slot int64, member any, what string) error {
			var record R
			if err := wire.Decode(member, what, &record); err != nil {
				return err
			}
			into.put(slotKey{account, slot}, record)
			return nil
		})
	})
}

// records gives every record that is not all zeros, by its path.
func (s *State) records() map[string]any {
	found := map[string]any{}
	put(found, "/exchange", s.Exchange)
	put(found, "/ledger", s.Ledger)
	put(found, "/queue", s.Queue)
	putTable(found, "/market_price", s.Prices)
	putTable(found, "/market_oracle", s.Oracles)
	putTable(found, "/market_book", s.Books)
	putTable(found, "/account", s.Accounts)
	putTable(found, "/request", s.Requests)
	putSlots(found, "/position", s.Positions)
	putSlots(found, "/order_slot", s.Orders)
	return found
}

func put[R comparable](found map[string]any, path string, record R) {
	var zero R
	if record != zero {
		found[path] = record
	}
}

func putTable[R comparable](found map[string]any, path string, from table[int64, R]) {
	for key, record := range from {
		put(found, fmt.Sprintf("%s/%d", path, key), record)
	}
}

func putSlots[R comparable](found map[string]any, path string, from table[slotKey, R]) {
	for key, record := range from {
		put(found, fmt.Sprintf("%s/%d/%d", path, key.account, key.slot), record)
	}
}

// EncodeState gives a state as an object, without what is all zeros.
func EncodeState(s *State) wire.Object {
	object := wire.Object{}
	for path, record := range s.records() {
		names := strings.Split(path, "/")[1:]
		at := object
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = wire.Object{}
			}
			at = at[name].(wire.Object)
		}
		at[names[len(names)-1]] = wire.Encode(record)
	}
	return object
}

// Change is a field that has become another.
type Change struct {
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Delta lists the fields in which two states differ, by path.
func Delta(before, after *State) []Change {
	old, current := before.records(), after.records()
	changes := []Change{}
	for path, record := range current {
		was, present := old[path]
		if !present {
			was = reflect.Zero(reflect.TypeOf(record)).Interface()
		}
		changes = append(changes, differences(path, was, record)...)
	}
	for path, record := range old {
		if _, present := current[path]; !present {
			changes = append(changes, differences(path, record, reflect.Zero(reflect.TypeOf(record)).Interface())...)
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

func differences(path string, before, after any) []Change {
	if before == after {
		return nil
	}
	var changes []Change
	old := wire.Values(before)
	for i, field := range wire.Values(after) {
		if !reflect.DeepEqual(field.Value, old[i].Value) {
			changes = append(changes, Change{path + "/" + field.Name, field.Value})
		}
	}
	return changes
}
