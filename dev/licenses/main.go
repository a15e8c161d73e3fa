// Licenses prints the licences of the code that is linked into the programs, with
// their texts: most of them require whoever distributes a program to do so. Run it in
// the module dev.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	modules, err := linked(ctx, "..")
	if err == nil {
		err = write(os.Stdout, modules)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}
