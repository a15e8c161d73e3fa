package opsmanagertest

import (
	"crypto/rand"
	"encoding/base64"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// linkTokenBytes are as many as give the 192 characters that were recorded.
const linkTokenBytes = 144

// The version of the API that is served. What a request for another version
// gets is not known; the code is made up.
const (
	atlasVersion    = "2023-01-01"
	atlasMediaType  = "application/vnd.atlas." + atlasVersion + "+json"
	codeNoVersion   = "NOT_ACCEPTABLE"
	versionedPrefix = "application/vnd.atlas."
)

// acceptsVersion tells whether an Accept header names the version that is served,
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

// versioned is a success of Atlas.
func versioned(status int, body any) reply {
	r := success(status, body)
	r.contentType = atlasMediaType + ";charset=utf-8"
	return r
}

// issuedToken is a link-token that was made and not deleted.
type issuedToken struct {
	SHA256 string    `json:"sha256"`
	MadeAt time.Time `json:"madeAt"`
	// Sources are the organizations that were linked with it.
	Sources []string `json:"sources,omitempty"`
}

// createLinkToken makes another one, whatever there is. The caller holds m.mu.
func (m *Manager) createLinkToken(c *call, org *organizationRecord) reply {
	if problem := checkAccessList(c); problem != nil {
		return *problem
	}
	random := make([]byte, linkTokenBytes)
	_, _ = rand.Read(random) // never fails
	token := base64.URLEncoding.EncodeToString(random)
	m.options.Issued(token)
	issued := &issuedToken{SHA256: hashOf(token), MadeAt: m.options.Now()}
	org.Atlas.Tokens = append(org.Atlas.Tokens, issued)
	org.Atlas.LinkTokensMade++
	m.issued[issued.SHA256] = issued
	if err := m.save(); err != nil {
		return cannotSave(err)
	}
	return versioned(http.StatusCreated, targetOrg{token})
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

// deleteLinkToken removes the newest one, and in joint mode the links that were
// made with it. The caller holds m.mu.
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
	if err := m.save(); err != nil {
		return cannotSave(err)
	}
	return reply{status: http.StatusNoContent}
}

// availableProject is one of a source organization, as Atlas shows it.
type availableProject struct {
	ProjectID      string `json:"projectId"`
	Name           string `json:"name"`
	Deployments    []any  `json:"deployments"`
	MigrationHosts []any  `json:"migrationHosts"`
}

func (m *Manager) available(org *organizationRecord, s OrgSettings) reply {
	found := []availableProject{}
	for _, source := range m.shownSources(org, s) {
		for number := range *m.settings(source).Projects {
			p := projectOf(source, number+1)
			found = append(found, availableProject{p.ID, p.Name, []any{}, []any{}})
		}
	}
	return versioned(http.StatusOK, found)
}

// shownSources are the organizations whose projects are available: linked with
// a link-token of this one, and SYNCED for long enough. The caller holds m.mu.
func (m *Manager) shownSources(org *organizationRecord, s OrgSettings) []string {
	var shown []string
	for _, token := range org.Atlas.Tokens {
		for _, source := range token.Sources {
			settings := m.settings(source)
			delay := max(*s.AvailableDelay, *settings.AvailableDelay)
			at := m.options.Now().Add(-time.Duration(delay))
			if m.isLinkedWith(source, token) && m.orgs[source].Link.status(settings, at) == StatusSynced {
				shown = append(shown, source)
			}
		}
	}
	return shown
}

// isLinkedWith tells whether the link that a source has was made with a token.
func (m *Manager) isLinkedWith(source string, token *issuedToken) bool {
	record, ok := m.orgs[source]
	return ok && record.Link != nil && record.Link.TokenSHA256 == token.SHA256
}

// wasIssuedFor tells whether a source organization can be linked with a token in
// joint mode.
func (m *Manager) wasIssuedFor(token, source string) bool {
	issued, ok := m.issued[hashOf(token)]
	return ok && (len(issued.Sources) == 0 || issued.Sources[0] == source)
}

// noteUse keeps that a source organization was linked with a token.
func (m *Manager) noteUse(sum, source string) {
	if issued, ok := m.issued[sum]; ok && !slices.Contains(issued.Sources, source) {
		issued.Sources = append(issued.Sources, source)
	}
}
