package opsmanagertest

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// The base paths of the API. The manual's own example uses the second.
const (
	PublicPrefix = "/api/public/v1.0"
	AtlasPrefix  = "/api/atlas/v1.0"
)

// maxRequestBody is far above any link-token and far below what would hurt.
const maxRequestBody = 1 << 20

// resource is which part of the API a path names.
type resource int

const (
	noResource resource = iota
	linkResource
	statusResource
)

// call is one HTTP request to the API.
type call struct {
	method           string
	resource         resource
	orgID            string // as sent; may be malformed
	caller           string // the address that the request came from
	pretty, envelope bool
	body             []byte
	bodyErr          error
}

func newCall(r *http.Request) *call {
	query := r.URL.Query()
	c := &call{method: r.Method, caller: r.RemoteAddr, pretty: isTrue(query.Get("pretty")), envelope: isTrue(query.Get("envelope"))}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.caller = host
	}
	c.orgID, c.resource = locate(r.URL.Path)
	return c
}

func isTrue(value string) bool {
	parsed, err := strconv.ParseBool(value)
	return err == nil && parsed
}

// locate finds the organization and the resource of a path.
func locate(path string) (string, resource) {
	rest, ok := strings.CutPrefix(path, PublicPrefix+"/orgs/")
	if !ok {
		if rest, ok = strings.CutPrefix(path, AtlasPrefix+"/orgs/"); !ok {
			return "", noResource
		}
	}
	orgID, rest, _ := strings.Cut(rest, "/")
	switch rest {
	case "liveExport/migrationLink":
		return orgID, linkResource
	case "liveExport/migrationLink/status":
		return orgID, statusResource
	}
	return orgID, noResource
}

// readBody reads the body once, before anything waits: net/http notices that a
// client has gone away only when the request is read.
func (c *call) readBody(w http.ResponseWriter, r *http.Request) {
	c.body, c.bodyErr = io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
}
