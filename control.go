package migrationlink

import "time"

// CancelRequest is the payload of CancelSignal.
type CancelRequest struct {
	// Reason is shown to whoever looks at the link later. Optional.
	Reason string `json:"reason,omitempty"`
}

// RetryRequest is the payload of RetrySignal.
type RetryRequest struct {
	// Token, when set, is where the link-token is from now on.
	Token *TokenSource `json:"token,omitempty"`
}

// ExtendRequest is the input of ExtendUpdate: one of its fields.
type ExtendRequest struct {
	// By is added to the present deadline.
	By Duration `json:"by,omitempty"`
	// Until is the new deadline, later than the present one.
	Until time.Time `json:"until,omitzero"`
}

// Extension is the answer of ExtendUpdate.
type Extension struct {
	// Phase is the phase whose deadline was moved.
	Phase    Phase     `json:"phase"`
	Deadline time.Time `json:"deadline"` // the new one
}

// Check is the answer of CheckUpdate.
type Check struct {
	LinkStatus string    `json:"linkStatus"` // as the manager reports it, LinkNone without a link
	SeenAt     time.Time `json:"seenAt"`
}
