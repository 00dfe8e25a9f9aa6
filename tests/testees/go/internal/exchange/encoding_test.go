package exchange

import (
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"perptestee/internal/hashsuite"
	"perptestee/internal/wire"
)

// worked are the worked values at the end of docs/encoding.md that need no reader of bytes.
type worked struct {
	Account, Position struct {
		Elements []uint32
	}
	State struct {
		Fees    string `json:"owner of the fees"`
		Empty   string
		Genesis string
	}
	Configuration struct {
		Digest string
	}
}

func readWorked(t *testing.T) (w worked) {
	t.Helper()
	page, err := os.ReadFile("../../../../../docs/encoding.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	block, _, _ := strings.Cut(rest, "```")
	if err := json.Unmarshal([]byte(block), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// unpack reads a digest that is packed in one integer.
func unpack(t *testing.T, packed string) (d digest) {
	t.Helper()
	left, ok := new(big.Int).SetString(packed, 10)
	if !ok {
		t.Fatalf("%q is no integer", packed)
	}
	for i := range d {
		d[i] = uint32(new(big.Int).And(left, big.NewInt(1<<31-1)).Int64())
		left.Rsh(left, 31)
	}
	return d
}

func TestRecordsHaveTheWorkedElements(t *testing.T) {
	w := readWorked(t)
	account := Account{
		Kind: 1, Owner: digest{1, 2, 3, 4, 5, 6, 7, 8}, Collateral: -1_000_000, Slots: 2, LiquidatedAt: 1_700_000_000,
	}
	position := Position{Market: 3, Size: -250, Snapshot: 1_000_000_000_000_000}
	for _, c := range []struct{ got, expected []uint32 }{
		{wire.Elements(account), w.Account.Elements}, {wire.Elements(position), w.Position.Elements},
	} {
		if !slices.Equal(c.got, c.expected) {
			t.Errorf("expected %v, got %v", c.expected, c.got)
		}
	}
}

func TestTheFirstStatesHaveTheWorkedRoots(t *testing.T) {
	w, m := readWorked(t), NewMachine(&Config{})
	expectRoot(t, m, w.State.Empty)
	m.state.Accounts.put(fundAccount, Account{Kind: kindCross})
	m.state.Accounts.put(feesAccount, Account{Kind: kindCross, Owner: unpack(t, w.State.Fees)})
	expectRoot(t, m, w.State.Genesis)
}

func expectRoot(t *testing.T, m *Machine, expected string) {
	t.Helper()
	root, err := m.Root()
	if err != nil || root.String() != expected {
		t.Errorf("expected %s, got %s (%v)", expected, root, err)
	}
}

func TestAConfigurationHasTheWorkedDigest(t *testing.T) {
	c := Config{
		Name:          "tiny",
		GovernanceKey: "ab",
		OracleKeys:    [][]string{{"01", "02", "03"}, {"04", "05", "06"}},
		Parameters: Parameters{
			ExchangeID: 7, Governance: digest{5}, Markets: 1, Families: 2,
			Signers: [4]int64{3, 3}, Quorums: [4]int64{2, 2},
		},
		Markets: []Listing{{"BTC", "0.0001", Market{MaxPrice: 1 << 30, ShockPPM: 50_000, Rises: [7]bool{true}}}},
	}
	expected := readWorked(t).Configuration.Digest
	if got := c.Digest(hashsuite.NewHasher()).String(); got != expected {
		t.Errorf("expected %s, got %s", expected, got)
	}
}

func TestAPositionAboveTheCountOfSlotsHasNoRoot(t *testing.T) {
	m := NewMachine(&Config{})
	m.state.Accounts.put(5, Account{Kind: kindCross, Slots: 1})
	m.state.Positions.put(slotKey{5, 1}, Position{Size: 1})
	if root, err := m.Root(); err == nil {
		t.Errorf("expected no root, got %s", root)
	}
}
