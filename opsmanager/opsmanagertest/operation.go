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
	CreateLinkToken   = "create-link-token"
	DeleteLinkToken   = "delete-link-token"
	AvailableProjects = "available-projects"
	OAuthToken        = "oauth-token" //nolint:gosec // a name, no credential
)

// operations are the calls that there are.
var operations = map[string]struct {
	resource resource
	method   string
}{
	CreateLink:        {linkResource, http.MethodPost},
	ReadLinkStatus:    {statusResource, http.MethodGet},
	DeleteLink:        {linkResource, http.MethodDelete},
	ReadProjects:      {projectsResource, http.MethodGet},
	CreateLinkToken:   {linkTokensResource, http.MethodPost},
	DeleteLinkToken:   {linkTokensResource, http.MethodDelete},
	AvailableProjects: {availableResource, http.MethodGet},
	OAuthToken:        {accessResource, http.MethodPost},
}

// operation is the name of a call, empty if it is none of the API.
func (c *call) operation() string {
	for name, o := range operations {
		if o.resource == c.resource && o.method == c.method {
			return name
		}
	}
	return ""
}

// is tells whether a call is what Fault.Operation names.
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

// knownOperations are all that Fault.Operation can be.
func knownOperations() []string {
	general := []string{http.MethodPost, http.MethodGet, http.MethodDelete, ToManager, ToAtlas}
	return append(general, slices.Sorted(maps.Keys(operations))...)
}
