package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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
	listen         string
	allowRemote    bool
	privateKeyEnv  string
	privateKeyFile string
	manager        opsmanagertest.Options
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
			"authentication. GET / of the URL that it prints tells how to control it.",
		Version:       buildinfo.Text(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, args []string) error {
			if err := s.complete(args, lookup); err != nil {
				return err
			}
			return s.serve(command.Context(), command.OutOrStdout())
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
	flags.Uint64Var(&m.Seed, "seed", 0, "decides which requests a fault with a probability hits")
	flags.DurationVar(&m.SyncDelay, "sync-delay", 5*time.Second, "time from POST to SYNCED")
	flags.StringVar(&m.PublicKey, "public-key", opsmanagertest.DefaultPublicKey, "public part of the API key")
	flags.StringVar(&s.privateKeyEnv, "private-key-env", "", "environment variable with the private part of the API key (default the demo key)")
	flags.StringVar(&s.privateKeyFile, "private-key-file", "", "file with the private part of the API key")
	flags.StringVar(&m.StateFile, "state-file", "", "JSON file that keeps the links over a restart")
	flags.BoolVar(&m.StrictNonceCount, "strict-nonce-count", false, "refuse nonce counts (nc) that do not grow")
	flags.DurationVar(&m.NonceLifetime, "nonce-lifetime", opsmanagertest.DefaultNonceLifetime, "time until a nonce is stale")
	flags.StringSliceVar(&m.Algorithms, "algorithm", []string{opsmanagertest.MD5}, "digest algorithm to offer, MD5 or SHA-256; may be given twice")
	flags.StringSliceVar(&m.KnownOrgs, "org", nil, "organization that exists (default every one); may be repeated")
}

// complete checks the command line and fetches the key that it refers to.
func (s *settings) complete(args []string, lookup func(string) (string, bool)) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("no arguments are taken, only flags; got %q", args)}
	}
	if s.manager.NonceLifetime == 0 {
		return usageError{errors.New("--nonce-lifetime must be longer than 0s")}
	}
	if err := errors.Join(s.checkListen(), s.manager.Validate()); err != nil {
		return usageError{err}
	}
	key, err := s.privateKey(lookup)
	if err != nil {
		return usageError{err}
	}
	s.manager.PrivateKey = key
	return nil
}

// privateKey is the referenced key, or empty for the demo key. A reference to
// nothing is an error: the demo key would be a surprise.
func (s *settings) privateKey(lookup func(string) (string, bool)) (string, error) {
	switch {
	case s.privateKeyEnv != "" && s.privateKeyFile != "":
		return "", errors.New("--private-key-env and --private-key-file cannot both be given")
	case s.privateKeyEnv != "":
		key, _ := lookup(s.privateKeyEnv)
		if key == "" {
			return "", fmt.Errorf("--private-key-env: the environment variable %s is not set or empty", s.privateKeyEnv)
		}
		return key, nil
	case s.privateKeyFile != "":
		content, err := os.ReadFile(s.privateKeyFile)
		if err != nil {
			return "", fmt.Errorf("--private-key-file: %w", err)
		}
		key := strings.TrimRight(string(content), "\r\n")
		if key == "" {
			return "", fmt.Errorf("--private-key-file: %s is empty", s.privateKeyFile)
		}
		return key, nil
	}
	return "", nil
}
