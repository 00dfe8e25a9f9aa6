package exchange

import (
	"math"
	"math/big"
	"math/rand"
	"testing"
)

// words has the ends of the range, small numbers and some of every size.
func words(random *rand.Rand) []int64 {
	values := []int64{0, 1, -1, 2, -2, 7, -7, million, -million, math.MaxInt64, -math.MaxInt64, 1 << 32, -(1 << 32)}
	for range 60 {
		value := random.Int63() >> random.Intn(63)
		values = append(values, value, -value)
	}
	return values
}

func TestDivisionsAreExact(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	values := words(random)
	for range 200_000 {
		a, b := values[random.Intn(len(values))], values[random.Intn(len(values))]
		c := max(magnitude(values[random.Intn(len(values))]), 1)
		exact := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		// big's Div and Mod are Euclidean, which is floor for a divisor above zero.
		quotient, remainder := new(big.Int).DivMod(exact, big.NewInt(c), new(big.Int))
		if new(big.Int).Abs(quotient).Cmp(big.NewInt(math.MaxInt64-1)) >= 0 {
			continue
		}
		q, r := divide(a, b, c)
		if q != quotient.Int64() || r != remainder.Int64() {
			t.Fatalf("%d * %d / %d: expected %v and %v, got %d and %d", a, b, c, quotient, remainder, q, r)
		}
	}
}

func TestProductsCompareExactly(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	values := words(random)
	pick := func() int64 { return values[random.Intn(len(values))] }
	for range 200_000 {
		a, b, c, d := pick(), pick(), pick(), pick()
		left := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		right := new(big.Int).Mul(big.NewInt(c), big.NewInt(d))
		if productAtMost(a, b, c, d) != (left.Cmp(right) <= 0) {
			t.Fatalf("%d * %d <= %d * %d: got %v", a, b, c, d, productAtMost(a, b, c, d))
		}
	}
}

func TestRoundingIsThatOfTheLanguagePage(t *testing.T) {
	cases := []struct {
		name          string
		got, expected int64
	}{
		{"floor(7 * 3 / 2)", floorDiv(7, 3, 2), 10},
		{"floor(-7 * 3 / 2)", floorDiv(-7, 3, 2), -11},
		{"floor(7 * -3 / 2)", floorDiv(7, -3, 2), -11},
		{"floor(-7 * -3 / 2)", floorDiv(-7, -3, 2), 10},
		{"floor(-6 * 3 / 2)", floorDiv(-6, 3, 2), -9},
		{"floor(max * max / max)", floorDiv(math.MaxInt64, math.MaxInt64, math.MaxInt64), math.MaxInt64},
		{"ceil(7 * 3 / 2)", ceilDiv(7, 3, 2), 11},
		{"ceil(-7 * 3 / 2)", ceilDiv(-7, 3, 2), -10},
		{"ceil(-1 / 1000000)", ceilDiv(-1, 1, million), 0},
		{"trunc(7 * 3 / 2)", truncDiv(7, 3, 2), 10},
		{"trunc(-7 * 3 / 2)", truncDiv(-7, 3, 2), -10},
		{"median(5, 9, 1)", median(5, 9, 1), 5},
		{"clamp(12, 0, 10)", clamp(12, 0, 10), 10},
	}
	for _, c := range cases {
		if c.got != c.expected {
			t.Errorf("%s: expected %d, got %d", c.name, c.expected, c.got)
		}
	}
}
