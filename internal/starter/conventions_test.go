package starter

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

func TestWithoutACommandTheHelpIsPrinted(t *testing.T) {
	t.Parallel()
	bare, help := newCommand(nil).run(t.Context()), newCommand(nil).run(t.Context(), "--help")
	require.Equal(t, console.ExitOK, bare.code)
	require.Equal(t, help.stdout, bare.stdout)
	require.Empty(t, bare.stderr)
}

func TestEveryCommandIsInAGroupOfTheHelp(t *testing.T) {
	t.Parallel()
	root := (&app{Console: console.Console{Env: console.Environment{}.WithDefaults()}}).rootCommand()
	for _, command := range root.Commands() {
		require.NotEmpty(t, command.GroupID, command.Name())
	}
	require.NotContains(t, newCommand(nil).run(t.Context(), "--help").stdout, "Additional Commands")
}

func TestTheVersionIsACommandToo(t *testing.T) {
	t.Parallel()
	flag, command := newCommand(nil).run(t.Context(), "--version"), newCommand(nil).run(t.Context(), "version")
	require.Equal(t, flag, command)
	require.Regexp(t, `^\{"version":"\S+","details":".+go1\.\d+.*"\}\n$`, newCommand(nil).run(t.Context(), "version", "-o", "json").stdout)
}

func TestAnEndedWaitLeavesTheLinkAndHasACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"link":           {linkArgs("--timeout", "1s"), console.ExitWaiting, "stopped waiting, because the time limit has passed; the link of organization " + testOrg + " continues\nWatch it with"},
		"detach":         {linkArgs("--detach", "--timeout", "1s"), console.ExitWaiting, "the link of organization " + testOrg + " continues"},
		"status":         {args("status", "--watch", "--timeout", "1s"), console.ExitWaiting, "stopped waiting"},
		"cancel":         {args("cancel", "--reason", "x", "--timeout", "1s"), console.ExitWaiting, "has not ended yet"},
		"check":          {args("check", "--timeout", "1s"), console.ExitWaiting, "the time limit has passed before the answer came"},
		"extend":         {args("extend", "--by", "1d", "--timeout", "1s"), console.ExitWaiting, "the request may still be carried out"},
		"link, blocked":  {linkArgs("--timeout", "1s"), console.ExitBlocked, "waits for a person: BLOCKED while creating: manager \"demo\": POST answered 403."},
		"watch, blocked": {args("status", "--watch", "--timeout", "1s"), console.ExitBlocked, "When it is fixed: starter retry --manager demo"},
		"cancel,blocked": {args("cancel", "--reason", "x", "--timeout", "1s"), console.ExitBlocked, "has not ended yet: BLOCKED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).running()
			f.status = syncing()
			if strings.HasSuffix(name, "blocked") {
				f.status = blockedStatus()
			}
			done := newCommand(f).run(t.Context(), test.args...)
			require.Equal(t, test.code, done.code, done.stderr)
			require.Contains(t, done.stderr, test.says)
			require.Empty(t, f.cancels)
			require.Empty(t, done.stdout)
		})
	}
}

func TestTheEnvironmentNamesTheManagerAndTheAtlas(t *testing.T) {
	t.Parallel()
	with := func(variable, value string, args ...string) finished {
		f := newFakeTemporal(t).running()
		f.status = syncing()
		c := newCommand(f)
		c.env[variable] = value
		return c.run(t.Context(), args...)
	}
	require.Contains(t, with(managerVariable, " demo\n", "status", "--org", testOrg).stdout, "manager       demo\n")
	require.Contains(t, with(managerVariable, "other", args("status")...).stdout, "manager       demo\n", "the flag wins")
	asked := with(atlasVariable, "eu", args("link", "--atlas-org", org(7), "--print-request", "-o", "json")...)
	require.Contains(t, asked.stdout, `"token":{"atlas":{"name":"eu",`)
	require.Contains(t, with(atlasVariable, "eu", linkArgs("--print-request", "-o", "json")...).stdout, `{"ref":"env:LINK_TOKEN_DEMO"}`, "nobody asked for Atlas")

	wrong := with(managerVariable, canary, "status", "--org", testOrg)
	require.Equal(t, console.ExitUsage, wrong.code)
	require.Contains(t, wrong.stderr, "MIGRATIONLINK_MANAGER: invalid manager name; correct it, or give --manager")
	require.NotContains(t, wrong.stderr, canary)
	require.Contains(t, with(managerVariable, "", "status", "--org", testOrg).stderr, "required; name a manager of the workers' configuration, or set MIGRATIONLINK_MANAGER")
}

func TestTheManagerOfTheEnvironmentFiltersNoList(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	c := f.command()
	c.env[managerVariable] = "other"
	require.Equal(t, console.ExitOK, c.run(t.Context(), "list").code)
	require.NotContains(t, f.queries[0], "other")
	complete(t, c, "cancel", "--org", "")
	require.Contains(t, f.queries[len(f.queries)-1], `"link.other."`, "it completes organizations of the manager that the command would use")
}

func TestTheProgramHasTheNameThatItWasCalledBy(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"":                                      "starter",
		"/usr/local/bin/starter":                "starter",
		"starter.exe":                           "starter",
		"/bin/temporal-migrationlink":           "temporal migrationlink",
		"temporal-migrationlink.exe":            "temporal migrationlink",
		"./temporal-cloud-migration_link":       "temporal cloud migration-link",
		"mlink":                                 "mlink",
		"/tmp/\x1b[31mred":                      "starter",
		"/tmp/" + strings.Repeat("long", 20):    "starter",
		"/tmp/go-build/b001/exe/Starter (copy)": "starter",
	} {
		require.Equal(t, want, console.Environment{Program: program}.ProgramName(), program)
	}
	f := newFakeTemporal(t).running()
	f.status = blockedStatus()
	c := newCommand(f)
	c.program = "/usr/bin/temporal-migrationlink"
	help := c.run(t.Context(), "link", "--help")
	require.Contains(t, help.stdout, "\n  temporal migrationlink link [flags]\n")
	for name, args := range map[string][]string{
		"help": {"--help"}, "of link": {"link", "--help"}, "of extend": {"extend", "--help"}, "of list": {"list", "--help"}, "of doctor": {"doctor", "--help"}, "of completion": {"completion", "--help"},
		"error": {"link"}, "command": {"lnk"}, "status": args("status"), "not found": args("status", "--manager", "x"), "detach": args("cancel", "--reason", "x", "--detach"),
		"blocked": args("retry"), "version": {"version"}, "flag": {"--version"}, "json": {"link", "-o", "json"}, "script": {"completion", "bash"}, "offers": {"__complete", "link", ""},
	} {
		c := newCommand(f)
		c.program = "/usr/bin/temporal-migrationlink"
		done := c.run(t.Context(), args...)
		require.NotRegexp(t, `\bstarter( [a-z-]+\b|:)`, done.stdout+done.stderr, name)
	}
	script := newCommand(nil)
	script.program = "temporal-migrationlink"
	require.Contains(t, script.run(t.Context(), "completion", "zsh").stdout, "#compdef temporal-migrationlink\n", "the shell knows the file")
}

func TestJSONOnStdoutKeepsTheWordsOfTheWorkers(t *testing.T) {
	t.Parallel()
	refused := &migrationlink.Problem{Type: migrationlink.ErrUndoFailed, Message: "no", Remedy: "Use starter unlink."}
	f := newFakeTemporal(t).ends(migrationlink.LinkResult{}, failedWith(withOutcome(migrationlink.OutcomeFailed, refused)))
	c := newCommand(f)
	c.program = "temporal-migrationlink"
	done := c.run(t.Context(), linkArgs("-o", "json")...)
	require.Contains(t, done.stdout, `"remedy":"Use starter unlink."`)
	require.Contains(t, done.stderr, `"remedy":"Use temporal migrationlink unlink."`)
}

func TestFlagsReadDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"1d": day, "7d": 7 * day, "+1d": day, "1d12h": 36 * time.Hour, "0d5m": 5 * time.Minute, "1d.5h": day + 30*time.Minute,
		"90m": 90 * time.Minute, "106751d": 106751 * day,
		"": -1, "d": -1, "1.5d": -1, "1h1d": -1, "-1d": -1, "1d-1h": -1, "d1": -1, "106752d": -1, "999999999999d": -1, "106751d24h": -1, "1w": -1, "1": -1,
	} {
		got, err := parseDuration(text)
		if want < 0 {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for written, shown := range map[string]string{"7d": "168h", "90m": "1h30m", "20m": "20m", "61s": "1m1s", "0s": ""} {
		var flag durationFlag
		require.NoError(t, flag.Set(written))
		require.Equal(t, shown, flag.String())
	}
}

func TestEveryFlagForADurationReadsDays(t *testing.T) {
	t.Parallel()
	root := (&app{Console: console.Console{Env: console.Environment{}.WithDefaults()}}).rootCommand()
	found := 0
	for _, command := range root.Commands() {
		for _, name := range []string{"create-timeout", "sync-timeout", "settle-time", "timeout", "wait-limit", "by", "older-than", "newer-than"} {
			if flag := command.Flags().Lookup(name); flag != nil {
				found++
				require.NoError(t, flag.Value.Set("1d"), "%s --%s", command.Name(), name)
				require.Contains(t, []string{"24h", "24h0m0s"}, flag.Value.String(), "%s --%s", command.Name(), name)
			}
		}
	}
	require.Greater(t, found, 12)
}

func TestCommandsThatWaitHaveALimit(t *testing.T) {
	t.Parallel()
	root := (&app{Console: console.Console{Env: console.Environment{}.WithDefaults()}}).rootCommand()
	waits := []string{"link", "unlink", "status", "retry", "extend", "check", "cancel"}
	for _, command := range root.Commands() {
		limit := command.Flags().Lookup("timeout")
		if command.Name() == "unlink" {
			limit = command.Flags().Lookup("wait-limit")
		}
		require.Equal(t, slices.Contains(waits, command.Name()), limit != nil, command.Name())
	}
	for _, args := range [][]string{linkArgs("--timeout", "0s"), args("unlink", "--wait-limit", "0s"), args("check", "--timeout", "0s"), args("status", "--watch", "--timeout", "0s")} {
		require.Contains(t, newCommand(nil).run(t.Context(), args...).stderr, "must be above zero; leave it out to wait without a limit")
	}
	require.Contains(t, newCommand(nil).run(t.Context(), args("status", "--timeout", "1s")...).stderr, "--timeout: needs --watch")
}
