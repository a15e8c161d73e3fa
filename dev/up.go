package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/migrationlink/migrationlink/dev/stack"
	"github.com/migrationlink/migrationlink/internal/logging"
)

// The organizations of the examples. Simulated ones take any id.
const (
	demoOrg      = "5f1b2c3d4e5f6a7b8c9d0e1f"
	otherDemoOrg = "5f1b2c3d4e5f6a7b8c9d0e2f"
	demoAtlasOrg = "6a1b2c3d4e5f6a7b8c9d0e1f"
)

func upCommand() *cobra.Command {
	var options stack.Options
	var noWorker bool
	var files, logLevel string
	command := &cobra.Command{
		Use:   "up",
		Short: "Run embedded Temporal with its Web UI, the simulated manager and a worker until stopped",
		Example: `  go -C dev run . up
  go -C dev run . up --sync-delay 60s --no-worker`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return up(cmd.Context(), cmd.OutOrStdout(), options, noWorker, files, logLevel)
		},
	}
	flags := command.Flags()
	flags.IntVar(&options.TemporalPort, "temporal-port", 7233, "port of Temporal; 0 means any free one")
	flags.IntVar(&options.UIPort, "ui-port", 8233, "port of the Temporal Web UI; 0 means any free one")
	flags.IntVar(&options.SimulatorPort, "simulator-port", 8080, "port of the simulated manager; 0 means any free one")
	flags.StringVar(&options.DatabaseFile, "db", ".dev/temporal.db", "SQLite file of Temporal, below the repository's root; empty means in memory")
	flags.DurationVar(&options.SyncDelay, "sync-delay", 5*time.Second, "time from the creation of a link until it is SYNCED")
	flags.BoolVar(&noWorker, "no-worker", false, "run no worker, to start one separately")
	flags.StringVar(&files, "files", ".dev", "directory for env, identity and worker.toml, below the repository's root")
	flags.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error; for the worker")
	return command
}

func up(ctx context.Context, out io.Writer, options stack.Options, noWorker bool, files, logLevel string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	files = below(root, files)
	if options.DatabaseFile != "" {
		options.DatabaseFile = below(root, options.DatabaseFile)
	}
	if err := options.ChoosePorts(); err != nil {
		return err
	}
	shown := files
	if shorter, err := filepath.Rel(root, files); err == nil && filepath.IsLocal(shorter) {
		shown = shorter
	}
	configFile, err := writeFiles(files, shown, options)
	if err != nil {
		return err
	}
	if !noWorker {
		options.WorkerConfig = configFile
	}
	if options.WorkerLog, err = logging.New(logLevel, "console", os.Stderr); err != nil {
		return err
	}
	options.ServerLog = options.WorkerLog.WithOptions(zap.IncreaseLevel(zapcore.DPanicLevel))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go endWithGoRun(ctx, cancel)
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	defer s.Stop()
	printBanner(out, options, shown, noWorker)
	<-ctx.Done()
	fmt.Fprintln(out, "stopping")
	return nil
}

func below(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

func printBanner(out io.Writer, options stack.Options, files string, noWorker bool) {
	fmt.Fprintf(out, "Temporal   %s\nWeb UI     %s\nSimulator  %s/simulator/state\n\n",
		options.TemporalAddress(), options.UIURL(), options.SimulatorURL())
	fmt.Fprintln(out, "In another terminal, at the repository's root:")
	fmt.Fprintf(out, "  . %s\n", filepath.Join(files, "env"))
	if noWorker {
		fmt.Fprintf(out, "  go run ./worker --config %s\n", filepath.Join(files, "worker.toml"))
	}
	target := "--manager demo --org " + demoOrg
	fmt.Fprintf(out, "  go run ./starter link %s --token-ref env:LINK_TOKEN_DEMO\n", target)
	fmt.Fprintf(out, "  go run ./starter link --manager demo --org %s --atlas demo --atlas-org %s\n", otherDemoOrg, demoAtlasOrg)
	fmt.Fprintf(out, "  go run ./starter status %s\n", target)
	fmt.Fprintf(out, "  go run ./starter cancel %s --reason 'changed my mind'\n\n", target)
	fmt.Fprintln(out, "ready")
}

// endWithGoRun calls end when `go run` started this process and has ended: `go run`
// forwards no SIGTERM and would leave this process running.
func endWithGoRun(ctx context.Context, end func()) {
	program, err := os.Executable()
	if err != nil || !strings.Contains(program, "go-build") {
		return
	}
	parent := os.Getppid()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for os.Getppid() == parent {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
	end()
}
