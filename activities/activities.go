// Package activities calls managers and Atlas for the workflows. It has one method
// for each activity, and one classifier that turns every answer of an API into an
// error that Temporal retries or does not retry.
package activities

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/assess"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// Clients are the clients of a worker, by their names in its configuration.
type Clients struct {
	Managers map[string]*opsmanager.Client
	// Intervals are the longest times between two polls of a link, by manager. Without one
	// it is 45 s.
	Intervals map[string]time.Duration
	// Rules say what a link is worth, by manager. Without an entry they are the documented ones
	// of Ops Manager.
	Rules map[string]assess.Rules
	Atlas map[string]*atlas.Client
	// Tokens resolves what a request names as its link-token.
	Tokens secret.Tokens
	// Identities open sealed link-tokens. A link-token made in Atlas is sealed to the
	// first of them.
	Identities seal.Identities
}

// Activities are the activities of one worker.
type Activities struct {
	clients atomic.Pointer[Clients]
	record  recorder
	stored  dataconv.Converters
}

// New returns the activities that work with clients.
func New(clients Clients) *Activities {
	a := &Activities{record: recordHeartbeat, stored: dataconv.Default()}
	a.Use(clients)
	return a
}

// ReadWith sets the converters that read what Temporal stores. Call it before the
// worker starts.
func (a *Activities) ReadWith(stored dataconv.Converters) { a.stored = stored }

// Stored returns the converters that read what Temporal stores. A replay has no
// activities: a is nil, and the converters are the default ones.
func (a *Activities) Stored() dataconv.Converters {
	if a == nil {
		return dataconv.Default()
	}
	return a.stored
}

// Use replaces the clients, as after a rotation of keys. An attempt in progress
// keeps the clients that it started with.
func (a *Activities) Use(clients Clients) { a.clients.Store(&clients) }

// Register registers the activities that call a manager or Atlas.
func Register(r worker.ActivityRegistry, a *Activities) {
	for name, method := range map[string]any{
		migrationlink.FindLinkActivity:       a.FindLink,
		migrationlink.CreateLinkActivity:     a.CreateLink,
		migrationlink.AwaitSyncedActivity:    a.AwaitSynced,
		migrationlink.DeleteLinkActivity:     a.DeleteLink,
		migrationlink.LinkStatusActivity:     a.LinkStatus,
		migrationlink.InspectManagerActivity: a.InspectManager,
		migrationlink.InspectAtlasActivity:   a.InspectAtlas,

		migrationlink.CreateLinkTokenActivity: a.CreateLinkToken,
		migrationlink.DeleteLinkTokenActivity: a.DeleteLinkToken,
		migrationlink.VerifyInAtlasActivity:   a.VerifyInAtlas,

		migrationlink.AssessActivity:        a.Assess,
		migrationlink.OrganizationsActivity: a.ReadOrganizations,
		migrationlink.ProjectsActivity:      a.ReadProjectsInAtlas,
	} {
		r.RegisterActivityWithOptions(method, activity.RegisterOptions{Name: name})
	}
}

// Target names the link that an activity works on.
type Target struct {
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
}

// Names returns the manager and the organization, for logs and metrics.
func (t Target) Names() (manager, orgID string) { return t.Manager, t.OrgID }

// CheckManager fails with ErrUnknownManager, which lists the known names, when the
// worker's configuration does not have the manager.
func (a *Activities) CheckManager(_ context.Context, manager string) error {
	_, err := a.clients.Load().manager(manager)
	return err
}

// LinkStatus reads the status of a link once: LinkNone when there is none.
func (a *Activities) LinkStatus(ctx context.Context, target Target) (string, error) {
	manager, err := a.manager(target, true)
	if err != nil {
		return "", err
	}
	status, err := manager.status(ctx)
	if err != nil {
		found := manager.meaning(err) // somebody waits for this read: even a doubtful answer is reported
		return "", found.activityError(ctx, max(minDelay, found.retryAfter))
	}
	return status, nil
}

// cancelled reports whether err was caused by a cancellation of the activity. The
// context also ends when Temporal cannot be reached or the worker stops: that is no
// cancellation.
func cancelled(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err()) && temporal.IsCanceledError(context.Cause(ctx))
}

// withoutCancel returns ctx with its deadline but without its cancellation. The reply
// to a request that changes something is awaited, so that no later request overtakes it.
func withoutCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}
