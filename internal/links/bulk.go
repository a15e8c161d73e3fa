package links

import (
	"context"
	"fmt"
	"sync"

	"github.com/migrationlink/migrationlink"
)

// MaxChosen bounds how many links one command works on, and so the memory for them.
const MaxChosen = 10_000

// TooMany means that a filter chooses more links than MaxChosen.
type TooMany struct{}

func (e *TooMany) Error() string { return fmt.Sprintf("more than %d links match", MaxChosen) }

// Choose returns those of the latest runs that the filter chooses that fit.
func (c *Client) Choose(ctx context.Context, filter Filter, fits func(Listed) bool) (found []Listed, _ error) {
	filter.Certain = true
	for l, err := range filter.chosen(c.Runs(ctx, filter)) {
		switch {
		case err != nil:
			return nil, c.Explain(ctx, err)
		case !fits(l):
		case len(found) == MaxChosen:
			return nil, &TooMany{}
		default:
			found = append(found, l)
		}
	}
	return found, nil
}

// Each works on the links of a list, at most atOnce at a time. It tells the end of each, one after
// the other. When the context ends, it begins no other link, and waits for those that it has begun.
func Each(ctx context.Context, chosen []Listed, atOnce int, work func(context.Context, Listed) error, tell func(Listed, error)) {
	var (
		working sync.WaitGroup
		telling sync.Mutex
	)
	next := make(chan Listed)
	for range min(atOnce, len(chosen)) {
		working.Go(func() {
			for l := range next {
				err := work(ctx, l)
				telling.Lock()
				tell(l, err)
				telling.Unlock()
			}
		})
	}
	for _, l := range chosen {
		if ctx.Err() != nil {
			break
		}
		select {
		case next <- l:
		case <-ctx.Done():
		}
	}
	close(next)
	working.Wait()
}

// Group is what the links of a summary have in common.
type Group struct {
	Manager, Workflow, State, Problem string
	Outcome                           migrationlink.Outcome
}

// Group returns the group of a link.
func (l Listed) Group() Group {
	return Group{Manager: l.Run.Manager, Workflow: l.Run.Workflow, State: l.State, Problem: l.Problem, Outcome: l.Outcome}
}

// Counted is a group with how many links it has, and one of them.
type Counted struct {
	Group
	Count   int
	Example Listed
}

// Summary counts the links of each group, in the order in which the first of each comes.
type Summary struct {
	Groups []Counted
	at     map[Group]int
}

// Add counts a link.
func (s *Summary) Add(l Listed) {
	if s.at == nil {
		s.at = map[Group]int{}
	}
	i, known := s.at[l.Group()]
	if !known {
		i = len(s.Groups)
		s.at[l.Group()] = i
		s.Groups = append(s.Groups, Counted{Group: l.Group(), Example: l})
	}
	s.Groups[i].Count++
}

// Summarize counts the links of a list.
func Summarize(found []Listed) Summary {
	var s Summary
	for _, l := range found {
		s.Add(l)
	}
	return s
}
