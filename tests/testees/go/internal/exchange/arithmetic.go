package exchange

import (
	"math"
	"math/bits"
)

// million is the denominator of every rate: parts per million.
const million = 1_000_000

func magnitude(value int64) int64 {
	if value < 0 {
		return -value
	}
	return value
}

func clamp(value, low, high int64) int64 {
	return min(max(value, low), high)
}

func median(first, second, third int64) int64 {
	return max(min(first, second), min(max(first, second), third))
}

// count is 1 where a condition holds.
func count(condition bool) int64 {
	if condition {
		return 1
	}
	return 0
}

// divide gives floor(a * b / c) and what it leaves, from an exact product, for c > 0.
func divide(a, b, c int64) (quotient, remainder int64) {
	high, low := bits.Mul64(uint64(magnitude(a)), uint64(magnitude(b)))
	if high >= uint64(c) {
		panic("a quotient is no word")
	}
	q, r := bits.Div64(high, low, uint64(c))
	if q > math.MaxInt64 {
		panic("a quotient is no word")
	}
	if (a < 0) == (b < 0) || r == 0 && q == 0 {
		return int64(q), int64(r)
	}
	if r == 0 {
		return -int64(q), 0
	}
	return -int64(q) - 1, c - int64(r)
}

func floorDiv(a, b, c int64) int64 {
	quotient, _ := divide(a, b, c)
	return quotient
}

func ceilDiv(a, b, c int64) int64 {
	return -floorDiv(-a, b, c)
}

// truncDiv rounds toward zero; b is not negative.
func truncDiv(a, b, c int64) int64 {
	if a < 0 {
		return ceilDiv(a, b, c)
	}
	return floorDiv(a, b, c)
}

// ofPPM is the part of an amount that a rate makes, rounded up.
func ofPPM(amount, ratePPM int64) int64 {
	return ceilDiv(amount, ratePPM, million)
}

// productAtMost says whether a * b <= c * d, both exact.
func productAtMost(a, b, c, d int64) bool {
	high1, low1 := product(a, b)
	high2, low2 := product(c, d)
	return high1 < high2 || high1 == high2 && low1 <= low2
}

// product is a * b in two's complement of 128 bits.
func product(a, b int64) (high int64, low uint64) {
	h, low := bits.Mul64(uint64(a), uint64(b))
	high = int64(h)
	// The factors were read as unsigned: a negative one counted 2^64 too much.
	if a < 0 {
		high -= b
	}
	if b < 0 {
		high -= a
	}
	return high, low
}

// within says whether a distance is at most so many parts per million of a base.
func within(distance, limitPPM, base int64) bool {
	return productAtMost(distance, million, limitPPM, base)
}
