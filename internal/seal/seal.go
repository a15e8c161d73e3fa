// Package seal encrypts link-tokens to the workers with age, and decrypts them. A sealed
// link-token is bound to one organization of one manager.
package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/internal/textfile"
	"github.com/migrationlink/migrationlink/redact"
)

// maxPlain, in bytes, is far above any link-token with its binding.
const maxPlain = 8 << 10

// Token is a link-token with the organization that it is for.
type Token struct {
	Manager, OrgID string
	LinkToken      redact.Secret
}

// content is the plaintext. Other programs write it, too.
type content struct {
	Manager   string `json:"manager"`
	OrgID     string `json:"orgId"`
	LinkToken string `json:"linkToken"`
}

// Seal returns the sealed token as the source of a request, with its fingerprint. It
// drops white space around the link-token. Its error never contains the token.
func (r Recipient) Seal(token Token) (migrationlink.TokenSource, error) {
	if err := migrationlink.ValidateTarget(token.Manager, token.OrgID); err != nil {
		return migrationlink.TokenSource{}, fmt.Errorf("what the link-token is to be bound to: %w", err)
	}
	plain := content{token.Manager, token.OrgID, strings.TrimSpace(token.LinkToken.Reveal())}
	if err := secret.CheckLinkToken(redact.NewSecret(plain.LinkToken)); err != nil {
		return migrationlink.TokenSource{}, fmt.Errorf("the link-token %w", err)
	}
	text, err := json.Marshal(plain)
	if err == nil && len(text) > maxPlain {
		err = fmt.Errorf("the text is longer than %d KiB, too long for a link-token", maxPlain>>10)
	}
	if err != nil {
		return migrationlink.TokenSource{}, err
	}
	sealed, err := r.encrypt(text)
	if err != nil {
		return migrationlink.TokenSource{}, err
	}
	return migrationlink.TokenSource{
		Sealed:      sealed,
		Fingerprint: migrationlink.TokenFingerprint(plain.Manager, plain.OrgID, plain.LinkToken),
	}, nil
}

func (r Recipient) encrypt(plain []byte) (string, error) {
	if r.key == nil {
		return "", errors.New("there is no recipient to seal the link-token to; set tokens.identities in the worker's configuration")
	}
	var sealed bytes.Buffer
	armored := armor.NewWriter(&sealed)
	encrypted, err := age.Encrypt(armored, r.key)
	if err != nil {
		return "", err
	}
	if _, err := encrypted.Write(plain); err != nil {
		return "", err
	}
	if err := errors.Join(encrypted.Close(), armored.Close()); err != nil {
		return "", err
	}
	return sealed.String(), nil
}

// NotOpenedError says why a sealed text cannot be opened: it is damaged, sealed to
// another recipient, or bound to another organization, or there are no identities. It
// contains nothing of the plaintext.
type NotOpenedError struct {
	Reason string
	Remedy string // a full sentence
	// NoIdentities reports whether the worker can open nothing at all: another link-token
	// would not help.
	NoIdentities bool
}

// Error returns the reason and the remedy.
func (e *NotOpenedError) Error() string {
	return "the sealed link-token cannot be opened: " + e.Reason + ". " + e.Remedy
}

func notOpened(reason, remedy string) error { return &NotOpenedError{Reason: reason, Remedy: remedy} }

// Open returns the link-token of a sealed source. Its errors are
// *NotOpenedError.
func (i Identities) Open(manager, orgID string, source migrationlink.TokenSource) (redact.Secret, error) {
	text, err := i.decrypt(source.Sealed)
	if err != nil {
		return redact.Secret{}, err
	}
	plain, err := parse(text)
	if err != nil {
		return redact.Secret{}, err
	}
	if plain.Manager != manager || plain.OrgID != orgID {
		return redact.Secret{}, notOpened("it is bound to "+plain.target()+", and serves no other",
			fmt.Sprintf("Seal a link-token for organization %s of manager %s, and use the new one in the request.", orgID, manager))
	}
	if source.Fingerprint != "" && source.Fingerprint != migrationlink.TokenFingerprint(manager, orgID, plain.LinkToken) {
		return redact.Secret{}, notOpened("the fingerprint of the request is that of another link-token",
			"Send each ciphertext with the fingerprint that it was made with, or without one.")
	}
	return redact.NewSecret(plain.LinkToken), nil
}

func (i Identities) decrypt(sealed string) ([]byte, error) {
	if len(i.keys) == 0 {
		return nil, &NotOpenedError{
			NoIdentities: true,
			Reason:       "this worker has no identities",
			Remedy:       "Add the matching identity to tokens.identities of every worker.",
		}
	}
	reader, err := age.Decrypt(armor.NewReader(strings.NewReader(strings.TrimSpace(sealed))), i.keys...)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		return nil, notOpened("it is sealed to somebody else; this worker opens what is sealed to "+i.describe(),
			"Seal the link-token to the recipient of the workers, and use the new one in the request; or add the matching identity to tokens.identities of every worker.")
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(reader, maxPlain+1))
	}
	if err != nil {
		// The library's error may quote the text, which may contain anything.
		return nil, notOpened("it is damaged: not an armoured age file, or changed or cut off after it was sealed",
			"Send the whole of it, unchanged; or seal the link-token again, and use the new one in the request.")
	}
	if len(text) > maxPlain {
		return nil, notOpened(fmt.Sprintf("its content is longer than %d KiB, too long for a link-token", maxPlain>>10), sealAsDescribed)
	}
	return text, nil
}

const sealAsDescribed = `Seal {"manager": "…", "orgId": "…", "linkToken": "…"}, as starter seal does, and use the new one in the request.`

// parse reads the plaintext. Its errors never contain it.
func parse(sealed []byte) (content, error) {
	text, err := textfile.Decode(sealed) // people seal files, too
	if err != nil {
		return content{}, notOpened("its content cannot be used: "+err.Error(), sealAsDescribed)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var plain content
	if err := decoder.Decode(&plain); err != nil {
		return content{}, notOpened("its content is not the JSON that binds a link-token to its organization", sealAsDescribed)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return content{}, notOpened("its content continues after the JSON that binds a link-token to its organization", sealAsDescribed)
	}
	plain.LinkToken = strings.TrimSpace(plain.LinkToken)
	if plain.LinkToken == "" {
		return content{}, notOpened("its content has no link-token", sealAsDescribed)
	}
	if err := secret.CheckLinkToken(redact.NewSecret(plain.LinkToken)); err != nil {
		return content{}, notOpened("what is sealed as the link-token "+err.Error(), "Seal the link-token alone, as Atlas has shown it, and use the new one in the request.")
	}
	return plain, nil
}

// target describes a binding only if it has the form of one: a link-token may be in the
// wrong field.
func (c content) target() string {
	if !migrationlink.ValidManagerName(c.Manager) || !migrationlink.ValidOrgID(c.OrgID) {
		return "something that is no organization of a manager"
	}
	return fmt.Sprintf("organization %q of manager %q", c.OrgID, c.Manager)
}
