package main

import "fmt"

// Names of scenarios and contenders, which goals and bounds refer to.
const (
	counts   = "counts"
	rates    = "rates"
	startup  = "startup"
	memory   = "memory"
	burst    = "burst"
	restart  = "restart"
	profiled = "profile"
	oneEmpty = "one empty activity"
	twoEmpty = "two empty activities"
	loop     = "timer loop, 8 polls"
	direct   = "link"
	accepted = "link, Client.Start"
	polled   = "link, 8 polls"
	asChild  = "link, child"
	abroad   = "link, Nexus"
	retried  = "one retried poll"
	ours     = "worker"
	smallest = "smallest worker"
)

// Things that are measured.
const (
	events          = "events"
	historyBytes    = "history"
	writes          = "writes"
	storeRequests   = "store requests"
	httpRequests    = "HTTP requests a call"
	perLink         = "goroutines a link"
	memoryPerLink   = "heap and stack a link"
	rssPerLink      = "RSS a link"
	perTwoEmpty     = "rate against two empty activities"
	perLoop         = "rate against the timer loop"
	firstPoll       = "start to first poll against the smallest worker"
	binarySize      = "binary against the smallest worker"
	allCreated      = "all created after"
	createdPerEmpty = "all created against one empty activity"
	repeatedChecks  = "manager checks repeated"
	inTheMiddle     = " in the middle, longest"
	cancelWaiting   = "cancel while links wait, p99"
	allPolled       = "all polled again after"
	stackCores      = "CPU of worker and server"
	latenessP99     = "lateness of polls, p99"
)

// goal is what a number should be.
type goal struct {
	scenario, contender, what string
	limit                     float64
	atLeast                   bool // or else at most
}

func (g goal) isFor(measured row) bool {
	return g.scenario == measured.Scenario && g.contender == measured.Contender && g.what == measured.What
}

func (g goal) judge(value float64) string {
	sign, met := "≤", value <= g.limit
	if g.atLeast {
		sign, met = "≥", value >= g.limit
	}
	if met {
		return fmt.Sprintf("%s %s", sign, round(g.limit))
	}
	return fmt.Sprintf("%s %s MISSED", sign, round(g.limit))
}

// goals are shown beside the numbers. They fail nothing: times depend on the machine.
var goals = []goal{
	{counts, retried, writes, 2, false},
	{counts, abroad, writes, 20, false},
	{rates, direct, perTwoEmpty, 1, true},
	{rates, polled, perLoop, 2, true},
	{rates, ours, httpRequests, 1.01, false},
	{startup, ours, firstPoll, 1.3, false},
	{startup, ours, binarySize, 1.2, false},
	{memory, ours, memoryPerLink, 4000, false},
	{memory, ours, perLink, 0, false},
	{memory, ours, cancelWaiting, 0.5, false},
	{burst, ours, allCreated, 15, false},
	{burst, ours, createdPerEmpty, 1.1, false},
	{burst, ours, repeatedChecks, 0, false},
	{burst, ours, "cancel" + inTheMiddle, 2, false},
	{memory, ours, stackCores, 1.5, false},
	{restart, ours, allPolled, 60, false},
}

// bound is the range that a count must be in.
type bound struct {
	scenario, contender, what string
	least, most               float64
}

// bounds are the counts that the test asserts.
var bounds = []bound{
	{counts, oneEmpty, events, 11, 11},
	{counts, oneEmpty, writes, 6, 6},
	{counts, twoEmpty, events, 17, 17},
	{counts, twoEmpty, writes, 9, 9},
	{counts, loop, events, 99, 99},
	{counts, loop, writes, 54, 54},
	{counts, direct, events, 11, 11},
	{counts, direct, historyBytes, 1500, 2300},
	{counts, direct, writes, 8, 8},
	{counts, direct, storeRequests, 12, 12},
	{counts, direct, httpRequests, 1, 1.1},
	{counts, accepted, events, 13, 13},
	{counts, accepted, writes, 8, 9}, // 9 if the update misses the first task
	{counts, polled, events, 17, 17},
	{counts, polled, historyBytes, 3000, 3900},
	{counts, polled, writes, 26, 26},
	{counts, polled, httpRequests, 1, 1.1},
	{counts, asChild, events, 39, 39},
	{counts, asChild, writes, 28, 28},
	{counts, abroad, events, 25, 25},
	{counts, abroad, writes, 18, 18},
	{counts, retried, events, 0, 0},
	{counts, retried, writes, 2, 2},
	{counts, retried, storeRequests, 2, 2},
	{memory, ours, perLink, 0, 1.5},          // 2.0 in the cache; the calls of polls are open, too
	{memory, ours, memoryPerLink, 0, 40_000}, // 49,000 in the cache
}
