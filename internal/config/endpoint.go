package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	minRequestTimeout = time.Second
	// maxRequestTimeout keeps an attempt of an activity, which may take several
	// requests, below its own limit in the workflow.
	maxRequestTimeout = time.Minute
	// minRate is a request in 10 seconds: a creation needs up to four, within two minutes and before the
	// manager's nonce expires. Temporal treats maxRate as no limit.
	minRate, maxRate = 0.1, 100_000
)

// Endpoint has the settings that managers and Atlas have in common.
type Endpoint struct {
	Name                  string // of its section
	BaseURL               string
	BasePath              string
	PublicKey, PrivateKey redact.Secret
	TLS                   TLS
	AllowInsecureHTTP     bool
	RequestTimeout        time.Duration
	// RequestsPerSecond limits the calls of each worker, and for a manager also the
	// activities of the whole fleet of workers. Zero means no limit.
	RequestsPerSecond float64
}

// ID returns the name.
func (e Endpoint) ID() string { return e.Name }

// readEach reads the sections below s, sorted by name. The noun is what an error
// calls the thing, such as "manager".
func readEach[T any](s *section, noun string, read func(*section, string) T) []T {
	var all []T
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if !migrationlink.ValidManagerName(name) {
			s.report(fmt.Sprintf("%q", name), "invalid "+noun+" name; use 1 to 63 lower-case letters, digits and inner hyphens")
		}
		below := s.table(name)
		all = append(all, read(below, name))
		below.end()
	}
	return all
}

func readEndpoint(s *section, name, baseURL, basePath string, key func(string) redact.Secret) Endpoint {
	baseURL = s.text("base_url", baseURL)
	return Endpoint{
		Name:              name,
		BaseURL:           baseURL,
		BasePath:          s.text("base_path", basePath),
		PublicKey:         key("public_key"),
		PrivateKey:        key("private_key"),
		TLS:               readTLS(s, baseURL),
		AllowInsecureHTTP: s.flag("allow_insecure_http"),
		RequestTimeout:    s.duration("request_timeout", adminapi.DefaultTimeout, minRequestTimeout, maxRequestTimeout),
		RequestsPerSecond: s.number("requests_per_second", 0, minRate, maxRate),
	}
}

type closer interface{ Close() }

// check reports what is wrong with the settings of an endpoint. The client is one of
// them without TLS, or the error that says why there is none.
func (e Endpoint) check(s *section, client closer, err error) {
	checkBaseURL(s, e.BaseURL)
	checkBasePath(s, e.BasePath)
	if err == nil {
		client.Close()
		return
	}
	for _, found := range adminapi.FieldErrors(err) {
		if !s.bad(found.Field) {
			s.report(found.Field, found.Problem)
		}
	}
}

// equal reports whether two settings are the same, given their secrets: those cannot
// be compared as they are.
func equal[T any](a, b T, secrets func(*T) []*redact.Secret) bool {
	ofA, ofB := secrets(&a), secrets(&b)
	for i := range ofA {
		if ofA[i].Reveal() != ofB[i].Reveal() {
			return false
		}
		*ofA[i], *ofB[i] = redact.Secret{}, redact.Secret{}
	}
	return reflect.DeepEqual(a, b)
}

func (e *Endpoint) secrets() []*redact.Secret {
	return []*redact.Secret{&e.PublicKey, &e.PrivateKey, &e.TLS.Key}
}
