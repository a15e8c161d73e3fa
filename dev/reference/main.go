// Reference documents the commands of starter from their help: docs/reference/cli.md, which a test
// rewrites, and man pages. Run it in the module dev: the root module does not need what makes
// man pages.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	dir := flag.String("man", "", "directory that the man pages are written to")
	flag.Parse()
	if *dir == "" {
		fmt.Fprintln(os.Stderr, "reference: name the directory of the man pages with -man")
		os.Exit(2)
	}
	if err := writeManPages(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}
