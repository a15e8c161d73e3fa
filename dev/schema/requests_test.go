package schema

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink"
)

const org = "5f1b2c3d4e5f6a7b8c9d0e1f"

func marshalled(t require.TestingT, value any) []byte {
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}

func replaced(text string, pairs ...string) []byte {
	return []byte(strings.NewReplacer(pairs...).Replace(text))
}

// weaker reports whether the schema accepts values of a field that a worker refuses:
// durations out of bounds, and text that only looks like an address.
func weaker(field string) bool {
	return slices.Contains([]string{"createTimeout", "syncTimeout", "settleTime", "timeout"}, field) ||
		strings.HasPrefix(field, "token.atlas.accessListIps[")
}

// agree checks that the schema accepts a request exactly when the workers do.
func agree(t *rapid.T, v *Validator, definition string, request interface{ Validate() error }) {
	bySchema, byWorkers := v.Validate(definition, marshalled(t, request)), request.Validate()
	if byWorkers == nil {
		require.NoError(t, bySchema, "%+v", request)
		return
	}
	invalid, ok := errors.AsType[*migrationlink.ValidationError](byWorkers)
	require.True(t, ok)
	if slices.ContainsFunc(invalid.Problems, func(p migrationlink.FieldProblem) bool { return !weaker(p.Field) }) {
		require.Error(t, bySchema, "%v: %+v", byWorkers, request)
	}
}

func TestTheSchemaAcceptsTheRequestsThatTheWorkersAccept(t *testing.T) {
	t.Parallel()
	v := validator(t, ForCallers)
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			if agreeOnAll(t, v) {
				accepted++
			}
		}
	})
	require.Greater(t, accepted, 100, "valid and invalid requests were drawn")
}

func agreeOnAll(t *rapid.T, v *Validator) (accepted bool) {
	link, unlink := links.Draw(t, "link"), unlinks.Draw(t, "unlink")
	agree(t, v, "LinkRequest", link)
	agree(t, v, "TokenSource", link.Token)
	agree(t, v, "UnlinkRequest", unlink)
	agree(t, v, "StatusRequest", migrationlink.StatusRequest{Manager: link.Manager, OrgID: link.OrgID})
	asked := migrationlink.StartRequest{}
	if rapid.Bool().Draw(t, "links") {
		asked.Link = &link
	}
	if rapid.Bool().Draw(t, "unlinks") {
		asked.Unlink = &unlink
	}
	agree(t, v, "StartRequest", asked)
	return link.Validate() == nil
}

// mostly draws a valid value nine times out of ten, so that whole requests are often
// valid.
func mostly[T any](valid, anything *rapid.Generator[T]) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		if rapid.IntRange(0, 9).Draw(t, "stranger") < 9 {
			return valid.Draw(t, "valid")
		}
		return anything.Draw(t, "anything")
	})
}

func policies[T ~string](valid ...T) *rapid.Generator[T] {
	return mostly(rapid.SampledFrom(append(valid, "")), rapid.Map(rapid.String(), func(text string) T { return T(text) }))
}

const (
	armored = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"
	print32 = "0123456789abcdef0123456789abcdef"
)

var (
	managers  = mostly(rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`), rapid.String())
	orgs      = mostly(rapid.StringMatching(`[a-f0-9]{24}`), rapid.StringMatching(`[a-fA-F0-9]{23,25}`))
	durations = rapid.Map(mostly(
		rapid.OneOf(rapid.Just(""), rapid.StringMatching(`\+?([0-9]{1,2}|\.[0-9]|[0-9]\.[0-9]?)(ms|µs|s|m|h)([0-9]{2}s)?`)),
		rapid.OneOf(rapid.SampledFrom([]string{"90", "1d", "-5m", "m", "1h 5m", " 5m", "5m\n", "0", "+", "."}), rapid.String()),
	), func(text string) migrationlink.Duration { return migrationlink.Duration(text) })
	refs = mostly(
		rapid.OneOf(rapid.StringMatching(`env:LINK_TOKEN_[A-Z0-9_]{1,40}`), rapid.StringMatching(`file:[a-z][a-zA-Z0-9_.-]{0,20}(/[a-z ._-]{1,20}){0,3}`)),
		rapid.OneOf(
			rapid.StringMatching(`(env|file|vault)?:?[A-Za-z0-9_./\\ ]{0,20}`),
			rapid.StringMatching(`(env:LINK_TOKEN_|file:)[A-Za-z0-9]{50,70}`),
			rapid.StringMatching(`file:(a a/\.){60,70}`),
			rapid.SampledFrom([]string{"file:.", "file:..", "file:../a", "file:a/../b", "file:a/..", "file:a/.", "file:a//b", "file:/a", "file:", "env:", "env:LINK_TOKEN_", "env:LINK_TOKEN_a", "file:a\x00"}),
		))
	sealed = mostly(rapid.SampledFrom([]string{armored, "\n  " + armored + " "}),
		rapid.SampledFrom([]string{"", "token", armored + armored, strings.ReplaceAll(armored, "YWdl", "YW dl"), strings.ReplaceAll(armored, "YWdl", strings.Repeat("YWdl", 5000))}))
	fingerprints = mostly(rapid.SampledFrom([]string{"", print32}), rapid.StringMatching(`[a-fA-F0-9]{31,33}`))
	atlas        = rapid.Custom(func(t *rapid.T) *migrationlink.AtlasToken {
		return &migrationlink.AtlasToken{
			Name: managers.Draw(t, "name"), OrgID: orgs.Draw(t, "atlasOrgId"),
			AccessListIPs: rapid.SliceOfN(rapid.SampledFrom([]string{"203.0.113.7", "203.0.113.0/24", "2001:db8::1", "fe80::1%eth0", "::ffff:1.2.3.4", "1.2.3", "host", ""}), 0, 3).Draw(t, "ips"),
		}
	})
	tokens = rapid.Custom(func(t *rapid.T) (token migrationlink.TokenSource) {
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0, 1:
			token.Ref = refs.Draw(t, "ref")
		case 2, 3:
			token.Sealed, token.Fingerprint = sealed.Draw(t, "sealed"), fingerprints.Draw(t, "fingerprint")
		case 4, 5:
			token.Atlas = atlas.Draw(t, "atlas")
		case 6:
			token.Ref, token.Atlas = refs.Draw(t, "ref"), atlas.Draw(t, "atlas")
		case 7:
			token.Ref, token.Fingerprint = refs.Draw(t, "ref"), fingerprints.Draw(t, "fingerprint")
		}
		return token
	})
	seldom = mostly(rapid.Just(false), rapid.Just(true))
	links  = rapid.Custom(func(t *rapid.T) migrationlink.LinkRequest {
		return migrationlink.LinkRequest{
			Manager: managers.Draw(t, "manager"), OrgID: orgs.Draw(t, "orgId"), Token: tokens.Draw(t, "token"),
			Undo:      policies(migrationlink.UndoOnCancel, migrationlink.UndoAlways, migrationlink.UndoNever).Draw(t, "undo"),
			IfLinked:  policies(migrationlink.KeepLink, migrationlink.FailIfLinked, migrationlink.Relink).Draw(t, "ifLinked"),
			OnBlocked: policies(migrationlink.FailWhenBlocked, migrationlink.WaitWhenBlocked).Draw(t, "onBlocked"),
			// One field out of bounds is enough.
			CreateTimeout: durations.Draw(t, "createTimeout"), SyncTimeout: rapid.SampledFrom([]migrationlink.Duration{"", "3s", "720h"}).Draw(t, "syncTimeout"),
			SettleTime:    rapid.SampledFrom([]migrationlink.Duration{"", "3s", "1h30m"}).Draw(t, "settleTime"),
			VerifyInAtlas: seldom.Draw(t, "verifyInAtlas"), DeleteTokenOnUndo: seldom.Draw(t, "deleteTokenOnUndo"),
		}
	})
	unlinks = rapid.Custom(func(t *rapid.T) migrationlink.UnlinkRequest {
		return migrationlink.UnlinkRequest{
			Manager: managers.Draw(t, "manager"), OrgID: orgs.Draw(t, "orgId"), Timeout: durations.Draw(t, "timeout"),
			OnBlocked: policies(migrationlink.FailWhenBlocked, migrationlink.WaitWhenBlocked).Draw(t, "onBlocked"),
		}
	})
)

func TestTheSchemaCatchesMistakesOfHandWrittenRequests(t *testing.T) {
	t.Parallel()
	v := validator(t, ForCallers)
	const target = `"manager": "demo", "orgId": "` + org + `"`
	for name, test := range map[string]struct{ definition, text, refusal string }{
		"the least":              {"LinkRequest", `{` + target + `, "token": {"ref": "env:LINK_TOKEN_DEMO"}}`, ""},
		"the most":               {"LinkRequest", string(marshalled(t, full())), ""},
		"no token":               {"LinkRequest", `{` + target + `}`, "token"},
		"a plain token":          {"LinkRequest", `{` + target + `, "token": "secret"}`, "want object"},
		"a token in a reference": {"LinkRequest", `{` + target + `, "token": {"ref": "` + strings.Repeat("a", 192) + `"}}`, "ref"},
		"two tokens":             {"LinkRequest", `{` + target + `, "token": {"ref": "env:LINK_TOKEN_DEMO", "sealed": "x"}}`, "oneOf"},
		"a typing error":         {"LinkRequest", `{` + target + `, "token": {"ref": "env:LINK_TOKEN_DEMO"}, "undoo": "never"}`, "undoo"},
		"another case":           {"LinkRequest", `{"manager": "demo", "orgID": "` + org + `", "token": {"ref": "env:LINK_TOKEN_DEMO"}}`, "orgID"},
		"an empty policy":        {"LinkRequest", `{` + target + `, "token": {"ref": "env:LINK_TOKEN_DEMO"}, "undo": ""}`, "undo"},
		"a number of seconds":    {"UnlinkRequest", `{` + target + `, "timeout": 90}`, "timeout"},
		"both extensions":        {"ExtendRequest", `{"by": "1h", "until": "2026-01-02T03:04:05Z"}`, "oneOf"},
		"no extension":           {"ExtendRequest", `{}`, "oneOf"},
		"by":                     {"ExtendRequest", `{"by": "1h"}`, ""},
		"until":                  {"ExtendRequest", string(marshalled(t, migrationlink.ExtendRequest{Until: time.Now()})), ""},
		"another token":          {"RetryRequest", `{"token": {"ref": "file:demo"}}`, ""},
		"the same token":         {"RetryRequest", `{}`, ""},
		"all managers":           {"InspectRequest", `{"call": true}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := v.Validate(test.definition, []byte(test.text))
			if test.refusal == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.refusal)
		})
	}
}

func full() migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager: "demo", OrgID: org, VerifyInAtlas: true, DeleteTokenOnUndo: true,
		Token: migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: org, AccessListIPs: []string{"203.0.113.0/24"}}},
	}.WithDefaults()
}

// Bounds of durations are in the descriptions only.
func TestTheBoundsInTheDescriptionsHold(t *testing.T) {
	t.Parallel()
	c, err := readContract(sources)
	require.NoError(t, err)
	for field, test := range map[string]struct {
		least, most string
		request     func(migrationlink.Duration) interface{ Validate() error }
	}{
		"LinkRequest.CreateTimeout": {"MinCreateTimeout", "MaxCreateTimeout", func(d migrationlink.Duration) interface{ Validate() error } {
			r := full()
			r.CreateTimeout = d
			return r
		}},
		"LinkRequest.SyncTimeout": {"MinSyncTimeout", "MaxTimeout", func(d migrationlink.Duration) interface{ Validate() error } {
			r := full()
			r.SyncTimeout = d
			return r
		}},
		"LinkRequest.SettleTime": {"MinSettleTime", "MaxTimeout", func(d migrationlink.Duration) interface{ Validate() error } {
			r := full()
			r.SettleTime = d
			return r
		}},
		"UnlinkRequest.Timeout": {"MinUnlinkTimeout", "MaxTimeout", func(d migrationlink.Duration) interface{ Validate() error } {
			return migrationlink.UnlinkRequest{Manager: "demo", OrgID: org, Timeout: d}
		}},
	} {
		require.Contains(t, strings.Join(strings.Fields(c.comments[field]), " "), "From "+test.least+" to "+test.most+".", field)
		for name, beyond := range map[string]time.Duration{test.least: -time.Nanosecond, test.most: time.Nanosecond} {
			text, ok := c.value(name)
			require.True(t, ok)
			require.Equal(t, "`"+text+"`", c.inJSON("", name))
			bound, err := time.ParseDuration(text)
			require.NoError(t, err)
			require.NoError(t, test.request(migrationlink.DurationOf(bound)).Validate(), name)
			require.Error(t, test.request(migrationlink.DurationOf(bound+beyond)).Validate(), name)
		}
	}
}

func TestTheDefaultsInTheSchemaAreThoseOfTheWorkers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(checkedIn)
	require.NoError(t, err)
	var schema struct {
		Definitions map[string]struct {
			Required   []string                         `json:"required"`
			Properties map[string]struct{ Default any } `json:"properties"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	for name, request := range map[string]any{
		"LinkRequest": migrationlink.LinkRequest{}.WithDefaults(), "UnlinkRequest": migrationlink.UnlinkRequest{}.WithDefaults(),
	} {
		var want map[string]any
		require.NoError(t, json.Unmarshal(marshalled(t, request), &want))
		for _, field := range schema.Definitions[name].Required {
			delete(want, field)
		}
		have := map[string]any{}
		for field, property := range schema.Definitions[name].Properties {
			if property.Default != nil {
				have[field] = property.Default
			}
		}
		require.Equal(t, want, have, name)
	}
}

func TestTheSchemaAndTheWorkersAgreeOnSizes(t *testing.T) {
	t.Parallel()
	v := validator(t, ForCallers)
	shell := strings.NewReplacer("YWdl", "").Replace(armored)
	for length, accepted := range map[int]bool{16 << 10: true, 16<<10 + 1: false} {
		token := migrationlink.TokenSource{Sealed: strings.ReplaceAll(armored, "YWdl", strings.Repeat("Y", length-len(shell)))}
		require.Len(t, token.Sealed, length)
		require.Equal(t, accepted, token.Validate() == nil)
		require.Equal(t, accepted, v.Validate("TokenSource", marshalled(t, token)) == nil)
	}
	for addresses, accepted := range map[int]bool{200: true, 201: false} {
		token := full().Token
		token.Atlas.AccessListIPs = slices.Repeat([]string{"203.0.113.7"}, addresses)
		require.Equal(t, accepted, token.Validate() == nil)
		require.Equal(t, accepted, v.Validate("TokenSource", marshalled(t, token)) == nil)
	}
}
