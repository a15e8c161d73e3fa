// Package local recognizes problems of the machine that a program runs on. They are
// temporary, or another machine does not have them; they say nothing about the request.
package local

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
)

// kind is a group of problems with the same remedy.
type kind struct {
	numbers []syscall.Errno
	remedy  string
}

var (
	// anywhere are problems with files and with the network.
	anywhere = []kind{
		{[]syscall.Errno{syscall.EMFILE, syscall.ENFILE}, "raise the limit of open files (LimitNOFILE, ulimit -n) of the process, or of the machine"},
		{[]syscall.Errno{syscall.ENOMEM, syscall.ENOBUFS, syscall.EAGAIN}, "give the machine or its container more memory, or less to do"},
		{[]syscall.Errno{syscall.EADDRNOTAVAIL}, "check the machine's network: it has no free local port, or no address of this family"},
		{[]syscall.Errno{syscall.ENOSPC, syscall.EDQUOT}, "free space on the disk, or raise the quota"},
		{[]syscall.Errno{syscall.EIO}, "check the disk or the mount"},
	}
	// inFiles are problems with files on a server or a device. For a connection, the
	// same numbers are about the other side.
	inFiles = []kind{
		{[]syscall.Errno{
			syscall.ESTALE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
			syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ENODEV, syscall.ENXIO, syscall.EBUSY, syscall.EINTR,
		}, "check the mount, and the server that it is from"},
	}
)

// Trouble reports whether err is a problem of this machine, such as too many open files
// or an unreadable disk. Problems with files on a server count; problems with a
// connection only if they are at this end.
func Trouble(err error) bool { return Remedy(err) != "" }

// Remedy returns what an operator of this machine can do about err, or "" if err is not
// a problem of this machine.
func Remedy(err error) string {
	number, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return ""
	}
	kinds := anywhere
	if _, file := errors.AsType[*fs.PathError](err); file {
		kinds = slices.Concat(anywhere, inFiles)
	}
	for _, kind := range kinds {
		if slices.Contains(kind.numbers, number) {
			return kind.remedy
		}
	}
	return ""
}
