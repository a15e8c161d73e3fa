package starter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// chosen are the flags of a command that can work on several links.
type chosen struct {
	links.Filter
	yes bool
}

// chosenFlags add the selectors to a command that has targetFlags.
func chosenFlags(cmd *cobra.Command, given *chosen) {
	for _, name := range []string{"manager", "org"} {
		flag := cmd.Flags().Lookup(name)
		flag.Usage = strings.Replace(flag.Usage, "(required", "(required without a selector", 1)
	}
	selectorFlags(cmd, &given.Filter)
	yesFlag(cmd, &given.yes)
}

func yesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVar(yes, "yes", false, "do not ask for confirmation; required if standard input is not a terminal")
}

// complete checks the flags of a command for several links. alone are flags that only one link
// can have.
func (g *chosen) complete(cmd *cobra.Command, job words.Job, now time.Time, alone ...string) error {
	g.Manager, g.OrgID, g.After.AsOf = job.Manager, job.OrgID, now
	problems := selectorProblems(cmd, g.Filter)
	for _, name := range alone {
		if cmd.Flags().Changed(name) {
			problems = append(problems, "--"+name+": works on one link only; choose it with --manager and --org alone")
		}
	}
	return usageError(cmd, problems...)
}

// bulk is what a command does to several links.
type bulk struct {
	verb, done string // "retry", "retried"
	// fits reports whether the command can do something to a link at all.
	fits func(links.Listed) bool
	// begun reports whether it is running already, so that it is not sent again. It is nil for a command
	// that can be sent twice.
	begun func(links.Listed) bool
	// send asks for it. It returns the run that does it.
	send func(context.Context, *links.Client, links.Listed) (links.Run, error)
	// await waits for the end. It is nil for a command that does not.
	await func(context.Context, *links.Client, links.Run) error
	// limit is how long all ends are waited for together; 0 means no limit.
	limit time.Duration
}

const (
	// sendingAtOnce keeps a namespace busy without exhausting a small rate limit.
	sendingAtOnce = 32
	// awaitingAtOnce may be more: a wait costs a call a minute.
	awaitingAtOnce = 200
)

// runBulk previews, asks, and does it.
func (a *app) runBulk(ctx context.Context, given chosen, b bulk) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	found, err := c.Choose(ctx, given.Filter, b.fits)
	if _, ok := errors.AsType[*links.TooMany](err); ok {
		return console.Fail(console.ExitUsage, "Choose fewer, for example those of one --manager or --state.", "%v; nothing was sent", err)
	}
	if err != nil {
		return err
	}
	w := b.workOn(found)
	if a.dryRun {
		w.begun = nil
	}
	switch {
	case w.total() == 0 && a.dryRun && a.JSON():
		return a.printDryRun([]links.Sending{}, "")
	case w.total() == 0:
		return a.concludeBulk(ctx, b, newBulkTally(ctx, a, 0))
	}
	if !a.dryRun {
		if err := a.confirmBulk(ctx, given, b, w); err != nil {
			return err
		}
	}
	t := newBulkTally(ctx, a, w.total())
	t.chosen = slices.Concat(w.begun, w.send)
	a.sendBulk(ctx, c, b, w, t)
	switch {
	case a.dryRun && ctx.Err() != nil:
		code, interruption := console.Interruption(ctx)
		return console.Fail(code, "Repeat the command, or choose fewer links.", "%s before it was clear what would be sent", interruption)
	case a.dryRun:
		return a.printDryRun(c.Kept(), "")
	}
	return a.concludeBulk(ctx, b, t)
}

// bulkWork is what was chosen.
type bulkWork struct {
	send  []links.Listed
	begun []links.Listed // by an earlier command
}

func (w bulkWork) total() int { return len(w.send) + len(w.begun) }

// workOn tells what was begun by an earlier command.
func (b bulk) workOn(found []links.Listed) (w bulkWork) {
	for _, l := range found {
		switch {
		case b.begun != nil && b.begun(l):
			w.begun = append(w.begun, l)
		default:
			w.send = append(w.send, l)
		}
	}
	return w
}

// confirmBulk shows what was chosen, and asks before it sends something.
func (a *app) confirmBulk(ctx context.Context, given chosen, b bulk, w bulkWork) error {
	if !a.JSON() {
		fmt.Fprint(a.Env.Stderr, a.summaryText(a.Env.Stderr, links.Summarize(slices.Concat(w.begun, w.send)).Groups))
	}
	what, begun := words.Count(len(w.send), "link"), words.Count(len(w.begun), b.verb)
	question, why := fmt.Sprintf("%s %s?", capital(b.verb), what), what+" would be "+b.done
	switch {
	case len(w.begun) == 0:
	case len(w.send) == 0:
		a.Note("%s already running; nothing is sent", begun)
		return nil
	default:
		question, why = begun+" already running. "+question, why+", with "+begun+" already running"
	}
	return a.confirm(ctx, given.yes, question, why)
}

// confirm asks, unless the answer was given by --yes. Without a terminal, why is part of the error.
func (a *app) confirm(ctx context.Context, yes bool, question, why string) error {
	switch {
	case yes:
		return nil
	case !a.CanAsk():
		return console.Fail(console.ExitUsage, "Add --yes to skip the question.", "%s; nothing was sent, because there is no terminal to ask on", why)
	}
	return a.Confirm(ctx, question)
}

// sendBulk sends everything before it waits for anything, so that a link does not wait for the end of another one.
func (a *app) sendBulk(ctx context.Context, c *links.Client, b bulk, w bulkWork, t *bulkTally) {
	t.begin("sent")
	for _, l := range w.begun {
		t.tell(l, nil, b.await == nil)
	}
	going := w.begun
	send := func(ctx context.Context, l links.Listed) error {
		run, err := b.send(ctx, c, l)
		if err == nil && b.await != nil {
			t.keep(func() { going = append(going, links.Listed{Run: run}) })
		}
		return err
	}
	links.Each(ctx, w.send, sendingAtOnce, send, func(l links.Listed, err error) { t.tell(l, err, b.await == nil) })
	if b.await != nil {
		t.going = len(going)
		t.begin("ended")
		ctx, stop := console.WithLimit(ctx, b.limit)
		defer stop()
		links.Each(ctx, going, awaitingAtOnce, func(ctx context.Context, l links.Listed) error { return b.await(ctx, c, l.Run) },
			func(l links.Listed, err error) { t.tell(l, err, true) })
	}
	t.end()
}

// bulkJSON is the one object of a command for several links.
type bulkJSON struct {
	Chosen    int                 `json:"chosen"`
	Succeeded int                 `json:"succeeded"`
	Unchanged []bulkUnchangedJSON `json:"unchanged,omitempty"`
	Failed    []bulkFailedJSON    `json:"failed"`
	// Unknown are those whose end the command did not see before it was interrupted.
	Unknown []targetJSON `json:"unknown,omitempty"`
}

type bulkFailedJSON struct {
	targetJSON
	Error console.Failure `json:"error"`
}

type bulkUnchangedJSON struct {
	targetJSON
	Message string `json:"message"`
}

// unchanged is why a command did not change a link that has more than it was asked for. It is no
// failure.
type unchanged string

func (u unchanged) Error() string { return string(u) }

// concludeBulk succeeds only if every link did, or is unchanged.
func (a *app) concludeBulk(ctx context.Context, b bulk, t *bulkTally) error {
	if err := a.printBulk(b, t); err != nil {
		return err
	}
	missing := t.total - t.succeeded - len(t.unchanged)
	switch {
	case missing == 0:
		return nil
	case ctx.Err() != nil, t.going > 0 && t.code() == console.ExitWaiting:
		code, interruption := console.Interruption(ctx)
		if ctx.Err() == nil { // each wait has its own limit
			code, interruption = console.ExitWaiting, "the time limit has passed"
		}
		return console.Fail(code, t.continuing(), "%s; %d of %s were not %s, or it is unknown whether they were", interruption, missing, words.Count(t.total, "link"), b.done)
	}
	return console.Fail(t.code(), "Repeating the command is safe: it works only on links that still match.", "%d of %s could not be %s", missing, words.Count(t.total, "link"), b.done)
}

func (a *app) printBulk(b bulk, t *bulkTally) error {
	switch {
	case a.JSON():
		return a.PrintJSON(bulkJSON{t.total, t.succeeded, t.unchanged, t.failures, t.unknown()})
	case t.total == 0:
		text := fmt.Sprintf("No matching links to %s.", b.verb)
		if b.await != nil { // an earlier command may have sent it to others
			text += " To list running links: " + listRunning
		}
		fmt.Fprintln(a.Env.Stderr, text)
	default:
		text := fmt.Sprintf("%s %d of %s", capital(b.done), t.succeeded, words.Count(t.total, "link"))
		if len(t.unchanged) > 0 {
			text += fmt.Sprintf("; %d unchanged", len(t.unchanged))
		}
		a.Say("%s", text)
	}
	return nil
}

const listRunning = "starter list --state running"

// continuing is the remedy after an interruption. A repeated command finds what is running.
func (t *bulkTally) continuing() string {
	switch t.going {
	case 0:
		return "To continue, repeat the command: it is safe."
	case t.total:
		return "All were sent, and continue without this command. To wait for their ends, repeat it: it is safe."
	}
	return "What was sent continues without this command. To send the rest and wait for all, repeat it: it is safe."
}

// code is that of the failures, if they have the same.
func (t *bulkTally) code() int {
	if len(t.codes) == 1 {
		for code := range t.codes {
			return cmp.Or(code, console.ExitOther)
		}
	}
	return console.ExitOther
}

func capital(text string) string { return string(text[0]-'a'+'A') + text[1:] }
