package seal_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	canary  = "c4n4ry-link-token"
	manager = "demo"
	orgID   = "5f1b2c3d4e5f6a7b8c9d0e1f"
	other   = "000000000000000000000002"
	good    = `{"manager":"` + manager + `","orgId":"` + orgID + `","linkToken":"` + canary + `"}`
)

func TestASealedTextIsOpenedByAnIdentityOfEitherKind(t *testing.T) {
	t.Parallel()
	classic, classicRecipient := generate(t, false)
	quantum, quantumRecipient := generate(t, true)
	require.Regexp(t, `^age1[a-z0-9]{58}$`, classicRecipient.String())
	require.True(t, strings.HasPrefix(quantumRecipient.String(), "age1pq1"))
	both := identities(t, classic, quantum)
	require.Equal(t, []seal.Recipient{classicRecipient, quantumRecipient}, printed(both.Recipients()), "in the order of the files")

	for _, recipient := range []seal.Recipient{classicRecipient, quantumRecipient} {
		again, err := seal.ParseRecipient(" " + recipient.String() + "\n")
		require.NoError(t, err)
		source, err := again.Seal(seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret(" " + canary + "\n")})
		require.NoError(t, err)
		require.NoError(t, source.Validate(), "a request takes it")
		require.Equal(t, migrationlink.TokenFingerprint(manager, orgID, canary), source.Fingerprint)
		require.NotContains(t, source.Sealed, canary)

		token, err := both.Open(manager, orgID, source)
		require.NoError(t, err)
		require.Equal(t, canary, token.Reveal())
	}
}

func TestTheLargestPostQuantumTextIsStillARequest(t *testing.T) {
	t.Parallel()
	_, recipient := generate(t, true)
	source, err := recipient.Seal(seal.Token{Manager: strings.Repeat("m", 63), OrgID: orgID, LinkToken: redact.NewSecret(strings.Repeat("x", 4096))})
	require.NoError(t, err)
	require.NoError(t, source.Validate())
}

func TestTextsOfTheAgeLibraryAreOpenedWhateverTheirWhiteSpace(t *testing.T) {
	t.Parallel()
	identity, recipient := generate(t, false)
	_, stranger := generate(t, false)
	for name, plain := range map[string]string{
		"as is":             good,
		"line end":          good + "\n",
		"indented":          "\n" + strings.NewReplacer("{", "{\r\n  ", ",", ",\n  ").Replace(good) + " \n",
		"around the token":  strings.ReplaceAll(good, canary, ` \t`+canary+`\r\n`),
		"as Windows saves":  "\ufeff" + strings.ReplaceAll(good, ",", ",\r\n") + "\r\n",
		"order of the keys": `{"linkToken":"` + canary + `","orgId":"` + orgID + `","manager":"` + manager + `"}`,
	} {
		sealed := encrypt(t, plain, stranger, recipient)
		for _, text := range []string{sealed, "\n " + sealed, strings.ReplaceAll(sealed, "\n", "\r\n"), strings.TrimSpace(sealed)} {
			token, err := identities(t, identity).Open(manager, orgID, migrationlink.TokenSource{Sealed: text})
			require.NoError(t, err, name)
			require.Equal(t, canary, token.Reveal(), name)
		}
	}
}

func TestAnErrorFromOpenHasAReasonAndARemedy(t *testing.T) {
	t.Parallel()
	identity, recipient := generate(t, false)
	_, stranger := generate(t, true)
	ours := identities(t, identity)
	sealed := encrypt(t, good, recipient)
	for name, test := range map[string]struct {
		opener seal.Identities
		sealed string
		print  string
		want   string
	}{
		"no identities":     {sealed: sealed, want: "to tokens.identities of every worker"},
		"sealed to another": {ours, encrypt(t, good, stranger), "", "sealed to somebody else; this worker opens what is sealed to " + recipient.String() + ". Seal"},
		"a passphrase":      {ours, passphrase(t), "", "sealed to somebody else"},
		"nothing":           {ours, "", "", "damaged"},
		"the token itself":  {ours, canary, "", "damaged"},
		"cut off":           {ours, sealed[:len(sealed)/2], "", "damaged"},
		"no footer":         {ours, strings.ReplaceAll(sealed, "-----END", ""), "", "damaged"},
		"text after it":     {ours, sealed + canary, "", "damaged"},
		"not JSON":          {ours, encrypt(t, canary, recipient), "", "not the JSON"},
		"another field":     {ours, encrypt(t, strings.Replace(good, "{", `{"`+canary+`":1,`, 1), recipient), "", "not the JSON"},
		"number":            {ours, encrypt(t, `{"linkToken":5}`, recipient), "", "not the JSON"},
		"two documents":     {ours, encrypt(t, good+good, recipient), "", "continues after the JSON"},
		"rubbish after it":  {ours, encrypt(t, good+canary, recipient), "", "continues after the JSON"},
		"empty token":       {ours, encrypt(t, strings.ReplaceAll(good, canary, ` \n`), recipient), "", "has no link-token"},
		"two lines":         {ours, encrypt(t, strings.ReplaceAll(good, canary, canary+`\n`+canary), recipient), "", "what is sealed as the link-token holds more than one word"},
		"zero width":        {ours, encrypt(t, strings.ReplaceAll(good, canary, canary+`\u200b`), recipient), "", "what is sealed as the link-token holds characters that are not printable"},
		"an identity":       {ours, encrypt(t, strings.ReplaceAll(good, canary, "AGE-SECRET-KEY-1"+canary), recipient), "", "holds an identity"},
		"a private key":     {ours, encrypt(t, strings.ReplaceAll(good, canary, `-----BEGIN PRIVATE KEY-----\n`+canary), recipient), "", "in PEM form"},
		"UTF-16":            {ours, encrypt(t, "\xff\xfe{\x00", recipient), "", "its content cannot be used: it is UTF-16"},
		"empty":             {ours, encrypt(t, "", recipient), "", "not the JSON"},
		"null":              {ours, encrypt(t, "null", recipient), "", "has no link-token"},
		"huge":              {ours, encrypt(t, strings.Repeat(" ", 8<<10)+good, recipient), "", "longer than 8 KiB"},
		"endless":           {ours, encrypt(t, strings.Repeat(good, 10_000), recipient), "", "longer than 8 KiB"},
		"another org":       {ours, encrypt(t, strings.Replace(good, orgID, other, 1), recipient), "", `it is bound to organization "` + other + `" of manager "demo"`},
		"another manager":   {ours, encrypt(t, strings.Replace(good, manager, "prod", 1), recipient), "", `of manager "prod", and serves no other. Seal a link-token for organization ` + orgID + ` of manager demo`},
		"token as org":      {ours, encrypt(t, strings.Replace(good, orgID, canary, 1), recipient), "", "bound to something that is no organization"},
		"no binding":        {ours, encrypt(t, `{"linkToken":"`+canary+`"}`, recipient), "", "bound to something that is no organization"},
		"fingerprint":       {ours, sealed, migrationlink.TokenFingerprint(manager, orgID, "another"), "the fingerprint of the request is that of another link-token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := test.opener.Open(manager, orgID, migrationlink.TokenSource{Sealed: test.sealed, Fingerprint: test.print})
			require.ErrorAs(t, err, new(*seal.NotOpenedError))
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), canary)
			require.Less(t, len(err.Error()), 700)
			require.True(t, token.IsZero())
		})
	}
}

func TestNoByteOfASealedTextCanBeChanged(t *testing.T) {
	t.Parallel()
	identity, recipient := generate(t, false)
	sealed := encrypt(t, good, recipient)
	ours := identities(t, identity)
	for i := range sealed {
		changed := []byte(sealed)
		changed[i] ^= 1
		if token, err := ours.Open(manager, orgID, migrationlink.TokenSource{Sealed: string(changed)}); err == nil {
			// A line end more or less is no change of what is sealed.
			require.Equal(t, canary, token.Reveal())
			require.Equal(t, byte('\n'), sealed[i])
		}
	}
}

func TestAnErrorFromSealDoesNotContainTheToken(t *testing.T) {
	t.Parallel()
	_, recipient := generate(t, false)
	for name, test := range map[string]struct {
		recipient seal.Recipient
		token     seal.Token
		want      string
	}{
		"no recipient": {seal.Recipient{}, seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret(canary)}, "there is no recipient"},
		"no manager":   {recipient, seal.Token{OrgID: orgID, LinkToken: redact.NewSecret(canary)}, "is an invalid manager name"},
		"no org":       {recipient, seal.Token{Manager: manager, LinkToken: redact.NewSecret(canary)}, "is not an organization's id"},
		"no token":     {recipient, seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret(" \n")}, "the link-token is empty"},
		"two lines":    {recipient, seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret(canary + "\n" + canary)}, "the link-token holds more than one word"},
		"a key":        {recipient, seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret("AGE-SECRET-KEY-1" + canary)}, "the link-token holds an identity"},
		"long":         {recipient, seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret(strings.Repeat(canary, 1000))}, "longer than 8 KiB"},
	} {
		_, err := test.recipient.Seal(test.token)
		require.ErrorContains(t, err, test.want, name)
		require.NotContains(t, err.Error(), canary, name)
	}
}

func TestIdentityFilesAreReadAsAgeKeygenWritesThem(t *testing.T) {
	t.Parallel()
	first, one := generate(t, false)
	second, two := generate(t, true)
	third, three := generate(t, false)
	file := redact.NewSecret("# created: 2026-11-23T00:00:00Z\n# public key: age1…\r\n" + first.Reveal() + "\r\n\n" + second.Reveal())
	all, err := seal.ParseIdentities(file, third)
	require.NoError(t, err)
	require.Equal(t, []seal.Recipient{one, two, three}, printed(all.Recipients()))

	damaged := first.Reveal()[:40] + "Q" + first.Reveal()[41:]
	for name, test := range map[string]struct{ file, want string }{
		"empty":     {"\n# nothing\n", "holds no identity"},
		"recipient": {one.String(), "line 1 is no age identity"},
		"damaged":   {"# key\n" + damaged + "x", "line 2 is no age identity"},
		"other":     {first.Reveal() + "\n" + canary, "line 2 is no age identity"},
	} {
		_, err := seal.ParseIdentities(redact.NewSecret(test.file))
		require.ErrorContains(t, err, test.want, name)
		require.NotContains(t, err.Error(), canary, name)
		require.NotContains(t, err.Error(), first.Reveal()[20:30], name)
	}
}

func TestATextThatIsNoRecipientIsNotRepeated(t *testing.T) {
	t.Parallel()
	identity, recipient := generate(t, false)
	for _, text := range []string{"", canary, identity.Reveal(), recipient.String() + "x", recipient.String() + "\n" + recipient.String(), "age1" + canary} {
		_, err := seal.ParseRecipient(text)
		require.ErrorContains(t, err, "not the recipient of an age identity")
		require.NotContains(t, err.Error(), canary)
		require.NotContains(t, err.Error(), "KEY-1"+strings.TrimPrefix(identity.Reveal(), "AGE-SECRET-KEY-1")[:5])
	}
}

func TestNoPrinterShowsAnIdentity(t *testing.T) {
	t.Parallel()
	identity, recipient := generate(t, false)
	ours := identities(t, identity)
	text := fmt.Sprintf("%v %+v %#v %s", ours, &ours, struct{ I seal.Identities }{ours}, identity)
	require.NotContains(t, text, "SECRET-KEY")
	require.Contains(t, text, recipient.String())
}

func FuzzADamagedTextIsRefusedInWords(f *testing.F) {
	identity, recipient, err := seal.GenerateIdentity(false)
	require.NoError(f, err)
	ours, err := seal.ParseIdentities(identity)
	require.NoError(f, err)
	source, err := recipient.Seal(seal.Token{Manager: manager, OrgID: orgID, LinkToken: redact.NewSecret(canary)})
	require.NoError(f, err)
	for _, text := range []string{source.Sealed, source.Sealed[:100], "", armor.Header, strings.ReplaceAll(source.Sealed, "\n", "")} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ours.Open(manager, orgID, migrationlink.TokenSource{Sealed: text})
		if err == nil {
			require.Equal(t, canary, token.Reveal())
			return
		}
		require.ErrorAs(t, err, new(*seal.NotOpenedError))
		require.NotContains(t, err.Error(), canary)
	})
}

func generate(t *testing.T, postQuantum bool) (redact.Secret, seal.Recipient) {
	t.Helper()
	identity, recipient, err := seal.GenerateIdentity(postQuantum)
	require.NoError(t, err)
	parsed, err := seal.ParseRecipient(recipient.String())
	require.NoError(t, err)
	return identity, parsed
}

// printed makes recipients equal that print alike.
func printed(recipients []seal.Recipient) []seal.Recipient {
	var again []seal.Recipient
	for _, recipient := range recipients {
		parsed, _ := seal.ParseRecipient(recipient.String())
		again = append(again, parsed)
	}
	return again
}

func identities(t *testing.T, files ...redact.Secret) seal.Identities {
	t.Helper()
	parsed, err := seal.ParseIdentities(files...)
	require.NoError(t, err)
	return parsed
}

// encrypt is what another program does, with the library alone.
func encrypt(t *testing.T, plain string, to ...seal.Recipient) string {
	t.Helper()
	var keys []age.Recipient
	for _, recipient := range to {
		parsed, err := age.ParseRecipients(strings.NewReader(recipient.String()))
		require.NoError(t, err)
		keys = append(keys, parsed...)
	}
	return encryptWith(t, plain, keys...)
}

func passphrase(t *testing.T) string {
	t.Helper()
	key, err := age.NewScryptRecipient(canary)
	require.NoError(t, err)
	key.SetWorkFactor(10)
	return encryptWith(t, good, key)
}

func encryptWith(t *testing.T, plain string, keys ...age.Recipient) string {
	t.Helper()
	var sealed bytes.Buffer
	armored := armor.NewWriter(&sealed)
	writer, err := age.Encrypt(armored, keys...)
	require.NoError(t, err)
	_, err = io.WriteString(writer, plain)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.NoError(t, armored.Close())
	return sealed.String()
}
