// Package wire reads and writes records as docs/protocol.md and docs/encoding.md say.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Object is a JSON object.
type Object = map[string]any

// Parse reads one JSON value strictly: no member twice, nothing behind it. Numbers stay json.Number.
func Parse(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := parseValue(decoder)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something stands behind the value")
	}
	return value, nil
}

func parseValue(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return parseObject(decoder)
	case json.Delim('['):
		array := []any{}
		for decoder.More() {
			item, err := parseValue(decoder)
			if err != nil {
				return nil, err
			}
			array = append(array, item)
		}
		_, err := decoder.Token()
		return array, err
	}
	return token, nil
}

func parseObject(decoder *json.Decoder) (any, error) {
	object := Object{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, isString := token.(string)
		if _, twice := object[name]; !isString || twice {
			return nil, fmt.Errorf("member %v is given twice", token)
		}
		if object[name], err = parseValue(decoder); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
}

// AsObject takes a value for an object.
func AsObject(value any, what string) (Object, error) {
	object, ok := value.(Object)
	if !ok {
		return nil, fmt.Errorf("%s: expected an object", what)
	}
	return object, nil
}

// AsString takes a value for a string.
func AsString(value any, what string) (string, error) {
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s: expected a string", what)
	}
	return text, nil
}

// AsArray takes a value for an array.
func AsArray(value any, what string) ([]any, error) {
	array, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: expected an array", what)
	}
	return array, nil
}

// Members checks that an object has just these members.
func Members(object Object, what string, names ...string) error {
	for _, name := range names {
		if _, ok := object[name]; !ok {
			return fmt.Errorf("%s: member %s is missing", what, name)
		}
	}
	for name := range object {
		known := false
		for _, other := range names {
			known = known || name == other
		}
		if !known {
			return fmt.Errorf("%s: unknown member %q", what, name)
		}
	}
	return nil
}
