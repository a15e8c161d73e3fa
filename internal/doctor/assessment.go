package doctor

import (
	"context"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/words"
)

// assessTimeout is what is left of the time that doctor waits for replies.
const assessTimeout = 35 * time.Second

// assessed is an assessment, or why there is none.
type assessed struct {
	found migrationlink.Assessment
	err   error
}

// assess has a worker assess the organization that was named, if one was.
func (d *doctor) assess(ctx context.Context) (a assessed) {
	if d.given.Manager == "" || d.given.OrgID == "" {
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, assessTimeout)
	defer cancel()
	a.found, a.err = d.client.Assess(ctx, migrationlink.AssessRequest{Manager: d.given.Manager, OrgID: d.given.OrgID}, assessTimeout)
	return a
}

// use checks whether a link of the organization is of use.
func (m managerSeen) use(a assessed) Check {
	name := m.name + ": use"
	why, remedy := words.Why(a.found)
	switch {
	case m.said.Problem != nil:
		return skipped(name, "the organization cannot be read")
	case a.err != nil:
		return skipped(name, "the organization was not assessed within "+assessTimeout.String())
	case a.found.Verdict == migrationlink.VerdictUseless:
		return bad(name, "a link is useless: "+why, remedy)
	case a.found.Verdict == migrationlink.VerdictUnknown:
		return skipped(name, "it is unknown whether a link is useful: "+why)
	}
	return good(name, "%s", words.OneLine(words.Assessed(a.found)))
}
