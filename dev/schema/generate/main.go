// Command generate writes the JSON Schema of the contract into a file.
package main

import (
	"fmt"
	"os"

	"github.com/migrationlink/migrationlink/dev/schema"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("wants the directory of the contract and the file to write; run %s", schema.Regenerate)
	}
	text, err := schema.Generate(args[0], schema.ForCallers)
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], text, 0o644) //nolint:gosec // everybody may read it
}
