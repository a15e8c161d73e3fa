package e2e_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// Histories for the replay tests are recorded only on request, see
// workflows/testdata/histories/README.md:
//
//	go -C dev test ./e2e -run HistoriesAreRecorded -record-histories
var recordHistories = flag.Bool("record-histories", false, "record workflows/testdata/histories/next again")

const historiesDir = "../../workflows/testdata/histories/next"

func TestHistoriesAreRecorded(t *testing.T) {
	if !*recordHistories {
		t.Log("nothing is recorded without -record-histories")
		return
	}
	require.NoError(t, os.MkdirAll(historiesDir, 0o755)) //nolint:gosec // it is no secret
	s := newSystem(t)
	s.worker(impatient, "LINK_TOKEN_OTHER=another-link-token")
	s.platform()
	j := newJoint(t, `
[atlas.down]
base_url    = "http://127.0.0.1:1"
public_key  = "env:DEMO_ATLAS_PUBLIC_KEY"
private_key = "env:DEMO_ATLAS_PRIVATE_KEY"
`)
	t.Run("paths", func(t *testing.T) { // the stacks end after all of them
		for _, paths := range []map[string]func(*recording){pathsToALink, pathsWithTrouble, pathsCutShort, pathsThroughDoors, pathsOfUnlink, pathsOfInspect, pathsOfAssess} {
			for name, path := range paths {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					path(&recording{system: s.in(t), name: name, org: newOrg()})
				})
			}
		}
		for name, path := range pathsThroughAtlas {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path(&atlasRecording{&recording{system: j.in(t), name: name, org: newOrg()}, j, newOrg()})
			})
		}
	})
}

// recording records one path, on an organization of its own.
type recording struct {
	*system
	name, org string
}

// atlasRecording is a recording with a link-token of Atlas for the organization target.
type atlasRecording struct {
	*recording
	joint  *joint
	target string
}

type link = migrationlink.LinkRequest

// keep waits until a run has ended with an outcome, and writes its history.
func (r *recording) keep(run client.WorkflowRun, outcome migrationlink.Outcome) {
	r.keepAs(r.name, run, outcome)
}

func (r *recording) keepAs(name string, run client.WorkflowRun, outcome migrationlink.Outcome) {
	r.t.Helper()
	result, err := endOf(r.t, run)
	require.Equal(r.t, outcome, result.Outcome, "%v", err)
	r.write(name, run)
}

func (r *recording) write(name string, run client.WorkflowRun) {
	r.t.Helper()
	kept := &historypb.History{Events: r.history(run.GetID(), run.GetRunID())}
	require.NoError(r.t, neutral(kept))
	content, err := protojson.Marshal(kept)
	require.NoError(r.t, err)
	var compact bytes.Buffer
	require.NoError(r.t, json.Compact(&compact, content)) // protojson puts in spaces at random
	host, err := os.Hostname()
	require.NoError(r.t, err)
	for _, here := range []string{"@" + host, r.dir} {
		require.NotContains(r.t, compact.String(), here)
	}
	require.Less(r.t, compact.Len(), 64<<10)
	compact.WriteByte('\n')
	require.NoError(r.t, os.WriteFile(filepath.Join(historiesDir, name+".json"), compact.Bytes(), 0o644))
}

// neutral removes from a history what depends on the machine that recorded it.
func neutral(kept *historypb.History) error {
	return protorange.Range(kept.ProtoReflect(), func(values protopath.Values) error {
		last := values.Index(-1)
		message, ok := last.Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		for name, value := range map[protoreflect.Name]string{"identity": "worker", "request_id": "", "task_id": ""} {
			field := message.Descriptor().Fields().ByName(name)
			switch {
			case field == nil || !message.Has(field):
			case value == "":
				message.Clear(field)
			case field.Kind() == protoreflect.StringKind:
				message.Set(field, protoreflect.ValueOfString(value))
			}
		}
		switch named := message.Interface().(type) {
		case *taskqueuepb.TaskQueue:
			if named.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
				named.Name = "sticky"
			}
		case *commonpb.WorkerVersionStamp:
			proto.Reset(named)
		}
		return nil
	})
}

func (r *recording) link(change func(*link)) client.WorkflowRun {
	r.t.Helper()
	return r.begin(r.org, change)
}

func (r *recording) remove(change func(*migrationlink.UnlinkRequest)) client.WorkflowRun {
	r.t.Helper()
	return r.unlink(r.org, change)
}

func (r *recording) settings(settings map[string]any) {
	r.t.Helper()
	r.shape(r.org, settings)
}

func (r *recording) once(kind opsmanagertest.FaultKind, operation string, lasting time.Duration) {
	r.t.Helper()
	r.fault(opsmanagertest.Fault{Kind: kind, Operation: operation, OrgID: r.org, Count: 1, Duration: opsmanagertest.Duration(lasting)})
}

func (r *recording) signal(run client.WorkflowRun, name string, payload any) {
	r.t.Helper()
	require.NoError(r.t, r.temporal.SignalWorkflow(r.t.Context(), run.GetID(), "", name, payload))
}

func (r *recording) cancel(run client.WorkflowRun) {
	r.t.Helper()
	require.NoError(r.t, r.temporal.CancelWorkflow(r.t.Context(), run.GetID(), run.GetRunID()))
}

// syncing starts a link that does not become SYNCED.
func (r *recording) syncing(change func(*link)) client.WorkflowRun {
	r.t.Helper()
	r.settings(map[string]any{"sync": "never"})
	run := r.link(change)
	r.waitForPhase(run, migrationlink.PhaseSyncing)
	return run
}

// blockedRun starts a link that the manager refuses.
func (r *recording) blockedRun() client.WorkflowRun {
	r.t.Helper()
	r.settings(map[string]any{"refusal": opsmanagertest.RefusedRole})
	run := r.link(whenBlocked)
	r.waitForPhase(run, migrationlink.PhaseBlocked)
	return run
}

func (r *recording) asGuest(entry string) client.WorkflowRun {
	r.t.Helper()
	run, err := r.temporal.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{ID: entry + "-" + r.org, TaskQueue: migrationlink.TaskQueue},
		migrationlink.LinkWorkflow, linkRequest(r.org))
	require.NoError(r.t, err)
	return run
}

var pathsToALink = map[string]func(*recording){
	"linked-at-once": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "0s"})
		r.keep(r.link(nil), migrationlink.OutcomeLinked)
	},
	"linked-after-a-wait": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "6s"})
		r.keep(r.link(nil), migrationlink.OutcomeLinked)
	},
	"linked-for-a-starter-that-asks-whether-it-is-accepted": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "3s"})
		_, run, err := r.startOrJoinLink(linkRequest(r.org))
		require.NoError(r.t, err)
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"already-linked-by-others": func(r *recording) {
		r.settings(map[string]any{"linked": true})
		r.keep(r.link(nil), migrationlink.OutcomeAlreadyLinked)
	},
	"already-linked-by-others-and-not-yet-synced": func(r *recording) {
		r.settings(map[string]any{"linked": true, "sync": "never"})
		run := r.link(nil)
		r.waitForPhase(run, migrationlink.PhaseSyncing)
		r.settings(map[string]any{"syncDelay": "0s"})
		r.keep(run, migrationlink.OutcomeAlreadyLinked)
	},
	"failed-as-others-had-linked": func(r *recording) {
		r.settings(map[string]any{"linked": true})
		r.keep(r.link(func(l *link) { l.IfLinked = migrationlink.FailIfLinked }), migrationlink.OutcomeFailed)
	},
	"relinked": func(r *recording) {
		r.settings(map[string]any{"linked": true, "syncDelay": "0s"})
		r.keep(r.link(relink), migrationlink.OutcomeLinked)
	},
	"relinked-when-a-migration-had-ended": func(r *recording) {
		r.settings(map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
		run := r.link(func(l *link) { relink(l); whenBlocked(l) })
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		r.settings(map[string]any{"syncDelay": "0s"})
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"linked-by-a-check": func(r *recording) {
		run := r.syncing(nil)
		require.NoError(r.t, r.update(run, migrationlink.CheckUpdate, nil))
		// Later the polls are seconds apart.
		r.eventually(func() bool { return time.Since(r.status(run).PhaseSince) > 20*time.Second })
		before := r.evidence(r.org).Gets
		r.eventually(func() bool { return r.evidence(r.org).Gets > before })
		r.settings(map[string]any{"syncDelay": "0s"})
		require.NoError(r.t, r.update(run, migrationlink.CheckUpdate, nil))
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"linked-after-its-first-deadline-was-extended": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "7s"})
		run := r.link(func(l *link) { l.SyncTimeout = "4s" })
		r.waitForPhase(run, migrationlink.PhaseSyncing)
		require.NoError(r.t, r.update(run, migrationlink.ExtendUpdate, nil, migrationlink.ExtendRequest{By: "1h"}))
		r.keep(run, migrationlink.OutcomeLinked)
	},
}

var pathsWithTrouble = map[string]func(*recording){
	"failed-as-the-token-was-rejected": func(r *recording) {
		r.settings(map[string]any{"tokenRefusal": opsmanagertest.RefusedToken})
		r.keep(r.link(nil), migrationlink.OutcomeFailed)
	},
	"failed-as-the-request-is-invalid": func(r *recording) {
		r.keep(r.link(func(l *link) { l.Undo = "perhaps" }), migrationlink.OutcomeFailed)
	},
	"failed-as-the-manager-is-unknown": func(r *recording) {
		r.keep(r.link(func(l *link) { l.Manager = "nobody" }), migrationlink.OutcomeFailed)
	},
	"linked-after-it-was-blocked-in-both-phases": func(r *recording) {
		run := r.blockedRun()
		since := r.status(run).PhaseSince
		r.signal(run, migrationlink.RetrySignal, nil) // too early
		r.eventually(func() bool {
			again := r.status(run)
			return again.Phase == migrationlink.PhaseBlocked && again.PhaseSince.After(since)
		})
		r.settings(map[string]any{"refusal": opsmanagertest.NoRefusal, "sync": "never"})
		r.signal(run, migrationlink.RetrySignal, nil)
		r.waitForPhase(run, migrationlink.PhaseSyncing)
		r.settings(map[string]any{"refusal": opsmanagertest.RefusedAddress})
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		r.settings(map[string]any{"refusal": opsmanagertest.NoRefusal, "syncDelay": "0s"})
		r.signal(run, migrationlink.RetrySignal, nil)
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"linked-after-retries-that-were-answered": func(r *recording) {
		run := r.blockedRun()
		var status migrationlink.Status
		require.NoError(r.t, r.update(run, migrationlink.RetryUpdate, &status)) // too early
		require.Equal(r.t, migrationlink.PhaseBlocked, status.Phase)
		r.settings(map[string]any{"refusal": opsmanagertest.NoRefusal, "syncDelay": "0s"})
		require.NoError(r.t, r.update(run, migrationlink.RetryUpdate, &status, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "env:LINK_TOKEN_OTHER"}}))
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"linked-with-the-token-of-a-retry": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "0s"})
		run := r.link(func(l *link) {
			whenBlocked(l)
			l.Token.Ref = "env:LINK_TOKEN_NOT_THERE"
		})
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		for _, ref := range []string{"../refused", "env:LINK_TOKEN_OTHER"} {
			r.signal(run, migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: ref}})
		}
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"linked-when-the-manager-let-it-through": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "0s"})
		r.fault(opsmanagertest.Fault{Kind: opsmanagertest.TooManyRequests, Operation: http.MethodPost, OrgID: r.org, Count: 2})
		r.keep(r.link(nil), migrationlink.OutcomeLinked)
	},
	"linked-though-the-reply-was-lost": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "3s"})
		r.once(opsmanagertest.LostReply, http.MethodPost, 0)
		r.keep(r.link(quickly), migrationlink.OutcomeLinked)
	},
	"linked-at-the-second-creation-as-the-first-was-lost": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "0s"})
		r.once(opsmanagertest.ConnectionReset, http.MethodPost, 0)
		r.keep(r.link(quickly), migrationlink.OutcomeLinked)
	},
	"linked-though-the-manager-made-it-late": func(r *recording) {
		r.settings(map[string]any{"syncDelay": "1s"})
		r.once(opsmanagertest.LateEffect, http.MethodPost, 6*time.Second)
		r.keep(r.link(func(l *link) { l.Manager, l.SettleTime = "impatient", "10s" }), migrationlink.OutcomeLinked)
	},
	"relinked-though-replies-were-lost": func(r *recording) {
		r.settings(map[string]any{"linked": true, "syncDelay": "0s"})
		r.once(opsmanagertest.LostReply, http.MethodDelete, 0)
		r.once(opsmanagertest.LostReply, http.MethodPost, 0)
		r.keep(r.link(func(l *link) { relink(l); quickly(l) }), migrationlink.OutcomeLinked)
	},
}

var pathsCutShort = map[string]func(*recording){
	"timed-out-and-kept": func(r *recording) {
		r.keep(r.syncing(func(l *link) { l.SyncTimeout = "4s" }), migrationlink.OutcomeTimedOut)
	},
	"timed-out-and-undone": func(r *recording) {
		r.keep(r.syncing(func(l *link) { l.SyncTimeout, l.Undo = "4s", migrationlink.UndoAlways }), migrationlink.OutcomeTimedOut)
	},
	"timed-out-when-blocked": func(r *recording) {
		r.settings(map[string]any{"refusal": opsmanagertest.RefusedRole})
		r.keep(r.link(func(l *link) { whenBlocked(l); l.CreateTimeout = "5s" }), migrationlink.OutcomeTimedOut)
	},
	"timed-out-after-its-deadline-was-extended": func(r *recording) {
		run := r.syncing(func(l *link) { l.SyncTimeout = "4s" })
		require.NoError(r.t, r.update(run, migrationlink.ExtendUpdate, nil, migrationlink.ExtendRequest{By: "3s"}))
		r.keep(run, migrationlink.OutcomeTimedOut)
	},
	"timed-out-in-doubt": func(r *recording) {
		r.settings(map[string]any{"statusWithoutLink": opsmanagertest.WithoutLinkNotSynced, "sync": "never"})
		r.once(opsmanagertest.LostReply, http.MethodPost, 0)
		r.keep(r.link(func(l *link) { l.CreateTimeout, l.SettleTime = "5s", "1m" }), migrationlink.OutcomeTimedOut)
	},
	"cancelled-in-the-creation": func(r *recording) {
		r.once(opsmanagertest.StallBefore, http.MethodPost, 3*time.Second)
		run := r.link(nil)
		r.eventually(func() bool { return r.evidence(r.org).Posts == 1 })
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-before-the-next-creation": func(r *recording) {
		r.fault(opsmanagertest.Fault{Kind: opsmanagertest.TooManyRequests, Operation: http.MethodPost, OrgID: r.org})
		run := r.link(nil)
		r.eventually(func() bool { return r.status(run).Problem != nil })
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-in-syncing": func(r *recording) {
		run := r.syncing(nil)
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-in-syncing-by-the-signal": func(r *recording) {
		run := r.syncing(nil)
		r.signal(run, migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong"})
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-and-kept": func(r *recording) {
		run := r.syncing(func(l *link) { l.Undo = migrationlink.UndoNever })
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-when-blocked": func(r *recording) {
		run := r.blockedRun()
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-while-settling": func(r *recording) {
		r.settings(map[string]any{"sync": "never"})
		r.once(opsmanagertest.LateEffect, http.MethodPost, 6*time.Second)
		run := r.link(func(l *link) { l.Manager, l.SettleTime = "impatient", "10s" })
		r.waitForPhase(run, migrationlink.PhaseSettling)
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"cancelled-in-doubt": func(r *recording) {
		r.settings(map[string]any{"statusWithoutLink": opsmanagertest.WithoutLinkNotSynced, "sync": "never"})
		r.once(opsmanagertest.LostReply, http.MethodPost, 0)
		run := r.link(func(l *link) { l.SettleTime = "1m" })
		r.waitForPhase(run, migrationlink.PhaseSettling)
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"failed-as-the-undo-was-refused": func(r *recording) {
		run := r.syncing(nil)
		r.settings(map[string]any{"sync": "never", "runningMigrations": []string{"project-1"}})
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeFailed)
	},
	"cancelled-with-an-undo-that-was-blocked": func(r *recording) {
		run := r.syncing(whenBlocked)
		r.settings(map[string]any{"sync": "never", "runningMigrations": []string{"project-1"}})
		r.cancel(run)
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		r.settings(map[string]any{"sync": "never"})
		r.keep(run, migrationlink.OutcomeCancelled)
	},
}

var pathsThroughDoors = map[string]func(*recording){
	"linked-for-owner-and-guest": func(r *recording) {
		r.settings(map[string]any{"sync": "never"})
		owner := r.asGuest("owner")
		r.eventually(func() bool { return r.evidence(r.org).EffectivePosts == 1 })
		under := r.linkOf(r.org)
		guest := r.asGuest("guest")
		r.eventually(func() bool { return r.joins(under) == 1 })
		r.settings(map[string]any{"syncDelay": "0s"})
		r.keepAs(r.name+"-the-owner", owner, migrationlink.OutcomeLinked)
		r.keepAs(r.name+"-the-guest", guest, migrationlink.OutcomeLinked)
		r.keep(under, migrationlink.OutcomeLinked)
	},
	"cancelled-by-the-owner": func(r *recording) {
		r.settings(map[string]any{"sync": "never"})
		owner := r.asGuest("owner")
		r.eventually(func() bool { return r.evidence(r.org).EffectivePosts == 1 })
		under := r.linkOf(r.org)
		left, stranded := r.asGuest("left"), r.asGuest("stranded")
		r.eventually(func() bool { return r.joins(under) == 2 })
		r.cancel(left)
		r.keepAs("cancelled-by-the-guest-that-leaves", left, migrationlink.OutcomeCancelled)
		r.cancel(owner)
		r.keepAs(r.name+"-the-owner", owner, migrationlink.OutcomeCancelled)
		r.keepAs(r.name+"-the-guest-fails", stranded, migrationlink.OutcomeFailed)
		r.keep(under, migrationlink.OutcomeCancelled)
	},
	"failed-for-a-guest-that-asks-for-something-else": func(r *recording) {
		r.syncing(func(l *link) { l.Undo = migrationlink.UndoNever })
		r.keep(r.asGuest("guest"), migrationlink.OutcomeFailed)
		r.cancel(r.linkOf(r.org))
	},
	"linked-through-nexus": func(r *recording) {
		r.settings(map[string]any{"sync": "never"})
		operation := r.abroad().link(linkRequest(r.org))
		r.eventually(func() bool { return r.evidence(r.org).EffectivePosts == 1 })
		r.settings(map[string]any{"syncDelay": "0s"})
		require.NoError(r.t, operation.Get(r.t.Context(), nil))
		r.keep(r.linkOf(r.org), migrationlink.OutcomeLinked)
	},
	"cancelled-by-others-than-its-operation": func(r *recording) {
		r.settings(map[string]any{"sync": "never"})
		operation := r.abroad().link(linkRequest(r.org))
		r.eventually(func() bool { return r.evidence(r.org).EffectivePosts == 1 })
		r.cancel(r.linkOf(r.org))
		require.Error(r.t, operation.Get(r.t.Context(), nil))
		r.keep(r.linkOf(r.org), migrationlink.OutcomeFailed)
	},
}

var pathsOfUnlink = map[string]func(*recording){
	"unlinked": func(r *recording) {
		r.settings(map[string]any{"linked": true})
		r.keep(r.remove(nil), migrationlink.OutcomeUnlinked)
	},
	"unlinked-though-the-reply-was-lost": func(r *recording) {
		r.settings(map[string]any{"linked": true})
		r.once(opsmanagertest.LostReply, http.MethodDelete, 0)
		r.keep(r.remove(nil), migrationlink.OutcomeUnlinked)
	},
	"not-linked": func(r *recording) { r.keep(r.remove(nil), migrationlink.OutcomeNotLinked) },
	"unlinked-when-the-migration-had-ended": func(r *recording) {
		run := r.migrating("")
		deletes := r.evidence(r.org).Deletes
		r.signal(run, migrationlink.RetrySignal, nil)
		r.eventually(func() bool { return r.evidence(r.org).Deletes > deletes+1 })
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		r.settings(map[string]any{})
		r.keep(run, migrationlink.OutcomeUnlinked)
	},
	"unlink-failed-as-a-migration-runs": func(r *recording) {
		r.settings(map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
		r.keep(r.remove(nil), migrationlink.OutcomeFailed)
	},
	"unlink-failed-as-the-manager-is-unknown": func(r *recording) {
		r.keep(r.remove(func(u *migrationlink.UnlinkRequest) { u.Manager = "nobody" }), migrationlink.OutcomeFailed)
	},
	"unlink-timed-out": func(r *recording) { r.keep(r.migrating("5s"), migrationlink.OutcomeTimedOut) },
	"unlink-cancelled-when-blocked": func(r *recording) {
		run := r.migrating("")
		r.signal(run, migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "later"})
		r.keep(run, migrationlink.OutcomeCancelled)
	},
}

// migrating starts an unlink that a migration blocks.
func (r *recording) migrating(limit migrationlink.Duration) client.WorkflowRun {
	r.t.Helper()
	r.settings(map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
	run := r.remove(func(u *migrationlink.UnlinkRequest) { u.OnBlocked, u.Timeout = migrationlink.WaitWhenBlocked, limit })
	r.waitForPhase(run, migrationlink.PhaseBlocked)
	return run
}

func (r *recording) inspect(request migrationlink.InspectRequest) {
	r.t.Helper()
	run, err := r.temporal.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{TaskQueue: migrationlink.TaskQueue}, migrationlink.InspectWorkflow, request)
	require.NoError(r.t, err)
	_ = run.Get(r.t.Context(), nil) // an unknown manager is a path, too
	r.write(r.name, run)
}

var pathsOfInspect = map[string]func(*recording){
	"inspected":                        func(r *recording) { r.inspect(migrationlink.InspectRequest{}) },
	"inspected-with-calls":             func(r *recording) { r.inspect(migrationlink.InspectRequest{Call: true, OrgID: r.org}) },
	"inspection-of-an-unknown-manager": func(r *recording) { r.inspect(migrationlink.InspectRequest{Call: true, Manager: "nobody"}) },
}

// read records a workflow that changes nothing.
func (r *recording) read(workflow string, request any) {
	r.t.Helper()
	run, err := r.temporal.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{TaskQueue: migrationlink.TaskQueue}, workflow, request)
	require.NoError(r.t, err)
	_ = run.Get(r.t.Context(), nil) // a refusal is a path, too
	r.write(r.name, run)
}

var pathsOfAssess = map[string]func(*recording){
	"assessed": func(r *recording) {
		r.read(migrationlink.AssessWorkflow, migrationlink.AssessRequest{Manager: "demo", OrgID: r.org})
	},
	"assessment-of-an-invalid-organization": func(r *recording) { r.read(migrationlink.AssessWorkflow, migrationlink.AssessRequest{Manager: "demo"}) },
	"assessment-of-an-unknown-manager": func(r *recording) {
		r.read(migrationlink.AssessWorkflow, migrationlink.AssessRequest{Manager: "nobody", OrgID: r.org})
	},
	"organizations-listed": func(r *recording) {
		r.read(migrationlink.OrganizationsWorkflow, migrationlink.OrganizationsRequest{Manager: "demo", Page: 1})
	},
	"projects-not-listed-as-the-atlas-is-unknown": func(r *recording) {
		r.read(migrationlink.ProjectsWorkflow, migrationlink.ProjectsRequest{Manager: "demo", OrgID: r.org, Atlas: "nobody", AtlasOrgID: r.org})
	},
}

func (r *atlasRecording) from(name string) migrationlink.TokenSource {
	return migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: name, OrgID: r.target}}
}

func (r *atlasRecording) set(settings opsmanagertest.OrgSettings) {
	require.NoError(r.t, r.joint.manager.SetOrg(r.org, settings))
}

func (r *atlasRecording) lose(kind opsmanagertest.FaultKind) {
	require.NoError(r.t, r.joint.manager.AddFaults(opsmanagertest.Faults{{Kind: kind, Operation: opsmanagertest.CreateLinkToken, OrgID: r.target, Count: 1}}))
}

var pathsThroughAtlas = map[string]func(*atlasRecording){
	"projects-listed": func(r *atlasRecording) {
		r.read(migrationlink.ProjectsWorkflow, migrationlink.ProjectsRequest{Manager: "demo", OrgID: r.org, Atlas: "keys", AtlasOrgID: r.target})
	},
	"linked-and-verified-with-a-token-of-atlas": func(r *atlasRecording) {
		run := r.link(func(l *link) { l.Token, l.VerifyInAtlas = r.from("account"), true })
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"already-linked-without-a-token-of-atlas": func(r *atlasRecording) {
		r.set(opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: r.target})
		r.keep(r.link(func(l *link) { l.Token = r.from("keys") }), migrationlink.OutcomeAlreadyLinked)
	},
	"already-linked-with-an-unknown-target": func(r *atlasRecording) {
		r.set(opsmanagertest.OrgSettings{Linked: new(true), Projects: new(0)})
		r.keep(r.link(func(l *link) { l.Token = r.from("keys") }), migrationlink.OutcomeAlreadyLinked)
	},
	"failed-as-the-link-leads-elsewhere": func(r *atlasRecording) {
		r.set(opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: newOrg()})
		r.keep(r.link(func(l *link) { l.Token = r.from("keys") }), migrationlink.OutcomeFailed)
	},
	"linked-after-a-link-that-led-elsewhere-was-removed": func(r *atlasRecording) {
		r.set(opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: newOrg()})
		run := r.link(func(l *link) { whenBlocked(l); l.Token = r.from("keys") })
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		r.set(opsmanagertest.OrgSettings{Linked: new(false)})
		r.signal(run, migrationlink.RetrySignal, nil)
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"cancelled-and-the-token-of-atlas-deleted": func(r *atlasRecording) {
		r.set(opsmanagertest.OrgSettings{Sync: opsmanagertest.SyncNever})
		run := r.link(func(l *link) { l.Token, l.DeleteTokenOnUndo = r.from("keys"), true })
		r.waitForPhase(run, migrationlink.PhaseSyncing)
		r.cancel(run)
		r.keep(run, migrationlink.OutcomeCancelled)
	},
	"linked-though-a-token-of-atlas-was-lost": func(r *atlasRecording) {
		r.lose(opsmanagertest.LostReply)
		r.keep(r.link(func(l *link) { l.Token = r.from("keys") }), migrationlink.OutcomeLinked)
	},
	"linked-by-a-retry-while-a-token-of-atlas-was-being-made": func(r *atlasRecording) {
		run := r.link(func(l *link) { l.Token = r.from("down") })
		r.eventually(func() bool { return r.joint.attempts(run, migrationlink.CreateLinkTokenActivity) > 1 })
		other := r.from("keys")
		r.signal(run, migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &other})
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"linked-with-a-second-token-of-atlas-as-the-first-was-rejected": func(r *atlasRecording) {
		r.set(opsmanagertest.OrgSettings{TokenRefusal: opsmanagertest.RefusedToken})
		run := r.link(func(l *link) { whenBlocked(l); l.Token = r.from("keys") })
		r.waitForPhase(run, migrationlink.PhaseBlocked)
		r.set(opsmanagertest.OrgSettings{TokenRefusal: opsmanagertest.NoRefusal})
		r.signal(run, migrationlink.RetrySignal, nil)
		r.keep(run, migrationlink.OutcomeLinked)
	},
	"already-linked-and-verified-by-a-retry-with-another-atlas": func(r *atlasRecording) {
		r.keepAs("linked-with-a-token-of-atlas", r.link(func(l *link) { l.Token = r.from("keys") }), migrationlink.OutcomeLinked)
		run := r.link(func(l *link) { l.Token, l.VerifyInAtlas = r.from("down"), true })
		r.eventually(func() bool { return r.joint.attempts(run, migrationlink.VerifyInAtlasActivity) > 1 })
		other := r.from("keys")
		r.signal(run, migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &other})
		r.keep(run, migrationlink.OutcomeAlreadyLinked)
	},
}
