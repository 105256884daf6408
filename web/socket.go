package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// The socket lies in the data folder. Where its path would be too long for the system's addresses, it lies in a
// folder of its own among the temporary ones, and a link in the data folder says where.
const (
	socketName = "bellwether.sock"
	maxPath    = 100 // bytes: systems allow 103 to 107
	aside      = "bellwether-"
)

type localKey struct{}

// asLocal marks requests whose sender the file system let in.
func asLocal(ctx context.Context) context.Context { return context.WithValue(ctx, localKey{}, true) }

func isLocal(ctx context.Context) bool { return ctx.Value(localKey{}) != nil }

// socket listens in a data folder.
type socket struct {
	*net.UnixListener
	name   string // in the data folder
	folder string // of a socket that lies elsewhere; "": none
}

// listenSocket listens in a folder whose lock the caller holds, so that a socket that is there is nobody's.
func listenSocket(dir string) (*socket, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &socket{name: filepath.Join(dir, socketName)}
	s.removeOld()
	// It is made in a folder that only its owner enters, and moved when its rights are right.
	if s.folder, err = os.MkdirTemp(makeIn(dir), aside); err != nil {
		return nil, fmt.Errorf("making the socket of %s: %w", dir, err)
	}
	made := filepath.Join(s.folder, "s")
	s.UnixListener, err = net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening in %s: %w", dir, err), os.RemoveAll(s.folder))
	}
	s.SetUnlinkOnClose(false)
	if err = os.Chmod(made, 0o600); err == nil {
		err = s.place(made)
	}
	if err != nil {
		s.remove()
		return nil, fmt.Errorf("placing the socket of %s: %w", dir, err)
	}
	return s, nil
}

// makeIn is where a socket can be made whose final name is in dir: there, or among the temporary folders.
func makeIn(dir string) string {
	if len(filepath.Join(dir, aside+"0123456789", socketName)) <= maxPath {
		return dir
	}
	return os.TempDir()
}

// place gives the socket its name in the data folder.
func (s *socket) place(made string) error {
	if filepath.Dir(s.folder) == filepath.Dir(s.name) {
		folder := s.folder
		s.folder = ""
		return errors.Join(os.Rename(made, s.name), os.Remove(folder))
	}
	return os.Symlink(made, s.name)
}

// removeOld removes what a server that was killed left behind.
func (s *socket) removeOld() {
	if to, err := os.Readlink(s.name); err == nil && strings.HasPrefix(filepath.Base(filepath.Dir(to)), aside) {
		_ = os.Remove(to)
		_ = os.Remove(filepath.Dir(to)) // whatever else is in it stays
	}
	_ = os.Remove(s.name) // mostly there is none
}

// remove closes the socket and takes its name away.
func (s *socket) remove() {
	_ = s.Close() // it may be closed already
	_ = os.Remove(s.name)
	if s.folder != "" {
		_ = os.RemoveAll(s.folder)
	}
}

// socketPath is the address of the socket of a data folder.
func socketPath(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, socketName)
	if to, err := os.Readlink(name); err == nil {
		return to, nil
	}
	return name, nil
}
