package opsmanagertest

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// linkTokenBytes encode to the recorded 192 characters.
const linkTokenBytes = 144

// The version of the API that is served. Atlas's answer to another version is unknown;
// the code is invented.
const (
	atlasVersion    = "2023-01-01"
	atlasMediaType  = "application/vnd.atlas." + atlasVersion + "+json"
	codeNoVersion   = "NOT_ACCEPTABLE"
	versionedPrefix = "application/vnd.atlas."
)

// acceptsVersion reports whether an Accept header names the version that is served,
// or a later one: Atlas answers with the last version up to the date.
func acceptsVersion(accept []string) bool {
	for entry := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		mediaType, _, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		rest, isVersioned := strings.CutPrefix(mediaType, versionedPrefix)
		date, isJSON := strings.CutSuffix(rest, "+json")
		if !isVersioned || !isJSON {
			continue
		}
		if _, err := time.Parse(time.DateOnly, date); err == nil && date >= atlasVersion {
			return true
		}
	}
	return false
}

// versioned returns a success of Atlas.
func versioned(status int, body any) reply {
	r := success(status, body)
	r.contentType = atlasMediaType + ";charset=utf-8"
	return r
}

// issuedToken is a link-token that was created and not deleted.
type issuedToken struct {
	SHA256 string    `json:"sha256"`
	MadeAt time.Time `json:"madeAt"`
	// Sources are the organizations that were linked with it.
	Sources []string `json:"sources,omitempty"`
}

// createLinkToken creates another link-token. The caller holds m.mu.
func (m *Manager) createLinkToken(c *call, org *organizationRecord) reply {
	if problem := checkAccessList(c); problem != nil {
		return *problem
	}
	token := base64.URLEncoding.EncodeToString(randomBytes(linkTokenBytes))
	m.options.Issued(token)
	issued := &issuedToken{SHA256: hashOf(token), MadeAt: m.options.Now()}
	org.Atlas.Tokens = append(org.Atlas.Tokens, issued)
	org.Atlas.LinkTokensMade++
	m.issued[issued.SHA256] = issued
	return m.saved(versioned(http.StatusCreated, targetOrg{token}))
}

// checkAccessList reads the body of a request for a link-token.
func checkAccessList(c *call) *reply {
	var addresses *[]string
	if problem := c.field("accessListIps", &addresses); problem != nil {
		return problem
	}
	if addresses == nil {
		return bad("MISSING_ATTRIBUTE", "The required attribute accessListIps was not specified.", "accessListIps")
	}
	for _, address := range *addresses {
		_, notAddress := netip.ParseAddr(address)
		if _, notBlock := netip.ParsePrefix(address); notAddress != nil && notBlock != nil {
			return bad("INVALID_ATTRIBUTE", "Invalid attribute accessListIps specified.", "accessListIps")
		}
	}
	return nil
}

// deleteLinkToken deletes the newest link-token, and in joint mode the links that were
// created with it. The caller holds m.mu.
func (m *Manager) deleteLinkToken(org *organizationRecord) reply {
	last := len(org.Atlas.Tokens) - 1
	if last < 0 {
		return apiError(http.StatusNotFound, codeNoLink, detailNoLink)
	}
	token := org.Atlas.Tokens[last]
	org.Atlas.Tokens = org.Atlas.Tokens[:last]
	org.Atlas.LinkTokensDeleted++
	delete(m.issued, token.SHA256)
	for _, source := range token.Sources {
		if m.options.Joint && m.isLinkedWith(source, token) {
			m.orgs[source].Link = nil
		}
	}
	return m.saved(reply{status: http.StatusNoContent})
}

// availableProject is a project of a source organization as Atlas shows it.
type availableProject struct {
	ProjectID      string                `json:"projectId"`
	Name           string                `json:"name"`
	Deployments    []availableDeployment `json:"deployments"`
	MigrationHosts []string              `json:"migrationHosts"`
}

func (m *Manager) available(orgID string, org *organizationRecord) reply {
	found := []availableProject{}
	for _, source := range m.shownSources(orgID, org) {
		settings := m.settings(source)
		for number := range *settings.Projects {
			p := projectOf(source, number+1)
			found = append(found, availableProject{p.ID, p.Name, availableDeployments(p.ID, settings), migrationHosts(settings)})
		}
	}
	return versioned(http.StatusOK, found)
}

// shownSources returns the organizations whose projects are available: linked with this
// one by a link-token that is still there, or by someone else, and SYNCED for long enough.
// The caller holds m.mu.
func (m *Manager) shownSources(orgID string, org *organizationRecord) []string {
	own := m.settings(orgID)
	var shown []string
	for source, record := range m.orgs {
		if record.Link == nil || record.Link.LinkedTo != orgID || !record.Link.byOthers() && !org.Atlas.has(record.Link.TokenSHA256) {
			continue
		}
		settings := m.settings(source)
		at := m.options.Now().Add(-time.Duration(max(*own.AvailableDelay, *settings.AvailableDelay)))
		if record.Link.status(settings, at) == StatusSynced {
			shown = append(shown, source)
		}
	}
	slices.Sort(shown)
	return shown
}

// issuerOf returns the organization of Atlas that issued a link-token, or "".
func (m *Manager) issuerOf(sum string) string {
	for id, org := range m.orgs {
		if org.Atlas.has(sum) {
			return id
		}
	}
	return ""
}

// isLinkedWith reports whether a source's link was created with a token.
func (m *Manager) isLinkedWith(source string, token *issuedToken) bool {
	record, ok := m.orgs[source]
	return ok && record.Link != nil && record.Link.TokenSHA256 == token.SHA256
}

// wasIssuedFor reports whether a source organization can be linked with a token in
// joint mode.
func (m *Manager) wasIssuedFor(token, source string) bool {
	issued, ok := m.issued[hashOf(token)]
	return ok && (len(issued.Sources) == 0 || issued.Sources[0] == source)
}

// noteUse records that a source organization was linked with a token.
func (m *Manager) noteUse(sum, source string) {
	if issued, ok := m.issued[sum]; ok && !slices.Contains(issued.Sources, source) {
		issued.Sources = append(issued.Sources, source)
	}
}
