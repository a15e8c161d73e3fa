package opsmanagertest

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The base paths of the manager's API. The manual's own example uses the second.
const (
	PublicPrefix = "/api/public/v1.0"
	AtlasPrefix  = "/api/atlas/v1.0"
)

// The paths of Atlas: its API, and access tokens.
const (
	AtlasAdminPrefix = "/api/atlas/v2"
	OAuthTokenPath   = "/api/oauth/token" //nolint:gosec // a path, no credential
)

// maxRequestBody is far above any link-token and far below any risk.
const maxRequestBody = 1 << 20

// resource is the part of the API that a path names.
type resource int

const (
	noResource resource = iota
	linkResource
	statusResource
	projectsResource
	orgsResource
	hostsResource
	linkTokensResource // this and the following are of Atlas
	availableResource
	accessResource
)

// call is one HTTP request to the API.
type call struct {
	method           string
	atlas            bool // to Atlas, not to the manager
	resource         resource
	orgID            string // as sent; may be malformed
	projectID        string // for hostsResource, in place of the organization
	caller           string // the address that the request came from
	verifier         *verifier
	pretty, envelope bool
	query            url.Values
	accept           []string // the values of the header
	authorization    string
	body             []byte
	bodyErr          error
}

func newCall(r *http.Request) *call {
	query := r.URL.Query()
	c := &call{
		method: r.Method, caller: r.RemoteAddr, pretty: isTrue(query.Get("pretty")), envelope: isTrue(query.Get("envelope")),
		query: query, accept: r.Header.Values("Accept"), authorization: r.Header.Get("Authorization"),
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.caller = host
	}
	c.locate(r.URL.Path)
	return c
}

func isTrue(value string) bool {
	parsed, err := strconv.ParseBool(value)
	return err == nil && parsed
}

// places are the resources below an organization, by base path.
var places = map[string]map[string]resource{
	PublicPrefix:     managerResources,
	AtlasPrefix:      managerResources,
	AtlasAdminPrefix: {"liveMigrations/linkTokens": linkTokensResource, "liveMigrations/availableProjects": availableResource},
}

var managerResources = map[string]resource{
	"liveExport/migrationLink":        linkResource,
	"liveExport/migrationLink/status": statusResource,
	"groups":                          projectsResource,
}

// locate finds the organization and the resource of a path.
func (c *call) locate(path string) {
	if path == OAuthTokenPath {
		c.atlas, c.resource = true, accessResource
		return
	}
	for prefix, resources := range places {
		rest, ok := strings.CutPrefix(path, prefix+"/")
		if !ok {
			continue
		}
		c.atlas = prefix == AtlasAdminPrefix
		place, below, _ := strings.Cut(rest, "/")
		id, name, _ := strings.Cut(below, "/")
		switch {
		case place == "orgs" && below != "":
			c.orgID, c.resource = id, resources[name]
		case place == "orgs" && !c.atlas:
			c.resource = orgsResource
		case place == "groups" && name == "hosts" && !c.atlas:
			c.projectID, c.resource = id, hostsResource
		}
	}
}

// readBody reads the body once, before anything waits: net/http notices that a
// client has gone away only when the request is read.
func (c *call) readBody(w http.ResponseWriter, r *http.Request) {
	c.body, c.bodyErr = io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
}
