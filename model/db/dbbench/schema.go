package dbbench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	sqldriver "github.com/go-sql-driver/mysql"
)

// Schema makes an empty schema on a MySQL-protocol server of this machine, so that
// nothing that is there is touched. dsn need not name one. drop removes it.
func Schema(ctx context.Context, dsn string) (own string, drop func() error, err error) {
	c, err := sqldriver.ParseDSN(dsn)
	if err != nil {
		return "", nil, errors.New("the address must look like user:password@tcp(127.0.0.1:3306)/") // the cause may hold the password
	}
	if c.Net != "unix" {
		if err := OnlyLoopback(c.Addr); err != nil {
			return "", nil, err
		}
	}
	c.DBName = ""
	root, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		return "", nil, err
	}
	name := "siyu_bench_" + strconv.Itoa(os.Getpid())
	if _, err := root.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", nil, errors.Join(fmt.Errorf("schema for the measurement: %w", err), root.Close())
	}
	c.DBName = name
	return c.FormatDSN(), func() error {
		_, err := root.Exec("DROP DATABASE " + name)
		return errors.Join(err, root.Close())
	}, nil
}

// OnlyLoopback refuses a host:port of another machine: a measurement fills servers with
// rows.
func OnlyLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is no host:port", addr)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s is not this machine: a measurement fills servers with rows", host)
}
