package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const clocksCheck = "clocks"

// clockTolerance is far above what is lost on the way to a worker, and below what
// any limit of a link would notice.
const clockTolerance = 5 * time.Second

// clockOffset is by how much a clock is ahead of that of Temporal.
type clockOffset struct {
	known bool
	ahead time.Duration
}

// localOffset compares the clock of this machine with the one by which Temporal has
// started run, between two times of this machine. What the call itself may have taken
// is in favour of the clock.
func localOffset(ctx context.Context, s *links.Client, run client.WorkflowRun, before, after time.Time) clockOffset {
	described, err := s.Describe(ctx, run.GetID(), run.GetRunID())
	started := links.TimeOf(described.GetWorkflowExecutionInfo().GetStartTime())
	if err != nil || started.IsZero() {
		return clockOffset{}
	}
	return offsetBetween(started, before, after)
}

func offsetBetween(temporal, before, after time.Time) clockOffset {
	switch {
	case before.After(temporal):
		return clockOffset{true, before.Sub(temporal)}
	case after.Before(temporal):
		return clockOffset{true, after.Sub(temporal)}
	}
	return clockOffset{known: true}
}

// offsetOfWorker is the offset of the worker that called a manager.
func offsetOfWorker(m migrationlink.ManagerInspection) clockOffset {
	if m.WorkerTime.IsZero() || m.TemporalTime.IsZero() {
		return clockOffset{} // of an older version, or none has called
	}
	return clockOffset{true, m.WorkerTime.Sub(m.TemporalTime)}
}

func (o clockOffset) wrong() bool { return o.known && o.ahead.Abs() > clockTolerance }

func (o clockOffset) String() string {
	switch ahead := o.ahead.Round(time.Second); {
	case ahead > 0:
		return words.Duration(ahead) + " ahead of Temporal"
	case ahead < 0:
		return words.Duration(-ahead) + " behind Temporal"
	}
	return "as Temporal's"
}

// compareClocks names the clocks that are wrong, or all if none is.
func compareClocks(here clockOffset, managers []migrationlink.ManagerInspection) Check {
	var all, wrong []string
	add := func(whose string, o clockOffset) {
		text := whose + " is " + o.String()
		if o.known {
			all = append(all, text)
		}
		if o.wrong() {
			wrong = append(wrong, text)
		}
	}
	add("this machine", here)
	for _, m := range managers {
		add("the worker that called "+m.Name, offsetOfWorker(m))
	}
	switch {
	case len(wrong) > 0:
		return bad(clocksCheck, strings.Join(wrong, ", "), fmt.Sprintf("Correct the clocks that differ by more than %s, for example with NTP. If all others agree, correct Temporal's own. "+
			"Clocks decide which certificates are valid, what 'starter extend --until' means, and which times statuses and logs show.", clockTolerance))
	case len(all) == 0:
		return skipped(clocksCheck, "no worker has reported its time")
	}
	return good(clocksCheck, "%s", strings.Join(all, ", "))
}
