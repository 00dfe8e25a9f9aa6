package wire

import "testing"

func TestAMemberGivenTwiceIsRefused(t *testing.T) {
	for _, text := range []string{`{"a":1,"a":1}`, `{"b":[{"a":1,"a":2}]}`, `{} {}`, "{\"a\":\"\xff\"}", `{"a":1,}`, `[1`} {
		if value, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: expected an error, got %v", text, value)
		}
	}
}

type sample struct {
	Amount int64   `perp:"amount,-(2^63-1)..2^63-1"`
	Kind   int64   `perp:"kind,0..3"`
	Flags  [2]bool `perp:"flags"`
}

func TestARecordHasAllItsFieldsInTheirRanges(t *testing.T) {
	refused := []string{
		`{"amount":"1","kind":"1"}`,
		`{"amount":"1","kind":"1","flags":[true,true],"more":"1"}`,
		`{"amount":1,"kind":"1","flags":[true,true]}`,
		`{"amount":"01","kind":"1","flags":[true,true]}`,
		`{"amount":"+1","kind":"1","flags":[true,true]}`,
		`{"amount":"-0","kind":"1","flags":[true,true]}`,
		`{"amount":"-9223372036854775808","kind":"1","flags":[true,true]}`,
		`{"amount":"1","kind":"4","flags":[true,true]}`,
		`{"amount":"1","kind":"-1","flags":[true,true]}`,
		`{"amount":"1","kind":"1","flags":[true]}`,
		`{"amount":"1","kind":"1","flags":[true,"1"]}`,
		`{"Amount":"1","kind":"1","flags":[true,true]}`,
	}
	for _, text := range refused {
		if record, err := decode(t, text); err == nil {
			t.Errorf("%s: expected an error, got %v", text, record)
		}
	}
	record, err := decode(t, `{"amount":"-9223372036854775807","kind":"3","flags":[true,false]}`)
	if expected := (sample{-1<<63 + 1, 3, [2]bool{true, false}}); err != nil || record != expected {
		t.Errorf("expected %v, got %v (%v)", expected, record, err)
	}
}

func decode(t *testing.T, text string) (record sample, err error) {
	t.Helper()
	value, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return record, Decode(value, "sample", &record)
}
