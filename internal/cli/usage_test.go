package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const canary = "canary-3f9a-LINK-TOKEN-0123456789"

func TestUsageErrorsNameEveryFieldAndExitTwo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says []string
	}{
		"nothing given":    {[]string{"link"}, []string{"3 flags", "--manager (manager)", "--org (orgId)", "a source of the link-token is missing", "--token-ref"}},
		"zero sync limit":  {linkArgs("--sync-timeout", "0"), []string{"--sync-timeout (syncTimeout)", "too short"}},
		"no duration":      {linkArgs("--create-timeout", "soon"), []string{"--create-timeout (createTimeout)", "not a duration"}},
		"below a second":   {linkArgs("--settle-time", "1ms"), []string{"--settle-time (settleTime)"}},
		"policy":           {linkArgs("--undo", "perhaps"), []string{"--undo (undo)", "on-cancel"}},
		"empty values":     {linkArgs("--undo=", "--sync-timeout=", "--create-timeout=", "--settle-time="), []string{"--undo: the value is empty", "--sync-timeout: ", "--create-timeout: ", "--settle-time: "}},
		"status":           {[]string{"status", "--org", "X"}, []string{"--manager (manager)", "--org (orgId)"}},
		"cancel":           {[]string{"cancel", "--manager", "a"}, []string{"--org (orgId)", "--reason"}},
		"cancel limit":     {args("cancel", "--reason", "x", "--wait-limit", "0"), []string{"--wait-limit"}},
		"retry":            {args("retry", "--token-ref", ""), []string{"--token-ref (token.ref)"}},
		"extend":           {args("extend"), []string{"--by", "--until"}},
		"extend by both":   {args("extend", "--by", "1h", "--until", "2030-01-01 00:00"), []string{"not both"}},
		"no time":          {args("extend", "--until", "soon"), []string{"--until (until)", "2026-11-24 08:00"}},
		"unlink":           {args("unlink", "--on-blocked", "x", "--timeout", "1ms"), []string{"--on-blocked (onBlocked)", "--timeout (timeout)"}},
		"linked policy":    {linkArgs("--if-linked", "x"), []string{"--if-linked (ifLinked)", "relink"}},
		"output":           {linkArgs("-o", "yaml"), []string{"--output", "json"}},
		"unknown flag":     {linkArgs("--frobnicate"), []string{"--frobnicate"}},
		"value missing":    {[]string{"link", "--manager"}, []string{"--manager", "value is missing"}},
		"not a duration":   {args("cancel", "--reason", "x", "--wait-limit", "x"), []string{"--wait-limit", "duration"}},
		"argument":         {linkArgs("surplus"), []string{"flags only"}},
		"unknown command":  {[]string{"lnk"}, []string{`"lnk"`, "link", "status", "cancel"}},
		"no command":       {nil, []string{"a command is missing"}},
		"two sources":      {linkArgs("--token-stdin", "--recipient", testRecipient), []string{"--token-ref and --token-stdin: more than one source"}},
		"retry with two":   {args("retry", "--atlas", "x", "--sealed-token-file", "x"), []string{"--sealed-token-file and --atlas: more than one source"}},
		"atlas":            {args("link", "--atlas", "A", "--atlas-org", "x", "--access-list-ip", "1.2.3.4,x"), []string{"--atlas (token.atlas.name)", "--atlas-org (token.atlas.orgId)", "--access-list-ip (token.atlas.accessListIps[1])"}},
		"without atlas":    {linkArgs("--atlas-org", "x", "--verify-in-atlas", "--delete-token-on-undo"), []string{"--atlas-org: belongs to --atlas", "--verify-in-atlas (verifyInAtlas): needs a link-token that is made in Atlas; give --atlas", "--delete-token-on-undo (deleteTokenOnUndo)"}},
		"only atlas-org":   {args("link", "--atlas-org", testOrg), []string{"starter: --atlas-org: belongs to --atlas, which is missing. Run"}},
		"no recipient":     {args("link", "--token-stdin"), []string{"--recipient: it is not known whom to seal", "'starter keygen' has printed", "MIGRATIONLINK_RECIPIENT"}},
		"needless":         {linkArgs("--recipient", testRecipient), []string{"--recipient: only what is read by"}},
		"no file":          {args("link", "--token-file", "", "--recipient", testRecipient), []string{"--token-file: the value is empty"}},
		"no recipient's":   {args("seal", "--recipient", ""), []string{"--recipient: the value is empty"}},
		"nothing to seal":  {[]string{"seal"}, []string{"--manager (manager)", "--org (orgId)", "--recipient: it is not known"}},
		"keygen in JSON":   {[]string{"keygen", "-o", "json"}, []string{"--output-file: needed with -o json"}},
		"keygen argument":  {[]string{"keygen", "x"}, []string{"flags only"}},
		"help is referred": {[]string{"link"}, []string{"starter link --help"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := newCommand(nil).run(t.Context(), test.args...)
			require.Equal(t, ExitUsage, done.code)
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
	require.Equal(t, "starter: unknown flag --delete-token-on-undo. Run 'starter retry --help' for examples.\n", done.stderr)
}

func TestWhoGivesALinkTokenAsReferenceIsToldWhereItGoes(t *testing.T) {
	t.Parallel()
	for _, value := range []string{canary, "env:LINK_TOKEN_" + strings.Repeat("A", 64)} {
		done := newCommand(nil).run(t.Context(), linkArgs("--token-ref", value)...)
		require.Contains(t, done.stderr, "every user of the machine can see an argument, and the shell keeps it; if it was one, have another made in Atlas")
	}
	done := newCommand(nil).run(t.Context(), linkArgs("--token-ref", canary)...)
	require.Contains(t, done.stderr, "or another source: --token-stdin, --token-file, --sealed-token-file or --atlas")
}

func TestATokenInTheWrongPlaceIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"as reference":         linkArgs("--token-ref", canary),
		"as env reference":     linkArgs("--token-ref", "env:"+canary),
		"as file reference":    linkArgs("--token-ref", "file:../"+canary),
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
		"as limit of waiting":  args("cancel", "--reason", "x", "--wait-limit", canary),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := newCommand(nil).run(t.Context(), args...)
			require.Equal(t, ExitUsage, done.code)
			require.NotContains(t, done.stdout+done.stderr, canary)
		})
	}
}

func TestEveryCommandExplainsItselfWithExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"link", "unlink", "status", "cancel", "retry", "extend", "check"} {
		done := newCommand(nil).run(t.Context(), name, "--help")
		require.Equal(t, ExitOK, done.code)
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
	require.Equal(t, ExitOK, done.code)
	require.Contains(t, done.stdout, "  7  Temporal cannot be reached\n")
}
