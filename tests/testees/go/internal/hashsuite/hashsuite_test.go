package hashsuite

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// worked are the worked values at the end of docs/hash-suite.md.
type worked struct {
	Permute struct {
		State, Result   []uint64
		First_constants []uint64
		Last_constants  []uint64
	}
	Compress struct {
		Left, Right Digest
		Hexadecimal string
	}
	Hash_elements struct {
		Elements    []uint32
		Hexadecimal string
	}
	Hash_bytes struct {
		Text        string
		Elements    []uint32
		Hexadecimal string
	}
	Words struct {
		Words       []json.Number
		Hexadecimal string
	}
}

func readWorked(t *testing.T) (w worked) {
	t.Helper()
	page, err := os.ReadFile("../../../../../docs/hash-suite.md")
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

func expect(t *testing.T, what, got, expected string) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: expected %s, got %s", what, expected, got)
	}
}

func TestPermutationHasTheWorkedValues(t *testing.T) {
	w := readWorked(t)
	var x state
	copy(x[:], w.Permute.State)
	permute(&x)
	if x != state(w.Permute.Result) {
		t.Errorf("expected %v, got %v", w.Permute.Result, x)
	}
	for i, c := range w.Permute.First_constants {
		if roundConstants[0][i] != c {
			t.Errorf("constant %d: expected %d, got %d", i, c, roundConstants[0][i])
		}
	}
	for i, c := range w.Permute.Last_constants {
		if got := roundConstants[rounds-1][width-len(w.Permute.Last_constants)+i]; got != c {
			t.Errorf("constant %d from the last four: expected %d, got %d", i, c, got)
		}
	}
}

func TestDigestsHaveTheWorkedValues(t *testing.T) {
	w, h := readWorked(t), NewHasher()
	expect(t, "compress", h.Compress(Node, w.Compress.Left, w.Compress.Right).String(), w.Compress.Hexadecimal)
	expect(t, "elements", h.HashElements(RequestLeaf, w.Hash_elements.Elements).String(), w.Hash_elements.Hexadecimal)
	elements := BytesElements([]byte(w.Hash_bytes.Text))
	expect(t, "bytes", h.HashElements(Config, elements).String(), w.Hash_bytes.Hexadecimal)
	var words []int64
	for _, word := range w.Words.Words {
		value, err := word.Int64()
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, value)
	}
	expect(t, "words", h.HashWords(MarketLeaf, nil, words).String(), w.Words.Hexadecimal)
}
