package migrationlink

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FieldProblem says what is wrong with one field of a request, and the remedy.
type FieldProblem struct {
	Field   string `json:"field"` // JSON path, for example "token.ref"
	Problem string `json:"problem"`
}

// ValidationError names every bad field of a request.
type ValidationError struct {
	Problems []FieldProblem
}

// Error lists the problems in one line.
func (e *ValidationError) Error() string { return "invalid request: " + DescribeFields(e.Problems) }

// DescribeFields lists problems in one line.
func DescribeFields(found []FieldProblem) string {
	lines := make([]string, len(found))
	for i, p := range found {
		lines[i] = p.Field + ": " + p.Problem
	}
	return strings.Join(lines, "; ")
}

var (
	managerName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	orgID        = regexp.MustCompile(`^[a-f0-9]{24}$`)        // MongoDB's OpenAPI description
	opaque       = regexp.MustCompile(`[A-Za-z0-9+/=_%-]{64}`) // link-tokens are longer
	fingerprint  = regexp.MustCompile(`^[a-f0-9]{32}$`)
	envTokenName = regexp.MustCompile(`^` + EnvTokenPrefix + `[A-Z0-9_]+$`)
)

// ValidManagerName reports whether name can be the name of a manager: it becomes
// part of a workflow id and of a task queue name.
func ValidManagerName(name string) bool { return managerName.MatchString(name) }

// ValidOrgID reports whether id has the form of an organization's id.
func ValidOrgID(id string) bool { return orgID.MatchString(id) }

// ValidateTarget checks the pair that names a link. The error is a
// *ValidationError.
func ValidateTarget(manager, orgID string) error {
	return problems(targetProblems(manager, orgID))
}

// Validate checks every field and returns a *ValidationError that names all the
// bad ones, or nil. It does not know which managers are configured: the worker
// checks that.
func (r LinkRequest) Validate() error {
	found := targetProblems(r.Manager, r.OrgID)
	add := func(field, problem string) {
		if problem != "" {
			found = append(found, FieldProblem{field, problem})
		}
	}
	found = append(found, r.Token.problems()...)
	add("undo", choiceProblem(r.Undo, UndoOnCancel, UndoAlways, UndoNever))
	add("ifLinked", choiceProblem(r.IfLinked, KeepLink, FailIfLinked, Relink))
	add("onBlocked", choiceProblem(r.OnBlocked, FailWhenBlocked, WaitWhenBlocked))
	add("createTimeout", durationProblem(r.CreateTimeout, MinCreateTimeout, MaxCreateTimeout))
	add("syncTimeout", durationProblem(r.SyncTimeout, MinSyncTimeout, MaxTimeout))
	add("settleTime", durationProblem(r.SettleTime, MinSettleTime, MaxTimeout))
	add("verifyInAtlas", needsAtlas(r.VerifyInAtlas, r.Token))
	add("deleteTokenOnUndo", needsAtlas(r.DeleteTokenOnUndo, r.Token))
	return problems(found)
}

// Validate checks every field and returns a *ValidationError that names all the
// bad ones, or nil.
func (r UnlinkRequest) Validate() error {
	found := targetProblems(r.Manager, r.OrgID)
	if problem := choiceProblem(r.OnBlocked, FailWhenBlocked, WaitWhenBlocked); problem != "" {
		found = append(found, FieldProblem{"onBlocked", problem})
	}
	if problem := durationProblem(r.Timeout, MinUnlinkTimeout, MaxTimeout); problem != "" {
		found = append(found, FieldProblem{"timeout", problem})
	}
	found = append(found, textProblems("reason", r.Reason, MaxReason)...)
	return problems(found)
}

// Validate checks every field and returns a *ValidationError that names all the
// bad ones, or nil.
func (r RetryRequest) Validate() error {
	var found []FieldProblem
	if r.Token != nil {
		found = r.Token.problems()
	}
	return problems(append(found, textProblems("requestedBy", r.RequestedBy, MaxRequestedBy)...))
}

// textProblems never repeats the text: a long one may be a secret in the wrong field.
func textProblems(field, text string, most int) []FieldProblem {
	length := utf8.RuneCountInString(text)
	if length <= most {
		return nil
	}
	return []FieldProblem{{field, fmt.Sprintf("a text of %d characters is too long; use at most %d", length, most)}}
}

// Validate checks where the link-token is.
func (t TokenSource) Validate() error {
	return problems(t.problems())
}

func (t TokenSource) problems() []FieldProblem {
	var found []FieldProblem
	add := func(field, problem string) {
		if problem != "" {
			found = append(found, FieldProblem{field, problem})
		}
	}
	given := 0
	for _, is := range []bool{t.Ref != "", t.Sealed != "", t.Atlas != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		add("token", "more than one source of the link-token; set ref, sealed or atlas alone")
	case t.Sealed != "":
		add("token.sealed", sealedProblem(t.Sealed))
	case t.Atlas != nil:
		found = append(found, t.Atlas.problems()...)
	default:
		add("token.ref", tokenRefProblem(t.Ref))
	}
	switch {
	case t.Fingerprint == "":
	case t.Sealed == "":
		add("token.fingerprint", "belongs to a sealed link-token; leave it out")
	case !fingerprint.MatchString(t.Fingerprint):
		add("token.fingerprint", "not a fingerprint, which has 32 lower-case hexadecimal digits; leave it out, or seal with starter seal")
	}
	return found
}

func (t AtlasToken) problems() []FieldProblem {
	var found []FieldProblem
	if !ValidManagerName(t.Name) {
		found = append(found, FieldProblem{"token.atlas.name", fmt.Sprintf(
			"%s is an invalid Atlas name; use NAME of a section [atlas.NAME] in the worker's configuration: 1 to 63 lower-case letters, digits and inner hyphens", quote(t.Name))})
	}
	if !ValidOrgID(t.OrgID) {
		found = append(found, FieldProblem{"token.atlas.orgId", fmt.Sprintf(
			"%s is not an organization's id; use its 24 lower-case hexadecimal digits, as in the address of the organization's page in Atlas", quote(t.OrgID))})
	}
	if len(t.AccessListIPs) > maxAccessListIPs {
		return append(found, FieldProblem{"token.atlas.accessListIps", fmt.Sprintf("%d addresses are too many; use at most %d; combine addresses into CIDR blocks", len(t.AccessListIPs), maxAccessListIPs)})
	}
	for i, ip := range t.AccessListIPs {
		if len(found) > maxProblems {
			return append(found, FieldProblem{"token.atlas.accessListIps", "has more wrong addresses than these; correct them first"})
		}
		if problem := accessListProblem(ip); problem != "" {
			found = append(found, FieldProblem{fmt.Sprintf("token.atlas.accessListIps[%d]", i), problem})
		}
	}
	return found
}

func accessListProblem(ip string) string {
	if _, err := netip.ParsePrefix(ip); err == nil {
		return ""
	}
	switch address, err := netip.ParseAddr(ip); {
	case err != nil:
		return quote(ip) + ` is neither an IP address nor a CIDR block; write for example "203.0.113.7" or "203.0.113.0/24"`
	case address.Zone() != "": // which can have any length
		return quote(ip) + " has a zone, which means something on one machine only; leave out the % and what follows it"
	}
	return ""
}

// maxProblems bounds how many wrong addresses are named one by one.
const maxProblems = 20

// maxAccessListIPs is far above what a manager has addresses.
const maxAccessListIPs = 200

// maxSealed is far above any sealed link-token: those are below 3 KiB.
const maxSealed = 16 << 10

// sealedProblem never repeats the text: somebody may have put the token itself
// there. Whether it can be opened is for the worker to say.
func sealedProblem(sealed string) string {
	const remedy = "; seal the link-token with starter seal, or with age --armor"
	text := strings.TrimSpace(sealed)
	switch {
	case len(sealed) > maxSealed:
		return fmt.Sprintf("longer than %d KiB, too long for a sealed link-token%s", maxSealed>>10, remedy)
	case !strings.HasPrefix(text, armorHeader) || !strings.HasSuffix(text, armorFooter):
		return "not an armoured age file (a link-token itself is never accepted)" + remedy
	}
	body := strings.TrimSuffix(strings.TrimPrefix(text, armorHeader), armorFooter)
	if strings.ContainsFunc(body, func(r rune) bool { return r != '\n' && r != '\r' && !isBase64(r) }) {
		return "damaged: an armoured age file holds base64 only" + remedy
	}
	return ""
}

// Of the armour of age files.
const (
	armorHeader = "-----BEGIN AGE ENCRYPTED FILE-----"
	armorFooter = "-----END AGE ENCRYPTED FILE-----"
)

func isBase64(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '='
}

func needsAtlas(set bool, token TokenSource) string {
	if !set || token.Atlas != nil {
		return ""
	}
	return "works only with a link-token from Atlas; set token.atlas, or leave it out"
}

// NewDeadline returns what the request makes of the present deadline, or a
// *ValidationError. limit is the latest that is permitted.
func (r ExtendRequest) NewDeadline(now, deadline, limit time.Time) (time.Time, error) {
	field, until := "until", r.Until
	if r.By != "" {
		field, until = "by", deadline.Add(r.By.or(0))
	}
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	refuse := func(format string, args ...any) (time.Time, error) {
		return time.Time{}, problems([]FieldProblem{{field, fmt.Sprintf(format, args...)}})
	}
	if found := textProblems("requestedBy", r.RequestedBy, MaxRequestedBy); found != nil {
		return time.Time{}, problems(found)
	}
	if problem := durationProblem(r.By, time.Second, MaxTimeout); problem != "" {
		return refuse("%s", strings.TrimSuffix(problem, ", or leave it out for the default"))
	}
	switch {
	case (r.By == "") == r.Until.IsZero():
		return refuse("set either by, a duration, or until, a time; not both")
	case !until.After(now):
		return refuse("%s is in the past; use a time after %s, the present deadline", stamp(until), stamp(deadline))
	case !until.After(deadline):
		return refuse("%s is not after %s, the present deadline; it can only be moved to a later time", stamp(until), stamp(deadline))
	case until.After(limit):
		return refuse("%s is too late; the latest is %s", stamp(until), stamp(limit))
	}
	return until.UTC(), nil
}

func problems(found []FieldProblem) error {
	if len(found) == 0 {
		return nil
	}
	return &ValidationError{Problems: found}
}

func targetProblems(manager, orgID string) []FieldProblem {
	var found []FieldProblem
	if !ValidManagerName(manager) {
		found = append(found, FieldProblem{"manager", fmt.Sprintf(
			"%s is an invalid manager name; use NAME of a section [managers.NAME] in the worker's configuration: 1 to 63 lower-case letters, digits and inner hyphens", quote(manager))})
	}
	if !ValidOrgID(orgID) {
		found = append(found, FieldProblem{"orgId", fmt.Sprintf(
			"%s is not an organization's id; use its 24 lower-case hexadecimal digits, as in the address of the organization's page", quote(orgID))})
	}
	return found
}

func choiceProblem[T ~string](value T, allowed ...T) string {
	if value == "" || slices.Contains(allowed, value) {
		return ""
	}
	words := make([]string, len(allowed))
	for i, word := range allowed {
		words[i] = strconv.Quote(string(word))
	}
	last := len(words) - 1
	return fmt.Sprintf("%s is not a policy; use %s or %s", quote(string(value)), strings.Join(words[:last], ", "), words[last])
}

// maxDuration is longer than any duration, in characters.
const maxDuration = 64

func durationProblem(text Duration, least, most time.Duration) string {
	if text == "" {
		return ""
	}
	if len(text) > maxDuration {
		return fmt.Sprintf(`a value of %d characters is not a duration; write for example "90s" or "1h30m"`, len(text))
	}
	d, err := time.ParseDuration(string(text))
	switch {
	case err != nil:
		return fmt.Sprintf(`%s is not a duration; write for example "90s" or "1h30m", and days in hours: "24h"`, quote(string(text)))
	case d < least:
		return fmt.Sprintf("%s is too short; use at least %s, or leave it out for the default", d, least)
	case d > most:
		return fmt.Sprintf("%s is too long; use at most %s", d, most)
	}
	return ""
}

// maxRef is above the longest name of a file with its folders.
const maxRef = 300

// tokenRefProblem never repeats the reference: somebody may have put the token
// itself there.
func tokenRefProblem(ref string) string {
	const forms = "use \"env:" + EnvTokenPrefix + "NAME\" or \"file:name\", or another source: token.sealed or token.atlas"
	kind, name, found := strings.Cut(ref, ":")
	switch {
	case len(ref) > maxRef:
		return fmt.Sprintf("a value of %d characters is not a secret reference (a link-token itself is never accepted); %s", len(ref), forms)
	case ref == "":
		return "a source of the link-token is missing; " + forms
	case !found, kind != "env" && kind != "file":
		return "not a secret reference (a link-token itself is never accepted); " + forms
	case opaque.MatchString(name), slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) >= 64 }):
		return "the name is so long that it may be the link-token itself, which is never accepted; use a name below 64 characters"
	case kind == "env" && !envTokenName.MatchString(name):
		return "the environment variable's name must start with " + EnvTokenPrefix + " and hold upper-case letters, digits and underscores only"
	case kind == "file" && !validTokenFile(name):
		return "the file's name must stay inside the worker's directory of link-tokens: no leading slash, no \"..\""
	}
	return ""
}

func validTokenFile(name string) bool {
	return len(name) <= 255 && name != "." && filepath.IsLocal(name) && !strings.ContainsAny(name, "\\\x00") &&
		!slices.Contains(strings.Split(name, "/"), "..")
}

// quote shows a bad value, unless it is so long that it may be a secret pasted
// into the wrong field.
func quote(value string) string {
	const most = 40
	if len(value) > most {
		return fmt.Sprintf("a value of %d characters", len(value))
	}
	return fmt.Sprintf("%q", value)
}
