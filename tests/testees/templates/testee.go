// A testee to start from: go run testee.go. It knows the protocol and no operation yet.
package main

import (
	"bufio"
	"encoding/json"
	"math/big"
	"os"
)

type object = map[string]any

var hello = object{
	"implementation": object{"name": "my exchange", "version": "0.1", "language": "Go", "source": ""},
	"rules":          []string{"perpetual"},
	// Name here what you have connected, such as "withdraw": what is not named is not sent.
	"operations": []string{"withdraw"},
	"features":   []string{},
	"observes":   []string{"reason", "delta"},
}

type request struct {
	Seq     int             `json:"seq"`
	Request string          `json:"request"`
	Config  json.RawMessage `json:"config"`
	Case    struct {
		Pre   json.RawMessage `json:"pre"`
		Steps []step          `json:"steps"`
	} `json:"case"`
}

type step struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

// engine is where your exchange goes.
type engine struct{}

// configure takes market parameters and the like.
func (*engine) configure(config json.RawMessage) {}

// load starts from a state; what is absent is zero.
func (*engine) load(state json.RawMessage) {}

// apply applies one operation, wholly or not at all. Integers in args are decimal strings.
func (*engine) apply(op string, args json.RawMessage) object {
	if op == "withdraw" {
		var own struct{ Amount string }
		if err := json.Unmarshal(args, &own); err != nil {
			return object{"outcome": "errored", "message": err.Error()}
		}
		amount, ok := new(big.Int).SetString(own.Amount, 10)
		if ok && amount.Sign() < 1 {
			return object{"outcome": "rejected", "reason": "AMOUNT", "delta": []object{}}
		}
	}
	// Where it happens: {"outcome": "accepted", "delta": [{"path": "/account/4/collateral", "value": "5000"}]}
	return object{"outcome": "skipped", "why": op + " is not connected yet"}
}

// run gives one result for each step, and none after one that is neither accepted nor rejected.
func (e *engine) run(steps []step) []object {
	var found []object
	for _, s := range steps {
		result := e.apply(s.Op, s.Args)
		found = append(found, result)
		if result["outcome"] != "accepted" && result["outcome"] != "rejected" {
			break
		}
	}
	return found
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	var e engine
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		reply := object{}
		if err := json.Unmarshal(line, &r); err != nil {
			os.Exit(1)
		}
		reply["seq"] = r.Seq
		switch r.Request {
		case "hello":
			for name, value := range hello {
				reply[name] = value
			}
		case "configure":
			e.configure(r.Config)
			reply["result"] = "ok"
		case "run":
			e.load(r.Case.Pre)
			reply["results"] = e.run(r.Case.Steps)
		case "stop":
			return
		}
		if err := out.Encode(reply); err != nil {
			os.Exit(1)
		}
	}
}
