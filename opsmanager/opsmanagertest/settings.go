package opsmanagertest

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// EveryOrg stands for all organizations without settings of their own, in SetOrg and in
// PUT /simulator/orgs/{orgId}.
const EveryOrg = "default"

// Values of OrgSettings.Sync.
const (
	SyncAfterDelay = "after-delay"
	SyncNever      = "never"
	SyncFlapping   = "flapping" // SYNCED and NOT_SYNCED in turn, after the delay
)

// Values of OrgSettings.PostReply. The manual and the specification differ.
const (
	PostCreated = "201" // {"status":"…"}
	PostOK      = "200" // {"sourceOrgId":"…","createdAt":"…", …}
)

// Values of OrgSettings.SecondPost. The behavior of a real manager is unknown.
const (
	SecondPostConflict   = "conflict"   // 409
	SecondPostOverwrite  = "overwrite"  // a new link, which syncs again
	SecondPostIdempotent = "idempotent" // the reply of the first, nothing changed
)

// Values of OrgSettings.StatusWithoutLink and DeleteWithoutLink.
const (
	WithoutLinkNotFound  = "not-found"  // 404
	WithoutLinkNotSynced = "not-synced" // 200 NOT_SYNCED, for the status only
	WithoutLinkNoContent = "no-content" // 204, for DELETE only
)

// NoRefusal is the value of OrgSettings.Refusal or TokenRefusal that overrides a refusal
// in the settings of EveryOrg.
const NoRefusal = "none"

// OrgSettings say how the manager or Atlas behaves for one organization. Fields that are
// not set have the values of EveryOrg, or else the defaults below.
type OrgSettings struct {
	// SyncDelay is the time from POST to SYNCED; Options.SyncDelay by default. It also
	// applies to an existing link.
	SyncDelay *Duration `json:"syncDelay,omitempty"`
	// Sync is SyncAfterDelay by default.
	Sync string `json:"sync,omitempty"`
	// FlapPeriod is how long each status lasts with SyncFlapping; 1 s by default.
	FlapPeriod Duration `json:"flapPeriod,omitzero"`
	// Status is reported instead of the true status if there is a link. It may be an
	// undocumented one.
	Status string `json:"status,omitempty"`
	// PostReply is PostCreated by default.
	PostReply string `json:"postReply,omitempty"`
	// SecondPost is SecondPostConflict by default.
	SecondPost string `json:"secondPost,omitempty"`
	// StatusWithoutLink is WithoutLinkNotFound by default.
	StatusWithoutLink string `json:"statusWithoutLink,omitempty"`
	// DeleteWithoutLink is WithoutLinkNotFound by default.
	DeleteWithoutLink string `json:"deleteWithoutLink,omitempty"`
	// StaleReads is how long GET status reports the state before a POST or DELETE, as an
	// eventually consistent manager does; zero by default.
	StaleReads Duration `json:"staleReads,omitzero"`
	// Projects is the number of projects of a source organization; 2 by default.
	Projects *int `json:"projects,omitempty"`
	// Deployments are in each project; one replica set of three hosts by default.
	Deployments []Deployment `json:"deployments,omitzero"`
	// MigrationHosts is the number of migration hosts that Atlas shows of each project of a
	// source organization; zero by default.
	MigrationHosts *int `json:"migrationHosts,omitempty"`
	// AvailableDelay is the time from SYNCED until Atlas shows the projects of the
	// source; zero by default. The longer one of source and target organization applies.
	AvailableDelay *Duration `json:"availableDelay,omitempty"`
	// EchoToken repeats the link-token of a POST in its reply.
	EchoToken *bool `json:"echoToken,omitempty"`
	// ErrorMessage is in the reply to a successful POST.
	ErrorMessage string `json:"errorMessage,omitempty"`
	// RunningMigrations are projects whose migrations block DELETE with 409.
	RunningMigrations []string `json:"runningMigrations,omitzero"`
	// Refusal is the error code that answers every call: RefusedRole,
	// RefusedAddress and so on.
	Refusal string `json:"refusal,omitempty"`
	// TokenRefusal is the error code that answers every POST with 400, such as
	// RefusedToken.
	TokenRefusal string `json:"tokenRefusal,omitempty"`
	// Linked creates (true) or removes (false) a link now, as someone else would. The
	// new link is synced, unless Sync says otherwise.
	Linked *bool `json:"linked,omitempty"`
	// LinkedTo is the organization of Atlas that a link created by Linked leads to. Atlas
	// shows the projects there. If it is empty, Atlas shows them nowhere.
	LinkedTo string `json:"linkedTo,omitempty"`
}

// builtin returns the defaults of the settings.
func builtin(syncDelay time.Duration) OrgSettings {
	return OrgSettings{
		SyncDelay:         After(syncDelay),
		Sync:              SyncAfterDelay,
		FlapPeriod:        Duration(time.Second),
		PostReply:         PostCreated,
		SecondPost:        SecondPostConflict,
		StatusWithoutLink: WithoutLinkNotFound,
		DeleteWithoutLink: WithoutLinkNotFound,
		Projects:          new(2),
		Deployments:       []Deployment{{}},
		MigrationHosts:    new(0),
		AvailableDelay:    After(0),
		EchoToken:         new(false),
	}
}

// over returns s with its unset fields taken from base, except for Linked and LinkedTo,
// which are an act and not a setting.
func (s OrgSettings) over(base OrgSettings) OrgSettings {
	base.Linked, base.LinkedTo = nil, ""
	return fill(s, base)
}

// fill returns s with its zero fields taken from defaults.
func fill[T any](s, defaults T) T {
	into, from := reflect.ValueOf(&s).Elem(), reflect.ValueOf(defaults)
	for i := range into.NumField() {
		if into.Field(i).IsZero() {
			into.Field(i).Set(from.Field(i))
		}
	}
	return s
}

var errorCodeForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// choices are the fields of OrgSettings with a fixed set of values.
var choices = []struct {
	field string
	value func(OrgSettings) string
	known []string
}{
	{"sync", func(s OrgSettings) string { return s.Sync }, []string{SyncAfterDelay, SyncNever, SyncFlapping}},
	{"postReply", func(s OrgSettings) string { return s.PostReply }, []string{PostCreated, PostOK}},
	{"secondPost", func(s OrgSettings) string { return s.SecondPost }, []string{SecondPostConflict, SecondPostOverwrite, SecondPostIdempotent}},
	{"statusWithoutLink", func(s OrgSettings) string { return s.StatusWithoutLink }, []string{WithoutLinkNotFound, WithoutLinkNotSynced}},
	{"deleteWithoutLink", func(s OrgSettings) string { return s.DeleteWithoutLink }, []string{WithoutLinkNotFound, WithoutLinkNoContent}},
	{"refusal", func(s OrgSettings) string { return s.Refusal }, append([]string{NoRefusal}, knownRefusals()...)},
}

func (s OrgSettings) validate() error {
	for _, c := range choices {
		if value := c.value(s); value != "" && !slices.Contains(c.known, value) {
			return fmt.Errorf("%s cannot be %q; it is one of %s", c.field, value, strings.Join(c.known, ", "))
		}
	}
	if s.TokenRefusal != "" && s.TokenRefusal != NoRefusal && !errorCodeForm.MatchString(s.TokenRefusal) {
		return fmt.Errorf("tokenRefusal cannot be %q; it is %s or an error code such as %s", s.TokenRefusal, NoRefusal, RefusedToken)
	}
	if s.SyncDelay != nil && *s.SyncDelay < 0 || s.FlapPeriod < 0 || s.StaleReads < 0 || s.AvailableDelay != nil && *s.AvailableDelay < 0 {
		return fmt.Errorf("syncDelay, flapPeriod, staleReads and availableDelay cannot be negative")
	}
	if s.Projects != nil && (*s.Projects < 0 || *s.Projects > maxProjects) {
		return fmt.Errorf("projects cannot be %d; it is a number from 0 to %d", *s.Projects, maxProjects)
	}
	if s.MigrationHosts != nil && (*s.MigrationHosts < 0 || *s.MigrationHosts > maxHosts) {
		return fmt.Errorf("migrationHosts cannot be %d; it is a number from 0 to %d", *s.MigrationHosts, maxHosts)
	}
	if s.LinkedTo != "" && (s.Linked == nil || !*s.Linked) {
		return fmt.Errorf("linkedTo says where a new link leads: set linked to true, too")
	}
	if s.LinkedTo != "" && !orgIDForm.MatchString(s.LinkedTo) {
		return fmt.Errorf("linkedTo cannot be %q; it is the id of an organization of Atlas, 24 lower-case hexadecimal digits", s.LinkedTo)
	}
	return validateDeployments(s.Deployments)
}

// validateSetting checks settings and the organization id.
func validateSetting(orgID string, settings OrgSettings) error {
	if orgID != EveryOrg && !orgIDForm.MatchString(orgID) {
		return fmt.Errorf("organization id %q is neither 24 lower-case hexadecimal digits nor %q for all", orgID, EveryOrg)
	}
	if orgID == EveryOrg && settings.Linked != nil {
		return fmt.Errorf("linked is for one organization at a time, not for %q", EveryOrg)
	}
	return settings.validate()
}
