// Package activities does what the workflows ask of the managers: one method
// per activity, and one classifier that turns every outcome of the API into an
// error that Temporal retries or does not.
package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// Clients are what the activities of a worker work with, by the names in its
// configuration.
type Clients struct {
	Managers map[string]*opsmanager.Client
	Atlas    map[string]*atlas.Client
	// Tokens resolves what a request names as its link-token.
	Tokens secret.Tokens
	// Identities open sealed link-tokens. What is made in Atlas is sealed to the
	// first.
	Identities seal.Identities
}

// Activities are the activities of one worker.
type Activities struct {
	clients atomic.Pointer[Clients]
	// record is a heartbeat that tells whether Temporal has it.
	record func(ctx context.Context, details ...any) error
}

// New returns the activities that work with clients.
func New(clients Clients) *Activities {
	a := &Activities{record: recordHeartbeat}
	a.Use(clients)
	return a
}

// Use makes every attempt from now on work with other clients: keys have been
// rotated. An attempt that is under way keeps those it has begun with.
func (a *Activities) Use(clients Clients) { a.clients.Store(&clients) }

// Register registers the activities that call a manager, or Atlas on behalf of
// one.
func Register(r worker.ActivityRegistry, a *Activities) {
	for name, method := range map[string]any{
		migrationlink.CreateLinkActivity:     a.CreateLink,
		migrationlink.AwaitSyncedActivity:    a.AwaitSynced,
		migrationlink.DeleteLinkActivity:     a.DeleteLink,
		migrationlink.LinkStatusActivity:     a.LinkStatus,
		migrationlink.InspectManagerActivity: a.InspectManager,
		migrationlink.InspectAtlasActivity:   a.InspectAtlas,

		migrationlink.CreateLinkTokenActivity: a.CreateLinkToken,
		migrationlink.DeleteLinkTokenActivity: a.DeleteLinkToken,
		migrationlink.VerifyInAtlasActivity:   a.VerifyInAtlas,
	} {
		r.RegisterActivityWithOptions(method, activity.RegisterOptions{Name: name})
	}
}

// Target names the link that an activity works on.
type Target struct {
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
}

// Names are those of the link, for whoever watches the activities.
func (t Target) Names() (manager, orgID string) { return t.Manager, t.OrgID }

// CheckManager fails with ErrUnknownManager, and the names that are known, when
// the worker's configuration lacks the manager.
func (a *Activities) CheckManager(_ context.Context, manager string) error {
	_, err := a.client(manager)
	return err
}

// LinkStatus reads the status of a link once: LinkNone when there is none.
func (a *Activities) LinkStatus(ctx context.Context, target Target) (string, error) {
	client, err := a.client(target.Manager)
	if err != nil {
		return "", err
	}
	status, err := readStatus(ctx, client, target)
	if err != nil {
		return "", asTemporal(ctx, classify(target, err), backoff(activity.GetInfo(ctx).ScheduledTime))
	}
	return status, nil
}

func (a *Activities) client(manager string) (*opsmanager.Client, error) {
	return a.clients.Load().manager(manager)
}

func (c *Clients) manager(name string) (*opsmanager.Client, error) {
	if client, ok := c.Managers[name]; ok {
		return client, nil
	}
	return nil, final(migrationlink.Problem{
		Type:    migrationlink.ErrUnknownManager,
		Message: fmt.Sprintf("manager: no worker has %q in its configuration; known are: %s", name, names(c.Managers)),
		Remedy:  "Use one of these names, or add a section [managers." + name + "] to the configuration of every worker.",
	})
}

func (c *Clients) atlas(name string) (*atlas.Client, error) {
	if client, ok := c.Atlas[name]; ok {
		return client, nil
	}
	known := names(c.Atlas)
	if known == "" {
		known = "none"
	}
	return nil, final(migrationlink.Problem{
		Type:    migrationlink.ErrUnknownAtlas,
		Message: fmt.Sprintf("token.atlas.name: the worker does not have %q in its configuration; known are: %s", name, known),
		Remedy:  "Use one of these names, or add a section [atlas." + name + "] to the configuration of every worker.",
	})
}

func names[T any](clients map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(clients)), ", ")
}

// readStatus tells a missing link from an error.
func readStatus(ctx context.Context, client *opsmanager.Client, target Target) (string, error) {
	status, err := client.LinkStatus(ctx, target.OrgID)
	if opsmanager.NoLink(err) {
		return migrationlink.LinkNone, nil
	}
	switch status {
	case "", migrationlink.LinkSynced, migrationlink.LinkNotSynced:
	default:
		activity.GetMetricsHandler(ctx).WithTags(map[string]string{"manager": target.Manager}).Counter(driftMetric).Inc(1)
	}
	return string(status), err
}

// driftMetric counts statuses of which the documentation of the API does not know:
// the manager has changed, and this application has not.
const driftMetric = "migrationlink_api_drift"

// notOpenedMetric counts sealed link-tokens that this worker could not open.
const notOpenedMetric = "migrationlink_token_openings_failed"

// recordHeartbeat fails when Temporal cannot be reached, no longer waits for the
// attempt, or has been asked to cancel it. activity.RecordHeartbeat keeps that to
// itself, and may send older details after newer ones.
func recordHeartbeat(ctx context.Context, details ...any) error {
	return activity.GetClient(ctx).RecordActivityHeartbeat(ctx, activity.GetInfo(ctx).TaskToken, details...)
}

// every calls beat again and again until stop is called, and has returned.
func every(interval time.Duration, beat func()) (stop func()) {
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				beat()
			}
		}
	})
	return func() {
		close(done)
		beating.Wait()
	}
}

// heartbeat keeps telling Temporal, with the same details, that the attempt is
// alive: the loss of a worker is noticed long before the attempt's time is up.
func heartbeat(ctx context.Context, details ...any) (stop func()) {
	return every(seldom, func() { activity.RecordHeartbeat(ctx, details...) })
}

const (
	// soon is for attempts whose cancellation is waited for.
	soon = 400 * time.Millisecond
	// seldom is for the others: most end before it, and send none.
	seldom = 3 * time.Second
)

// cancelled tells whether err is there because the link was cancelled. The
// context also ends when Temporal cannot be reached, or when the worker stops:
// that is no cancellation.
func cancelled(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err()) && temporal.IsCanceledError(context.Cause(ctx))
}
