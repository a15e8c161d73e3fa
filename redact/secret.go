// Package redact keeps secrets out of everything that is printed: a type whose
// value no printing shows, and the removal of secrets from texts that others
// have written.
package redact

import (
	"fmt"
	"sync"
)

const redacted = "[redacted]"

// Secret is a secret that no printing shows: not fmt, JSON, slog or zap. Only
// Reveal does. The zero Secret is an empty one.
type Secret struct {
	// A function, because fmt and other printers reach through unexported
	// fields by reflection, past every method below.
	reveal func() string
	forms  func() []form // in which it may be written, made when first needed
}

// NewSecret keeps text as a secret.
func NewSecret(text string) Secret {
	return Secret{
		reveal: func() string { return text },
		forms:  sync.OnceValue(func() []form { return formsOf(text) }),
	}
}

// Reveal returns the secret itself, or "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }

// MarshalText returns "[redacted]", for JSON and for loggers.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
