package opsmanagertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
)

// maxProjects bounds what one reply of Atlas can hold.
const maxProjects = 10_000

// The pages of the manager's lists.
const (
	defaultItemsPerPage = 100
	maxItemsPerPage     = 500
)

// project is one of a source organization, as the manager shows it.
type project struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	OrgID string `json:"orgId"`
	Links []any  `json:"links"`
}

// projectOf is the numbered project, from 1, of an organization: the same again
// and again, and another than any other's.
func projectOf(orgID string, number int) project {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", orgID, number))
	return project{
		ID: hex.EncodeToString(sum[:12]), Name: fmt.Sprintf("project %d of %s", number, orgID), OrgID: orgID, Links: []any{},
	}
}

// projects answers with one page of the organization's projects.
func (m *Manager) projects(c *call, s OrgSettings) reply {
	size, sizeOK := c.number("itemsPerPage", defaultItemsPerPage, maxItemsPerPage)
	page, pageOK := c.number("pageNum", 1, maxProjects)
	if !sizeOK {
		return badQuery("itemsPerPage")
	}
	if !pageOK {
		return badQuery("pageNum")
	}
	found := []project{}
	for number := (page-1)*size + 1; number <= min(page*size, *s.Projects); number++ {
		found = append(found, projectOf(c.orgID, number))
	}
	return success(http.StatusOK, struct {
		Links      []any     `json:"links"`
		Results    []project `json:"results"`
		TotalCount int       `json:"totalCount"`
	}{[]any{}, found, *s.Projects})
}

// number is a query parameter from 1 to most.
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
