package command

import (
	"runtime/debug"
	"strings"
)

// version is what the Go command has noted in the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := []string{info.Main.Version, info.GoVersion}
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			text = append(text, setting.Value)
		case setting.Key == "vcs.modified" && setting.Value == "true":
			text = append(text, "with changes")
		}
	}
	return strings.Join(text, " ")
}
