package starter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
)

const canary = "canary-3f9a-LINK-TOKEN-0123456789"

func TestUsageErrorsNameEveryFieldAndExitTwo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says []string
	}{
		"nothing given":    {[]string{"link"}, []string{"3 flags", "--manager: required; name a manager", "--org: required", "a source of the link-token is missing", "--token-ref"}},
		"zero sync limit":  {linkArgs("--sync-timeout", "0"), []string{"--sync-timeout", "too short"}},
		"no duration":      {linkArgs("--create-timeout", "soon"), []string{"--create-timeout", "not a duration"}},
		"below a second":   {linkArgs("--settle-time", "1ms"), []string{"--settle-time"}},
		"policy":           {linkArgs("--undo", "perhaps"), []string{"--undo", "on-cancel"}},
		"empty values":     {linkArgs("--undo=", "--sync-timeout=", "--create-timeout=", "--settle-time="), []string{"--undo: the value is empty", "--sync-timeout: ", "--create-timeout: ", "--settle-time: "}},
		"status":           {[]string{"status", "--org", "X"}, []string{"--manager", "--org"}},
		"cancel":           {[]string{"cancel", "--manager", "a", "--reason", " "}, []string{"--org", "--reason"}},
		"cancel limit":     {args("cancel", "--reason", "x", "--wait-limit", "0"), []string{"--wait-limit"}},
		"retry":            {args("retry", "--token-ref", ""), []string{"--token-ref"}},
		"extend":           {args("extend"), []string{"--by", "--until"}},
		"extend by both":   {args("extend", "--by", "1h", "--until", "2030-01-01 00:00"), []string{"not both"}},
		"no time":          {args("extend", "--until", "soon"), []string{"--until", "2026-03-02 08:00"}},
		"unlink":           {args("unlink", "--on-blocked", "x", "--timeout", "1ms"), []string{"--on-blocked", "--timeout"}},
		"linked policy":    {linkArgs("--if-linked", "x"), []string{"--if-linked", "relink"}},
		"output":           {linkArgs("-o", "yaml"), []string{"--output", "json"}},
		"unknown flag":     {linkArgs("--frobnicate"), []string{"--frobnicate"}},
		"value missing":    {[]string{"link", "--manager"}, []string{"--manager", "value is missing"}},
		"not a duration":   {args("cancel", "--reason", "x", "--wait-limit", "x"), []string{"--wait-limit", "duration"}},
		"twice":            {args("link", "--org", testOrg), []string{"--org: given more than once"}},
		"twice, root's":    {args("status", "-o", "json", "--output", "text"), []string{"--output: given more than once"}},
		"switch twice":     {linkArgs("--detach", "--detach"), []string{"--detach: given more than once"}},
		"misspelt command": {[]string{"stauts", "--manager", "x"}, []string{`unknown command "stauts"; did you mean "status"? There are `}},
		"misspelt, later":  {[]string{"--output", "json", "stauts", "--manager", "x"}, []string{`unknown command \"stauts\"`}},
		"secret argument":  {linkArgs(canary), []string{"it is now in your shell history: revoke it"}},
		"secret command":   {[]string{canary}, []string{"it is now in your shell history: revoke it"}},
		"argument":         {linkArgs("surplus"), []string{"only flags"}},
		"unknown command":  {[]string{"lnk"}, []string{`"lnk"`, "link", "status", "cancel"}},
		"two sources":      {linkArgs("--token-stdin", "--recipient", testRecipient), []string{"--token-ref and --token-stdin: more than one source"}},
		"retry with two":   {args("retry", "--atlas", "x", "--sealed-token-file", "x"), []string{"--sealed-token-file and --atlas: more than one source"}},
		"atlas":            {args("link", "--atlas", "A", "--atlas-org", "x", "--access-list-ip", "1.2.3.4,x"), []string{"--atlas", "--atlas-org", "--access-list-ip, value 2: "}},
		"without atlas":    {linkArgs("--atlas-org", "x", "--verify-in-atlas", "--delete-token-on-undo"), []string{"--atlas-org: needs --atlas; give the NAME", "--verify-in-atlas: works only with a link-token from Atlas; give --atlas", "--delete-token-on-undo"}},
		"only atlas-org":   {args("link", "--atlas-org", testOrg), []string{"starter: --atlas-org: needs --atlas; give the NAME of a section [atlas.NAME] of the workers' configuration\nRun"}},
		"no recipient":     {args("link", "--token-stdin"), []string{"--recipient: missing; give the recipient", "'starter keygen' printed", "MIGRATIONLINK_RECIPIENT"}},
		"needless":         {linkArgs("--recipient", testRecipient), []string{"--recipient: used only with "}},
		"no file":          {args("link", "--token-file", "", "--recipient", testRecipient), []string{"--token-file: the value is empty"}},
		"no recipient's":   {args("seal", "--recipient", ""), []string{"--recipient: the value is empty"}},
		"nothing to seal":  {[]string{"seal"}, []string{"--manager", "--org", "--recipient: missing"}},
		"keygen in JSON":   {[]string{"keygen", "-o", "json"}, []string{"--output-file: required with -o json"}},
		"keygen argument":  {[]string{"keygen", "x"}, []string{"only flags"}},
		"help is referred": {[]string{"link"}, []string{"starter link --help"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := newCommand(nil).run(t.Context(), test.args...)
			require.Equal(t, console.ExitUsage, done.code)
			require.Empty(t, done.stdout)
			for _, part := range test.says {
				require.Contains(t, done.stderr, part)
			}
		})
	}
}

func TestAFlagOfAnotherCommandIsNamed(t *testing.T) {
	t.Parallel()
	done := newCommand(nil).run(t.Context(), args("retry", "--delete-token-on-undo")...)
	require.Equal(t, "starter: unknown flag --delete-token-on-undo\nRun 'starter retry --help' for examples.\n", done.stderr)
}

func TestALinkTokenGivenAsReferenceIsRejectedWithAHint(t *testing.T) {
	t.Parallel()
	for _, value := range []string{canary, "env:LINK_TOKEN_" + strings.Repeat("A", 64)} {
		done := newCommand(nil).run(t.Context(), args("link", "--token-ref", value)...)
		require.Contains(t, done.stderr, "it is now in your shell history, and every user of the machine may have seen it: revoke it, and generate a new one in Atlas")
	}
	done := newCommand(nil).run(t.Context(), args("link", "--token-ref", canary)...)
	require.Contains(t, done.stderr, "or another source: --token-stdin, --token-file, --sealed-token-file or --atlas")
}

func TestATokenInTheWrongPlaceIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"as reference":         args("link", "--token-ref", canary),
		"as env reference":     args("link", "--token-ref", "env:"+canary),
		"as file reference":    args("link", "--token-ref", "file:../"+canary),
		"as argument":          linkArgs(canary),
		"as command":           {canary},
		"as short flag":        linkArgs("-t" + canary),
		"as long flag":         linkArgs("--" + canary),
		"as unknown flag":      linkArgs("--token=" + canary),
		"as boolean":           linkArgs("--detach=" + canary),
		"as output":            linkArgs("-o", canary),
		"as token of a retry":  args("retry", "--token-ref", canary),
		"as time":              args("extend", "--until", canary),
		"as length of time":    args("extend", "--by", canary+canary),
		"as argument of seal":  args("seal", "--recipient", testRecipient, canary),
		"as file":              args("link", "--token-file", canary, "--recipient", testRecipient),
		"as long file":         args("link", "--token-file", strings.Repeat(canary, 10), "--recipient", testRecipient),
		"as path":              args("seal", "--token-file", canary+"/"+canary, "--recipient", testRecipient),
		"as sealed file":       args("link", "--sealed-token-file", canary),
		"as file of a retry":   args("retry", "--token-file", canary, "--recipient", testRecipient),
		"as recipient":         args("link", "--token-stdin", "--recipient", canary),
		"as recipient of seal": args("seal", "--recipient", canary),
		"as switch":            args("link", "--token-stdin="+canary),
		"as Atlas":             args("link", "--atlas", canary+canary, "--atlas-org", canary+canary, "--access-list-ip", canary+canary),
		"as limit of waiting":  args("cancel", "--reason", "x", "--timeout", canary),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := newCommand(nil).run(t.Context(), args...)
			require.Equal(t, console.ExitUsage, done.code)
			require.NotContains(t, done.stdout+done.stderr, canary)
		})
	}
}

func TestEveryCommandExplainsItselfWithExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"link", "unlink", "status", "cancel", "retry", "extend", "check"} {
		done := newCommand(nil).run(t.Context(), name, "--help")
		require.Equal(t, console.ExitOK, done.code)
		require.Contains(t, done.stdout, "  starter "+name+" --manager demo --org ")
	}
	c := newCommand(nil)
	c.terminal = &c.stdout
	for shown := range strings.Lines(c.run(t.Context(), "link", "--help").stdout) {
		require.Less(t, len(shown), 101, "the terminal's width is respected")
	}
	for _, name := range []string{"seal", "keygen"} {
		require.Contains(t, newCommand(nil).run(t.Context(), name, "--help").stdout, "starter "+name)
	}
	done := newCommand(nil).run(t.Context(), "--help")
	require.Equal(t, console.ExitOK, done.code)
	require.Contains(t, done.stdout, "  7   Temporal cannot be reached, and nothing was sent\n  8   ")
}
