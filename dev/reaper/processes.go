package reaper

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endLimit bounds the time that killed processes take to disappear.
const endLimit = 10 * time.Second

// endProcesses kills the processes of a folder until there are none, because others may
// start meanwhile.
func endProcesses(dir string) error {
	limit := time.After(endLimit)
	looks := time.NewTicker(10 * time.Millisecond)
	defer looks.Stop()
	for {
		left := processes(dir)
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-looks.C:
		case <-limit:
			return fmt.Errorf("processes %v of %s do not end", left, dir)
		}
	}
}

// processes returns the processes with dir, or a folder in it, as TMPDIR, those that
// have a file in it open, and their descendants: a browser overwrites the environment of
// its own processes, and they lose their parent first. It needs /proc; on systems without
// it, only files are cleaned up.
func processes(dir string) []int {
	parents, found := map[int]int{}, map[int]bool{}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || pid == os.Getpid() || pid == os.Getppid() { // this one watches its parent
			continue
		}
		parent, alive := parentOf(folder)
		if !alive {
			continue
		}
		parents[pid] = parent
		found[pid] = isMarked(folder, dir)
	}
	for pid := range parents {
		for ancestor, known := pid, true; known && !found[pid]; ancestor, known = parents[ancestor] {
			found[pid] = found[ancestor]
		}
	}
	maps.DeleteFunc(found, func(_ int, isOurs bool) bool { return !isOurs })
	return slices.Sorted(maps.Keys(found))
}

func isMarked(folder, dir string) bool {
	environment, err := os.ReadFile(filepath.Join(folder, "environ")) //nolint:gosec // below /proc
	if err != nil {
		return false // it has ended, or belongs to another user
	}
	for variable := range strings.SplitSeq(string(environment), "\x00") {
		if value, isTemporary := strings.CutPrefix(variable, "TMPDIR="); isTemporary && (value == dir || strings.HasPrefix(value, dir+"/")) {
			return true
		}
	}
	descriptors, _ := filepath.Glob(filepath.Join(folder, "fd", "*"))
	return slices.ContainsFunc(descriptors, func(descriptor string) bool {
		file, err := os.Readlink(descriptor)
		return err == nil && strings.HasPrefix(file, dir+"/") // the folder itself is the lock
	})
}

// parentOf reads /proc/PID/stat. A zombie counts as ended.
func parentOf(folder string) (parent int, alive bool) {
	content, err := os.ReadFile(filepath.Join(folder, "stat")) //nolint:gosec // below /proc
	if err != nil {
		return 0, false
	}
	// The second field, the name in parentheses, may contain blanks.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	if len(fields) < 2 || fields[0] == "Z" || fields[0] == "X" {
		return 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return parent, err == nil
}
