package starter

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const (
	// assessAtOnce keeps the calls of links from waiting long behind those of assessments.
	assessAtOnce = 4
	// tallyInterval is how often progress is reported where there is no terminal.
	tallyInterval = 10 * time.Second
)

// assessedOrg is one organization, or why it was not assessed.
type assessedOrg struct {
	migrationlink.Assessment
	err error
}

// assessAll assesses every organization that the workers' key can see. It keeps only their ids.
func (a *app) assessAll(ctx context.Context, manager string) error {
	c, err := a.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	work, stop := context.WithCancel(ctx)
	defer stop()
	tally := newTally(a)
	ids, assessed := make(chan string), make(chan assessedOrg)
	var listing, failed error
	var working sync.WaitGroup
	working.Go(func() {
		defer close(ids)
		listing = sendOrgs(work, c, manager, ids, tally.found)
	})
	for range assessAtOnce {
		working.Go(func() {
			for id := range ids {
				found, err := c.Assess(work, migrationlink.AssessRequest{Manager: manager, OrgID: id}, links.ReadTimeout)
				assessed <- assessedOrg{found, err}
			}
		})
	}
	go func() {
		working.Wait()
		close(assessed)
	}()
	for org := range assessed {
		if org.err == nil {
			org.err = tally.add(org.Assessment)
		}
		if org.err != nil && failed == nil { // the others would fail alike
			failed = org.err
			stop()
		}
	}
	if failed == nil {
		failed = listing
	}
	return a.concludeAll(ctx, c, tally, failed)
}

// sendOrgs sends the id of each organization once, page by page.
func sendOrgs(ctx context.Context, c *links.Client, manager string, ids chan<- string, found func(total int)) error {
	known := map[string]bool{}
	for page := 1; page <= migrationlink.MaxOrganizationPages; page++ {
		orgs, err := c.Organizations(ctx, migrationlink.OrganizationsRequest{Manager: manager, Page: page})
		if err != nil {
			return err
		}
		before := len(known)
		for _, id := range orgs.OrgIDs {
			if known[id] {
				continue
			}
			known[id] = true
			found(max(len(known), orgs.TotalCount))
			select {
			case ids <- id:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if len(known) == before || orgs.TotalCount > 0 && len(known) >= orgs.TotalCount {
			return nil
		}
	}
	return console.Fail(console.ExitOther, "Assess the others with --org.", "manager %s lists more organizations than one command assesses; only the first %d were assessed", manager, len(known))
}

func (a *app) concludeAll(ctx context.Context, c *links.Client, tally *tally, failed error) error {
	tally.end()
	if failed != nil {
		if known, ok := failed.(console.Failure); ok { //nolint:errorlint // it is never wrapped
			return known
		}
		return readFailure(ctx, c, failed)
	}
	if tally.problems > 0 {
		return console.Fail(console.ExitOther, "Each line says why.", "%d of %s could not be read completely", tally.problems, words.Count(tally.done, "organization"))
	}
	return nil
}

// tally prints each assessment on a line, and the progress on stderr.
type tally struct {
	app      *app
	terminal bool // of stderr
	quiet    bool // a program reads stderr

	mu       sync.Mutex
	total    int
	done     int
	problems int
	verdicts map[migrationlink.Verdict]int
	told     time.Time
}

func newTally(a *app) *tally {
	terminal := a.Env.IsTerminal(a.Env.Stderr)
	return &tally{app: a, terminal: terminal, quiet: a.JSON() && !terminal, verdicts: map[migrationlink.Verdict]int{}, told: a.Env.Now()}
}

func (t *tally) found(total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total = total
}

const allFormat = "%-24s  %-7s  %8s  %11s  %5s  %s\n"

// add prints an assessment.
func (t *tally) add(found migrationlink.Assessment) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	if t.done == 0 && !t.app.JSON() {
		fmt.Fprintf(t.app.Env.Stdout, allFormat, "ORGANIZATION", "VERDICT", "PROJECTS", "DEPLOYMENTS", "HOSTS", "WHY")
	}
	t.done++
	t.verdicts[found.Verdict]++
	if found.Problem != nil {
		t.problems++
	}
	if t.app.JSON() {
		if err := t.app.PrintJSON(found); err != nil {
			return err
		}
	} else {
		why, _ := words.Why(found)
		fmt.Fprintf(t.app.Env.Stdout, allFormat, found.OrgID, found.Verdict, fmt.Sprint(found.Projects), fmt.Sprint(found.All()), fmt.Sprint(found.Hosts), why)
	}
	t.progress()
	return nil
}

// progress is redrawn in place on a terminal, and a line from time to time otherwise.
func (t *tally) progress() {
	text := fmt.Sprintf("%d of %s assessed", t.done, words.Count(max(t.total, t.done), "organization"))
	switch now := t.app.Env.Now(); {
	case t.terminal:
		_, _ = io.WriteString(t.app.Env.Stderr, "\r"+text)
	case !t.quiet && now.Sub(t.told) >= tallyInterval:
		t.told = now
		fmt.Fprintln(t.app.Env.Stderr, text)
	}
}

func (t *tally) clear() {
	if t.terminal {
		_, _ = io.WriteString(t.app.Env.Stderr, "\r\x1b[K")
	}
}

// end prints the sum.
func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	if t.quiet {
		return
	}
	fmt.Fprintf(t.app.Env.Stderr, "%s: %d ready, %d useless, %d unknown\n", words.Count(t.done, "organization"),
		t.verdicts[migrationlink.VerdictReady], t.verdicts[migrationlink.VerdictUseless], t.verdicts[migrationlink.VerdictUnknown])
}
