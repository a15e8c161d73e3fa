// Package buildinfo knows which version of the program runs, so that workers and
// starters of different versions are noticed.
package buildinfo

import (
	"regexp"
	"runtime/debug"
	"strings"
)

// Unknown is the version of a program that was built outside of version
// control, or by go run and go test.
const Unknown = "devel"

// pseudo is the end of a version that Go makes of a commit without a tag: the
// commit itself is shorter.
var pseudo = regexp.MustCompile(`\d{14}-[0-9a-f]{12}(\+dirty)?$`)

// Version is the tag of the module, or else the commit, with "-dirty" if files
// were changed, or else "devel".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Unknown
	}
	return version(info)
}

// Text is Version with the commit, its time, and the version of Go, as far as they are
// known, for --version.
func Text() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Unknown
	}
	return text(info)
}

func text(info *debug.BuildInfo) string {
	words := []string{version(info)}
	if commit := commitOf(info.Settings); commit != "" && commit != words[0] {
		words = append(words, "commit "+commit)
	}
	if at := setting(info.Settings, "vcs.time"); at != "" {
		words = append(words, "of "+at)
	}
	return strings.Join(append(words, info.GoVersion), ", ")
}

func version(info *debug.BuildInfo) string {
	tag := info.Main.Version
	if tag == "(devel)" {
		tag = ""
	}
	commit := commitOf(info.Settings)
	switch {
	case tag != "" && (commit == "" || !pseudo.MatchString(tag)):
		return tag
	case commit != "":
		return commit
	}
	return Unknown
}

func commitOf(settings []debug.BuildSetting) string {
	revision := setting(settings, "vcs.revision")
	if revision == "" {
		return ""
	}
	revision = revision[:min(12, len(revision))]
	if setting(settings, "vcs.modified") == "true" {
		revision += "-dirty"
	}
	return revision
}

func setting(settings []debug.BuildSetting, key string) string {
	for _, setting := range settings {
		if setting.Key == key {
			return setting.Value
		}
	}
	return ""
}
