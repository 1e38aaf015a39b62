package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is MariaDB or Redis: private, in the town's folder, on a free port. It comes
// back only when the storm lets it.
type server struct {
	name   string
	path   string
	args   []string
	addr   string
	log    *os.File
	launch launcher

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		select {
		case <-s.done: // it ended by itself: somebody had its port
		default:
			return nil
		}
	}
	c := exec.Command(s.path, s.args...)
	c.Stdout, c.Stderr = s.log, s.log
	if err := s.launch.start(c); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	done := make(chan struct{})
	s.cmd, s.done = c, done
	go func() { _ = c.Wait(); close(done) }() // killed is how it ends
	return nil
}

// signal sends one; false when there is nobody to get it.
func (s *server) signal(sig syscall.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd != nil && s.cmd.Process.Signal(sig) == nil
}

// kill is kill -9 and waits until the port is free.
func (s *server) kill() bool {
	killed := s.signal(syscall.SIGKILL)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		<-s.done
		s.cmd = nil
	}
	return killed
}

// answers waits until somebody listens.
func (s *server) answers(ctx context.Context, limit time.Duration) error {
	up := eventually(ctx, limit, 50*time.Millisecond, func() bool {
		c, err := net.DialTimeout("tcp", s.addr, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if !up {
		return fmt.Errorf("%s does not answer on %s", s.name, s.addr)
	}
	return nil
}

// tool finds a program, also where Debian keeps those of the administrator.
func tool(name string) (string, error) {
	for _, path := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", errors.New(name + " is missing; scripts/faults installs it")
}

// freeAddr is a loopback address that nobody listens on. It is none of those that the kernel
// gives to whoever asks for any (32768 and up): a server that is down must find its own again.
func freeAddr() (string, error) {
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.N(20_000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", err
		}
		return l.Addr().String(), l.Close()
	}
}

// newMaria installs an empty database and describes its server: durable to the last
// commit, because it will be killed. isolation is innodb_snapshot_isolation, which
// production has off and the tests have on: the seed chooses.
func newMaria(ctx context.Context, dir string, isolation bool, l launcher) (*server, error) {
	path, err := tool("mariadbd")
	if err != nil {
		return nil, err
	}
	install, err := tool("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	data := filepath.Join(dir, "mysql")
	own := []string{}
	if os.Getuid() == 0 {
		own = []string{"--user=root"}
	}
	made := exec.CommandContext(ctx, install, append([]string{"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db"}, own...)...)
	if text, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, text)
	}
	log, err := logFile(dir, "mariadb")
	if err != nil {
		return nil, err
	}
	on := "OFF"
	if isolation {
		on = "ON"
	}
	return &server{name: "MariaDB", path: path, addr: addr, log: log, launch: l, args: append([]string{"--no-defaults", "--datadir=" + data,
		"--socket=" + filepath.Join(dir, "mysql.sock"), "--pid-file=" + filepath.Join(dir, "mysql.pid"), "--bind-address=127.0.0.1", "--port=" + port,
		"--max-connections=200", "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=64M", "--innodb-flush-log-at-trx-commit=1",
		"--innodb-snapshot-isolation=" + on, "--skip-name-resolve"}, own...)}, nil
}

// newRedis describes a Redis that keeps nothing: it comes back empty.
func newRedis(dir string, l launcher) (*server, error) {
	path, err := tool("redis-server")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	log, err := logFile(dir, "redis")
	if err != nil {
		return nil, err
	}
	return &server{name: "Redis", path: path, addr: addr, log: log, launch: l,
		args: []string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"}}, nil
}

// flush empties a Redis; its protocol takes a plain line.
func (s *server) flush() error {
	c, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("FLUSHALL\r\n"))
	return errors.Join(err, c.Close())
}

func logFile(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name+".log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}
