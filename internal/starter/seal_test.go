package starter

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

// The key of the workers in the tests.
var testIdentity, testRecipient = generated()

func generated() (string, string) {
	identity, recipient, err := seal.GenerateIdentity(false)
	if err != nil {
		panic(err)
	}
	return identity.Reveal(), recipient.String()
}

// opened is the link-token of a source, as a worker reads it.
func opened(t *testing.T, source migrationlink.TokenSource) string {
	t.Helper()
	identities, err := seal.ParseIdentities(redact.NewSecret(testIdentity))
	require.NoError(t, err)
	token, err := identities.Open("demo", testOrg, source)
	require.NoError(t, err)
	return token.Reveal()
}

// fileWith returns the name of a file that only its owner can read.
func fileWith(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// sealing is a command whose environment names the recipient.
func sealing(f *fakeTemporal, stdin string) *command {
	c := newCommand(f)
	c.env[recipientVariable] = testRecipient
	c.stdin = strings.NewReader(stdin)
	return c
}

func TestSealPrintsWhatOnlyTheWorkersCanRead(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(more ...string) finished{
		"standard input": func(more ...string) finished {
			return sealing(nil, " "+canary+"\r\n").run(t.Context(), args("seal", more...)...)
		},
		"as Windows writes it": func(more ...string) finished {
			return sealing(nil, "\ufeff"+canary+"\r\n").run(t.Context(), args("seal", more...)...)
		},
		"a file": func(more ...string) finished {
			return sealing(nil, "").run(t.Context(), args("seal", append(more, "--token-file", fileWith(t, canary))...)...)
		},
		"the file -": func(more ...string) finished {
			return sealing(nil, canary).run(t.Context(), args("seal", append(more, "--token-file", "-")...)...)
		},
		"a flag's recipient": func(more ...string) finished {
			c := sealing(nil, canary)
			c.env[recipientVariable] = "somebody else"
			return c.run(t.Context(), args("seal", append(more, "--recipient", testRecipient)...)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := run()
			require.Equal(t, console.ExitOK, done.code, done.stderr)
			require.Empty(t, done.stderr)
			require.NotContains(t, done.stdout, canary)
			require.Equal(t, canary, opened(t, migrationlink.TokenSource{Sealed: done.stdout}))

			var request migrationlink.LinkRequest
			require.NoError(t, json.Unmarshal([]byte(run("-o", "json").stdout), &request))
			require.Equal(t, canary, opened(t, request.Token))
			require.Equal(t, migrationlink.TokenFingerprint("demo", testOrg, canary), request.Token.Fingerprint)
		})
	}
}

// startedWith runs a link and returns what its workflow was started with, which
// shows no canary anywhere.
func startedWith(t *testing.T, c *command, f *fakeTemporal, flags ...string) migrationlink.LinkRequest {
	t.Helper()
	done := c.run(t.Context(), args("link", append(flags, "--verbose")...)...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.NotContains(t, done.stdout+done.stderr, canary)
	sent := protojson.Format(f.starts[0]) + protojson.Format(f.updates[0])
	require.NotContains(t, sent, canary)
	var request migrationlink.LinkRequest
	input := f.starts[0].GetInput()
	require.NotContains(t, string(input.GetPayloads()[0].GetData()), canary)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(input, &request))
	return request
}

func TestALinkTokenIsSealedBeforeItLeavesTheProcess(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"standard input":        {"--token-stdin"},
		"a file":                {"--token-file", fileWith(t, canary+"\n")},
		"sealed":                {"--sealed-token-file", "-"},
		"sealed, with its JSON": {"--sealed-token-file", fileWith(t, sealing(nil, canary).run(t.Context(), args("seal", "-o", "json")...).stdout)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdin := canary
			if name == "sealed" {
				stdin = sealing(nil, canary).run(t.Context(), args("seal")...).stdout
			}
			f := newFakeTemporal(t).ends(linked(), nil)
			request := startedWith(t, sealing(f, stdin), f, flags...)
			require.Equal(t, canary, opened(t, request.Token))
			require.Equal(t, name != "sealed", request.Token.Fingerprint != "")
		})
	}
}

func TestFlagsRequestALinkTokenMadeInAtlas(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	request := startedWith(t, newCommand(f), f, "--atlas", "prod", "--atlas-org", org(7), "--access-list-ip", "192.0.2.1,10.0.0.0/8",
		"--access-list-ip", "2001:db8::1", "--verify-in-atlas", "--delete-token-on-undo")
	require.Equal(t, migrationlink.LinkRequest{
		Manager: "demo", OrgID: testOrg, VerifyInAtlas: true, DeleteTokenOnUndo: true,
		Token: migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: org(7), AccessListIPs: []string{"192.0.2.1", "10.0.0.0/8", "2001:db8::1"}}},
	}, request)
}

func TestTheSameLinkTokenJoinsAndAnotherIsRefused(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = errNoWorker // so that the starter itself compares
	recipient, err := seal.ParseRecipient(testRecipient)
	require.NoError(t, err)
	token, err := recipient.Seal(seal.Token{Manager: "demo", OrgID: testOrg, LinkToken: redact.NewSecret(canary)})
	require.NoError(t, err)
	f.asked = migrationlink.LinkRequest{Manager: "demo", OrgID: testOrg, Token: token}

	done := sealing(f, "").run(t.Context(), args("link", "--detach", "--token-file", fileWith(t, canary))...)
	require.Contains(t, done.stderr, "Joined the running link")
	done = sealing(f, "another").run(t.Context(), args("link", "--detach", "--token-stdin")...)
	require.Equal(t, console.ExitDifferent, done.code)
	require.Contains(t, done.stderr, "\n  token.sealed: running link: fingerprint ")
	require.NotContains(t, done.stderr, canary)
}

func TestARetryTakesAnotherLinkToken(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = blockedStatus()
	for name, flags := range map[string][]string{"sealed": {"--token-stdin"}, "Atlas": {"--atlas", "prod", "--atlas-org", org(7)}} {
		done := sealing(f, canary).run(t.Context(), args("retry", flags...)...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		var request migrationlink.RetryRequest
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.updates[len(f.updates)-1].GetRequest().GetInput().GetArgs(), &request))
		if name == "sealed" {
			require.Equal(t, canary, opened(t, *request.Token))
		} else {
			require.Equal(t, "prod", request.Token.Atlas.Name)
		}
	}
}

func TestAnInvalidLinkTokenIsRejectedAndNeverRepeated(t *testing.T) {
	t.Parallel()
	sealed := sealing(nil, canary).run(t.Context(), args("seal")...).stdout
	for name, test := range map[string]struct{ text, says string }{
		"nothing":          {" \n", "is empty"},
		"UTF-16":           {"\xff\xfec\x004\x00", "cannot be used: it is UTF-16 (little-endian)"},
		"a private key":    {"-----BEGIN PRIVATE KEY-----\n" + canary, "holds a key or a certificate in PEM form"},
		"two words":        {canary + " " + canary, "more than one word"},
		"two lines":        {canary + "\n" + canary, "more than one word"},
		"too much":         {strings.Repeat(canary, 300), "longer than 8 KiB"},
		"quotes":           {`"` + canary + `"`, "in quotes or in JSON"},
		"Atlas's JSON":     {`{"linkToken":"` + canary + `"}`, "in quotes or in JSON"},
		"sealed already":   {sealed, "--sealed-token-file"},
		"an identity":      {"# " + canary + "\n" + testIdentity, "holds an identity"},
		"something binary": {canary + "\x00", "not printable"},
		"another coding":   {canary + "\xff", "is not UTF-8 text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := fileWith(t, test.text)
			for from, command := range map[string][]string{
				"standard input":           args("seal"),
				"the file of --token-file": args("link", "--token-file", file),
				file:                       args("retry", "--token-file", file),
			} {
				done := sealing(nil, test.text).run(t.Context(), command...)
				require.Equal(t, console.ExitUsage, done.code, done.stderr)
				require.Empty(t, done.stdout)
				require.Contains(t, done.stderr, test.says, from)
				require.NotContains(t, done.stderr, canary)
				require.NotContains(t, done.stderr, testIdentity)
			}
		})
	}
}

func TestUnsealedTextIsNotAcceptedAsSealed(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		canary: "holds no sealed link-token: not an armoured age file",
		`{"token":{"ref":"env:LINK_TOKEN_DEMO"}}`: `holds JSON, but not {"token": {"sealed": …}}`,
		`{"linkToken":"` + canary + `"}`:          `holds JSON, but not`,
		`{"token":{"sealed":"` + canary + `"}}`:   "not an armoured age file",
		`{"` + canary:                             "holds JSON, but not",
		strings.Repeat(canary, 1100):              "longer than 32 KiB",
		strings.Repeat("a", 1<<14+1):              "holds no sealed link-token",
	} {
		done := newCommand(nil).run(t.Context(), args("link", "--sealed-token-file", fileWith(t, text))...)
		require.Equal(t, console.ExitUsage, done.code)
		require.Contains(t, done.stderr, says)
		require.NotContains(t, done.stderr, canary)
	}
}

func TestErrorsNameAFileThatExists(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	done := sealing(nil, "").run(t.Context(), args("link", "--token-file", directory)...)
	require.Equal(t, console.ExitUsage, done.code)
	require.Equal(t, "starter: "+directory+" cannot be read: is a directory\n", done.stderr)
	done = sealing(nil, "").run(t.Context(), args("link", "--token-file", filepath.Join(directory, "none"))...)
	require.Contains(t, done.stderr, "--token-file: there is no such file\nGive the name of a file on this machine")
}

func TestAWorldReadableFileIsReadWithAWarning(t *testing.T) {
	t.Parallel()
	file := fileWith(t, canary)
	require.NoError(t, os.Chmod(file, 0o644)) //nolint:gosec // that is the point
	done := sealing(nil, "").run(t.Context(), args("seal", "--token-file", file)...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, "starter: warning: every user of this machine can read the link-token in "+file+" (mode 0644). If that is not meant: chmod 600 "+file+"\n", done.stderr)
	done = sealing(nil, "").run(t.Context(), args("seal", "-o", "json", "--token-file", file)...)
	require.Empty(t, done.stderr, "it is for a program")

	file = fileWith(t, sealing(nil, canary).run(t.Context(), args("seal")...).stdout)
	require.NoError(t, os.Chmod(file, 0o644)) //nolint:gosec // that is the point
	f := newFakeTemporal(t)
	f.answers[migrationlink.AcceptUpdate] = *syncing()
	done = sealing(f, "").run(t.Context(), args("link", "--detach", "--sealed-token-file", file)...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.NotContains(t, done.stderr, "warning", "what is sealed may be read by everybody")
}

func TestATerminalIsAskedForTheLinkToken(t *testing.T) {
	t.Parallel()
	c := sealing(nil, "")
	c.hidden = func(context.Context) ([]byte, error) { return []byte(canary), nil }
	done := c.run(t.Context(), args("seal")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, "Enter the link-token, it is not shown: \n", done.stderr)
	require.Equal(t, canary, opened(t, migrationlink.TokenSource{Sealed: done.stdout}))
}

// never is a stream on which nothing comes.
type never struct{}

func (never) Read([]byte) (int, error) { select {} }

func TestCtrlCEndsTheWaitForALinkToken(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	f := newFakeTemporal(t)
	c := sealing(f, "")
	c.stdin = never{}
	done := c.run(ctx, args("link", "--token-stdin")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Equal(t, "starter: interrupted before the link-token was read\n", done.stderr)
	require.Empty(t, f.starts)

	c = sealing(nil, "")
	c.hidden = func(context.Context) ([]byte, error) { return nil, errors.New(canary) }
	done = c.run(t.Context(), args("seal")...)
	require.Equal(t, "Enter the link-token, it is not shown: \nstarter: standard input cannot be read\n", done.stderr)
}

func TestSealWritesANewFileForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	for format, flags := range map[string][]string{"armour": nil, "JSON": {"-o", "json"}} {
		file := filepath.Join(t.TempDir(), "acme.age")
		command := args("seal", append(flags, "--output-file", file)...)
		done := sealing(nil, canary).run(t.Context(), command...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		require.Empty(t, done.stdout+done.stderr, format)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())

		f := newFakeTemporal(t).ends(linked(), nil)
		require.Equal(t, canary, opened(t, startedWith(t, sealing(f, ""), f, "--sealed-token-file", file).Token))

		before, err := os.ReadFile(file)
		require.NoError(t, err)
		c := sealing(nil, "")
		c.stdin = never{} // nobody types a link-token in vain
		done = c.run(t.Context(), command...)
		require.Equal(t, console.ExitOther, done.code)
		require.Contains(t, done.stderr, file+" already exists; nothing was written")
		require.Contains(t, done.stderr, "Name another file, or remove this one first.")
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
	done := sealing(nil, canary).run(t.Context(), args("seal", "--output-file", "")...)
	require.Equal(t, console.ExitUsage, done.code)
	require.Contains(t, done.stderr, "--output-file: the value is empty")
	done = sealing(nil, canary).run(t.Context(), args("seal", "--output-file", filepath.Join(t.TempDir(), "none", "acme.age"))...)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "cannot be written: no such file or directory")
}

// Windows PowerShell redirects text as UTF-16, and its editors write byte order
// marks.
func TestASealedFileFromWindowsIsReadOrRejectedByItsEncoding(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-o", "json"}} {
		sealed := sealing(nil, canary).run(t.Context(), args("seal", flags...)...).stdout
		windows := strings.ReplaceAll(sealed, "\n", "\r\n")
		for _, text := range []string{windows, "\ufeff" + sealed, "\ufeff" + windows, "\r\n" + windows} {
			f := newFakeTemporal(t).ends(linked(), nil)
			request := startedWith(t, sealing(f, ""), f, "--sealed-token-file", fileWith(t, text))
			require.Equal(t, canary, opened(t, request.Token))
			require.NotContains(t, request.Token.Sealed, "\r")
		}
		wide := "\xff\xfe" + strings.Join(strings.Split(windows, ""), "\x00") + "\x00"
		done := newCommand(nil).run(t.Context(), args("link", "--sealed-token-file", fileWith(t, wide))...)
		require.Equal(t, console.ExitUsage, done.code)
		require.Contains(t, done.stderr, "cannot be used: it is UTF-16 (little-endian)")
		require.Contains(t, done.stderr, "-Encoding utf8")
	}
	done := newCommand(nil).run(t.Context(), args("link", "--sealed-token-file", fileWith(t, "age-encryption.org/v1\n\xe9\x00"))...)
	require.Contains(t, done.stderr, "Give what 'starter seal' has written, or age --armor.")
}

func TestARecipientFromWindowsIsRead(t *testing.T) {
	t.Parallel()
	c := sealing(nil, canary)
	c.env[recipientVariable] = "\ufeff" + testRecipient + "\r"
	done := c.run(t.Context(), args("seal")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Equal(t, canary, opened(t, migrationlink.TokenSource{Sealed: done.stdout}))
}
