package opsmanagertest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The API key of a simulated manager unless Options set another.
const (
	DefaultPublicKey  = "DEMOPUBL"
	DefaultPrivateKey = "demo-private-key"
)

// The API key and the service account of simulated Atlas unless Options set others.
const (
	DefaultAtlasPublicKey    = "DEMOATLS"
	DefaultAtlasPrivateKey   = "demo-atlas-private-key"
	DefaultAtlasClientID     = "mdb_sa_id_6a1b2c3d4e5f6a7b8c9d0e1f"
	DefaultAtlasClientSecret = "mdb_sa_sk_demo-atlas-client-secret" //nolint:gosec // known to all
)

// DefaultAccessTokenLifetime is the lifetime of Atlas's access tokens.
const DefaultAccessTokenLifetime = time.Hour

// The digest algorithms that a simulated manager can offer.
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

// DefaultNonceLifetime is the lifetime of Ops Manager's nonces.
const DefaultNonceLifetime = 60 * time.Second

// Options configure a simulated manager. The zero value works.
type Options struct {
	// Seed determines which requests a fault with a probability hits.
	Seed uint64
	// PublicKey and PrivateKey are the API key that the manager accepts.
	PublicKey, PrivateKey string
	// AtlasPublicKey and AtlasPrivateKey are the API key that Atlas accepts.
	// AtlasClientID and AtlasClientSecret are its service account.
	AtlasPublicKey, AtlasPrivateKey  string
	AtlasClientID, AtlasClientSecret string
	// AccessTokenLifetime is how long an access token of the service account is
	// accepted, in whole seconds. DefaultAccessTokenLifetime if zero.
	AccessTokenLifetime time.Duration
	// AccessTokensPerMinute limits the requests for an access token in a minute; others
	// get 429 and Retry-After. No limit if zero. The real Atlas has a limit of 50.
	AccessTokensPerMinute int
	// Joint makes the manager accept only link-tokens that Atlas here has issued,
	// has not deleted, and that no other source organization was linked with.
	Joint bool
	// SyncDelay is the time from POST to SYNCED for every organization whose settings do
	// not override it.
	SyncDelay time.Duration
	// NonceLifetime is how long answers to a challenge are accepted; after that, a
	// correct answer gets stale=true. DefaultNonceLifetime if zero.
	NonceLifetime time.Duration
	// Nodes is the number of nodes behind the manager's address; one if zero. Seed
	// determines which node gets a request. Each knows only the nonces that it has
	// issued: others get a new one with stale=false.
	Nodes int
	// NodeCookie pins a client that returns the cookie NODE to the node that it names,
	// as load balancers do.
	NodeCookie bool
	// StrictNonceCount accepts only growing counts of a nonce; others get stale=true.
	// Real clients always send 1, so by default the count is only hashed.
	StrictNonceCount bool
	// Algorithms are offered in this order, each in a header of its own. MD5 if
	// empty.
	Algorithms []string
	// KnownOrgs are the organizations that exist in the manager and in Atlas; if empty,
	// all do.
	KnownOrgs []string
	// StateFile keeps links, the hashes of issued link-tokens, settings and counts of
	// organizations across a restart, but not faults, totals, nonces and access tokens.
	// It never contains a link-token. It is written when a link, a link-token or a
	// setting changes.
	StateFile string
	// Defaults are the settings of organizations that have none of their own.
	Defaults OrgSettings
	// Issued, if set, is called with every link-token and access token that Atlas
	// issues, before the client gets it, so that tests can look for leaks.
	Issued func(secret string)
	// Now is the clock of links and nonces; time.Now if nil.
	Now func() time.Time
}

var orgIDForm = regexp.MustCompile(`^[a-f0-9]{24}$`)

func (o Options) withDefaults() Options {
	if len(o.Algorithms) == 0 {
		o.Algorithms = nil
	}
	return fill(o, Options{
		PublicKey: DefaultPublicKey, PrivateKey: DefaultPrivateKey,
		AtlasPublicKey: DefaultAtlasPublicKey, AtlasPrivateKey: DefaultAtlasPrivateKey,
		AtlasClientID: DefaultAtlasClientID, AtlasClientSecret: DefaultAtlasClientSecret,
		AccessTokenLifetime: DefaultAccessTokenLifetime, NonceLifetime: DefaultNonceLifetime,
		Algorithms: []string{MD5}, Nodes: 1,
		Issued: func(string) {}, Now: time.Now,
	})
}

// Validate returns an error for the first invalid option. New calls it.
func (o Options) Validate() error {
	switch {
	case strings.ContainsAny(o.PublicKey+o.AtlasPublicKey, ":\"\\"):
		return fmt.Errorf("the public key cannot contain a colon, a quote or a backslash: digest authentication cannot carry them")
	case o.SyncDelay < 0:
		return fmt.Errorf("the sync delay cannot be negative: %s", o.SyncDelay)
	case o.NonceLifetime < 0:
		return fmt.Errorf("the nonce lifetime cannot be negative: %s", o.NonceLifetime)
	case o.AccessTokenLifetime < 0 || o.AccessTokenLifetime%time.Second != 0:
		return fmt.Errorf("the lifetime of access tokens cannot be %s: it is told in whole seconds", o.AccessTokenLifetime)
	case o.Nodes < 0:
		return fmt.Errorf("the number of nodes cannot be negative: %d", o.Nodes)
	case o.AccessTokensPerMinute < 0:
		return fmt.Errorf("the number of access tokens per minute cannot be negative: %d", o.AccessTokensPerMinute)
	}
	for i, algorithm := range o.Algorithms {
		if algorithm != MD5 && algorithm != SHA256 {
			return fmt.Errorf("unknown digest algorithm %q; known are %s and %s", algorithm, MD5, SHA256)
		}
		if slices.Contains(o.Algorithms[:i], algorithm) {
			return fmt.Errorf("digest algorithm %s is given twice", algorithm)
		}
	}
	for _, org := range o.KnownOrgs {
		if !orgIDForm.MatchString(org) {
			return fmt.Errorf("known organization %q is not 24 lower-case hexadecimal digits", org)
		}
	}
	return o.Defaults.validate()
}
