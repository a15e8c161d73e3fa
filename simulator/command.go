package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/commandline"
	"github.com/migrationlink/migrationlink/internal/terminal"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// settings are the settings of the command line.
type settings struct {
	listen       string
	probe        bool
	allowRemote  bool
	privateKey   reference
	atlasKey     reference
	atlasAccount reference
	tls          tlsFiles
	manager      opsmanagertest.Options
}

// usageError is an error in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// printed splits an error into its cause and its remedy. Of several, each is a line.
func printed(err error) terminal.Error {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) && len(several.Unwrap()) > 1 {
		found := terminal.Error{Message: fmt.Sprintf("%d flags are wrong", len(several.Unwrap())), Remedy: seeHelp}
		for _, one := range several.Unwrap() {
			found.Problems = append(found.Problems, one.Error())
		}
		return found
	}
	if known, ok := errors.AsType[terminal.Error](err); ok {
		return known
	}
	return terminal.Error{Message: err.Error()}
}

const seeHelp = "Run 'simulator --help' to see the flags."

// run runs the command line and returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	command := newCommand(lookup)
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprint(stderr, printed(err).Text("simulator", terminal.Width(stderr)))
	if _, isUsage := errors.AsType[usageError](err); isUsage {
		return exitUsage
	}
	return exitError
}

func newCommand(lookup func(string) (string, bool)) *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:   "simulator",
		Short: "A simulated manager of MongoDB's link API",
		Long: "A simulated manager (Ops Manager or Cloud Manager) of MongoDB's link API, with digest\n" +
			"authentication, and the part of Atlas that creates link-tokens, with digest authentication\n" +
			"or a service account. Open the URL that it prints to see how to control it.",
		Version:       buildinfo.Text(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, args []string) error {
			if err := s.complete(args, lookup); err != nil {
				return err
			}
			if s.probe {
				return s.ask(command.Context())
			}
			return s.serve(command.Context(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{terminal.Error{Message: err.Error(), Remedy: seeHelp}}
	})
	s.register(command)
	commandline.RejectRepeats(command)
	return command
}

func (s *settings) register(command *cobra.Command) {
	flags, m := command.Flags(), &s.manager
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "address and port; port 0 picks a free port")
	flags.BoolVar(&s.allowRemote, "allow-remote", false, "listen on addresses that other machines reach; the control interface asks for no credentials")
	flags.BoolVar(&s.probe, "probe", false, "ask the running simulator of these flags whether it listens, and exit; for supervisors")
	flags.Uint64Var(&m.Seed, "seed", 0, "decides which requests a fault with a probability hits")
	flags.DurationVar(&m.SyncDelay, "sync-delay", 5*time.Second, "time from POST to SYNCED")
	flags.StringVar(&m.PublicKey, "public-key", opsmanagertest.DefaultPublicKey, "public part of the API key")
	s.privateKey.register(flags, "private-key", "private part of the API key", opsmanagertest.DefaultPrivateKey)
	flags.StringVar(&m.AtlasPublicKey, "atlas-public-key", opsmanagertest.DefaultAtlasPublicKey, "public part of Atlas's API key")
	s.atlasKey.register(flags, "atlas-private-key", "private part of Atlas's API key", opsmanagertest.DefaultAtlasPrivateKey)
	flags.StringVar(&m.AtlasClientID, "atlas-client-id", opsmanagertest.DefaultAtlasClientID, "client id of Atlas's service account")
	s.atlasAccount.register(flags, "atlas-client-secret", "client secret of Atlas's service account", opsmanagertest.DefaultAtlasClientSecret)
	flags.DurationVar(&m.AccessTokenLifetime, "access-token-lifetime", opsmanagertest.DefaultAccessTokenLifetime, "time until an access token of the service account expires")
	flags.IntVar(&m.AccessTokensPerMinute, "access-tokens-per-minute", 0, "requests for an access token that are answered per minute (default no limit)")
	flags.BoolVar(&m.Joint, "joint", false, "accept only link-tokens that were issued here, each for one source organization")
	s.tls.register(flags)
	flags.StringVar(&m.StateFile, "state-file", "", "JSON file that keeps the links across restarts")
	flags.BoolVar(&m.StrictNonceCount, "strict-nonce-count", false, "refuse nonce counts (nc) that do not grow")
	flags.IntVar(&m.Nodes, "nodes", 1, "machines behind the address; each knows only its own nonces")
	flags.BoolVar(&m.NodeCookie, "node-cookie", false, "pin a client to a node with the cookie NODE")
	flags.DurationVar(&m.NonceLifetime, "nonce-lifetime", opsmanagertest.DefaultNonceLifetime, "time until a nonce becomes stale")
	flags.StringSliceVar(&m.Algorithms, "algorithm", []string{opsmanagertest.MD5}, "digest algorithm to offer, MD5 or SHA-256; may be repeated")
	flags.StringSliceVar(&m.KnownOrgs, "org", nil, "organization that exists (default: every organization); may be repeated")
}

// complete checks the command line and reads the keys that it refers to.
func (s *settings) complete(args []string, lookup func(string) (string, bool)) error {
	if len(args) > 0 {
		return usageError{terminal.Error{Message: fmt.Sprintf("unknown argument %q", args[0]), Remedy: seeHelp}}
	}
	if s.manager.NonceLifetime == 0 {
		return usageError{errors.New("--nonce-lifetime must be longer than 0s")}
	}
	if s.manager.AccessTokenLifetime == 0 {
		return usageError{errors.New("--access-token-lifetime must be longer than 0s")}
	}
	problem := errors.Join(s.checkListen(), s.manager.Validate(),
		s.privateKey.fetch(lookup, &s.manager.PrivateKey),
		s.atlasKey.fetch(lookup, &s.manager.AtlasPrivateKey),
		s.atlasAccount.fetch(lookup, &s.manager.AtlasClientSecret),
		s.tls.load())
	if problem != nil {
		return usageError{problem}
	}
	return nil
}
