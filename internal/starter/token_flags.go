package starter

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/words"
)

// tokenFlags say where the link-token is: exactly one source.
type tokenFlags struct {
	ref        string
	stdin      bool
	file       string
	sealedFile string
	atlas      migrationlink.AtlasToken
	recipient  string

	sealTo seal.Recipient // with stdin and file, once there are no problems
}

// tokenSources are the flags that each name a source, in the order of the help.
var tokenSources = []string{"token-ref", "token-stdin", "token-file", "sealed-token-file", "atlas"}

// tokenDetails are the flags that belong to a source.
var tokenDetails = []string{"atlas-org", "access-list-ip", "recipient"}

func (f *tokenFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.ref, "token-ref", "", "where the workers find the link-token: env:LINK_TOKEN_NAME or file:name")
	flags.BoolVar(&f.stdin, "token-stdin", false, "read the link-token from standard input, and seal it")
	flags.StringVar(&f.file, "token-file", "", "read the link-token from this file on this machine, and seal it")
	flags.StringVar(&f.sealedFile, "sealed-token-file", "", `file with the output of 'starter seal'; "-" is standard input`)
	flags.StringVar(&f.atlas.Name, "atlas", "", "let a worker create the link-token in Atlas, with this connection of its configuration (default "+atlasVariable+", with --atlas-org)")
	flags.StringVar(&f.atlas.OrgID, "atlas-org", "", "id of the target organization in Atlas, with --atlas")
	flags.StringSliceVar(&f.atlas.AccessListIPs, "access-list-ip", nil, "IP address or CIDR block from which the manager reaches Atlas, with --atlas; several are separated by commas")
	flags.StringVar(&f.recipient, "recipient", "", "recipient to seal the link-token to, age1…, instead of "+recipientVariable)
}

// given are the flags on the command line that each name a source.
func (f *tokenFlags) given(cmd *cobra.Command) []string {
	var names []string
	for _, name := range tokenSources {
		if cmd.Flags().Changed(name) && (name != "token-stdin" || f.stdin) {
			names = append(names, name)
		}
	}
	return names
}

// named is the source as far as the flags alone tell it; what is yet to be read
// is empty.
func (f *tokenFlags) named(cmd *cobra.Command) migrationlink.TokenSource {
	if cmd.Flags().Changed("atlas") {
		return migrationlink.TokenSource{Atlas: &f.atlas}
	}
	return migrationlink.TokenSource{Ref: f.ref}
}

// check names what is wrong with the flags themselves; the contract checks the
// values of those that it knows. It also finds the recipient.
func (f *tokenFlags) check(a *app, cmd *cobra.Command, required bool) []string {
	var problems []string
	add := func(problem string) {
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	given := f.given(cmd)
	changed := cmd.Flags().Changed
	for _, name := range []string{"atlas-org", "access-list-ip"} {
		if changed(name) && !changed("atlas") {
			add("--" + name + ": needs --atlas; give the NAME of a section [atlas.NAME] of the workers' configuration")
		}
	}
	switch {
	case len(given) > 1:
		add("--" + strings.Join(given, " and --") + ": more than one source of the link-token; give one of them")
	case len(given) == 0 && required && len(problems) == 0:
		add("a source of the link-token is missing; give one of --" + strings.Join(tokenSources, ", --"))
	}
	problems = append(problems, emptyFiles(cmd, "token-file", "sealed-token-file")...)
	switch seals := f.stdin || f.file != ""; {
	case seals:
		var problem string
		f.sealTo, problem = a.recipient(f.recipient, changed("recipient"))
		add(problem)
	case changed("recipient"):
		add("--recipient: used only with --token-stdin or --token-file; leave it out")
	}
	return problems
}

// withoutSource leaves out what the contract says about a source that is yet to
// be read, or that the flags name badly in another way.
func (f *tokenFlags) withoutSource(cmd *cobra.Command, err error) error {
	given := f.given(cmd)
	invalid, ok := errors.AsType[*migrationlink.ValidationError](err)
	if !ok || len(given) == 1 && (given[0] == "token-ref" || given[0] == "atlas") {
		return err
	}
	var kept migrationlink.ValidationError
	for _, field := range invalid.Problems {
		if !strings.HasPrefix(field.Field, "token") {
			kept.Problems = append(kept.Problems, field)
		}
	}
	if len(kept.Problems) == 0 {
		return nil
	}
	return &kept
}

// tokenSource reads and seals what the flags name; they have no problems.
func (a *app) tokenSource(ctx context.Context, cmd *cobra.Command, f tokenFlags, whose words.Job) (migrationlink.TokenSource, error) {
	switch {
	case f.sealedFile != "":
		return a.readSealed(ctx, console.Input{Flag: "sealed-token-file", File: f.sealedFile})
	case f.file != "":
		return a.sealed(ctx, console.Input{Flag: "token-file", File: f.file}, f.sealTo, whose)
	case f.stdin:
		return a.sealed(ctx, console.Input{}, f.sealTo, whose)
	}
	return f.named(cmd), nil
}

// emptyFiles names the flags for files that are given and empty.
func emptyFiles(cmd *cobra.Command, names ...string) []string {
	var problems []string
	for _, name := range names {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			problems = append(problems, "--"+name+": the value is empty; give the name of a file")
		}
	}
	return problems
}
