package opsmanagertest

import "net/http"

// AtlasState is the evidence of what Atlas was asked.
type AtlasState struct {
	// Orgs are the organizations that Atlas was asked for, by id.
	Orgs map[string]AtlasOrgState `json:"orgs,omitempty"`
	OAuthCounts
}

// OAuthCounts are of the access tokens of the service account.
type OAuthCounts struct {
	OAuthTokenRequests int `json:"oauthTokenRequests"`
	// OAuthTokensGiven are the requests that ended with one.
	OAuthTokensGiven int `json:"oauthTokensGiven"`
	// OAuthTokensLimited are those that were too many in a minute.
	OAuthTokensLimited int `json:"oauthTokensLimited"`
}

// AtlasCounts are of one organization of Atlas. Posts, Gets and Deletes are calls
// that passed authentication, whatever became of them.
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

// AtlasOrgState is the evidence of one organization of Atlas.
type AtlasOrgState struct {
	AtlasCounts
	// LinkTokens are those that are there, oldest first.
	LinkTokens []LinkTokenState `json:"linkTokens,omitempty"`
	// AvailableProjects is how many Atlas shows.
	AvailableProjects int `json:"availableProjects"`
}

// LinkTokenState is the evidence of one link-token.
type LinkTokenState struct {
	SHA256 string `json:"sha256"` // in hexadecimal
	// Sources are the organizations that were linked with it, ever.
	Sources []string `json:"sources,omitempty"`
}

// atlasRecord is all that is known of one organization of Atlas.
type atlasRecord struct {
	AtlasCounts
	Tokens []*issuedToken `json:"tokens,omitempty"`
}

// isAtlas tells whether an organization was only ever one of Atlas.
func (o *organizationRecord) isAtlas() bool {
	return o.Link == nil && o.Counts == Counts{} && o.Atlas.AtlasCounts != AtlasCounts{}
}

// atlasState returns the evidence of Atlas. The caller holds m.mu.
func (m *Manager) atlasState() AtlasState {
	state := AtlasState{OAuthCounts: m.oauth}
	for id, org := range m.orgs {
		if org.Atlas.AtlasCounts == (AtlasCounts{}) {
			continue
		}
		shown := AtlasOrgState{AtlasCounts: org.Atlas.AtlasCounts}
		for _, token := range org.Atlas.Tokens {
			shown.LinkTokens = append(shown.LinkTokens, LinkTokenState{token.SHA256, append([]string(nil), token.Sources...)})
		}
		for _, source := range m.shownSources(org, m.settings(id)) {
			shown.AvailableProjects += *m.settings(source).Projects
		}
		if state.Orgs == nil {
			state.Orgs = map[string]AtlasOrgState{}
		}
		state.Orgs[id] = shown
	}
	return state
}
