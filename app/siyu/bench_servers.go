package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbbench"
)

// benchDB is a database for one measurement: its driver, its DSN, and what removes it.
type benchDB struct {
	driver, dsn string
	drop        func() error
}

// benchOptions say on which database a measurement runs, and whether it is watched.
type benchOptions struct {
	engine, dsn string
	profile     string // where a CPU profile of the measurement goes; empty: nowhere
}

// flags are the options that every database has; engine is the usual one.
func (o *benchOptions) flags(f *flag.FlagSet, engine string) {
	f.StringVar(&o.engine, "engine", engine, "sqlite or mysql")
	f.StringVar(&o.dsn, "dsn", "", "mysql: a server on this machine; default: starts a MariaDB of its own")
	f.StringVar(&o.profile, "profile", "", "write a CPU profile to this file")
}

// inDir makes an empty database and a folder, runs use, and removes both; server are options
// of a MariaDB that it starts.
func (o benchOptions) inDir(ctx context.Context, use func(b benchDB, dir string) error, server ...string) (err error) {
	dir, err := os.MkdirTemp("", "siyu-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := openBenchDB(ctx, o.engine, o.dsn, dir, server...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop()) }()
	return use(b, dir)
}

// inDB is inDir for what needs the database with its tables and nothing else of the program.
func (o benchOptions) inDB(ctx context.Context, use func(d *db.DB, dir string) error, server ...string) error {
	return o.inDir(ctx, func(b benchDB, dir string) (err error) {
		d, err := db.Open(ctx, db.Options{Driver: b.driver, DSN: b.dsn, Clock: clock.System()})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		return use(d, dir)
	}, server...)
}

// openBenchDB makes an empty database: a SQLite file in dir; or a schema of its own on
// the server that dsn names, on this machine; or on a MariaDB that it starts in dir with
// these options.
func openBenchDB(ctx context.Context, engine, dsn, dir string, options ...string) (b benchDB, err error) {
	switch engine {
	case db.SQLite:
		return benchDB{db.SQLite, filepath.Join(dir, "siyu.db"), func() error { return nil }}, nil
	case db.MySQL:
	default:
		return b, errors.New("--engine must be sqlite or mysql")
	}
	stop := func() error { return nil }
	if dsn == "" {
		if dsn, stop, err = startMariaDB(ctx, filepath.Join(dir, "mariadb"), options...); err != nil {
			return b, err
		}
	}
	own, drop, err := dbbench.Schema(ctx, dsn)
	if err != nil {
		return b, errors.Join(err, stop())
	}
	return benchDB{db.MySQL, own, func() error { return errors.Join(drop(), stop()) }}, nil
}

// startMariaDB runs a private server in dir with the durability of production: every
// commit is on the disk before it is acknowledged. A folder that holds a database goes on
// with it; options come after ours and win.
func startMariaDB(ctx context.Context, dir string, options ...string) (dsn string, stop func() error, err error) {
	install, errI := findServer("mariadb-install-db")
	server, errS := findServer("mariadbd")
	if err := errors.Join(errI, errS); err != nil {
		return "", nil, fmt.Errorf("%w (or name a server with --dsn)", err)
	}
	as := []string{}
	if os.Getuid() == 0 {
		as = append(as, "--user=root")
	}
	if _, err := os.Stat(filepath.Join(dir, "mysql")); err != nil {
		if err := installMariaDB(ctx, install, dir, as); err != nil {
			return "", nil, err
		}
	}
	addr, err := freeAddr()
	if err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	// Its temporary tables are beside its data: in /tmp, another server that starts clears them away.
	stop, err = startServer(server, append([]string{"--no-defaults", "--datadir=" + dir, "--tmpdir=" + filepath.Dir(dir), "--socket=" + filepath.Join(dir, "s"), "--pid-file=" + filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1", "--port=" + port, "--max-connections=600", "--innodb-buffer-pool-size=512M",
		"--innodb-flush-log-at-trx-commit=1", "--innodb-snapshot-isolation=ON", "--skip-name-resolve"}, slices.Concat(as, options)...)...)
	if err != nil {
		return "", nil, err
	}
	dsn = "root@tcp(" + addr + ")/"
	err = answers(ctx, func(ctx context.Context) error {
		d, err := db.Connect(ctx, db.Options{Driver: db.MySQL, DSN: dsn, Clock: clock.System()})
		if err != nil {
			return err
		}
		return d.Close()
	})
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("mariadbd: %w", err), stop())
	}
	return dsn, stop, nil
}

func installMariaDB(ctx context.Context, install, dir string, as []string) error {
	made := exec.CommandContext(ctx, install, append([]string{"--no-defaults", "--datadir=" + dir, "--auth-root-authentication-method=normal", "--skip-test-db"}, as...)...)
	if text, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, text)
	}
	return nil
}

// startRedis runs a private Redis that keeps nothing on disk.
func startRedis(ctx context.Context, dir string) (addr string, stop func() error, err error) {
	server, err := findServer("redis-server")
	if err != nil {
		return "", nil, err
	}
	if addr, err = freeAddr(); err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	stop, err = startServer(server, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no")
	if err != nil {
		return "", nil, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	err = answers(ctx, func(ctx context.Context) error { return rdb.Ping(ctx).Err() })
	if err = errors.Join(err, rdb.Close()); err != nil {
		return "", nil, errors.Join(fmt.Errorf("redis-server: %w", err), stop())
	}
	return addr, stop, nil
}

// findServer looks where Debian puts servers, too.
func findServer(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is not installed", name)
}

func startServer(path string, args ...string) (stop func() error, err error) {
	// Not bound to a context: a killed database would leave a lock behind in dir, and
	// stop is called on every way out.
	c := exec.Command(path, args...)
	if err := c.Start(); err != nil {
		return nil, err
	}
	return func() error {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop %s: %w", filepath.Base(path), err)
		}
		_ = c.Wait() // how it ends does not matter any more
		return nil
	}, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers waits until a server that was just started answers, half a minute at most.
func answers(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}
