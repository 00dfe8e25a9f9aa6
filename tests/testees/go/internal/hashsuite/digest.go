package hashsuite

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Tag belongs to one use of a function of the suite.
type Tag uint32

// The tags of what an exchange hashes.
const (
	Node           Tag = 1
	StateRoot      Tag = 2
	Global         Tag = 3
	AccountLeaf    Tag = 4
	OrderLeaf      Tag = 6
	MarketLeaf     Tag = 7
	RequestLeaf    Tag = 8
	Config         Tag = 9
	BatchHeader    Tag = 11
	Operation      Tag = 12
	OperationChain Tag = 13
	Queue          Tag = 14
)

// Digest is eight elements. The zero digest stands for an absent leaf.
type Digest [8]uint32

// ParseDigest reads 64 lower-case hexadecimal digits.
func ParseDigest(text string) (Digest, error) {
	var d Digest
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 || strings.ToLower(text) != text {
		return d, fmt.Errorf("expected 64 lower-case hexadecimal digits, got %q", text)
	}
	for i := range d {
		d[i] = binary.LittleEndian.Uint32(raw[4*i:])
		if d[i] >= prime {
			return Digest{}, fmt.Errorf("element %d of digest %s is not below %d", i, text, prime)
		}
	}
	return d, nil
}

// String gives the 64 digits.
func (d Digest) String() string {
	raw := make([]byte, 0, 32)
	for _, element := range d {
		raw = binary.LittleEndian.AppendUint32(raw, element)
	}
	return hex.EncodeToString(raw)
}

// Hasher makes digests. It keeps the steps it has made, since states differ little from one another.
type Hasher struct {
	known map[[2]Digest]Digest
}

// knownMax bounds the memory of a hasher.
const knownMax = 1 << 20

// NewHasher has made no step yet.
func NewHasher() *Hasher {
	return &Hasher{known: map[[2]Digest]Digest{}}
}

// Step is the compression that all functions are made of: the permutation of both halves, the left one added.
func (h *Hasher) Step(left, right Digest) Digest {
	halves := [2]Digest{left, right}
	if result, ok := h.known[halves]; ok {
		return result
	}
	var lanes state
	for i := range left {
		lanes[i], lanes[8+i] = uint64(left[i]), uint64(right[i])
	}
	permute(&lanes)
	var result Digest
	for i := range result {
		result[i] = uint32((lanes[i] + uint64(left[i])) % prime)
	}
	if len(h.known) >= knownMax {
		clear(h.known)
	}
	h.known[halves] = result
	return result
}

// Compress is the digest of exactly sixteen elements.
func (h *Hasher) Compress(tag Tag, left, right Digest) Digest {
	result := h.Step(left, right)
	result[0] = uint32((uint64(result[0]) + uint64(tag)) % prime)
	return result
}

// HashElements is the digest of any number of elements.
func (h *Hasher) HashElements(tag Tag, elements []uint32) Digest {
	digest := Digest{uint32(tag), uint32(len(elements))}
	for first := true; first || len(elements) > 0; first = false {
		var block Digest
		elements = elements[copy(block[:], elements):]
		digest = h.Step(digest, block)
	}
	return digest
}

// BytesElements are the elements that stand for data: its length, then three bytes at a time.
func BytesElements(data []byte) []uint32 {
	elements := []uint32{uint32(len(data))}
	for len(data) > 0 {
		var three [4]byte
		data = data[copy(three[:3], data):]
		elements = append(elements, binary.LittleEndian.Uint32(three[:]))
	}
	return elements
}

// HashWords is the digest of digests and a list of words.
func (h *Hasher) HashWords(tag Tag, digests []Digest, words []int64) Digest {
	var elements []uint32
	for _, d := range digests {
		elements = append(elements, d[:]...)
	}
	for ; len(words) >= 2; words = words[2:] {
		l, m := Limbs(words[0]), Limbs(words[1])
		elements = append(elements, Pair(l[0], l[1]), Pair(l[2], l[3]), Pair(m[0], m[1]), Pair(m[2], m[3]), Tops(l[4], m[4]))
	}
	if len(words) == 1 {
		l := Limbs(words[0])
		elements = append(elements, Pair(l[0], l[1]), Pair(l[2], l[3]), Tops(l[4], 0))
	}
	return h.HashElements(tag, elements)
}

// Limbs are the five digits of a word in base 2^13, each with the word's sign.
func Limbs(word int64) (limbs [5]int64) {
	// Go's remainder has the sign of the word, as the limbs have.
	for i := range limbs {
		limbs[i] = word % (1 << 13)
		word /= 1 << 13
	}
	return limbs
}

// Pair is the element of two limbs that are 13 bits apart.
func Pair(low, high int64) uint32 {
	return element(low + high<<13)
}

// Tops is the element of two top limbs, 12 bits apart.
func Tops(low, high int64) uint32 {
	return element(low + high<<12)
}

func element(value int64) uint32 {
	return uint32((value%prime + prime) % prime)
}
