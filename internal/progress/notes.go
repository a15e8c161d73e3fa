package progress

import (
	"fmt"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Notes are what a person should know besides the phase, one or two sentences
// each. They hold no times, so that each is shown once.
func Notes(o links.Observation, now time.Time) []string {
	var notes []string
	if o.NoWorker != "" {
		worker := "a worker"
		if o.Version != "" {
			worker = "a worker of version " + o.Version + ", on which it started"
		}
		notes = append(notes, words.OneLine(o.NoWorker)+". Start "+worker+", or check its log; the "+o.Run.Noun()+" continues as soon as one runs.")
	}
	if o.Limited != "" {
		notes = append(notes, o.Limited+", so the workflow itself could not be asked. Try again in a moment.")
	}
	if o.Unread != "" {
		notes = append(notes, o.Unread)
	}
	if o.Running() && o.NoWorker == "" {
		if note := words.NotOurs(o.Status); note != "" {
			notes = append(notes, note+".")
		}
	}
	if o.Running() && o.Atlas != nil && o.Atlas.TokenInDoubt {
		notes = append(notes, words.TokenInDoubt+".")
	}
	if o.Paused {
		notes = append(notes, "paused in Temporal. To continue, unpause the activity.")
	}
	if o.NoWorker == "" && o.Overdue(now) {
		notes = append(notes, fmt.Sprintf("a call to manager %s is overdue, because no worker has taken it. Check that a worker polls task queue %s. With many links, requests_per_second may delay calls.", o.Run.Manager, migrationlink.ManagerTaskQueue(o.Run.Manager)))
	}
	if o.Problem != nil && o.Running() && !o.Blocked() {
		notes = append(notes, words.Sentences(o.Problem.Message, o.Problem.Remedy))
	}
	return notes
}
