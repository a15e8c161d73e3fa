package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/dev/stack"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/starter"
)

// demoLimit bounds a demonstration; the link itself takes about ten seconds.
const demoLimit = 2 * time.Minute

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run the system on free ports and in memory, link one organization, and leave nothing behind",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return demo(cmd) },
	}
}

func demo(cmd *cobra.Command) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), demoLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "migrationlink-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	options := stack.Options{SyncDelay: 5 * time.Second, ServerLog: zap.NewNop(), WorkerLog: zap.NewNop()}
	if err := options.ChoosePorts(); err != nil {
		return err
	}
	if options.WorkerConfig, err = writeFiles(dir, dir, options); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, "Starting Temporal, a simulated manager and a worker on free ports …")
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	defer s.Stop()

	args := []string{"link", "--manager", "demo", "--org", demoOrg, "--token-ref", "env:LINK_TOKEN_DEMO"}
	fmt.Fprintf(out, "\n$ starter %s\n", strings.Join(args, " "))
	code := starter.Run(ctx, console.Environment{Args: args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	if code != 0 {
		return exitError(code)
	}
	fmt.Fprintln(out, "\nThe whole system for yourself:  make dev")
	return nil
}

// exitError is the exit code of the starter, which has reported why.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("the link ended with exit code %d", int(e)) }

func exitCode(err error) int {
	if code, ok := errors.AsType[exitError](err); ok {
		return int(code)
	}
	return 1
}
