package worker

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// watcher reports changes in the directories of files.
type watcher struct {
	logger *zap.Logger
	notify *fsnotify.Watcher // nil if it could not be created
	failed map[string]bool   // directories that cannot be watched
	events <-chan fsnotify.Event
	errors <-chan error
}

func newWatcher(logger *zap.Logger) *watcher {
	w := &watcher{logger: logger, failed: map[string]bool{}}
	w.begin()
	return w
}

func (w *watcher) begin() {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.warn("", err)
		return
	}
	w.notify, w.events, w.errors = notify, notify.Events, notify.Errors
	delete(w.failed, "")
}

// warn logs once that a directory cannot be watched. The name "" means all directories.
func (w *watcher) warn(directory string, err error) {
	if !w.failed[directory] {
		w.logger.Warn("the configuration cannot be watched; the worker reads it at intervals instead",
			zap.String("directory", directory), zap.Stringer("every", readUnwatched), zap.Error(err))
	}
	w.failed[directory] = true
}

// unwatched reports whether there may be changes without an event.
func (w *watcher) unwatched() bool { return len(w.failed) > 0 }

func (w *watcher) close() {
	if w.notify != nil {
		_ = w.notify.Close()
	}
}

// watch watches exactly these files, and reports whether it has added any directory.
func (w *watcher) watch(files []string) (more bool) {
	if w.notify == nil {
		w.begin()
	}
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
	maps.DeleteFunc(w.failed, func(directory string, _ bool) bool { return !wanted[directory] })
	for _, directory := range slices.Sorted(maps.Keys(wanted)) {
		if slices.Contains(watched, directory) {
			continue
		}
		if err := w.notify.Add(directory); err != nil {
			w.warn(directory, err)
			continue
		}
		delete(w.failed, directory)
		more = true
	}
	return more
}

// collectDirectories finds the directories in which a change can change the file at
// path: the file's own, and that of every symbolic link on the way to it. Mounted
// secrets are replaced by renaming such a link.
func collectDirectories(path string, found map[string]bool, depth int) {
	const most = 40 // the limit of Linux
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

// existing returns the directory, or the nearest one above it that exists.
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
