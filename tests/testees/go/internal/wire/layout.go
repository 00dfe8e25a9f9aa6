package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"perptestee/internal/hashsuite"
)

// A record is a struct whose fields have tags `perp:"name"`, and integers `perp:"name,low..high"`. A field is an int64,
// a bool, a digest, another record, or an array of one of these.

// field is one field of a record.
type field struct {
	name      string
	low, high int64
}

var digestType = reflect.TypeFor[hashsuite.Digest]()

var layouts = map[reflect.Type][]field{}

// fieldsOf reads the tags of a record, once for each type.
func fieldsOf(record reflect.Type) []field {
	if fields, ok := layouts[record]; ok {
		return fields
	}
	fields := make([]field, record.NumField())
	for i := range fields {
		name, interval, _ := strings.Cut(record.Field(i).Tag.Get("perp"), ",")
		fields[i].name = name
		if low, high, ok := strings.Cut(interval, ".."); ok {
			fields[i].low, fields[i].high = parseBound(low), parseBound(high)
		}
	}
	layouts[record] = fields
	return fields
}

// parseBound reads what the tables of docs/state.md show, such as -(2^63-1).
func parseBound(text string) int64 {
	if inner, ok := strings.CutPrefix(text, "-"); ok {
		return -parseBound(strings.Trim(inner, "()"))
	}
	if smaller, ok := strings.CutSuffix(text, "+1"); ok {
		return parseBound(smaller) + 1
	}
	// Unsigned, since 2^63 - 1 is the largest bound.
	text, less := strings.CutSuffix(text, "-1")
	bound := uint64(0)
	if exponent, ok := strings.CutPrefix(text, "2^"); ok {
		bound = 1 << mustParse(exponent)
	} else {
		bound = mustParse(text)
	}
	if less {
		bound--
	}
	return int64(bound)
}

func mustParse(digits string) uint64 {
	value, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		panic(err)
	}
	return value
}

// Decode reads a record from an object that has all its fields and nothing else.
func Decode(value any, what string, into any) error {
	return decodeRecord(value, what, reflect.ValueOf(into).Elem())
}

func decodeRecord(value any, what string, into reflect.Value) error {
	object, err := AsObject(value, what)
	if err != nil {
		return err
	}
	fields := fieldsOf(into.Type())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	if err := Members(object, what, names...); err != nil {
		return err
	}
	for i, f := range fields {
		if err := decodeValue(object[f.name], what+"."+f.name, f, into.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func decodeValue(value any, what string, f field, into reflect.Value) error {
	switch {
	case into.Type() == digestType:
		text, err := AsString(value, what)
		if err != nil {
			return err
		}
		digest, err := hashsuite.ParseDigest(text)
		into.Set(reflect.ValueOf(digest))
		return err
	case into.Kind() == reflect.Struct:
		return decodeRecord(value, what, into)
	case into.Kind() == reflect.Array:
		return decodeVector(value, what, f, into)
	case into.Kind() == reflect.Bool:
		flag, ok := value.(bool)
		if !ok {
			return fmt.Errorf("%s: expected true or false", what)
		}
		into.SetBool(flag)
		return nil
	}
	word, err := decodeWord(value, what, f)
	into.SetInt(word)
	return err
}

func decodeVector(value any, what string, f field, into reflect.Value) error {
	array, err := AsArray(value, what)
	if err != nil {
		return err
	}
	if len(array) != into.Len() {
		return fmt.Errorf("%s: expected %d values, got %d", what, into.Len(), len(array))
	}
	for i, item := range array {
		if err := decodeValue(item, fmt.Sprintf("%s[%d]", what, i), f, into.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func decodeWord(value any, what string, f field) (int64, error) {
	text, err := AsString(value, what)
	if err != nil {
		return 0, err
	}
	word, err := strconv.ParseInt(text, 10, 64)
	// Only the shortest form gives the text back: no sign plus, no leading zero.
	if err != nil || strconv.FormatInt(word, 10) != text || word < f.low || word > f.high {
		return 0, fmt.Errorf("%s: expected a decimal string from %d to %d, got %q", what, f.low, f.high, text)
	}
	return word, nil
}

// Value is a field and what it is on the wire.
type Value struct {
	Name  string
	Value any
}

// Values gives the fields of a record in order.
func Values(record any) []Value {
	from := reflect.ValueOf(record)
	fields := fieldsOf(from.Type())
	values := make([]Value, len(fields))
	for i, f := range fields {
		values[i] = Value{f.name, encodeValue(from.Field(i))}
	}
	return values
}

// Encode gives a record as an object.
func Encode(record any) Object {
	object := Object{}
	for _, value := range Values(record) {
		object[value.Name] = value.Value
	}
	return object
}

func encodeValue(from reflect.Value) any {
	switch {
	case from.Type() == digestType:
		return from.Interface().(hashsuite.Digest).String()
	case from.Kind() == reflect.Struct:
		return Encode(from.Interface())
	case from.Kind() == reflect.Array:
		array := make([]any, from.Len())
		for i := range array {
			array[i] = encodeValue(from.Index(i))
		}
		return array
	case from.Kind() == reflect.Bool:
		return from.Bool()
	}
	return strconv.FormatInt(from.Int(), 10)
}
