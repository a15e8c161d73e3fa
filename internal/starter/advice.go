package starter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const (
	// adviceTimeout is how long an assessment beside a link may take. The link does not wait
	// for it, only the end of this command does.
	adviceTimeout = 3 * time.Second
	// adviceHead is how long the view of the link waits for it: a warning would tear the view.
	adviceHead = time.Second
	// readyTimeout is how long an assessment may take that a link depends on.
	readyTimeout = 5 * time.Minute
)

// requireReady fails unless a link of an organization is of use. Nothing has been sent then.
func (a *app) requireReady(ctx context.Context, c *links.Client, job words.Job) error {
	var found migrationlink.Assessment
	var err error
	a.WithWaitHint("the assessment of the organization", func() {
		if err = requireWorker(ctx, c); err == nil {
			found, err = assessInTime(ctx, c, job)
		}
	})
	if err != nil {
		failure := console.FailureOf(err)
		failure.Message = "nothing was sent, because the organization could not be assessed: " + failure.Message
		return failure
	}
	if found.Verdict == migrationlink.VerdictReady {
		return nil
	}
	why, remedy := words.Why(found)
	return console.Fail(console.ExitOther, remedy, "nothing was sent, because organization %s is not ready to migrate (%s): %s", job.OrgID, found.Verdict, why)
}

// assessInTime assesses an organization within readyTimeout, also if Temporal does not answer.
func assessInTime(ctx context.Context, c *links.Client, job words.Job) (migrationlink.Assessment, error) {
	limited, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	found, err := c.Assess(limited, migrationlink.AssessRequest{Manager: job.Manager, OrgID: job.OrgID}, readyTimeout)
	if err != nil {
		err = readFailure(ctx, c, err)
	}
	return found, err
}

// advice is an assessment that runs beside a link, for a warning. It never fails a link.
type advice struct {
	app     *app
	done    chan struct{} // closed when the warning is known
	warning string        // empty if there is nothing to warn of
	print   sync.Once
	late    <-chan time.Time
	stop    context.CancelFunc
}

// advise starts an assessment, unless nobody would see its warning. A view that is redrawn in
// place must call head before it, plain lines need not.
func (a *app) advise(ctx context.Context, c *links.Client, job words.Job, inPlace bool) *advice {
	if a.JSON() && a.Env.TerminalWidth(a.Env.Stderr) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, adviceTimeout)
	v := &advice{app: a, done: make(chan struct{}), late: time.After(adviceTimeout), stop: stop}
	go func() {
		found, err := c.Assess(ctx, migrationlink.AssessRequest{Manager: job.Manager, OrgID: job.OrgID}, adviceTimeout)
		if err == nil && found.Verdict == migrationlink.VerdictUseless {
			why, remedy := words.Why(found)
			v.warning = fmt.Sprintf("a link of organization %s is useless: %s. %s", job.OrgID, why, remedy)
		}
		close(v.done)
		if !inPlace {
			v.show(ctx, nil)
		}
	}()
	return v
}

// head waits a moment for the warning, so that it comes before the view.
func (v *advice) head(ctx context.Context) {
	if v != nil {
		v.show(ctx, time.After(adviceHead))
	}
}

// end waits for the rest of the time that an assessment has, unless the link itself has
// failed: then nobody waits for a warning.
func (v *advice) end(ctx context.Context, failed error) {
	if v == nil {
		return
	}
	if failed == nil {
		v.show(ctx, v.late)
	}
	v.stop()
}

// show prints the warning once, as soon as it is known.
func (v *advice) show(ctx context.Context, limit <-chan time.Time) {
	select {
	case <-v.done:
		v.print.Do(func() {
			if v.warning != "" {
				v.app.Warn("%s", v.warning)
			}
		})
	case <-limit:
	case <-ctx.Done():
	}
}
