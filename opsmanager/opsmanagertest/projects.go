package opsmanagertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// maxProjects limits a reply of Atlas.
const maxProjects = 10_000

// The pages of the manager's lists.
const (
	defaultItemsPerPage = 100
	maxItemsPerPage     = 500
	maxPages            = 10_000
)

// project is a project of a source organization as the manager shows it.
type project struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	OrgID string `json:"orgId"`
	Links []any  `json:"links"`
}

// projectOf returns the n-th project, from 1, of an organization. It is always the same,
// and no other organization has it.
func projectOf(orgID string, number int) project {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", orgID, number))
	return project{
		ID: hex.EncodeToString(sum[:12]), Name: fmt.Sprintf("project %d of %s", number, orgID), OrgID: orgID, Links: []any{},
	}
}

// projects answers with one page of the organization's projects. The caller holds m.mu.
func (m *Manager) projects(c *call, s OrgSettings) reply {
	return listed(c, *s.Projects, func(n int) any {
		p := projectOf(c.orgID, n+1)
		m.owners[p.ID] = c.orgID
		return p
	})
}

// findOwner sets the organization of a call for a project. Before a restart, the project may
// have been shown by another process.
func (m *Manager) findOwner(c *call) {
	if c.resource != hostsResource {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owners[c.projectID] == "" {
		for orgID := range m.orgs {
			for n := range *m.settings(orgID).Projects {
				m.owners[projectOf(orgID, n+1).ID] = orgID
			}
		}
	}
	c.orgID = m.owners[c.projectID]
}

// organizations answers with one page of the organizations that were called for or have
// settings, or of the known ones if there are some. The caller holds m.mu.
func (m *Manager) organizations(c *call) reply {
	if refusal := m.settings("").Refusal; refusal != "" && refusal != NoRefusal {
		return refuse(refusal, c)
	}
	ids := m.options.KnownOrgs
	if len(ids) == 0 {
		for id, org := range m.orgs {
			if !org.isAtlas() {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
	}
	return listed(c, len(ids), func(n int) any {
		return struct {
			ID    string `json:"id"`
			Name  string `json:"name"`
			Links []any  `json:"links"`
		}{ids[n], "organization " + ids[n], []any{}}
	})
}

// listed answers with one page of a list, given an element by its number from 0.
func listed(c *call, count int, element func(int) any) reply {
	size, sizeOK := c.number("itemsPerPage", defaultItemsPerPage, maxItemsPerPage)
	page, pageOK := c.number("pageNum", 1, maxPages)
	if !sizeOK {
		return badQuery("itemsPerPage")
	}
	if !pageOK {
		return badQuery("pageNum")
	}
	found := []any{}
	for n := (page - 1) * size; n < min(page*size, count); n++ {
		found = append(found, element(n))
	}
	return success(http.StatusOK, struct {
		Links      []any `json:"links"`
		Results    []any `json:"results"`
		TotalCount int   `json:"totalCount"`
	}{[]any{}, found, count})
}

// number returns a query parameter, and reports whether it is from 1 to most.
func (c *call) number(name string, otherwise, most int) (int, bool) {
	if !c.query.Has(name) {
		return otherwise, true
	}
	number, err := strconv.Atoi(c.query.Get(name))
	return number, err == nil && number >= 1 && number <= most
}

func badQuery(parameter string) reply {
	return apiError(http.StatusBadRequest, "INVALID_QUERY_PARAMETER", "Invalid query parameter "+parameter+" specified.", parameter)
}
