// Command perptestee is an exchange written from the documents of perpspec alone, and a testee of its protocol.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	stepwise := flag.Bool("stepwise", false, "take one operation at a time: load, apply and read instead of run")
	observes := flag.String("observes", "reason,delta,state,root,outputs", "what results show")
	flag.Parse()
	t := newTestee(*stepwise, strings.Split(*observes, ","))
	if err := t.serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "perptestee:", err)
		os.Exit(1)
	}
}

// serve answers each line until it is told to stop, or the lines end.
func (t *testee) serve(from io.Reader, to io.Writer) error {
	lines, replies := bufio.NewReaderSize(from, 1<<16), json.NewEncoder(to)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		reply, err := t.answer(line)
		if err != nil {
			return err
		}
		if reply == nil {
			return nil
		}
		if err := replies.Encode(reply); err != nil {
			return fmt.Errorf("writing a reply: %w", err)
		}
	}
}
