// Package hashsuite computes the digests of docs/hash-suite.md, of the default suite.
package hashsuite

// Identifier names the suite and its version.
const Identifier = "poseidon-koalabear-16-r8-40.v1"

const (
	prime         = 1<<31 - 1<<24 + 1
	width         = 16
	fullRounds    = 8
	partialRounds = 40
	rounds        = fullRounds + partialRounds
	elementBits   = 31
)

type state [width]uint64

// firstRow is the first row of the circulant matrix.
var firstRow = state{1, 1, 51, 1, 11, 17, 2, 1, 101, 63, 15, 2, 67, 22, 13, 3}

// matrix[i][j] is firstRow[(j - i) mod 16].
var matrix = func() (m [width]state) {
	for i := range width {
		for j := range width {
			m[i][j] = firstRow[(j-i+width)%width]
		}
	}
	return m
}()

var roundConstants = makeRoundConstants()

// bitSource is the self-shrinking register that the round constants are read from.
type bitSource struct {
	register [80]byte
	at       int
}

func newBitSource() *bitSource {
	fields := []struct{ bits, value int }{
		{2, 1}, {4, 0}, {12, elementBits}, {12, width}, {10, fullRounds}, {10, partialRounds}, {30, 1<<30 - 1},
	}
	s := &bitSource{}
	place := 0
	for _, field := range fields {
		for shift := field.bits - 1; shift >= 0; shift-- {
			s.register[place] = byte(field.value >> shift & 1)
			place++
		}
	}
	for range 160 {
		s.next()
	}
	return s
}

// next continues the register by one bit.
func (s *bitSource) next() byte {
	bit := byte(0)
	for _, tap := range [...]int{62, 51, 38, 23, 13, 0} {
		bit ^= s.register[(s.at+tap)%80]
	}
	s.register[s.at] = bit
	s.at = (s.at + 1) % 80
	return bit
}

// output reads pairs until the first bit of one is 1, and gives the second.
func (s *bitSource) output() byte {
	for {
		first, second := s.next(), s.next()
		if first == 1 {
			return second
		}
	}
}

func makeRoundConstants() (constants [rounds]state) {
	source := newBitSource()
	for round := range constants {
		for lane := range width {
			constants[round][lane] = source.element()
		}
	}
	return constants
}

// element reads candidates until one is below the prime.
func (s *bitSource) element() uint64 {
	for {
		candidate := uint64(0)
		for range elementBits {
			candidate = candidate<<1 | uint64(s.output())
		}
		if candidate < prime {
			return candidate
		}
	}
}

func permute(x *state) {
	for round := range rounds {
		for i := range x {
			x[i] = (x[i] + roundConstants[round][i]) % prime
		}
		x[0] = cube(x[0])
		if round < fullRounds/2 || round >= rounds-fullRounds/2 {
			for i := 1; i < width; i++ {
				x[i] = cube(x[i])
			}
		}
		mix(x)
	}
}

func cube(x uint64) uint64 {
	return x * x % prime * x % prime
}

// mix multiplies by the matrix. Its entries are small, so the sums stay far below 2^64.
func mix(x *state) {
	var mixed state
	for i := range matrix {
		sum := uint64(0)
		for j, factor := range matrix[i] {
			sum += factor * x[j]
		}
		mixed[i] = sum % prime
	}
	*x = mixed
}
