package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// settings are what the command line says.
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

// usageError is the fault of the command line.
type usageError struct{ error }

// run is the process without its globals. It returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	command := newCommand(lookup)
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "simulator: %v\n", err)
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
			"authentication, and the side of Atlas that makes link-tokens, with digest authentication\n" +
			"or a service account. GET / of the URL that it prints tells how to control it.",
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
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	s.register(command)
	return command
}

func (s *settings) register(command *cobra.Command) {
	flags, m := command.Flags(), &s.manager
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "address and port; port 0 is a free one")
	flags.BoolVar(&s.allowRemote, "allow-remote", false, "listen on addresses that other machines reach; the control interface asks for no credentials")
	flags.BoolVar(&s.probe, "probe", false, "ask the simulator that runs with these flags whether it listens, and end; for supervisors")
	flags.Uint64Var(&m.Seed, "seed", 0, "decides which requests a fault with a probability hits")
	flags.DurationVar(&m.SyncDelay, "sync-delay", 5*time.Second, "time from POST to SYNCED")
	flags.StringVar(&m.PublicKey, "public-key", opsmanagertest.DefaultPublicKey, "public part of the API key")
	s.privateKey.register(flags, "private-key", "private part of the API key", opsmanagertest.DefaultPrivateKey)
	flags.StringVar(&m.AtlasPublicKey, "atlas-public-key", opsmanagertest.DefaultAtlasPublicKey, "public part of Atlas's API key")
	s.atlasKey.register(flags, "atlas-private-key", "private part of Atlas's API key", opsmanagertest.DefaultAtlasPrivateKey)
	flags.StringVar(&m.AtlasClientID, "atlas-client-id", opsmanagertest.DefaultAtlasClientID, "client id of Atlas's service account")
	s.atlasAccount.register(flags, "atlas-client-secret", "client secret of Atlas's service account", opsmanagertest.DefaultAtlasClientSecret)
	flags.DurationVar(&m.AccessTokenLifetime, "access-token-lifetime", opsmanagertest.DefaultAccessTokenLifetime, "time until an access token of the service account ends")
	flags.IntVar(&m.AccessTokensPerMinute, "access-tokens-per-minute", 0, "requests for an access token that are answered within a minute (default no limit)")
	flags.BoolVar(&m.Joint, "joint", false, "accept only link-tokens that were issued here, each for one source organization")
	s.tls.register(flags)
	flags.StringVar(&m.StateFile, "state-file", "", "JSON file that keeps the links over a restart")
	flags.BoolVar(&m.StrictNonceCount, "strict-nonce-count", false, "refuse nonce counts (nc) that do not grow")
	flags.DurationVar(&m.NonceLifetime, "nonce-lifetime", opsmanagertest.DefaultNonceLifetime, "time until a nonce is stale")
	flags.StringSliceVar(&m.Algorithms, "algorithm", []string{opsmanagertest.MD5}, "digest algorithm to offer, MD5 or SHA-256; may be given twice")
	flags.StringSliceVar(&m.KnownOrgs, "org", nil, "organization that exists (default every one); may be repeated")
}

// complete checks the command line and fetches the keys that it refers to.
func (s *settings) complete(args []string, lookup func(string) (string, bool)) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("no arguments are taken, only flags; got %q", args)}
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
