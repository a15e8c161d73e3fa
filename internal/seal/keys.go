package seal

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"github.com/migrationlink/migrationlink/redact"
)

// Recipient is the public half of an identity.
type Recipient struct {
	key  age.Recipient
	text string
}

// ParseRecipient reads a recipient: X25519 (age1…) or post-quantum (age1pq1…). Its error
// never contains the text.
func ParseRecipient(text string) (Recipient, error) {
	text = strings.TrimSpace(text)
	keys, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(keys) != 1 {
		return Recipient{}, errors.New("not the recipient of an age identity (age1… or age1pq1…); use what starter keygen, age-keygen -y or worker --check prints")
	}
	return Recipient{keys[0], text}, nil
}

// String returns the recipient in its usual form.
func (r Recipient) String() string { return r.text }

// Short returns the recipient, shortened if it is a post-quantum one: those have some
// 2,000 characters.
func (r Recipient) Short() string {
	const most = 64 // an X25519 recipient has 62
	if len(r.text) <= most {
		return r.text
	}
	return r.text[:32] + "…"
}

// Identities open a text that is sealed to any of them.
type Identities struct {
	keys       []age.Identity
	recipients []Recipient
}

// ParseIdentities reads identity files, each with identities, empty lines and comments.
// It keeps their order. Its error never contains a text.
func ParseIdentities(files ...redact.Secret) (Identities, error) {
	var all Identities
	for _, file := range files {
		before := len(all.keys)
		for i, line := range strings.Split(file.Reveal(), "\n") {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := all.add(line); err != nil {
				return Identities{}, fmt.Errorf("line %d %w", i+1, err)
			}
		}
		if len(all.keys) == before {
			return Identities{}, errors.New("holds no identity; put one into it, as starter keygen or age-keygen prints it")
		}
	}
	return all, nil
}

var errNoIdentity = errors.New("is no age identity (AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…), or a damaged one; use what starter keygen or age-keygen prints")

// add omits the library's error: it may contain characters of the key.
func (i *Identities) add(line string) error {
	parsed, err := age.ParseIdentities(strings.NewReader(line))
	if err != nil || len(parsed) != 1 {
		return errNoIdentity
	}
	recipient, err := recipientOf(parsed[0])
	if err != nil {
		return err
	}
	i.keys = append(i.keys, parsed[0])
	i.recipients = append(i.recipients, recipient)
	return nil
}

func recipientOf(identity age.Identity) (Recipient, error) {
	switch key := identity.(type) {
	case *age.X25519Identity:
		return Recipient{key.Recipient(), key.Recipient().String()}, nil
	case *age.HybridIdentity:
		return Recipient{key.Recipient(), key.Recipient().String()}, nil
	}
	return Recipient{}, errNoIdentity
}

// Recipients returns the recipients of the identities, in their order.
func (i Identities) Recipients() []Recipient { return i.recipients }

// describe lists some of the recipients: they are public.
func (i Identities) describe() string {
	const most = 5
	var names []string
	for _, recipient := range i.recipients[:min(most, len(i.recipients))] {
		names = append(names, recipient.Short())
	}
	text := strings.Join(names, ", ")
	if more := len(i.recipients) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Format hides the keys: fmt prints unexported fields, too.
func (i Identities) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "identities of [%s]", i.describe())
}

// GenerateIdentity generates an identity, X25519 or post-quantum, with its recipient.
// The identity is one line, without a line end.
func GenerateIdentity(postQuantum bool) (redact.Secret, Recipient, error) {
	generate := func() (fmt.Stringer, error) { return age.GenerateX25519Identity() }
	if postQuantum {
		generate = func() (fmt.Stringer, error) { return age.GenerateHybridIdentity() }
	}
	identity, err := generate()
	if err != nil {
		return redact.Secret{}, Recipient{}, err
	}
	recipient, err := recipientOf(identity.(age.Identity))
	return redact.NewSecret(identity.String()), recipient, err
}
