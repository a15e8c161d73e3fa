package linkworker

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// watcher tells of changes in the directories of files.
type watcher struct {
	logger *zap.Logger
	notify *fsnotify.Watcher // nil where there is none
	failed map[string]bool   // directories that cannot be watched
	events <-chan fsnotify.Event
	errors <-chan error
}

const askForSignal = "the configuration cannot be watched: after a change of it, send SIGHUP to the worker"

func newWatcher(logger *zap.Logger) *watcher {
	w := &watcher{logger: logger, failed: map[string]bool{}}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn(askForSignal, zap.Error(err))
		return w
	}
	w.notify, w.events, w.errors = notify, notify.Events, notify.Errors
	return w
}

func (w *watcher) close() {
	if w.notify != nil {
		_ = w.notify.Close()
	}
}

// watch watches these files and no others, and tells whether that is more than
// before.
func (w *watcher) watch(files []string) (more bool) {
	if w.notify == nil {
		return false
	}
	wanted := map[string]bool{}
	for _, file := range files {
		collectDirectories(file, wanted, 0)
	}
	watched := w.notify.WatchList()
	for _, directory := range watched {
		if !wanted[directory] {
			_ = w.notify.Remove(directory)
		}
	}
	for _, directory := range slices.Sorted(maps.Keys(wanted)) {
		if slices.Contains(watched, directory) {
			continue
		}
		err := w.notify.Add(directory)
		if err != nil && !w.failed[directory] {
			w.logger.Warn(askForSignal, zap.String("directory", directory), zap.Error(err))
		}
		w.failed[directory] = err != nil
		more = more || err == nil
	}
	return more
}

// collectDirectories finds the directories in which a change can make of path
// another file: that of the file, and that of every symbolic link on the way to
// it. Mounted secrets are replaced by renaming such a link.
func collectDirectories(path string, found map[string]bool, depth int) {
	const most = 40 // as the system
	parts := strings.Split(path, string(filepath.Separator))
	for i := range parts {
		link := strings.Join(parts[:i+1], string(filepath.Separator))
		target, err := os.Readlink(link)
		if err != nil || depth == most {
			continue
		}
		directory := filepath.Dir(link)
		if !filepath.IsAbs(target) {
			target = filepath.Join(directory, target)
		}
		found[directory] = true
		collectDirectories(filepath.Join(append([]string{target}, parts[i+1:]...)...), found, depth+1)
		return
	}
	found[existing(filepath.Dir(path))] = true
}

// existing is the directory, or the nearest one above it that is there.
func existing(directory string) string {
	for {
		info, err := os.Stat(directory)
		above := filepath.Dir(directory)
		if err == nil && info.IsDir() || above == directory {
			return directory
		}
		directory = above
	}
}
