// Licenses writes down the licences of what is linked into the programs, with
// their texts, as most of them ask whoever gives a program away to do.
//
//	go run ./scripts/licenses > THIRD_PARTY_LICENSES.md
//	go run ./scripts/licenses -check THIRD_PARTY_LICENSES.md
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	check := flag.String("check", "", "compare with this file in place of writing")
	flag.Parse()
	err := run(ctx, *check)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check string) error {
	modules, err := linked(ctx)
	if err != nil {
		return err
	}
	var document bytes.Buffer
	if err := write(&document, modules); err != nil {
		return err
	}
	if check == "" {
		_, err := os.Stdout.Write(document.Bytes())
		return err
	}
	before, err := os.ReadFile(check) // #nosec G304 -- the file that the command line names
	if err != nil {
		return err
	}
	if !bytes.Equal(before, document.Bytes()) {
		return errors.New(check + " is not what the programs are made of; run make licenses")
	}
	return nil
}
