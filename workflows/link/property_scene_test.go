package link_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/workflows"
)

// scene plays one schedule.
type scene struct {
	env      *testsuite.TestWorkflowEnvironment
	schedule schedule
	manager  *simulatedManager
	atlas    *simulatedAtlas
	began    time.Time
	late     time.Duration

	fates       map[string][]fate
	moments     map[string]bool // that have come
	seen        map[string]bool // for the tally
	cancelled   bool            // the workflow has been told
	cancelledAt time.Time
	// wrong says that the workflow has learned of a wrong target and was not retried since.
	wrong       bool
	startedOver int
	syncedAt    time.Time // when the workflow has last learned of SYNCED
	extended    time.Duration
	undoneAt    time.Time
	workers     [2]*simulatedWorker
	running     []*attempt
	killNext    bool
	finals      []finalAnswer
	limits      limits
	// answeredBefore says that the workflow has learned of a proper answer.
	answeredBefore bool
	checking       int // reads under way that check-now has asked for
	asked          int // updates that were accepted
	answered       int
	story          []line
	cleanups       []func()
}

// silent is a logger.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

func play(s schedule) *scene {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	sc := &scene{
		env: suite.NewTestWorkflowEnvironment(), schedule: s, late: s.lateness(),
		fates: map[string][]fate{}, moments: map[string]bool{}, seen: map[string]bool{},
		limits: limits{ends: map[migrationlink.Phase]time.Time{}},
	}
	maps.Copy(sc.fates, s.Fates)
	sc.env.SetTestTimeout(time.Minute)
	sc.env.SetWorkerOptions(worker.Options{
		Interceptors:             []interceptor.WorkerInterceptor{&fleet{scene: sc}},
		DeadlockDetectionTimeout: time.Minute, // of the wall clock: a machine may be busy
	})
	workflows.Register(sc.env, activities.New(activities.Clients{}))
	sc.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: migrationlink.WorkflowID("demo", orgID)})
	sc.began = sc.now()
	sc.manager = newSimulatedManager(sc)
	sc.atlas = &simulatedAtlas{scene: sc}
	for i := range sc.workers {
		sc.restart(i)
	}
	defer func() {
		for _, stop := range sc.cleanups {
			stop()
		}
	}()
	if s.Unlink != nil {
		sc.limits.ends[migrationlink.PhaseCreating] = sc.now().Add(s.Unlink.Limit())
	} else {
		sc.limits.ends[migrationlink.PhaseCreating] = sc.now().Add(s.Link.CreateLimit())
	}
	sc.limits.phase = migrationlink.PhaseCreating
	sc.comes(theStart)
	if s.Link != nil {
		sc.env.ExecuteWorkflow(migrationlink.LinkWorkflow, *s.Link)
	} else {
		sc.env.ExecuteWorkflow(migrationlink.UnlinkWorkflow, *s.Unlink)
	}
	sc.tell("the workflow ends: %v", sc.env.GetWorkflowError())
	return sc
}

func (s *scene) now() time.Time { return s.env.Now() }

// restart replaces a worker by one that remembers nothing, unless it has served
// other organizations by then.
func (s *scene) restart(worker int) {
	served := s.schedule.Manager.Served
	s.workers[worker] = &simulatedWorker{manager: memory{answered: served}, atlas: memory{answered: served}}
}

// after does something later, in virtual time; the workflow then gets its turn.
func (s *scene) after(d time.Duration, do func()) {
	s.env.RegisterDelayedCallback(do, max(d, time.Millisecond))
}

func (s *scene) tell(format string, args ...any) {
	s.story = append(s.story, line{s.now().Sub(s.began), fmt.Sprintf(format, args...)})
}

func (s *scene) met(what string) {
	if what != "" {
		s.seen[what] = true
	}
}

// fate is that of the next attempt of an activity.
func (s *scene) fate(name string) fate {
	left := s.fates[name]
	if len(left) == 0 {
		return fate{}
	}
	s.fates[name] = left[1:]
	return left[0]
}

// comes lets happen what follows a moment.
func (s *scene) comes(moment string) {
	if s.moments[moment] {
		return
	}
	s.moments[moment] = true
	for i, e := range s.schedule.Events {
		if e.After == moment {
			s.after(e.At, func() { s.happens(fmt.Sprint("update ", i), e) })
		}
	}
}

func (s *scene) happens(id string, e event) {
	s.tell("%s", e.What)
	switch e.What {
	case cancelSignal, cancelItself:
		s.cancel(e.What == cancelSignal)
	case fixAndRetry:
		s.manager.refusalsAreOver = true
		s.env.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: s.anotherSource()})
		s.met("retried")
	case retryAtOnce:
		s.env.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{})
		s.met("retried")
	case retryUpdate:
		s.manager.refusalsAreOver = true
		request := migrationlink.RetryRequest{}
		if s.schedule.Link != nil {
			request.Token = s.anotherSource()
		}
		s.update(migrationlink.RetryUpdate, id, "retried by the update", request)
	case extendIt:
		s.update(migrationlink.ExtendUpdate, id, "extended", migrationlink.ExtendRequest{By: migrationlink.DurationOf(e.By)})
		s.extended += e.By
	case checkNow:
		s.update(migrationlink.CheckUpdate, id, "checked")
	case acceptIt:
		s.update(migrationlink.AcceptUpdate, id, "accepted", migrationlink.StartRequest{Link: s.schedule.Link, Unlink: s.schedule.Unlink})
	case othersLink:
		s.manager.othersLink()
	case othersUnlink:
		s.manager.othersUnlink()
	case killWorker:
		s.kill()
	}
}

// kill ends the workers of the attempts that run, or else that of the next one, in
// the midst of it.
func (s *scene) kill() {
	running := s.running
	s.killNext = len(running) == 0
	for _, a := range running {
		a.die()
	}
}

func (s *scene) cancel(signal bool) {
	// Both are handled one after the other, and nothing comes between.
	s.env.RegisterDelayedCallback(func() {
		if !s.cancelled {
			s.cancelled, s.cancelledAt = true, s.now()
		}
	}, 0)
	if signal {
		s.env.SignalWorkflow(migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong org"})
		return
	}
	s.env.CancelWorkflow()
}

func (s *scene) update(name, id, done string, args ...any) {
	s.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
		OnAccept: func() { s.asked++ },
		OnReject: func(err error) { s.tell("%s refused: %v", name, err) },
		OnComplete: func(answer any, err error) {
			s.answered++
			s.tell("%s answers %v %v", name, answer, err)
			if err != nil {
				return
			}
			s.met(done)
			if extension, ok := answer.(migrationlink.Extension); ok {
				s.extends(extension)
			}
		},
	}, args...)
}

// started is told of every activity that the workflow starts.
func (s *scene) started(name string, in any) {
	s.tell("%s is started", name)
	s.startsOver(in)
	s.enters(in)
	removal, removes := in.(activities.DeleteLinkInput)
	_, deletes := in.(activities.DeleteLinkTokenInput)
	undo := removes && undoes(removal) || deletes
	if s.cancelled && !undo {
		s.manager.breaks("%s is started after the cancellation", name)
	}
	switch in := in.(type) {
	case activities.AwaitSyncedInput:
		s.comes(firstWait)
		switch {
		case !in.NoLinkAfter.IsZero():
			s.met("settled")
		case s.checking > 0:
			s.met("stale check")
		}
	case activities.FindLinkInput, activities.CreateLinkInput:
		s.atlas.looked = false
	case activities.CreateLinkTokenInput, activities.DeleteLinkTokenInput, activities.VerifyInAtlasInput:
		s.atlas.started(in)
	case activities.Target:
		s.checking++
	case activities.DeleteLinkInput:
		s.comes(firstKill)
		switch {
		case undo:
			if !s.seen["undone"] {
				s.undoneAt = s.now()
			}
			s.met("undone")
		case s.schedule.Link != nil:
			s.met("relinked")
		}
		if in.AwaitMigration {
			s.met("migration awaited")
		}
	}
}

// deed is what a run did that an operator has reset.
type deed struct {
	made, inDoubt bool
	posting       activities.Posting
}

// deedBefore is what an attempt finds in the history of that run, if it is asked to
// look there.
func (s *scene) deedBefore(in activities.FindLinkInput) deed {
	if in.ResetFrom == "" {
		return deed{}
	}
	s.met("reset")
	switch s.schedule.Manager.Earlier {
	case madeBefore:
		return deed{made: true}
	case lostBefore, lostInVain:
		return deed{inDoubt: true, posting: activities.Posting{Before: s.schedule.Manager.WithoutLink}}
	}
	return deed{}
}

// posts is told of every POST, when its mark is left.
func (s *scene) posts() {
	s.manager.claimed = true
	if s.cancelled {
		s.manager.breaks("a POST is sent after the cancellation")
	}
	s.comes(firstPost)
}

// lost is told when the workflow learns that a reply was lost.
func (s *scene) lost() {
	s.met("lost reply")
	s.manager.lostAt = s.now()
	s.comes(firstLoss)
}

// refusedPost is told of a POST that has surely taken no effect. A link that has
// not appeared by then is not ours any more.
func (s *scene) refusedPost(posting activities.Posting) {
	m := s.manager
	over := posting.Before == migrationlink.LinkNone && !s.now().Before(m.lostAt.Add(s.schedule.Link.SettleLimit()))
	m.claimed = !m.lostAt.IsZero() && !over
	if !m.lostAt.IsZero() && over {
		s.comes(doubtOver)
		s.met("doubt over")
		if s.schedule.Manager.OthersStepIn {
			s.after(100*time.Millisecond, s.manager.othersLink)
		}
	}
}

// tokenIs is what is wrong with the link-token of a source.
func (s *scene) tokenIs(token migrationlink.TokenSource) string {
	switch {
	case token.Ref == newToken:
		return ""
	case token.Atlas != nil, token.Sealed != "":
		return s.atlas.tokenIs(token)
	}
	return s.schedule.Manager.Token
}

// result is that of the workflow, whichever way it ended.
func (s *scene) result() (result migrationlink.LinkResult, err error) {
	err = s.env.GetWorkflowError()
	if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok {
		return result, canceled.Details(&result)
	}
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return result, failed.Details(&result)
	}
	if err != nil {
		return result, err
	}
	return result, s.env.GetWorkflowResult(&result)
}

// String is the schedule and what came of it. Polls that only repeat themselves
// are left out.
func (s *scene) String() string {
	var text strings.Builder
	text.WriteString(s.schedule.String() + "\n")
	for i, l := range s.story {
		if i < 4 || l.what != s.story[i-2].what || l.what != s.story[i-4].what {
			fmt.Fprintf(&text, "%9.3f s  %s\n", l.at.Seconds(), l.what)
		}
	}
	return text.String()
}

// line is one of the story.
type line struct {
	at   time.Duration
	what string
}

func outcomeOf(result any, err error) string {
	if err == nil {
		return fmt.Sprintf("%+v", result)
	}
	return err.Error()
}
