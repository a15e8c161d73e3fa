package console

// ExitCode documents one exit code.
type ExitCode struct {
	Code    int
	Meaning string // whole sentences
}

// ExitCodes documents all exit codes, in order.
func ExitCodes() []ExitCode {
	return []ExitCode{
		{ExitOK, "The organization is SYNCED, or the command succeeded."},
		{ExitOther, "Any other problem. Also a wait that you interrupted with Ctrl-C, and `--detach` if the manager has not answered 20 seconds after a first problem. It continues."},
		{ExitUsage, "Wrong usage, such as an unknown flag. Nothing was sent."},
		{ExitFailed, "The link failed. From `starter check`: the manager returned no status, and the link continues."},
		{ExitTimedOut, "The link timed out."},
		{ExitCancelled, "The link was cancelled."},
		{ExitDifferent, "A different request for the organization is running."},
		{ExitUnreachable, "Temporal cannot be reached, and nothing was sent."},
		{ExitUnknown, "Temporal stopped answering after something was sent: the outcome is unknown. Use `starter status` to see it. Repeating the command is safe."},
		{ExitBlocked, "The link is blocked until somebody fixes a problem and runs `starter retry`. From `--detach`, from `starter retry`, and when `--timeout` (`--wait-limit` of `starter unlink`) has passed."},
		{ExitNotFound, "Not found. Temporal has no link of the organization, or `retry`, `extend`, `check` or `cancel` finds none that is running."},
		{ExitWaiting, "The command stopped waiting after `--timeout` (`--wait-limit` of `starter unlink`). The link continues."},
	}
}
