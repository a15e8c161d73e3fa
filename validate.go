package migrationlink

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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
	envTokenName = regexp.MustCompile(`^` + EnvTokenPrefix + `[A-Z0-9_]+$`)
)

// ValidManagerName tells whether name can be the name of a manager: it becomes
// part of a workflow id and of a task queue name.
func ValidManagerName(name string) bool { return managerName.MatchString(name) }

// ValidOrgID tells whether id has the form of an organization's id.
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
	add("token.ref", tokenRefProblem(r.Token.Ref))
	add("undo", choiceProblem(r.Undo, UndoOnCancel, UndoAlways, UndoNever))
	add("ifLinked", choiceProblem(r.IfLinked, KeepLink, FailIfLinked, Relink))
	add("onBlocked", choiceProblem(r.OnBlocked, FailWhenBlocked, WaitWhenBlocked))
	add("createTimeout", durationProblem(r.CreateTimeout, MinCreateTimeout, MaxCreateTimeout))
	add("syncTimeout", durationProblem(r.SyncTimeout, MinSyncTimeout, MaxTimeout))
	add("settleTime", durationProblem(r.SettleTime, MinSettleTime, MaxTimeout))
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
	return problems(found)
}

// Validate checks where the link-token is.
func (t TokenSource) Validate() error {
	if problem := tokenRefProblem(t.Ref); problem != "" {
		return problems([]FieldProblem{{"token.ref", problem}})
	}
	return nil
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
	if problem := durationProblem(r.By, time.Second, MaxTimeout); problem != "" {
		return refuse("%s", strings.TrimSuffix(problem, ", or leave it out for the default"))
	}
	switch {
	case (r.By == "") == r.Until.IsZero():
		return refuse("set either by, a length of time, or until, a time; not both")
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
			"%s is not a manager's name; use 1 to 63 lower-case letters, digits and inner hyphens, as in the worker's configuration", quote(manager))})
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

func durationProblem(text Duration, least, most time.Duration) string {
	if text == "" {
		return ""
	}
	d, err := time.ParseDuration(string(text))
	switch {
	case err != nil:
		return fmt.Sprintf(`%s is not a duration; write for example "90s" or "1h30m"`, quote(string(text)))
	case d < least:
		return fmt.Sprintf("%s is too short; use at least %s, or leave it out for the default", d, least)
	case d > most:
		return fmt.Sprintf("%s is too long; use at most %s", d, most)
	}
	return ""
}

// tokenRefProblem never repeats the reference: somebody may have put the token
// itself there.
func tokenRefProblem(ref string) string {
	const forms = "use \"env:" + EnvTokenPrefix + "NAME\" or \"file:name\""
	kind, name, found := strings.Cut(ref, ":")
	switch {
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
