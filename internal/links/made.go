package links

import (
	"context"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Maker is who made the link of an organization, as far as the runs tell that Temporal still
// knows.
type Maker int

// Makers of a link.
const (
	MakerUnknown Maker = iota // no run made it, or none is known any more
	MakerUs
	MakerRunning // a run is open, and decides
	makerNobody  // the run left no link, so that an earlier one tells nothing
)

// maxMakers bounds how many runs of an organization are read.
const maxMakers = 20

// Maker returns who made the link of an organization.
func (c *Client) Maker(ctx context.Context, job words.Job) (Maker, error) {
	latest := Run{Job: job}
	described, err := c.describe(ctx, latest) // the index of lists may not have it yet
	switch {
	case temporalerr.NotFound(err):
		return MakerUnknown, nil
	case err != nil:
		return MakerUnknown, c.Explain(ctx, err)
	}
	latest = latest.of(described.GetWorkflowExecutionInfo(), nil)
	if stateOf(described.GetWorkflowExecutionInfo().GetStatus()) == StateRunning {
		return MakerRunning, nil
	}
	found, err := c.makerOf(ctx, latest)
	if err != nil || found != MakerUnknown {
		return found.known(), err
	}
	return c.earlierMaker(ctx, latest)
}

func (c *Client) earlierMaker(ctx context.Context, latest Run) (Maker, error) {
	filter := Filter{Manager: latest.Manager, OrgID: latest.OrgID, EveryRun: true, Limit: maxMakers}
	runs, _, err := filter.Collect(c.Runs(ctx, filter))
	if err != nil {
		return MakerUnknown, c.Explain(ctx, err)
	}
	for _, l := range runs {
		if l.EndedAt.IsZero() || l.Run.RunID == latest.RunID {
			continue
		}
		if found, err := c.makerOf(ctx, l.Run); err != nil || found != MakerUnknown {
			return found.known(), err
		}
	}
	return MakerUnknown, nil
}

func (m Maker) known() Maker {
	if m == makerNobody {
		return MakerUnknown
	}
	return m
}

// makerOf reads the result of a run that has ended.
func (c *Client) makerOf(ctx context.Context, run Run) (Maker, error) {
	call, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	result, err := c.Result(call, run)
	switch {
	case err != nil:
		return MakerUnknown, c.Explain(ctx, err)
	case result.Outcome == migrationlink.OutcomeUnlinked, result.Outcome == migrationlink.OutcomeNotLinked, result.Removed:
		return makerNobody, nil
	case result.Created && !result.InDoubt:
		return MakerUs, nil
	}
	return MakerUnknown, nil
}
