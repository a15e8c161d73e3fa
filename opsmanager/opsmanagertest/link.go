package opsmanagertest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// The statuses of a link.
const (
	StatusSynced    = "SYNCED"
	StatusNotSynced = "NOT_SYNCED"
	// StatusNone is the status in State of an organization without a link.
	StatusNone = "none"
)

// The API has a code for a blocked DELETE. The code for a second POST is unknown; this
// one is invented. 404 without a link is recorded on Atlas.
const (
	codeMigrationRunning = "CANNOT_DELETE_ORG_LINK_WITH_RUNNING_LIVE_EXPORT"
	codeAlreadyLinked    = "ORG_LINK_ALREADY_EXISTS"
	codeNoLink           = "UNEXPECTED_ERROR"
	detailNoLink         = "Could not find the requested external organization link."
)

// link is the link of one organization.
type link struct {
	// TokenSHA256 is empty for a link that someone else created.
	TokenSHA256 string    `json:"tokenSha256,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
	// SyncedAt is absolute, so that a restart does not restart the wait.
	SyncedAt time.Time `json:"syncedAt"`
	// LinkedTo is the organization of Atlas that issued its link-token. It is empty if
	// Atlas here has not.
	LinkedTo string `json:"linkedTo,omitempty"`
}

func (l *link) byOthers() bool { return l.TokenSHA256 == "" }

// status returns the true status of a link at a time.
func (l *link) status(s OrgSettings, now time.Time) string {
	switch {
	case l == nil:
		return StatusNone
	case s.Sync == SyncNever || now.Before(l.SyncedAt):
		return StatusNotSynced
	case s.Sync == SyncFlapping && now.Sub(l.SyncedAt)/time.Duration(s.FlapPeriod)%2 == 1:
		return StatusNotSynced
	}
	return StatusSynced
}

// reported returns the status that GET reports.
func (l *link) reported(s OrgSettings, now time.Time) string {
	if s.Status != "" {
		return s.Status
	}
	return l.status(s, now)
}

// perform carries out a call and returns the reply.
func (m *Manager) perform(c *call) reply {
	if c.resource == accessResource {
		return m.giveAccess(c)
	}
	if denied, ok := m.admit(c); !ok {
		return denied
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.resource == orgsResource {
		return m.organizations(c)
	}
	org, settings := m.org(c.orgID), m.settings(c.orgID)
	if settings.Refusal != "" && settings.Refusal != NoRefusal {
		return refuse(settings.Refusal, c)
	}
	switch c.operation() {
	case ReadLinkStatus:
		return m.linkStatus(org, settings)
	case CreateLink:
		return m.createLink(c, org, settings)
	case DeleteLink:
		return m.deleteLink(org, settings)
	case ReadProjects:
		return m.projects(c, settings)
	case ReadHosts:
		return hosts(c, settings)
	case CreateLinkToken:
		return m.createLinkToken(c, org)
	case DeleteLinkToken:
		return m.deleteLinkToken(org)
	case AvailableProjects:
		return m.available(c.orgID, org)
	}
	return methodNotAllowed()
}

func methodNotAllowed() reply {
	return apiError(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "This method is not allowed on this resource.")
}

// admit rejects calls whatever the settings of the organization.
func (m *Manager) admit(c *call) (reply, bool) {
	switch {
	case c.resource == noResource:
		return apiError(http.StatusNotFound, "RESOURCE_NOT_FOUND", "Cannot find this resource."), false
	case c.atlas && !acceptsVersion(c.accept):
		return apiError(http.StatusNotAcceptable, codeNoVersion, "Name a version of the API in the header Accept, such as "+atlasMediaType+"."), false
	case c.resource == orgsResource:
		return reply{}, true
	case c.resource == hostsResource && c.orgID == "":
		return apiError(http.StatusNotFound, "GROUP_NOT_FOUND", "No project with this ID exists.", c.projectID), false
	case !orgIDForm.MatchString(c.orgID):
		return refuse("INVALID_ORG_ID", c), false
	case !m.exists(c.orgID):
		return refuse(RefusedOrg, c), false
	}
	return reply{}, true
}

func (m *Manager) linkStatus(org *organizationRecord, s OrgSettings) reply {
	now := m.options.Now()
	seen := org.visible(s, now)
	if seen == nil && s.StatusWithoutLink == WithoutLinkNotFound {
		return apiError(http.StatusNotFound, codeNoLink, detailNoLink)
	}
	status := StatusNotSynced
	if seen != nil {
		status = seen.reported(s, now)
	}
	return success(http.StatusOK, map[string]string{"status": status})
}

func (m *Manager) createLink(c *call, org *organizationRecord, s OrgSettings) reply {
	token, problem := linkToken(c)
	switch {
	case problem != nil:
		return *problem
	case s.TokenRefusal != "" && s.TokenRefusal != NoRefusal:
		return refuseToken(token, s.TokenRefusal, s)
	case m.options.Joint && !m.wasIssuedFor(token, c.orgID):
		return refuseToken(token, RefusedToken, s)
	case org.Link != nil && s.SecondPost == SecondPostConflict:
		return apiError(http.StatusConflict, codeAlreadyLinked, "This organization already has a link.", c.orgID)
	case org.Link != nil && s.SecondPost == SecondPostIdempotent:
		return m.created(c.orgID, token, org, s)
	}
	now := m.options.Now()
	org.change(&link{
		TokenSHA256: hashOf(token), CreatedAt: now, SyncedAt: now.Add(time.Duration(*s.SyncDelay)), LinkedTo: m.issuerOf(hashOf(token)),
	}, now, false)
	org.EffectivePosts++
	m.noteUse(org.Link.TokenSHA256, c.orgID)
	return m.saved(m.created(c.orgID, token, org, s))
}

// refuseToken rejects a token. With EchoToken it repeats it, as a careless server would.
func refuseToken(token, code string, s OrgSettings) reply {
	if *s.EchoToken {
		return apiError(http.StatusBadRequest, code, fmt.Sprintf("The link-token %s is not valid.", token), token)
	}
	return apiError(http.StatusBadRequest, code, "The link-token is not valid.", "linkToken")
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

type targetOrg struct {
	LinkToken string `json:"linkToken"`
}

// created returns the reply to a successful POST.
func (m *Manager) created(orgID, token string, org *organizationRecord, s OrgSettings) reply {
	status := org.Link.reported(s, m.options.Now())
	var echoed string
	var message *string
	if *s.EchoToken {
		echoed = token
	}
	if s.ErrorMessage != "" {
		message = &s.ErrorMessage
	}
	if s.PostReply == PostCreated {
		return success(http.StatusCreated, struct {
			Status       string  `json:"status"`
			ErrorMessage *string `json:"errorMessage,omitempty"`
			LinkToken    string  `json:"linkToken,omitempty"`
		}{status, message, echoed})
	}
	body := struct {
		SourceOrgID  string     `json:"sourceOrgId"`
		CreatedAt    time.Time  `json:"createdAt"`
		LastSyncedAt *time.Time `json:"lastSyncedAt"`
		ErrorMessage *string    `json:"errorMessage"`
		TargetOrg    *targetOrg `json:"targetOrg,omitempty"`
	}{SourceOrgID: orgID, CreatedAt: org.Link.CreatedAt.UTC(), ErrorMessage: message}
	if status == StatusSynced {
		body.LastSyncedAt = new(org.Link.SyncedAt.UTC())
	}
	if echoed != "" {
		body.TargetOrg = &targetOrg{echoed}
	}
	return success(http.StatusOK, body)
}

func (m *Manager) deleteLink(org *organizationRecord, s OrgSettings) reply {
	switch {
	case org.Link == nil && s.DeleteWithoutLink == WithoutLinkNoContent:
		return reply{status: http.StatusNoContent}
	case org.Link == nil:
		return apiError(http.StatusNotFound, codeNoLink, detailNoLink)
	case len(s.RunningMigrations) > 0:
		projects := make([]any, len(s.RunningMigrations))
		for i, project := range s.RunningMigrations {
			projects[i] = project
		}
		return apiError(http.StatusConflict, codeMigrationRunning,
			fmt.Sprintf("The organization link cannot be deleted: live exports are running in the projects %v.", projects), projects...)
	}
	org.change(nil, m.options.Now(), false)
	org.EffectiveDeletes++
	return m.saved(reply{status: http.StatusNoContent})
}

// saved writes the state file, and returns the reply if that succeeds.
func (m *Manager) saved(r reply) reply {
	if err := m.save(); err != nil {
		return apiError(http.StatusInternalServerError, "UNEXPECTED_ERROR", "The simulator could not write its state file: "+err.Error())
	}
	return r
}

// linkToken reads the one field of a POST, strictly.
func linkToken(c *call) (string, *reply) {
	var token *string
	switch problem := c.field("linkToken", &token); {
	case problem != nil:
		return "", problem
	case token == nil:
		return "", bad("MISSING_ATTRIBUTE", "The required attribute linkToken was not specified.", "linkToken")
	case *token == "":
		return "", bad("INVALID_ATTRIBUTE", "Invalid attribute linkToken specified.", "linkToken")
	}
	return *token, nil
}

// field reads the one field that a body may have. No error contains a value of the body:
// it may be the token.
func (c *call) field(name string, into any) *reply {
	if c.bodyErr != nil {
		return bad("MALFORMED_JSON", "The request body could not be read.")
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(c.body, &fields); err != nil {
		if _, isType := errors.AsType[*json.UnmarshalTypeError](err); isType {
			return bad("INVALID_JSON", "Received JSON does not match expected format.")
		}
		return bad("MALFORMED_JSON", "Received JSON is malformed.")
	}
	for _, other := range slices.Sorted(maps.Keys(fields)) {
		if other != name {
			return bad("INVALID_ATTRIBUTE", fmt.Sprintf("Invalid attribute %s specified.", other), other)
		}
	}
	if value, ok := fields[name]; ok && json.Unmarshal(value, into) != nil {
		return bad("INVALID_JSON", "Received JSON does not match expected format.")
	}
	return nil
}

func bad(code, detail string, parameters ...any) *reply {
	return new(apiError(http.StatusBadRequest, code, detail, parameters...))
}
