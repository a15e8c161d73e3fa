package migrationlink

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// LinkRequest asks for one source organization to be linked.
type LinkRequest struct {
	// Manager is the name of a manager in the configuration of the workers. A
	// request cannot name a URL, so that nobody can point the workers' keys at
	// another host.
	Manager string `json:"manager" jsonschema:"pattern=^[a-z0-9]([a-z0-9-]{0\\,61}[a-z0-9])?$"`
	// OrgID is the id of the source organization: 24 lower-case hexadecimal
	// digits.
	OrgID string `json:"orgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
	// Token says where the workers find the link-token. There is no field for it
	// in plain.
	Token TokenSource `json:"token"`
	// Undo says when the link that this request made is removed again. Empty
	// means UndoOnCancel. A link that somebody else made stays. One exception: a
	// link that appears while the reply to this request's creation is lost, within
	// SettleTime, looks like this request's own.
	Undo UndoPolicy `json:"undo,omitempty" jsonschema_extras:"default=on-cancel"`
	// IfLinked says what to do about a link that somebody else has made. Empty
	// means KeepLink.
	IfLinked LinkedPolicy `json:"ifLinked,omitempty" jsonschema_extras:"default=keep"`
	// OnBlocked says what to do about a problem that a person can fix. Empty
	// means FailWhenBlocked.
	OnBlocked BlockedPolicy `json:"onBlocked,omitempty" jsonschema_extras:"default=fail"`
	// CreateTimeout limits the time until the manager has accepted the link.
	// Empty means DefaultCreateTimeout. From MinCreateTimeout to MaxCreateTimeout.
	CreateTimeout Duration `json:"createTimeout,omitempty" jsonschema_extras:"default=10m0s"`
	// SyncTimeout limits the time from then until the manager reports SYNCED.
	// Empty means DefaultSyncTimeout. From MinSyncTimeout to MaxTimeout.
	SyncTimeout Duration `json:"syncTimeout,omitempty" jsonschema_extras:"default=1h0m0s"`
	// SettleTime is how long to look for a link whose creation got no reply
	// before it is created again: a manager may show a new link late. Empty means
	// DefaultSettleTime. From MinSettleTime to MaxTimeout.
	SettleTime Duration `json:"settleTime,omitempty" jsonschema_extras:"default=1m0s"`
	// VerifyInAtlas, with Token.Atlas, continues after SYNCED until Atlas shows a
	// project of the source organization as available for migration: an
	// independent proof of the link. SyncTimeout limits that, too, from SYNCED on. If
	// somebody else made the link, and Atlas shows none of its projects, the request fails
	// earlier, with ErrWrongTarget. Without VerifyInAtlas, the workers look as well, but a
	// link of this request succeeds whatever they see: LinkResult.Target says it.
	VerifyInAtlas bool `json:"verifyInAtlas,omitempty"`
	// DeleteTokenOnUndo, with Token.Atlas, has the undo delete the link-token in
	// Atlas, once the link is removed at the manager. Atlas takes no id of a
	// link-token: it removes one link of the target organization and its API key,
	// so set it only where there is no other.
	DeleteTokenOnUndo bool `json:"deleteTokenOnUndo,omitempty"`
}

// Limits of a request that does not name its own, and the bounds of those that
// it may name.
const (
	DefaultCreateTimeout = 10 * time.Minute
	DefaultSyncTimeout   = time.Hour
	DefaultSettleTime    = time.Minute
	DefaultUnlinkTimeout = 15 * time.Minute

	// MinCreateTimeout leaves room for a manager that answers slowly once.
	MinCreateTimeout = 5 * time.Second
	// MinSyncTimeout is one poll: the shortest delay before it, the call, and
	// the second that Temporal needs to place it.
	MinSyncTimeout = 3 * time.Second
	// MaxCreateTimeout keeps the history of a link that is tried again and again
	// well below what Temporal permits.
	MaxCreateTimeout = 24 * time.Hour
	// MinSettleTime is how long a link must be missing in any case.
	MinSettleTime = 3 * time.Second
	// MinUnlinkTimeout leaves room for a manager that answers slowly once.
	MinUnlinkTimeout = 5 * time.Second
	// MaxTimeout is far beyond any migration; more is a slip of the unit.
	MaxTimeout = 30 * 24 * time.Hour
)

// TokenSource says where the workers find the link-token: exactly one of its
// fields is set.
type TokenSource struct {
	// Ref is a secret reference that the worker resolves: "env:NAME", an
	// environment variable of the worker whose name starts with
	// EnvTokenPrefix, or "file:name", a file in the worker's directory of
	// link-tokens.
	Ref string `json:"ref,omitempty" jsonschema:"oneof_required=ref,example=env:LINK_TOKEN_PROD,example=file:prod/link-token"`
	// Sealed is the link-token itself, encrypted to the workers: an armoured age
	// file, as `starter seal`, the age command and every age library write it.
	// Its content is {"manager": "…", "orgId": "…", "linkToken": "…"}, with the
	// manager and the organization of the request: it serves no other.
	Sealed string `json:"sealed,omitempty" jsonschema:"oneof_required=sealed,maxLength=16384,pattern=^\\s*-----BEGIN AGE ENCRYPTED FILE-----[A-Za-z0-9+/=\\r\\n]*-----END AGE ENCRYPTED FILE-----\\s*$"`
	// Fingerprint identifies the link-token in Sealed: the first 32 hexadecimal digits of
	// the SHA-256 of the manager, the organization and the link-token, with a line feed
	// after the first two. Sealing twice gives two ciphertexts: without a fingerprint, two
	// requests are equal only if their ciphertexts are.
	Fingerprint string `json:"fingerprint,omitempty" jsonschema:"pattern=^[a-f0-9]{32}$"`
	// Atlas has a worker make the link-token in Atlas.
	Atlas *AtlasToken `json:"atlas,omitempty" jsonschema:"oneof_required=atlas"`
}

// AtlasToken asks for a link-token of one target organization.
type AtlasToken struct {
	// Name selects the section [atlas.NAME] of worker.toml.
	Name string `json:"name" jsonschema:"pattern=^[a-z0-9]([a-z0-9-]{0\\,61}[a-z0-9])?$"`
	// OrgID is the id of the target organization in Atlas: 24 lower-case
	// hexadecimal digits.
	OrgID string `json:"orgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
	// AccessListIPs are the IP addresses or CIDR blocks from which the manager
	// reaches Atlas. May be empty for Cloud Manager.
	AccessListIPs []string `json:"accessListIps,omitempty" jsonschema:"maxItems=200,pattern=^[0-9A-Fa-f:.]+(/[0-9]{1\\,3})?$,example=203.0.113.7,example=203.0.113.0/24"`
}

// TokenFingerprint tells two link-tokens of an organization apart without
// showing either: 32 hexadecimal digits, the first half of the SHA-256 of
// manager, organization and link-token, each but the last followed by a line
// feed. A link-token has far too much entropy to be guessed from it.
func TokenFingerprint(manager, orgID, linkToken string) string {
	sum := sha256.Sum256([]byte(manager + "\n" + orgID + "\n" + linkToken))
	return hex.EncodeToString(sum[:16])
}

// EnvTokenPrefix starts the name of every environment variable that a request
// may name as the source of a link-token: no request can read another variable
// of the worker.
const EnvTokenPrefix = "LINK_TOKEN_"

// UndoPolicy says when a link that this request made is removed again.
type UndoPolicy string

const (
	// UndoOnCancel removes the link when the request is cancelled.
	UndoOnCancel UndoPolicy = "on-cancel"
	// UndoAlways removes it also when the request fails or times out.
	UndoAlways UndoPolicy = "always"
	// UndoNever leaves it in any case.
	UndoNever UndoPolicy = "never"
)

// LinkedPolicy says what to do about a link that somebody else has made.
type LinkedPolicy string

const (
	// KeepLink leaves it and ends with OutcomeAlreadyLinked once it is SYNCED. With
	// TokenSource.Atlas it fails with ErrWrongTarget if the target organization does not
	// show the link.
	KeepLink LinkedPolicy = "keep"
	// FailIfLinked leaves it and fails with ErrAlreadyLinked.
	FailIfLinked LinkedPolicy = "fail"
	// Relink removes it, synced or not, and makes a new one.
	Relink LinkedPolicy = "relink"
)

// BlockedPolicy says what to do about a problem that a person can fix, see
// Blockable.
type BlockedPolicy string

const (
	// FailWhenBlocked ends with the problem.
	FailWhenBlocked BlockedPolicy = "fail"
	// WaitWhenBlocked waits in PhaseBlocked for RetrySignal, until the deadline.
	WaitWhenBlocked BlockedPolicy = "wait"
)

// UnlinkRequest asks for the link of one source organization to be removed.
type UnlinkRequest struct {
	// Manager and OrgID are those of a LinkRequest.
	Manager string `json:"manager" jsonschema:"pattern=^[a-z0-9]([a-z0-9-]{0\\,61}[a-z0-9])?$"`
	OrgID   string `json:"orgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
	// OnBlocked says what to do about a problem that a person can fix, a running
	// migration above all. Empty means FailWhenBlocked.
	OnBlocked BlockedPolicy `json:"onBlocked,omitempty" jsonschema_extras:"default=fail"`
	// Timeout limits the time until the link is gone. Empty means
	// DefaultUnlinkTimeout. From MinUnlinkTimeout to MaxTimeout.
	Timeout Duration `json:"timeout,omitempty" jsonschema_extras:"default=15m0s"`
	// Reason is shown to everyone who looks at the result later. Optional, at most MaxReason
	// characters. Requests with different reasons are equal. Words that may be secrets are replaced in
	// what is shown, but the history of Temporal keeps them.
	Reason string `json:"reason,omitempty" jsonschema:"maxLength=500"`
}

// Duration is a length of time in the form of time.ParseDuration, for example
// "90s" or "1h30m". There is no unit for days: a day is "24h". It is text so that
// every language can write it, and so that validation can name a field that cannot
// be read.
type Duration string

// DurationOf returns d in its written form.
func DurationOf(d time.Duration) Duration { return Duration(d.String()) }

// or reads d, or returns fallback when d is empty or unreadable: only validated
// requests are asked.
func (d Duration) or(fallback time.Duration) time.Duration {
	if parsed, err := time.ParseDuration(string(d)); err == nil {
		return parsed
	}
	return fallback
}

// WithDefaults returns the request with every optional field filled in.
func (r LinkRequest) WithDefaults() LinkRequest {
	if r.Undo == "" {
		r.Undo = UndoOnCancel
	}
	if r.IfLinked == "" {
		r.IfLinked = KeepLink
	}
	if r.OnBlocked == "" {
		r.OnBlocked = FailWhenBlocked
	}
	r.CreateTimeout = DurationOf(r.CreateLimit())
	r.SyncTimeout = DurationOf(r.SyncLimit())
	r.SettleTime = DurationOf(r.SettleLimit())
	return r
}

// CreateLimit is CreateTimeout, or its default, of a valid request.
func (r LinkRequest) CreateLimit() time.Duration { return r.CreateTimeout.or(DefaultCreateTimeout) }

// SyncLimit is SyncTimeout, or its default, of a valid request.
func (r LinkRequest) SyncLimit() time.Duration { return r.SyncTimeout.or(DefaultSyncTimeout) }

// SettleLimit is SettleTime, or its default, of a valid request.
func (r LinkRequest) SettleLimit() time.Duration { return r.SettleTime.or(DefaultSettleTime) }

// WithDefaults returns the request with every optional field filled in.
func (r UnlinkRequest) WithDefaults() UnlinkRequest {
	if r.OnBlocked == "" {
		r.OnBlocked = FailWhenBlocked
	}
	r.Timeout = DurationOf(r.Limit())
	return r
}

// Limit is Timeout, or its default, of a valid request.
func (r UnlinkRequest) Limit() time.Duration { return r.Timeout.or(DefaultUnlinkTimeout) }
