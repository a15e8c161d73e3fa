package starter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

func TestWhatIsPrintedIsARequestThatCanBeGivenBack(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"link": linkArgs("--sync-timeout", "7d", "--undo", "never", "--on-blocked", "wait", "--if-linked", "relink", "--settle-time", "5m", "--create-timeout", "1h"),
		"link with Atlas": args("link", "--atlas", "eu", "--atlas-org", org(7), "--access-list-ip", "203.0.113.7,203.0.113.0/24",
			"--verify-in-atlas", "--delete-token-on-undo"),
		"sealed": args("link", "--token-stdin"),
		"unlink": args("unlink", "--on-blocked", "wait", "--timeout", "2d"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printed := sealing(nil, canary).run(t.Context(), append(command, "--print-request")...)
			require.Equal(t, console.ExitOK, printed.code, printed.stderr)
			require.NotContains(t, printed.stdout+printed.stderr, canary)
			require.True(t, strings.HasPrefix(printed.stdout, "{\n  \"manager\": \"demo\","), "people read it: %s", printed.stdout)

			fromWindows := "\ufeff" + strings.ReplaceAll(printed.stdout, "\n", "\r\n")
			file := filepath.Join(t.TempDir(), "request.json")
			require.NoError(t, os.WriteFile(file, []byte(fromWindows), 0o600))
			again := newCommand(nil).run(t.Context(), command[0], "-f", file, "--print-request")
			require.Equal(t, printed.stdout, again.stdout, again.stderr)
			c := newCommand(nil)
			c.stdin = strings.NewReader(printed.stdout)
			line := c.run(t.Context(), command[0], "--file", "-", "--print-request", "-o", "json").stdout
			require.JSONEq(t, printed.stdout, line)
			require.Equal(t, 1, strings.Count(line, "\n"), "one object on one line")
		})
	}
}

func TestARequestFromAFileIsSentAsItIs(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	c := newCommand(f)
	c.env[managerVariable] = "other"
	c.stdin = strings.NewReader(`{"manager": "demo", "orgId": "` + testOrg + `", "token": {"ref": "file:demo"}, "syncTimeout": "24h", "onBlocked": "wait"}`)
	done := c.run(t.Context(), "link", "-f", "-", "--timeout", "1d")
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	var sent migrationlink.LinkRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.starts[0].GetInput(), &sent))
	require.Equal(t, migrationlink.LinkRequest{
		Manager: "demo", OrgID: testOrg, Token: migrationlink.TokenSource{Ref: "file:demo"}, SyncTimeout: "24h", OnBlocked: migrationlink.WaitWhenBlocked,
	}, sent)
}

func TestABadRequestInAFileIsRefusedByField(t *testing.T) {
	t.Parallel()
	const target = `"manager": "demo", "orgId": "` + testOrg + `", "token": {"ref": "env:LINK_TOKEN_DEMO"}`
	for name, test := range map[string]struct{ text, says string }{
		"empty":             {"", "request: is empty; write a JSON object"},
		"not JSON":          {"manager = demo", "request: is not a JSON object; see docs/reference/schema.json"},
		"cut off":           {`{"manager": "demo"`, "request: ends before the JSON object does"},
		"a list":            {`[1]`, "request: is not a JSON object"},
		"two":               {`{` + target + `} {}`, "request: has text after the JSON object"},
		"unknown field":     {`{` + target + `, "undoo": "never"}`, "undoo: a request has no such field"},
		"unknown, nested":   {`{"manager": "demo", "token": {"reff": "x"}}`, "reff: a request has no such field"},
		"secret as a field": {`{` + target + `, "` + canary + `": 1}`, "request: a request has no such field"},
		"wrong type":        {`{` + target + `, "syncTimeout": 30}`, `syncTimeout: is a number; write a text, such as "1h30m"`},
		"days":              {`{` + target + `, "syncTimeout": "1d"}`, `syncTimeout: "1d" is not a duration; write for example "90s" or "1h30m", and days in hours: "24h"`},
		"too long":          {`{` + target + `, "syncTimeout": "9999h"}`, `syncTimeout: 9999h0m0s is too long`},
		"several":           {`{"manager": "A", "orgId": "B"}`, "\n  manager: \"A\" is an invalid manager name"},
		"null":              {`null`, `orgId: "" is not an organization's id`},
		"a plain token":     {`{"manager": "demo", "orgId": "` + testOrg + `", "token": "` + canary + `"}`, "token: is a text; write an object"},
		"a token as ref":    {`{"manager": "demo", "orgId": "` + testOrg + `", "token": {"ref": "` + canary + `"}}`, "token.ref: not a secret reference (a link-token itself is never accepted)"},
		"UTF-16":            {"\xff\xfe{\x00}\x00", "it is UTF-16"},
		"huge":              {strings.Repeat(" ", 65<<10), "longer than 64 KiB, too long for a request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCommand(nil)
			c.stdin = strings.NewReader(test.text)
			done := c.run(t.Context(), "link", "-f", "-")
			require.Equal(t, console.ExitUsage, done.code)
			require.Contains(t, done.stderr, test.says)
			require.NotContains(t, done.stderr, canary)
			require.Empty(t, done.stdout)

			c = newCommand(nil)
			c.stdin = strings.NewReader(test.text)
			require.True(t, json.Valid([]byte(c.run(t.Context(), "link", "-f", "-", "-o", "json").stderr)))
		})
	}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no file":   {[]string{"unlink", "-f", canary}, "--file: there is no such file"},
		"no name":   {[]string{"unlink", "-f", ""}, "--file: the value is empty"},
		"and flags": {args("link", "-f", "x", "--detach", "--sync-timeout", "1h", "--token-stdin"), "4 flags are wrong:\n  --manager: cannot be combined with --file"},
		"unlink":    {[]string{"unlink", "-f", "x", "--timeout", "1h"}, "--timeout: cannot be combined with --file"},
	} {
		done := newCommand(nil).run(t.Context(), test.args...)
		require.Equal(t, console.ExitUsage, done.code, name)
		require.Contains(t, done.stderr, test.says, name)
		require.NotContains(t, done.stderr, canary)
	}
}

func TestEveryFieldOfARequestHasAFlagThatExcludesAFile(t *testing.T) {
	t.Parallel()
	fields := map[string][]string{"link": linkFields, "unlink": unlinkFields}
	for command, flags := range fields {
		root := (&app{Console: console.Console{Env: console.Environment{}.WithDefaults()}}).rootCommand()
		found, _, err := root.Find([]string{command})
		require.NoError(t, err)
		for _, flag := range flags {
			require.NotNil(t, found.Flags().Lookup(flag), "%s --%s", command, flag)
		}
	}
}
