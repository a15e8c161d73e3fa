package worker

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
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/commandline"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/telemetry"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/terminal"
)

// Exit codes of the worker. They agree with those of starter.
const (
	ExitOK          = 0
	ExitOther       = 1
	ExitUsage       = 2 // an invalid flag or configuration
	ExitUnreachable = 7 // Temporal does not answer
)

// configVariable names the configuration file if --config is not given.
const configVariable = "MIGRATIONLINK_CONFIG"

const help = `Worker runs the workflows and activities of migrationlink until SIGTERM or
SIGINT. Then it lets running calls finish and exits with 0.

It connects to Temporal with the variables and profiles of the temporal
command: TEMPORAL_ADDRESS (default localhost:7233), TEMPORAL_NAMESPACE (default
"default"), TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE. It uses no
payload codec, and refuses to start if TEMPORAL_CODEC_ENDPOINT is set.

With TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID it is a version of a
Worker Deployment: links finish on the version where they began.

When the configuration or a file that it names changes, and on SIGHUP, the
worker reloads keys, identities, certificates, addresses and timeouts without a
restart. An invalid configuration is logged, and the previous one stays active.
The log names changed settings that need a restart: added or removed managers,
requests_per_second, [http], [worker] and [log]. Environment variables and the
connection to Temporal stay as they were at the start. Two exceptions are
reloaded when they change: the files of a client certificate, and an API key in
the file of profiles.

Exit codes:
  0  stopped as requested, or the configuration is valid (--check)
  1  any other error
  2  invalid usage or configuration
  7  Temporal cannot be reached`

// Run runs the worker's command line until ctx ends, and returns the exit code. The
// converters are for its client; both may be nil.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, data converter.DataConverter, failures converter.FailureConverter) int {
	root := newCommand(data, failures)
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	_, _ = io.WriteString(stderr, printed(err).Text("worker", terminal.Width(stderr)))
	if _, ok := errors.AsType[usageError](err); ok {
		return ExitUsage
	}
	if known, ok := errors.AsType[*temporalconn.Error](err); ok && known.Kind == temporalconn.Unreachable {
		return ExitUnreachable
	}
	return ExitOther
}

// usageError is an error in the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// printed splits an error into its cause and its remedy.
func printed(err error) terminal.Error {
	if known, ok := errors.AsType[terminal.Error](err); ok {
		return known
	}
	if known, ok := errors.AsType[*config.Error](err); ok {
		return terminal.Error{Message: "configuration " + known.File, Problems: known.Problems}
	}
	if known, ok := errors.AsType[*temporalconn.Error](err); ok {
		return terminal.Error{Message: strings.TrimSuffix(err.Error(), ". "+known.Remedy), Remedy: known.Remedy}
	}
	return terminal.Error{Message: err.Error()}
}

const seeHelp = "Run 'worker --help' to see the flags."

func newCommand(data converter.DataConverter, failures converter.FailureConverter) *cobra.Command {
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
				return usageError{terminal.Error{Message: fmt.Sprintf("unknown argument %q", args[0]), Remedy: seeHelp}}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(source)
			if known, ok := errors.AsType[*config.Error](err); ok && known.Local {
				return err
			}
			if err != nil {
				return usageError{err}
			}
			settings := temporalSettings(cfg, source, data)
			switch {
			case check:
				if err := temporalconn.CheckCodec(settings); err != nil {
					return usageError{err}
				}
				for _, warning := range cfg.Warnings {
					_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "worker: warning: "+warning)
				}
				return reportGood(cmd.OutOrStdout(), cfg)
			case probe:
				return askReady(cmd.Context(), cmd.OutOrStdout(), cfg)
			}
			return serve(cmd.Context(), cfg, source, settings, dataconv.Converters{Data: data, Failures: failures}, cmd.ErrOrStderr())
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{terminal.Error{Message: err.Error(), Remedy: seeHelp}}
	})
	root.Flags().StringVar(&source.Path, "config", os.Getenv(configVariable), "configuration file (TOML), instead of "+configVariable)
	root.Flags().BoolVar(&check, "check", false, "check the configuration, and the keys and files that it refers to, without calling a manager or Temporal, and exit")
	root.Flags().BoolVar(&probe, "probe", false, "ask the running worker of this configuration, at http.address, whether it is ready, and exit; for supervisors")
	root.Flags().BoolVar(&source.AllowReadableKeys, "allow-readable-keys", false, "accept files of keys and link-tokens that others may read or change; for tests only")
	commandline.RejectRepeats(root)
	return root
}

func load(source config.Source) (config.Config, error) {
	if source.Path == "" {
		return config.Config{}, terminal.Error{Message: "no configuration file", Remedy: "Name it with --config or " + configVariable + "."}
	}
	return source.Load()
}

// reportGood prints whom the worker calls, and the recipients of its identities.
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
		return usageError{terminal.Error{Message: "the configuration has no http.address, so the worker cannot be asked", Remedy: "Add address to [http]."}}
	}
	if err := telemetry.Probe(ctx, cfg.HTTP.Address); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	_, err := fmt.Fprintln(stdout, "ready")
	return err
}

// temporalSettings returns how to read the settings of the connection to Temporal.
func temporalSettings(cfg config.Config, source config.Source, data converter.DataConverter) temporalconn.Overrides {
	settings := temporalconn.Overrides{CheckKey: func(path string) error {
		if cfg.Tokens.Holds(path) {
			return fmt.Errorf("file:%s is in tokens.directory, so any request could send it to a manager as a link-token; move it", path)
		}
		return source.CheckKey(path)
	}}
	if data != nil {
		settings.Codec = temporalconn.OwnCodec
	}
	return settings
}

func serve(ctx context.Context, cfg config.Config, source config.Source, settings temporalconn.Overrides, own dataconv.Converters, stderr io.Writer) error {
	// Already here, so that a SIGHUP does not end the process while it connects.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	logger, err := logging.New(cfg.Log.Level, cfg.Log.Format, stderr)
	if err != nil {
		return usageError{err}
	}
	logging.TakeStandard(logger)
	if source.AllowReadableKeys {
		logger.Warn("--allow-readable-keys accepts files of keys and link-tokens that others may read or change; use it for tests only")
	}
	if len(cfg.Warnings) > 0 {
		logger.Warn("the configuration has risks", zap.Strings("warnings", cfg.Warnings))
	}
	options, err := temporalconn.Load(settings)
	if err != nil {
		return usageError{err}
	}
	options.DataConverter, options.FailureConverter = own.Data, own.Failures
	stored := dataconv.Of(options.Options)
	options.DataConverter, options.FailureConverter = dataconv.Lenient(stored.Data), stored.Failures
	options.Logger = logging.ForTemporal(logger)
	worker.SetBinaryChecksum(buildinfo.Binary())
	watched, err := watch(ctx, cfg, &options.Options, logger)
	if err != nil {
		return err
	}
	defer watched.stop()
	logger.Info("connecting to Temporal", zap.String("address", options.HostPort), zap.String("namespace", options.Namespace))
	temporal, err := options.Dial(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // stopped before it was connected
	}
	if err != nil {
		return err
	}
	defer temporal.Close()
	return options.Explain(run(ctx, temporal, stored, cfg, source, hangup, logger, func(w *Worker) { watched.running.Store(w) }))
}
