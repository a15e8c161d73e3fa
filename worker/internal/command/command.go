// Package command is the command line of the worker.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/linkworker"
	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/telemetry"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// Exit codes of the worker. Others mean what they mean to starter.
const (
	ExitOK          = 0
	ExitOther       = 1
	ExitUsage       = 2 // a wrong flag, or a wrong configuration
	ExitUnreachable = 7 // Temporal does not answer
)

// configVariable names the configuration file where --config does not.
const configVariable = "MIGRATIONLINK_CONFIG"

const help = `Worker runs the workflows and activities of migrationlink until it gets SIGTERM
or SIGINT; then it lets running calls finish and ends with 0.

Temporal is found by the variables and profiles that its own command line uses:
TEMPORAL_ADDRESS (default localhost:7233), TEMPORAL_NAMESPACE (default
"default"), TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE.

With TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID it is a version of a
Worker Deployment: links end on the version where they began.

When the configuration or a file that it names changes, and on SIGHUP, keys,
identities, certificates, addresses and timeouts are taken over without a
restart; a configuration with a problem is logged, and the one in force stays.
The log names what needs a restart: other managers, requests_per_second, [http],
[worker] and [log]. Variables of the environment, and the connection to Temporal,
stay as they were when the worker started.

Exit codes:
  0  ended as asked, or the configuration is good (--check)
  1  anything else
  2  wrong usage or configuration
  7  Temporal cannot be reached`

// Run carries out the worker's command line and returns its exit code. It ends
// when ctx does.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newCommand()
	root.SetArgs(append([]string{}, args...)) // nil would mean the process's own
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	_, _ = fmt.Fprintln(stderr, "worker: "+err.Error())
	if _, ok := errors.AsType[usageError](err); ok {
		return ExitUsage
	}
	if known, ok := errors.AsType[*temporalconn.Error](err); ok && known.Kind == temporalconn.Unreachable {
		return ExitUnreachable
	}
	return ExitOther
}

// usageError is the fault of the command line or the configuration.
type usageError struct{ error }

func newCommand() *cobra.Command {
	var (
		source       config.Source
		check, probe bool
	)
	root := &cobra.Command{
		Use:           "worker --config worker.toml",
		Short:         "Run the workflows and activities of migrationlink",
		Long:          help,
		Version:       buildinfo.Text(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown argument %q; see worker --help", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(source)
			if err != nil {
				return usageError{err}
			}
			switch {
			case check:
				return reportGood(cmd.OutOrStdout(), cfg)
			case probe:
				return askReady(cmd.Context(), cmd.OutOrStdout(), cfg)
			}
			return serve(cmd.Context(), cfg, source, cmd.ErrOrStderr())
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see worker --help", err)}
	})
	root.Flags().StringVar(&source.Path, "config", os.Getenv(configVariable), "configuration file (TOML), instead of "+configVariable)
	root.Flags().BoolVar(&check, "check", false, "check the configuration and the keys and files that it refers to, without asking a manager or Temporal, and end")
	root.Flags().BoolVar(&probe, "probe", false, "ask the worker that runs with this configuration whether it is ready, at http.address, and end; for supervisors")
	root.Flags().BoolVar(&source.AllowReadableKeys, "allow-readable-keys", false, "accept files of keys and link-tokens that others may read or change; for tests only")
	return root
}

func load(source config.Source) (config.Config, error) {
	if source.Path == "" {
		return config.Config{}, fmt.Errorf("no configuration; name its file with --config or %s", configVariable)
	}
	return source.Load()
}

// reportGood names whom the worker calls, and the recipients of its identities.
func reportGood(stdout io.Writer, cfg config.Config) error {
	parts := []string{"ok: " + list("manager", "managers", cfg.Managers)}
	if len(cfg.Atlas) > 0 {
		parts = append(parts, list("atlas", "atlas", cfg.Atlas))
	}
	if recipients := cfg.Tokens.Identities.Recipients(); len(recipients) > 0 {
		parts = append(parts, "seals to "+recipients[0].String())
		for _, recipient := range recipients[1:] {
			parts = append(parts, "opens what is sealed to "+recipient.String())
		}
	}
	_, err := fmt.Fprintln(stdout, strings.Join(parts, "; "))
	return err
}

func list[T interface{ ID() string }](one, many string, all []T) string {
	names := make([]string, len(all))
	for i, named := range all {
		names[i] = named.ID()
	}
	noun := many
	if len(names) == 1 {
		noun = one
	}
	return fmt.Sprintf("%d %s: %s", len(names), noun, strings.Join(names, ", "))
}

func askReady(ctx context.Context, stdout io.Writer, cfg config.Config) error {
	if cfg.HTTP.Address == "" {
		return usageError{errors.New("the configuration has no http.address where the worker could be asked; add it")}
	}
	if err := telemetry.Probe(ctx, cfg.HTTP.Address); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	_, err := fmt.Fprintln(stdout, "ready")
	return err
}

func serve(ctx context.Context, cfg config.Config, source config.Source, stderr io.Writer) error {
	// From here on, so that no such signal ends the process while it connects.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	logger, err := logging.New(cfg.Log.Level, cfg.Log.Format, stderr)
	if err != nil {
		return usageError{err}
	}
	if source.AllowReadableKeys {
		logger.Warn("files of keys and link-tokens that others may read or change are accepted (--allow-readable-keys): for tests only")
	}
	options, err := temporalconn.Load(temporalconn.Overrides{CheckKey: source.CheckKey})
	if err != nil {
		return usageError{err}
	}
	options.Logger = logging.ForTemporal(logger)
	watched, err := watch(ctx, cfg, &options.Options, logger)
	if err != nil {
		return err
	}
	defer watched.stop()
	logger.Info("connecting to Temporal", zap.String("address", options.HostPort), zap.String("namespace", options.Namespace))
	temporal, err := options.Dial(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // asked to end before there was anything to stop
	}
	if err != nil {
		return err
	}
	defer temporal.Close()
	return options.Explain(linkworker.Run(ctx, temporal, cfg, source, hangup, logger, func(w *linkworker.Worker) { watched.running.Store(w) }))
}
