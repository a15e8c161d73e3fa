package migrationlink

import "time"

// Limits of the texts that describe who asked for something and why, in characters.
const (
	MaxReason      = 500
	MaxRequestedBy = 100
)

// CancelRequest is the payload of CancelSignal.
type CancelRequest struct {
	// Reason is shown to everyone who looks at the link later. Optional. It is shortened to MaxReason
	// characters.
	// Words that may be secrets are replaced in what is shown, but the history of Temporal keeps them.
	Reason string `json:"reason,omitempty"`
	// RequestedBy says who cancels, such as "user@host". Optional. It is shortened to
	// MaxRequestedBy characters.
	RequestedBy string `json:"requestedBy,omitempty"`
}

// RetryRequest is the payload of RetryUpdate, and of the signal of the same name.
type RetryRequest struct {
	// Token, when set, is where the link-token is from now on.
	Token *TokenSource `json:"token,omitempty"`
	// RequestedBy says who retries, such as "user@host". Optional, at most MaxRequestedBy
	// characters.
	RequestedBy string `json:"requestedBy,omitempty" jsonschema:"maxLength=100"`
}

// ExtendRequest is the input of ExtendUpdate: one of By and Until.
type ExtendRequest struct {
	// By is added to the present deadline.
	By Duration `json:"by,omitempty" jsonschema:"oneof_required=by"`
	// Until is the new deadline, later than the present one.
	Until time.Time `json:"until,omitzero" jsonschema:"oneof_required=until"`
	// RequestedBy says who extends, such as "user@host". Optional, at most MaxRequestedBy
	// characters.
	RequestedBy string `json:"requestedBy,omitempty" jsonschema:"maxLength=100"`
}

// Extension is the answer of ExtendUpdate.
type Extension struct {
	// Phase is the phase whose deadline was moved.
	Phase    Phase     `json:"phase"`
	Deadline time.Time `json:"deadline"` // the new one
}

// Check is the answer of CheckUpdate.
type Check struct {
	LinkStatus string    `json:"linkStatus" jsonschema:"example=SYNCED,example=NOT_SYNCED,example=NONE"` // as the manager reports it, LinkNone without a link
	SeenAt     time.Time `json:"seenAt"`
}

// ActionName names what somebody did to a running request.
type ActionName string

const (
	// ActionRetry resumed a blocked request, or had it try at once.
	ActionRetry ActionName = "retry"
	// ActionExtend moved the deadline.
	ActionExtend ActionName = "extend"
	// ActionCancel cancelled the request.
	ActionCancel ActionName = "cancel"
)

// Action is something that somebody did to a running request.
type Action struct {
	Action ActionName `json:"action"`
	At     time.Time  `json:"at"`
	// RequestedBy and Reason are those of the request: printable, shortened, and without words that may
	// be secrets.
	RequestedBy string `json:"requestedBy,omitempty"`
	Reason      string `json:"reason,omitempty"`
	// Deadline is the new one, with ActionExtend.
	Deadline time.Time `json:"deadline,omitzero"`
}
