package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"perptestee/internal/exchange"
	"perptestee/internal/reason"
	"perptestee/internal/wire"
)

type object = wire.Object

// testee answers the requests of docs/protocol.md, version 1.
type testee struct {
	stepwise bool
	observes []string
	machine  *exchange.Machine
}

func newTestee(stepwise bool, observes []string) *testee {
	return &testee{stepwise: stepwise, observes: observes}
}

// requests has for each kind its members, besides seq and request, and what answers it.
var requests = map[string]struct {
	members []string
	answer  func(*testee, object) (object, error)
}{
	"hello":     {[]string{"protocol", "spec"}, (*testee).hello},
	"configure": {[]string{"rules", "config"}, (*testee).configure},
	"run":       {[]string{"case"}, (*testee).run},
	"load":      {[]string{"case"}, (*testee).load},
	"apply":     {[]string{"step"}, (*testee).apply},
	"read":      {nil, (*testee).read},
}

// answer gives the reply to a line, or nil where there is to be none. An error is one without a reply.
func (t *testee) answer(line []byte) (object, error) {
	value, err := wire.Parse(line)
	if err != nil {
		return nil, fmt.Errorf("a request is no JSON object: %w", err)
	}
	request, err := wire.AsObject(value, "request")
	if err != nil {
		return nil, err
	}
	seq, ok := request["seq"].(json.Number)
	if _, err := seq.Int64(); !ok || err != nil {
		return nil, errors.New("a request has no seq")
	}
	if request["request"] == "stop" {
		return nil, wire.Members(request, "stop", "seq", "request")
	}
	reply, err := t.dispatch(request)
	if err != nil {
		reply = object{"error": err.Error()}
	}
	reply["seq"] = seq
	return reply, nil
}

func (t *testee) dispatch(request object) (object, error) {
	kind, err := wire.AsString(request["request"], "request")
	if err != nil {
		return nil, err
	}
	known, ok := requests[kind]
	if !ok {
		return nil, fmt.Errorf("unknown request %q", kind)
	}
	if err := wire.Members(request, kind, append([]string{"seq", "request"}, known.members...)...); err != nil {
		return nil, err
	}
	if t.machine == nil && kind != "hello" && kind != "configure" {
		return nil, fmt.Errorf("%s before configure", kind)
	}
	return known.answer(t, request)
}

func (t *testee) hello(request object) (object, error) {
	if request["protocol"] != json.Number("1") {
		return nil, fmt.Errorf("expected protocol 1, got %v", request["protocol"])
	}
	features := []string{"root", "config_digest"}
	if t.stepwise {
		features = append(features, "stepwise")
	}
	return object{
		"implementation": object{"name": "perptestee", "version": "1", "language": "Go", "source": ""},
		"rules":          []string{"perpetual"},
		"operations":     exchange.Operations(),
		"features":       features,
		"observes":       t.observes,
	}, nil
}

func (t *testee) configure(request object) (object, error) {
	if request["rules"] != "perpetual" {
		return object{"result": "unsupported", "why": "only the rule set perpetual is implemented"}, nil
	}
	config, err := exchange.DecodeConfig(request["config"])
	if err != nil {
		return nil, err
	}
	if err := config.Check(); err != nil {
		return object{"result": "unsupported", "why": err.Error()}, nil
	}
	t.machine = exchange.NewMachine(config)
	return object{"result": "ok"}, nil
}

// setCase takes the state that a case begins with.
func (t *testee) setCase(value any, members ...string) (object, error) {
	begun, err := wire.AsObject(value, "case")
	if err != nil {
		return nil, err
	}
	if err := wire.Members(begun, "case", append([]string{"id", "pre"}, members...)...); err != nil {
		return nil, err
	}
	state, err := exchange.DecodeState(begun["pre"])
	if err != nil {
		return nil, err
	}
	t.machine.SetState(state)
	return begun, nil
}

func (t *testee) run(request object) (object, error) {
	begun, err := t.setCase(request["case"], "steps")
	if err != nil {
		return nil, err
	}
	steps, err := wire.AsArray(begun["steps"], "steps")
	if err != nil {
		return nil, err
	}
	results := []object{}
	for _, step := range steps {
		result, err := t.step(step)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
		if result["outcome"] != "accepted" && result["outcome"] != "rejected" {
			break
		}
	}
	return object{"results": results}, nil
}

func (t *testee) load(request object) (object, error) {
	if _, err := t.setCase(request["case"]); err != nil {
		return nil, err
	}
	return object{"result": "ok"}, nil
}

func (t *testee) apply(request object) (object, error) {
	result, err := t.step(request["step"])
	return object{"results": []object{result}}, err
}

func (t *testee) read(object) (object, error) {
	return object{"state": exchange.EncodeState(t.machine.State())}, nil
}

// step applies one operation. An error says that the request is malformed.
func (t *testee) step(value any) (result object, err error) {
	step, err := wire.AsObject(value, "step")
	if err != nil {
		return nil, err
	}
	if err := wire.Members(step, "step", "op", "args"); err != nil {
		return nil, err
	}
	name, err := wire.AsString(step["op"], "step.op")
	if err != nil {
		return nil, err
	}
	// A number outside its range is an error of this program, and of the case at hand only.
	defer func() {
		if failure := recover(); failure != nil {
			result, err = object{"outcome": "errored", "message": fmt.Sprint(failure)}, nil
		}
	}()
	before := t.machine.State().Clone()
	return t.show(before, t.machine.Apply(name, step["args"]))
}

// show makes the result of an operation.
func (t *testee) show(before *exchange.State, err error) (object, error) {
	result := object{"outcome": "accepted"}
	var rejected reason.Reason
	var malformed exchange.Malformed
	switch {
	case errors.As(err, &malformed):
		return nil, err
	case errors.As(err, &rejected):
		result["outcome"] = "rejected"
		if t.observed("reason") {
			result["reason"] = rejected.Error()
		}
	case err != nil:
		return object{"outcome": "errored", "message": err.Error()}, nil
	case t.observed("outputs"):
		result["outputs"] = object{}
	}
	if t.observed("delta") {
		result["delta"] = exchange.Delta(before, t.machine.State())
	}
	if t.observed("state") {
		result["state"] = exchange.EncodeState(t.machine.State())
	}
	if t.observed("root") {
		root, err := t.machine.Root()
		if err != nil {
			return object{"outcome": "errored", "message": err.Error()}, nil
		}
		result["root"] = root.String()
	}
	return result, nil
}

func (t *testee) observed(what string) bool {
	return slices.Contains(t.observes, what)
}
