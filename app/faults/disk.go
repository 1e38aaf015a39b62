package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// disk holds siyu's data folder and can be full. Where mounting is allowed it is a small
// memory file system that a ballast file fills; elsewhere the processes' files may not
// grow past a size, which the program sees as a failed write as well.
type disk struct {
	path    string
	mounted bool
	ballast string
}

func newDisk(path string, bytes int64) (*disk, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, err
	}
	d := &disk{path: path, ballast: filepath.Join(path, "ballast")}
	d.mounted = syscall.Mount("siyu-faults", path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0750", bytes)) == nil
	return d, nil
}

// fill leaves no room for the processes to write.
func (d *disk) fill(procs []*process) error {
	if !d.mounted {
		return limitFiles(procs, 4096)
	}
	f, err := os.OpenFile(d.ballast, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.path, &st); err != nil {
		return err
	}
	if st.Bavail == 0 {
		return nil
	}
	for err = error(syscall.EINTR); errors.Is(err, syscall.EINTR); { // a memory file system gives up at any signal
		err = syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*int64(st.Bsize))
	}
	if errors.Is(err, syscall.ENOSPC) { // somebody wrote meanwhile: then it is full already
		return nil
	}
	return err
}

// free gives the room back.
func (d *disk) free(procs []*process) error {
	if !d.mounted {
		return limitFiles(procs, ^uint64(0))
	}
	if err := os.Remove(d.ballast); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) close() {
	if d.mounted {
		_ = syscall.Unmount(d.path, syscall.MNT_DETACH)
	}
}

// limitFiles sets the largest size of a file (RLIMIT_FSIZE, soft) of running processes.
// Go ignores the signal that comes with it, so the write fails like one on a full disk.
func limitFiles(procs []*process, size uint64) error {
	var errs []error
	for _, p := range procs {
		p.mu.Lock()
		if p.cmd != nil {
			r := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
			_, _, no := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&r)), 0, 0, 0)
			if no != 0 && no != syscall.ESRCH {
				errs = append(errs, no)
			}
		}
		p.mu.Unlock()
	}
	return errors.Join(errs...)
}
