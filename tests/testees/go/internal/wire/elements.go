package wire

import (
	"reflect"

	"perptestee/internal/hashsuite"
)

// limits of the shapes of docs/encoding.md.
const (
	smallLimit  = 1 << 13
	singleLimit = 1 << 26
	doubleLimit = 1 << 52
)

// collector gathers the values of a record by shape.
type collector struct {
	digests []uint32
	words   []uint32
	small   []int64
	tops    []int64
}

// Elements gives a record as field elements.
func Elements(record any) []uint32 {
	var c collector
	c.addRecord(reflect.ValueOf(record))
	elements := append(c.digests, c.words...)
	elements = append(elements, inPairs(c.small, hashsuite.Pair)...)
	return append(elements, inPairs(c.tops, hashsuite.Tops)...)
}

func inPairs(limbs []int64, join func(low, high int64) uint32) []uint32 {
	var joined []uint32
	for i := 0; i < len(limbs); i += 2 {
		high := int64(0)
		if i+1 < len(limbs) {
			high = limbs[i+1]
		}
		joined = append(joined, join(limbs[i], high))
	}
	return joined
}

func (c *collector) addRecord(record reflect.Value) {
	for i, f := range fieldsOf(record.Type()) {
		c.addValue(record.Field(i), f)
	}
}

func (c *collector) addValue(value reflect.Value, f field) {
	switch {
	case value.Type() == digestType:
		digest := value.Interface().(hashsuite.Digest)
		c.digests = append(c.digests, digest[:]...)
	case value.Kind() == reflect.Struct:
		c.addRecord(value)
	case value.Kind() == reflect.Array:
		for i := range value.Len() {
			c.addValue(value.Index(i), f)
		}
	case value.Kind() == reflect.Bool:
		flag := int64(0)
		if value.Bool() {
			flag = 1
		}
		c.small = append(c.small, flag)
	default:
		c.addWord(value.Int(), f)
	}
}

func (c *collector) addWord(word int64, f field) {
	limbs := hashsuite.Limbs(word)
	largest := max(-f.low, f.high)
	if f.low >= 0 && largest < smallLimit {
		c.small = append(c.small, limbs[0])
		return
	}
	c.words = append(c.words, hashsuite.Pair(limbs[0], limbs[1]))
	if largest >= singleLimit {
		c.words = append(c.words, hashsuite.Pair(limbs[2], limbs[3]))
	}
	if largest >= doubleLimit {
		c.tops = append(c.tops, limbs[4])
	}
}
