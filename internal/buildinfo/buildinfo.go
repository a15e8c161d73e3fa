// Package buildinfo tells which version of the program runs, so that workers and
// starters of different versions are noticed.
package buildinfo

import (
	"regexp"
	"runtime/debug"
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

// Text is Version with the version of Go, for --version.
func Text() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Unknown
	}
	return version(info) + " " + info.GoVersion
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
	var revision, suffix string
	for _, setting := range settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value[:min(12, len(setting.Value))]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			suffix = "-dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + suffix
}
