package opsmanagertest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// FaultKind is a way in which a call fails.
type FaultKind string

// Faults before the effect. Those without a delay answer in place of the manager; the
// call has no effect.
const (
	TooManyRequests FaultKind = "too-many-requests" // 429
	UpgradeWindow   FaultKind = "upgrade"           // 405 WRITES_NOT_ALLOWED_DURING_APP_UPGRADES
	ServerError     FaultKind = "server-error"      // 500
	BadGateway      FaultKind = "bad-gateway"       // 502, a proxy's HTML
	Unavailable     FaultKind = "unavailable"       // 503
	GatewayTimeout  FaultKind = "gateway-timeout"   // 504, a proxy's HTML
	RequestTimeout  FaultKind = "request-timeout"   // 408
	Redirect        FaultKind = "redirect"          // 307 to Location
	OtherError      FaultKind = "error"             // Status, ErrorCode, Detail, Parameters
	Echo            FaultKind = "echo"              // Status; repeats credentials and body in Form
	NoChallenge     FaultKind = "unauthorized-without-challenge"
	StaleNonce      FaultKind = "stale-nonce" // 401 stale=true, however fresh the nonce
	ConnectionReset FaultKind = "reset-before"
	LoginPage       FaultKind = "login-page"         // 200, the HTML of a sign-in page
	EmptySuccess    FaultKind = "empty-success"      // 200, no body
	Unreadable      FaultKind = "unreadable-success" // 200, JSON that ends too soon
	StallBefore     FaultKind = "stall-before"       // waits Duration; no effect if the client gives up
	LateEffect      FaultKind = "late-effect"        // waits Duration; the effect comes even if the client gives up
)

// Faults after the effect: the call takes effect, but its reply is missing or broken.
const (
	LostReply     FaultKind = "reset-after"
	ErrorAfter    FaultKind = "error-after" // 500
	StallAfter    FaultKind = "stall-after" // waits Duration, then replies
	SlowBody      FaultKind = "slow-body"   // spread over Duration
	GarbageBody   FaultKind = "garbage-body"
	EmptyBody     FaultKind = "empty-body"
	TruncatedBody FaultKind = "truncated-body"
	GzipBody      FaultKind = "gzip-body"
	ChunkedBody   FaultKind = "chunked-body"
	EndlessBody   FaultKind = "endless-body" // Bytes long; without, until the client hangs up
	PaddedBody    FaultKind = "padded-body"  // the true reply after Bytes of white space
)

// Fault makes calls fail. It hits every request that matches Operation and OrgID, unless
// Count, Probability, Every or Period exclude it.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Operation is POST, GET or DELETE, or a name such as ToAtlas or CreateLink;
	// all of them if empty.
	Operation string `json:"operation,omitempty"`
	// OrgID is the organization to hit; all of them if empty.
	OrgID string `json:"orgId,omitempty"`
	// Count ends the fault after this number of hits.
	Count int `json:"count,omitempty"`
	// Probability, from 0 to 1, is the probability of hitting a matching request.
	Probability float64 `json:"probability,omitempty"`
	// Every hits only each n-th matching request: 10 means the tenth, the twentieth and
	// so on.
	Every int `json:"every,omitempty"`
	// Period and Active make the fault come and go: it hits only in the first Active
	// of each Period, counted from when the fault was set.
	Period Duration `json:"period,omitzero"`
	Active Duration `json:"active,omitzero"`
	// BeforeAuthentication also hits requests without valid credentials, as a proxy
	// does. Other faults hit authenticated requests only.
	BeforeAuthentication bool `json:"beforeAuthentication,omitempty"`
	// RetryAfter is the header of errors with a status of 400 and above, in whole
	// seconds or as a date. Nil omits it.
	RetryAfter       *Duration `json:"retryAfter,omitempty"`
	RetryAfterAsDate bool      `json:"retryAfterAsDate,omitempty"`
	// Duration is the length of a stall or a slow body. A stall without one lasts until
	// the client or the server gives up.
	Duration Duration `json:"duration,omitzero"`
	// Location is the target of Redirect.
	Location string `json:"location,omitempty"`
	// Status, ErrorCode, Detail and Parameters are those of OtherError. With Redirect,
	// Status may be another 3xx than 307.
	Status     int    `json:"status,omitempty"`
	ErrorCode  string `json:"errorCode,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Parameters []any  `json:"parameters,omitempty"`
	// Form is the encoding of Echo: plain, base64, base64url, hex, url or json (every
	// character escaped); plain if empty. Its Status is 400 if none is given, and may be
	// a success.
	Form string `json:"form,omitempty"`
	// Bytes is the size of EndlessBody and PaddedBody.
	Bytes int64 `json:"bytes,omitempty"`
}

// Faults are tried in order. The first that hits a request applies.
type Faults []Fault

// FaultState is a fault with the number of its hits.
type FaultState struct {
	Fault
	Hits int `json:"hits"`
}

// activeFault is an active fault.
type activeFault struct {
	FaultState
	since time.Time
	fit   int // matching requests
}

// SetFaults replaces all faults; nil ends them. If one is invalid, it returns an error
// and changes nothing.
func (m *Manager) SetFaults(faults Faults) error { return m.install(faults, false) }

// AddFaults appends faults, so that tests that share a manager can each have their own.
func (m *Manager) AddFaults(faults Faults) error { return m.install(faults, true) }

func (m *Manager) install(faults Faults, keep bool) error {
	for i, fault := range faults {
		if err := fault.validate(); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !keep {
		m.faults = nil
	}
	for _, fault := range faults {
		m.faults = append(m.faults, &activeFault{FaultState: FaultState{Fault: fault}, since: m.options.Now()})
	}
	return nil
}

// nextFault returns the fault that hits a call at one stage. Each matching fault with a
// probability draws once, so that the same calls get the same faults.
func (m *Manager) nextFault(c *call, beforeAuthentication bool) (Fault, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fault := range m.faults {
		if fault.BeforeAuthentication != beforeAuthentication || !fault.fits(c) || !fault.isDue(m.options.Now()) {
			continue
		}
		if fault.Probability > 0 && m.random.Float64() >= fault.Probability {
			continue
		}
		fault.Hits++
		return fault.Fault, true
	}
	return Fault{}, false
}

// isDue counts a matching request, and reports whether Period and Every allow a hit.
func (f *activeFault) isDue(now time.Time) bool {
	if f.Period > 0 && now.Sub(f.since)%time.Duration(f.Period) >= time.Duration(f.Active) {
		return false
	}
	f.fit++
	return f.Every == 0 || f.fit%f.Every == 0
}

func (f *FaultState) fits(c *call) bool {
	return c.is(f.Operation) &&
		(f.OrgID == "" || f.OrgID == c.orgID) &&
		(f.Count == 0 || f.Hits < f.Count)
}

// refusesCredentials reports whether the fault is a failed authentication: such a call
// is not counted.
func (f Fault) refusesCredentials() bool { return f.Kind == NoChallenge || f.Kind == StaleNonce }

func (f Fault) validate() error {
	if _, known := disturbances[f.Kind]; !known {
		return fmt.Errorf("kind cannot be %q; it is one of %s", f.Kind, strings.Join(knownKinds(), ", "))
	}
	location, locationErr := url.Parse(f.Location)
	switch {
	case f.Operation != "" && !slices.Contains(knownOperations(), f.Operation):
		return fmt.Errorf("operation cannot be %q; it is one of %s, or left out for all", f.Operation, strings.Join(knownOperations(), ", "))
	case f.OrgID != "" && !orgIDForm.MatchString(f.OrgID):
		return fmt.Errorf("orgId %q is not 24 lower-case hexadecimal digits", f.OrgID)
	case f.Count < 0 || f.Every < 0 || f.Bytes < 0 || f.Duration < 0 || f.Period < 0 || f.Active < 0 || f.RetryAfter != nil && *f.RetryAfter < 0:
		return fmt.Errorf("count, every, bytes, duration, period, active and retryAfter cannot be negative")
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability %g is not between 0 and 1", f.Probability)
	case (f.Period > 0 || f.Active > 0) && (f.Active == 0 || f.Active >= f.Period):
		return fmt.Errorf("active %s is not a part of period %s", f.Active, f.Period)
	case f.Kind == Redirect && (f.Location == "" || locationErr != nil || location.Path == "" && location.Host == ""):
		return fmt.Errorf("location %q is nowhere to redirect to", f.Location)
	case f.Kind == Redirect && f.Status != 0 && f.Status/100 != 3:
		return fmt.Errorf("status %d is no redirect", f.Status)
	case f.Kind == OtherError && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("kind %q needs a status from 400 to 599, not %d", f.Kind, f.Status)
	case f.Kind == Echo && f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("kind %q needs a status from 200 to 599, not %d", f.Kind, f.Status)
	case f.Form != "" && !slices.Contains(EchoForms(), f.Form):
		return fmt.Errorf("form cannot be %q; it is one of %s", f.Form, strings.Join(EchoForms(), ", "))
	case (f.Kind == SlowBody || f.Kind == LateEffect) && f.Duration == 0:
		return fmt.Errorf("kind %q needs a duration", f.Kind)
	case f.Kind == PaddedBody && f.Bytes == 0:
		return fmt.Errorf("kind %q needs bytes", f.Kind)
	}
	return nil
}

// FaultKinds returns all kinds, sorted.
func FaultKinds() []FaultKind { return slices.Sorted(maps.Keys(disturbances)) }

func knownKinds() []string {
	var kinds []string
	for _, kind := range FaultKinds() {
		kinds = append(kinds, string(kind))
	}
	return kinds
}
