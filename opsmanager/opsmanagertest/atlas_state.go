package opsmanagertest

import (
	"net/http"
	"slices"
)

// AtlasState records the calls to Atlas.
type AtlasState struct {
	// Orgs are the organizations in calls to Atlas, by id.
	Orgs map[string]AtlasOrgState `json:"orgs,omitempty"`
	OAuthCounts
}

// OAuthCounts count requests for access tokens of the service account.
type OAuthCounts struct {
	OAuthTokenRequests int `json:"oauthTokenRequests"`
	// OAuthTokensGiven are the requests that succeeded.
	OAuthTokensGiven int `json:"oauthTokensGiven"`
	// OAuthTokensLimited are the requests that exceeded the rate limit.
	OAuthTokensLimited int `json:"oauthTokensLimited"`
}

// AtlasCounts count calls for one organization of Atlas. Posts, Gets and Deletes are
// authenticated calls, including those that failed.
type AtlasCounts struct {
	Posts                      int `json:"posts"`
	Gets                       int `json:"gets"`
	Deletes                    int `json:"deletes"`
	LinkTokensMade             int `json:"linkTokensMade"`
	LinkTokensDeleted          int `json:"linkTokensDeleted"`
	RequestsWithoutCredentials int `json:"requestsWithoutCredentials"`
}

func (c *AtlasCounts) count(method string) {
	switch method {
	case http.MethodPost:
		c.Posts++
	case http.MethodGet:
		c.Gets++
	case http.MethodDelete:
		c.Deletes++
	}
}

// AtlasOrgState records the calls for one organization of Atlas.
type AtlasOrgState struct {
	AtlasCounts
	// LinkTokens are the existing link-tokens, oldest first.
	LinkTokens []LinkTokenState `json:"linkTokens,omitempty"`
	// AvailableProjects is the number of projects that Atlas shows.
	AvailableProjects int `json:"availableProjects"`
}

// LinkTokenState is one link-token.
type LinkTokenState struct {
	SHA256 string `json:"sha256"` // in hexadecimal
	// Sources are all organizations that were ever linked with it.
	Sources []string `json:"sources,omitempty"`
}

// atlasRecord is the state of one organization of Atlas.
type atlasRecord struct {
	AtlasCounts
	Tokens []*issuedToken `json:"tokens,omitempty"`
}

// has reports whether a link-token was issued here and not deleted.
func (a atlasRecord) has(sum string) bool {
	return slices.ContainsFunc(a.Tokens, func(token *issuedToken) bool { return token.SHA256 == sum })
}

// isAtlas reports whether an organization has only been used in calls to Atlas.
func (o *organizationRecord) isAtlas() bool {
	return o.Link == nil && o.Counts == Counts{} && o.Atlas.AtlasCounts != AtlasCounts{}
}

// atlasState returns the state of Atlas. The caller holds m.mu.
func (m *Manager) atlasState() AtlasState {
	state := AtlasState{OAuthCounts: m.oauth}
	for id, org := range m.orgs {
		sources := m.shownSources(id, org)
		if org.Atlas.AtlasCounts == (AtlasCounts{}) && len(sources) == 0 {
			continue
		}
		shown := AtlasOrgState{AtlasCounts: org.Atlas.AtlasCounts}
		for _, token := range org.Atlas.Tokens {
			shown.LinkTokens = append(shown.LinkTokens, LinkTokenState{token.SHA256, append([]string(nil), token.Sources...)})
		}
		for _, source := range sources {
			shown.AvailableProjects += *m.settings(source).Projects
		}
		if state.Orgs == nil {
			state.Orgs = map[string]AtlasOrgState{}
		}
		state.Orgs[id] = shown
	}
	return state
}
