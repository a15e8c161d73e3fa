package starter

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/internal/textfile"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	// maxLinkToken is far above a link-token, which has 192 characters, in bytes.
	maxLinkToken = 8 << 10
	// maxSealedFile is above what a sealed link-token and the JSON around it may
	// have.
	maxSealedFile = 32 << 10
)

// readLinkToken reads a link-token, without the white space around it.
func (a *app) readLinkToken(ctx context.Context, from console.Input) (redact.Secret, error) {
	read, err := a.ReadTyped(ctx, from, "link-token", maxLinkToken)
	if err != nil {
		return redact.Secret{}, err
	}
	token := redact.NewSecret(strings.TrimSpace(read.Reveal()))
	if err := secret.CheckLinkToken(token); err != nil {
		return redact.Secret{}, console.Fail(console.ExitUsage, "Give the link-token alone, as Atlas has shown it.", "%s %v", from, err)
	}
	return token, nil
}

// sealedJSON is what starter seal prints with -o json, to be put into a request.
type sealedJSON struct {
	Token migrationlink.TokenSource `json:"token"`
}

// readSealed reads what starter seal has printed, in either form.
func (a *app) readSealed(ctx context.Context, from console.Input) (migrationlink.TokenSource, error) {
	// A sealed text is public, but the user may have named the file of a link-token: it is
	// handled as a secret until it is recognized.
	read, _, err := a.ReadText(ctx, from, console.SealedToken, maxSealedFile)
	if err != nil {
		return migrationlink.TokenSource{}, err
	}
	text := strings.TrimSpace(read.Reveal())
	source := migrationlink.TokenSource{Sealed: text + "\n"}
	if strings.HasPrefix(text, "{") {
		var printed sealedJSON
		if json.Unmarshal([]byte(text), &printed) != nil || printed.Token.Sealed == "" || printed.Token.Ref != "" || printed.Token.Atlas != nil {
			return migrationlink.TokenSource{}, console.Fail(console.ExitUsage, "Give what 'starter seal' has printed.", `%s holds JSON, but not {"token": {"sealed": …}}`, from)
		}
		source = printed.Token
	}
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](source.Validate()); ok {
		return migrationlink.TokenSource{}, console.Fail(console.ExitUsage, "", "%s holds no sealed link-token: %s", from, invalid.Problems[0].Problem)
	}
	return source, nil
}

// recipientVariable names the recipient where no flag does.
const recipientVariable = "MIGRATIONLINK_RECIPIENT"

// recipient returns the recipient that link-tokens are sealed to, or what is wrong with it. It is
// never read from the workers: whoever can answer for them could name their own.
func (a *app) recipient(flag string, flagGiven bool) (seal.Recipient, string) {
	name, text := "--recipient", flag
	if !flagGiven {
		name = recipientVariable
		text, _ = a.Env.LookupEnv(name)
	}
	if decoded, err := textfile.Decode([]byte(text)); err == nil {
		text = decoded // else it is no recipient
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "" && flagGiven:
		return seal.Recipient{}, "--recipient: the value is empty; leave the flag out to use " + recipientVariable
	case text == "":
		return seal.Recipient{}, "--recipient: missing; give the recipient of the workers, age1…, as 'starter keygen' printed it, or set " +
			recipientVariable
	}
	to, err := seal.ParseRecipient(text)
	if err != nil {
		return seal.Recipient{}, name + ": " + err.Error()
	}
	return to, ""
}
