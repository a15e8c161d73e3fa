package opsmanagertest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// EveryOrg is the organization id to give to SetOrg, or in place of an id to
// PUT /simulator/orgs/{orgId}, for all organizations without settings of their own.
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

// Values of OrgSettings.SecondPost. What a real manager does is not known.
const (
	SecondPostConflict   = "conflict"   // 409
	SecondPostOverwrite  = "overwrite"  // a new link, which syncs anew
	SecondPostIdempotent = "idempotent" // the reply of the first, nothing changed
)

// Values of OrgSettings.StatusWithoutLink and DeleteWithoutLink.
const (
	WithoutLinkNotFound  = "not-found"  // 404
	WithoutLinkNotSynced = "not-synced" // 200 NOT_SYNCED, for the status only
	WithoutLinkNoContent = "no-content" // 204, for DELETE only
)

// NoRefusal as OrgSettings.Refusal or TokenRefusal overrides a refusal in the
// settings of EveryOrg.
const NoRefusal = "none"

// OrgSettings say how the manager, or Atlas, behaves for one organization. What is left
// out is as for EveryOrg, and there as the field says.
type OrgSettings struct {
	// SyncDelay is the time from POST to SYNCED; Options.SyncDelay by default. It
	// also moves the time of a link that exists.
	SyncDelay *Duration `json:"syncDelay,omitempty"`
	// Sync is SyncAfterDelay by default.
	Sync string `json:"sync,omitempty"`
	// FlapPeriod is how long each status lasts with SyncFlapping; 1 s by default.
	FlapPeriod Duration `json:"flapPeriod,omitzero"`
	// Status is reported instead of the true one, once there is a link. It may be
	// a word that no manual knows.
	Status string `json:"status,omitempty"`
	// PostReply is PostCreated by default.
	PostReply string `json:"postReply,omitempty"`
	// SecondPost is SecondPostConflict by default.
	SecondPost string `json:"secondPost,omitempty"`
	// StatusWithoutLink is WithoutLinkNotFound by default.
	StatusWithoutLink string `json:"statusWithoutLink,omitempty"`
	// DeleteWithoutLink is WithoutLinkNotFound by default.
	DeleteWithoutLink string `json:"deleteWithoutLink,omitempty"`
	// Projects is how many projects a source organization has; 2 by default.
	Projects *int `json:"projects,omitempty"`
	// AvailableDelay is the time from SYNCED until Atlas shows the projects of the
	// source; none by default. Where source and target organization have settings,
	// the longer one.
	AvailableDelay *Duration `json:"availableDelay,omitempty"`
	// EchoToken puts the link-token that a POST brought into its reply.
	EchoToken *bool `json:"echoToken,omitempty"`
	// ErrorMessage is in the reply to a POST that succeeded.
	ErrorMessage string `json:"errorMessage,omitempty"`
	// RunningMigrations are projects whose migrations block DELETE with 409.
	RunningMigrations []string `json:"runningMigrations,omitzero"`
	// Refusal is the error code that answers every call: RefusedRole,
	// RefusedAddress and so on.
	Refusal string `json:"refusal,omitempty"`
	// TokenRefusal is the error code that answers every POST with 400, such as
	// RefusedToken.
	TokenRefusal string `json:"tokenRefusal,omitempty"`
	// Linked makes (true) or removes (false) a link as somebody else would, now.
	// The link made is synced, unless Sync says otherwise.
	Linked *bool `json:"linked,omitempty"`
}

// builtin are the settings under those of EveryOrg.
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
		AvailableDelay:    After(0),
		EchoToken:         new(false),
	}
}

// over returns s with what it leaves out taken from base. Linked is an act and
// not a setting: it is not inherited.
func (s OrgSettings) over(base OrgSettings) OrgSettings {
	s.SyncDelay = cmp.Or(s.SyncDelay, base.SyncDelay)
	s.Sync = cmp.Or(s.Sync, base.Sync)
	s.FlapPeriod = cmp.Or(s.FlapPeriod, base.FlapPeriod)
	s.Status = cmp.Or(s.Status, base.Status)
	s.PostReply = cmp.Or(s.PostReply, base.PostReply)
	s.SecondPost = cmp.Or(s.SecondPost, base.SecondPost)
	s.StatusWithoutLink = cmp.Or(s.StatusWithoutLink, base.StatusWithoutLink)
	s.DeleteWithoutLink = cmp.Or(s.DeleteWithoutLink, base.DeleteWithoutLink)
	s.Projects = cmp.Or(s.Projects, base.Projects)
	s.AvailableDelay = cmp.Or(s.AvailableDelay, base.AvailableDelay)
	s.EchoToken = cmp.Or(s.EchoToken, base.EchoToken)
	s.ErrorMessage = cmp.Or(s.ErrorMessage, base.ErrorMessage)
	s.Refusal = cmp.Or(s.Refusal, base.Refusal)
	s.TokenRefusal = cmp.Or(s.TokenRefusal, base.TokenRefusal)
	if s.RunningMigrations == nil {
		s.RunningMigrations = base.RunningMigrations
	}
	return s
}

var errorCodeForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// choices are the fields of OrgSettings that take a few words only.
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
	if s.SyncDelay != nil && *s.SyncDelay < 0 || s.FlapPeriod < 0 || s.AvailableDelay != nil && *s.AvailableDelay < 0 {
		return fmt.Errorf("syncDelay, flapPeriod and availableDelay cannot be negative")
	}
	if s.Projects != nil && (*s.Projects < 0 || *s.Projects > maxProjects) {
		return fmt.Errorf("projects cannot be %d; it is a number from 0 to %d", *s.Projects, maxProjects)
	}
	return nil
}

// validateSetting checks settings together with whom they are for.
func validateSetting(orgID string, settings OrgSettings) error {
	if orgID != EveryOrg && !orgIDForm.MatchString(orgID) {
		return fmt.Errorf("organization id %q is neither 24 lower-case hexadecimal digits nor %q for all", orgID, EveryOrg)
	}
	if orgID == EveryOrg && settings.Linked != nil {
		return fmt.Errorf("linked is for one organization at a time, not for %q", EveryOrg)
	}
	return settings.validate()
}
