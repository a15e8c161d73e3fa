package opsmanagertest

import (
	"maps"
	"net/http"
	"slices"
)

// Operations that Fault.Operation can name besides the methods POST, GET and
// DELETE, which stand for the calls of both sides.
const (
	ToManager         = "manager" // every call to the manager
	ToAtlas           = "atlas"   // every call to Atlas, access tokens included
	CreateLink        = "create-link"
	ReadLinkStatus    = "link-status"
	DeleteLink        = "delete-link"
	ReadProjects      = "projects"
	ReadOrganizations = "organizations"
	ReadHosts         = "hosts"
	CreateLinkToken   = "create-link-token"
	DeleteLinkToken   = "delete-link-token"
	AvailableProjects = "available-projects"
	OAuthToken        = "oauth-token" //nolint:gosec // a name, no credential
)

// operations are all calls of the APIs.
var operations = map[string]struct {
	resource resource
	method   string
}{
	CreateLink:        {linkResource, http.MethodPost},
	ReadLinkStatus:    {statusResource, http.MethodGet},
	DeleteLink:        {linkResource, http.MethodDelete},
	ReadProjects:      {projectsResource, http.MethodGet},
	ReadOrganizations: {orgsResource, http.MethodGet},
	ReadHosts:         {hostsResource, http.MethodGet},
	CreateLinkToken:   {linkTokensResource, http.MethodPost},
	DeleteLinkToken:   {linkTokensResource, http.MethodDelete},
	AvailableProjects: {availableResource, http.MethodGet},
	OAuthToken:        {accessResource, http.MethodPost},
}

// operation returns the name of a call, or "" if it is not in the API.
func (c *call) operation() string {
	for name, o := range operations {
		if o.resource == c.resource && o.method == c.method {
			return name
		}
	}
	return ""
}

// is reports whether a call matches Fault.Operation.
func (c *call) is(operation string) bool {
	switch operation {
	case "":
		return true
	case ToManager:
		return !c.atlas
	case ToAtlas:
		return c.atlas
	}
	return operation == c.method || operation == c.operation()
}

// knownOperations returns all values of Fault.Operation.
func knownOperations() []string {
	general := []string{http.MethodPost, http.MethodGet, http.MethodDelete, ToManager, ToAtlas}
	return append(general, slices.Sorted(maps.Keys(operations))...)
}
