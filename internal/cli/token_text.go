package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
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
func (a *app) readLinkToken(ctx context.Context, from input) (redact.Secret, error) {
	read, err := a.readTyped(ctx, from, "link-token", maxLinkToken)
	if err != nil {
		return redact.Secret{}, err
	}
	token := redact.NewSecret(strings.TrimSpace(read.Reveal()))
	if wrong := linkTokenProblem(token); wrong != "" {
		return redact.Secret{}, failure{ExitUsage, fmt.Sprintf("%s %s", from, wrong), "Give the link-token alone, as Atlas has shown it."}
	}
	return token, nil
}

// linkTokenProblem finds what cannot be a link-token. Its form is not documented,
// so that only Atlas and the manager know a good one.
func linkTokenProblem(token redact.Secret) string {
	text := token.Reveal()
	switch {
	case text == "":
		return "is empty"
	case strings.Contains(text, "AGE-SECRET-KEY-"):
		return "holds an identity, the secret key of the workers, not a link-token"
	case strings.HasPrefix(text, "-----BEGIN AGE"):
		return "holds a link-token that is sealed already, which --sealed-token-file of 'starter link' takes"
	case strings.ContainsAny(text[:1], "{[\"'"):
		return "holds a link-token in quotes or in JSON"
	case len(strings.Fields(text)) > 1:
		return "holds more than one word"
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "holds characters that are not printable"
	}
	return ""
}

// sealedJSON is what starter seal prints with -o json, to be put into a request.
type sealedJSON struct {
	Token migrationlink.TokenSource `json:"token"`
}

// readSealed reads what starter seal has printed, in either form.
func (a *app) readSealed(ctx context.Context, from input) (migrationlink.TokenSource, error) {
	// What is sealed may be seen, but somebody may have named the file of a
	// link-token: so it is handled as a secret until it is known for what it is.
	read, _, err := a.readText(ctx, from, "sealed link-token", maxSealedFile)
	if err != nil {
		return migrationlink.TokenSource{}, err
	}
	text := strings.TrimSpace(read.Reveal())
	source := migrationlink.TokenSource{Sealed: text + "\n"}
	if strings.HasPrefix(text, "{") {
		var printed sealedJSON
		if json.Unmarshal([]byte(text), &printed) != nil || printed.Token.Sealed == "" || printed.Token.Ref != "" || printed.Token.Atlas != nil {
			return migrationlink.TokenSource{}, failure{ExitUsage, from.String() + ` holds JSON, but not {"token": {"sealed": …}}`, "Give what 'starter seal' has printed."}
		}
		source = printed.Token
	}
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](source.Validate()); ok {
		return migrationlink.TokenSource{}, failure{ExitUsage, fmt.Sprintf("%s holds no sealed link-token: %s", from, invalid.Problems[0].Problem), ""}
	}
	return source, nil
}

// recipientVariable names the recipient where no flag does.
const recipientVariable = "MIGRATIONLINK_RECIPIENT"

// recipient is whom link-tokens are sealed to, or what is wrong with it. It is
// never asked for from the workers: whoever may answer for them could give their
// own.
func (a *app) recipient(flag string, flagGiven bool) (seal.Recipient, string) {
	name, text := "--recipient", flag
	if !flagGiven {
		name = recipientVariable
		text, _ = a.env.LookupEnv(name)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "" && flagGiven:
		return seal.Recipient{}, "--recipient: the value is empty; leave the flag out to use " + recipientVariable
	case text == "":
		return seal.Recipient{}, "--recipient: it is not known whom to seal the link-token to; give the recipient of the workers, age1…, that 'starter keygen' has printed, or set " +
			recipientVariable
	}
	to, err := seal.ParseRecipient(text)
	if err != nil {
		return seal.Recipient{}, name + ": " + err.Error()
	}
	return to, ""
}
