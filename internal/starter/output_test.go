package starter

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

// unwritable cannot be written to.
type unwritable struct{ err error }

func (b unwritable) Write([]byte) (int, error) { return 0, b.err }

func (c *command) runTo(ctx context.Context, stdout io.Writer, args ...string) (int, string) {
	code := Run(ctx, console.Environment{
		Args: args, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: &c.stderr,
		LookupEnv: func(name string) (string, bool) {
			value, found := c.env[name]
			return value, found
		},
		Now: c.now, Location: time.UTC, TerminalWidth: func(io.Writer) int { return 0 },
	})
	return code, c.stderr.String()
}

func TestOutputThatCouldNotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	full := unwritable{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}}
	for name, arguments := range map[string][]string{
		"status": args("status"), "status as JSON": args("status", "-o", "json"), "link": linkArgs(), "link as JSON": linkArgs("-o", "json"),
		"list": {"list"}, "list as JSON": {"list", "-o", "json"}, "doctor": {"doctor"}, "help": {"--help"}, "help of a command": {"link", "--help"},
		"version": {"--version"}, "keygen": {"keygen"}, "completion": {"completion", "bash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newCommand := func() *command { return newCommand(newFakeTemporal(t).ends(linked(), nil)) }
			if arguments[0] == "list" || arguments[0] == "doctor" {
				newCommand = newFakeList(t, listedRun(1, 110)).command
			}
			code, stderr := newCommand().runTo(t.Context(), full, arguments...)
			require.NotEqual(t, console.ExitOK, code)
			require.Contains(t, stderr, "the output could not be written: no space left on device")
			require.Equal(t, 1, strings.Count(stderr, "no space left"))

			_, stderr = newCommand().runTo(t.Context(), unwritable{&os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}}, arguments...)
			require.NotContains(t, stderr, "written")
			require.NotContains(t, stderr, "pipe", "whoever closes it has read enough")
		})
	}
}

func TestTheOutcomeKeepsItsCodeWhenItCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(migrationlink.LinkResult{}, failedWith(withOutcome(migrationlink.OutcomeFailed, refusal)))
	code, stderr := newCommand(f).runTo(t.Context(), unwritable{errors.New("no")}, linkArgs()...)
	require.Equal(t, console.ExitFailed, code)
	require.Contains(t, stderr, "POST answered 403")
}

// hostile is what a caller may write into a text.
const hostile = "wrong\x1b[2J\u009b31m\u202etegrat\u200b\ufeff \u2066end\x07"

func TestTextFromOutsideControlsNeitherTerminalNorJSON(t *testing.T) {
	t.Parallel()
	result := withOutcome(migrationlink.OutcomeFailed, &migrationlink.Problem{Type: hostile, Message: hostile, Remedy: hostile})
	result.CancelReason, result.LinkStatus, result.StartedBy, result.Reason = hostile, hostile, hostile, hostile
	result.Actions = []migrationlink.Action{{Action: migrationlink.ActionRetry, RequestedBy: hostile, Reason: hostile}, {Action: hostile}}
	blocked := *blockedStatus()
	blocked.Problem, blocked.CancelReason, blocked.LinkStatus = result.Problem, hostile, hostile
	for name, prepare := range map[string]func(f *fakeTemporal){
		"ended":   func(f *fakeTemporal) { f.ends(migrationlink.LinkResult{}, failedWith(result)) },
		"running": func(f *fakeTemporal) { f.running().status = &blocked },
	} {
		f := newFakeTemporal(t)
		prepare(f)
		f.memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{migrationlink.StartedByMemo: payloads(hostile + "@host").GetPayloads()[0]}}
		for _, command := range [][]string{args("status"), args("status", "-o", "json"), args("cancel", "--reason", "x", "--detach"), args("retry")} {
			for _, terminal := range []bool{false, true} {
				c := newCommand(f)
				if terminal {
					c.terminal, c.env["NO_COLOR"] = &c.stdout, "1"
				}
				done := c.run(t.Context(), command...)
				for _, text := range []string{done.stdout, done.stderr} {
					requireHarmless(t, text, name)
				}
				if command[len(command)-1] == "json" {
					var decoded any
					require.NoError(t, json.Unmarshal([]byte(done.stdout), &decoded))
					walk(decoded, func(text string) { requireHarmless(t, text, name) })
				}
			}
		}
	}
}

func requireHarmless(t *testing.T, text, name string) {
	t.Helper()
	for _, bad := range []string{"\x1b", "\u009b", "\u202e", "\u200b", "\ufeff", "\u2066", "\x07"} {
		require.NotContains(t, text, bad, name)
	}
}

// walk calls f for every text in decoded JSON.
func walk(value any, f func(string)) {
	switch value := value.(type) {
	case string:
		f(value)
	case []any:
		for _, element := range value {
			walk(element, f)
		}
	case map[string]any:
		for key, element := range value {
			f(key)
			walk(element, f)
		}
	}
}
