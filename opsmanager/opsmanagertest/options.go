package opsmanagertest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The API key that a simulated manager knows unless Options say another.
const (
	DefaultPublicKey  = "DEMOPUBL"
	DefaultPrivateKey = "demo-private-key"
)

// The API key and the service account that simulated Atlas knows unless Options
// say others.
const (
	DefaultAtlasPublicKey    = "DEMOATLS"
	DefaultAtlasPrivateKey   = "demo-atlas-private-key"
	DefaultAtlasClientID     = "mdb_sa_id_6a1b2c3d4e5f6a7b8c9d0e1f"
	DefaultAtlasClientSecret = "mdb_sa_sk_demo-atlas-client-secret" //nolint:gosec // known to all
)

// DefaultAccessTokenLifetime is how long the access tokens of Atlas live.
const DefaultAccessTokenLifetime = time.Hour

// The digest algorithms that a simulated manager can offer.
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

// DefaultNonceLifetime is how long the nonces of Ops Manager live.
const DefaultNonceLifetime = 60 * time.Second

// Options are what a simulated manager is made with. The zero value works.
type Options struct {
	// Seed decides which requests a fault with a probability hits.
	Seed uint64
	// PublicKey and PrivateKey are the one API key that is accepted.
	PublicKey, PrivateKey string
	// AtlasPublicKey and AtlasPrivateKey are the one API key that Atlas accepts,
	// AtlasClientID and AtlasClientSecret its one service account.
	AtlasPublicKey, AtlasPrivateKey  string
	AtlasClientID, AtlasClientSecret string
	// AccessTokenLifetime is how long an access token of the service account is
	// accepted, in whole seconds. DefaultAccessTokenLifetime if zero.
	AccessTokenLifetime time.Duration
	// AccessTokensPerMinute is how many requests for an access token are answered
	// within a minute; others get 429 and Retry-After. No limit if zero. Of the
	// real one 50 is known.
	AccessTokensPerMinute int
	// Joint makes the manager accept only link-tokens that Atlas here has issued,
	// has not deleted, and that no other source organization was linked with.
	Joint bool
	// SyncDelay is the time from POST to SYNCED, of every organization whose
	// settings say nothing else.
	SyncDelay time.Duration
	// NonceLifetime is how long the answer to a challenge is accepted; after it a
	// right answer gets stale=true. DefaultNonceLifetime if zero.
	NonceLifetime time.Duration
	// StrictNonceCount accepts only nonce counts higher than all seen with the
	// nonce; others get stale=true. Real clients send 1 again and again, so by
	// default the count is hashed and otherwise ignored.
	StrictNonceCount bool
	// Algorithms are offered in this order, each in a header of its own. MD5 if
	// empty.
	Algorithms []string
	// KnownOrgs are the organizations that exist, of the manager and of Atlas; if
	// empty, all do.
	KnownOrgs []string
	// StateFile keeps links, the hashes of issued link-tokens, settings and
	// per-organization counts over a restart. Faults, totals, nonces and access
	// tokens are not kept. It never holds a link-token. It is written when a link,
	// a link-token or a setting changes.
	StateFile string
	// Defaults are the settings of organizations that have none of their own.
	Defaults OrgSettings
	// Issued, if set, is told every secret that Atlas here makes, a link-token or an
	// access token, before anybody gets it. A test that looks for leaks has no
	// other way to know them.
	Issued func(secret string)
	// Now is the clock of links and nonces; time.Now if nil.
	Now func() time.Time
}

var orgIDForm = regexp.MustCompile(`^[a-f0-9]{24}$`)

func (o Options) withDefaults() Options {
	o.PublicKey = cmp.Or(o.PublicKey, DefaultPublicKey)
	o.PrivateKey = cmp.Or(o.PrivateKey, DefaultPrivateKey)
	o.AtlasPublicKey = cmp.Or(o.AtlasPublicKey, DefaultAtlasPublicKey)
	o.AtlasPrivateKey = cmp.Or(o.AtlasPrivateKey, DefaultAtlasPrivateKey)
	o.AtlasClientID = cmp.Or(o.AtlasClientID, DefaultAtlasClientID)
	o.AtlasClientSecret = cmp.Or(o.AtlasClientSecret, DefaultAtlasClientSecret)
	o.AccessTokenLifetime = cmp.Or(o.AccessTokenLifetime, DefaultAccessTokenLifetime)
	o.NonceLifetime = cmp.Or(o.NonceLifetime, DefaultNonceLifetime)
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{MD5}
	}
	if o.Issued == nil {
		o.Issued = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Validate reports the first option that cannot be. New calls it.
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
