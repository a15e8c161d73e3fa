package words

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
)

// Why returns the reason for the verdict of an assessment with its source, and the remedy.
func Why(a migrationlink.Assessment) (why, remedy string) {
	if a.Problem != nil && a.Verdict == migrationlink.VerdictUnknown {
		return OneLine(a.Problem.Message), OneLine(a.Problem.Remedy)
	}
	for _, reason := range a.Reasons {
		if reason.Verdict == a.Verdict {
			return Reason(reason), OneLine(reason.Remedy)
		}
	}
	return "", ""
}

// Reason describes a reason with its source.
func Reason(r migrationlink.Reason) string {
	text := r.Message
	if r.Source != "" {
		text += " (" + strings.TrimSuffix(r.Source+", "+r.AsOf, ", ") + ")"
	}
	return OneLine(text)
}

// Deployments counts the deployments of an assessment by their verdicts.
func Deployments(a migrationlink.Assessment) string {
	if a.All() == 0 {
		return "no deployment"
	}
	var parts []string
	for _, part := range []struct {
		count int
		word  migrationlink.Verdict
	}{{a.Ready, migrationlink.VerdictReady}, {a.Useless, migrationlink.VerdictUseless}, {a.Unknown, migrationlink.VerdictUnknown}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.word))
		}
	}
	return Count(a.All(), "deployment") + ": " + strings.Join(parts, ", ")
}

// Assessed is an assessment in one line: the verdict, the deployments, and why.
func Assessed(a migrationlink.Assessment) string {
	text := fmt.Sprintf("%s, %s", a.Verdict, Deployments(a))
	if why, _ := Why(a); why != "" {
		text += "; " + why
	}
	return text
}
