package adminapi

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxStreaks limits the organizations whose doubtful outcomes a client remembers. The
// oldest are dropped first.
const maxStreaks = 10_000

// history records the outcomes of a client's calls.
type history struct {
	answered atomic.Bool

	mu      sync.Mutex
	streaks map[string]*streak // by organization
	order   []string           // of their organizations, the oldest first
}

// streak holds the rows of doubtful outcomes of one organization. Reads and writes have
// one each: a proxy may let reads through and reject every write, and a write follows a
// read.
type streak struct {
	read, write row
	last        *row // the row of the last doubtful outcome
}

// row is a series of doubtful outcomes without a proper reply between them.
type row struct {
	count         int
	since, latest time.Time
}

// maxGap is the longest time between two doubtful outcomes of a row. Servers can ask to
// wait 15 minutes.
const maxGap = 20 * time.Minute

func (r *row) extend(now time.Time) {
	if r.count == 0 || now.Sub(r.latest) > maxGap {
		*r = row{since: now}
	}
	r.count++
	r.latest = now
}

// Answered reports whether the API has ever accepted the credentials of this client.
func (c *Client) Answered() bool { return c.history.answered.Load() }

// Streak returns how many calls for the organization have ended doubtfully in a row, and
// the time since the first of them. Both are zero after a proper reply. Reads and writes
// are counted separately; Streak returns the row of the last doubtful outcome.
//
// A Doubtful error extends a row. A success, or a rejection by the API for another
// reason than the credentials, ends the row of reads; after a write, both rows. A
// temporary error, such as a timeout, a 429 or a 5xx, does neither.
func (c *Client) Streak(orgID string) (inARow int, lasting time.Duration) {
	return c.history.streak(orgID)
}

// note records the outcome of a call. Only calls for a whole organization belong to a row: what
// is wrong with one project must not end a link.
func (c *Client) note(call *Call, err error) {
	proper := err == nil || properRefusal(err)
	if proper && call.authorized {
		c.history.answered.Store(true)
	}
	switch {
	case call.AllOrgs || call.ProjectID != "":
	case proper:
		c.history.end(call.OrgID, call.writes())
	case Doubtful(err):
		c.history.extend(call.OrgID, call.writes(), time.Now())
	}
}

// properRefusal reports whether the API rejected a call, but accepted its credentials.
func properRefusal(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Own && !refused.KeyRefused() && !passing(refused.StatusCode)
}

func (h *history) streak(orgID string) (inARow int, lasting time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := h.streaks[orgID]
	if found == nil || found.last.count == 0 {
		return 0, 0
	}
	return found.last.count, time.Since(found.last.since)
}

func (h *history) extend(orgID string, write bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streaks == nil {
		h.streaks = map[string]*streak{}
	}
	found := h.streaks[orgID]
	if found == nil {
		found = &streak{}
		h.streaks[orgID] = found
		h.order = append(h.order, orgID)
	}
	if len(h.order) > maxStreaks {
		h.forget(h.order[0])
	}
	found.last = &found.read
	if write {
		found.last = &found.write
	}
	found.last.extend(now)
}

func (h *history) end(orgID string, write bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := h.streaks[orgID]
	switch {
	case found == nil:
	case write || found.write.count == 0:
		h.forget(orgID)
	default:
		found.read = row{}
	}
}

func (h *history) forget(orgID string) {
	delete(h.streaks, orgID)
	h.order = slices.DeleteFunc(h.order, func(other string) bool { return other == orgID })
}
