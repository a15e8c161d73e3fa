// Package seal encrypts link-tokens to the workers with age, and opens them.
// What is sealed is bound to one organization of one manager.
package seal

import (
	"errors"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/redact"
)

// Token is a link-token and what it is for.
type Token struct {
	Manager, OrgID string
	LinkToken      redact.Secret
}

// Recipient is the public half of an identity.
type Recipient struct{}

// ParseRecipient reads a recipient: X25519 (age1…) or post-quantum (age1pq1…). Its
// error never repeats the text.
func ParseRecipient(text string) (Recipient, error) { return Recipient{}, errors.New("to be written") }

// Seal returns the token as the source of a request, with its fingerprint.
func (r Recipient) Seal(token Token) (migrationlink.TokenSource, error) {
	return migrationlink.TokenSource{}, errors.New("to be written")
}

// String is the recipient in its usual form.
func (r Recipient) String() string { return "" }

// Identities open what is sealed to any of them.
type Identities struct{}

// ParseIdentities reads identity files: each may hold several identities, empty
// lines and comments. Their order is kept. Its error never repeats a text.
func ParseIdentities(files ...redact.Secret) (Identities, error) {
	return Identities{}, errors.New("to be written")
}

// Recipients are those of the identities, in their order.
func (i Identities) Recipients() []Recipient { return nil }

// ErrNotOpened: the sealed text is damaged, sealed to somebody else, or bound to
// another organization; or there are no identities.
var ErrNotOpened = errors.New("the sealed link-token cannot be opened")

// Open returns the link-token of a sealed source. Its errors are ErrNotOpened,
// and say why and what to do.
func (i Identities) Open(manager, orgID string, source migrationlink.TokenSource) (redact.Secret, error) {
	return redact.Secret{}, ErrNotOpened
}

// GenerateIdentity makes an identity, X25519 or post-quantum, and its recipient.
func GenerateIdentity(postQuantum bool) (redact.Secret, Recipient, error) {
	return redact.Secret{}, Recipient{}, errors.New("to be written")
}
