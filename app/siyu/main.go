// Command siyu is the whole program: the consumer's pages, the back office, the
// workers and the tools, chosen by the first argument. It is the only package that
// meets Gin, GORM, Asynq and WeChat at once; it wires and decides nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"siyu/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is one word of the command line. Without args it takes none but a cry for help;
// one with usage has commands of its own; others explain their options themselves.
type command struct {
	name, args, text string
	usage            string
	run              func(ctx context.Context, cfg config.Config, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"demo", "", "everything on this machine with sample data: program, WeChat simulator, phone page", "", demo},
		{"serve", "", "pages and workers in one process", "", serveBoth},
		{"web", "", "pages only; run as many as you like against one database and Redis", "", serveWeb},
		{"work", "", "workers only; run as many as you like", "", serveWork},
		{"migrate", "", "bring the database up to date and stop", "", migrate},
		{"codes", "export|check ...", "write codes to a file; explain one code without a server", codesUsage, codesMain},
		{"check", "[-patience 10m]", "recompute every invariant of the money from the rows; fails when one is broken", "", checkMain},
		{"audit", "verify [-head SEQ:HASH]", "check the chain over the operators' acts: what was changed, removed or slipped in", auditUsage, auditMain},
		{"rotate", "[-check]", "seal telephone numbers anew under the newest master key, while everything runs", "", rotateMain},
		{"openapi", "admin", "print the OpenAPI document that the panel's types are generated from", openapiUsage, openapiMain},
		{"draw", "verify ...", "recompute a code's prize from a campaign's revealed seed", drawUsage, drawMain},
		{"bench", "claim|scan|...", "measure", benchUsage, bench},
		{"version", "", "print the version", "", nil},
		{"help", "", "print this and the environment variables", "", nil},
	}
}

// run is main as a function: it reads nothing global and returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, out, errOut io.Writer) int {
	if len(args) == 0 {
		usage(errOut)
		fmt.Fprint(errOut, "\nsiyu help also lists the environment variables\n")
		return 2
	}
	switch args[0] {
	case "version":
		fmt.Fprintln(out, version())
		return 0
	case "help", "-h", "--help":
		usage(out)
		variables(out)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] || c.run == nil {
			continue
		}
		if done, code := c.explain(args[1:], out, errOut); done {
			return code
		}
		cfg, err := config.Load(func(name string) string {
			if v := getenv(name); v != "" || c.name != "demo" {
				return v
			}
			return demoDefaults()[name]
		})
		if err != nil {
			fmt.Fprintf(errOut, "siyu: configuration:\n%v\n", err)
			return 2
		}
		if err := c.run(ctx, cfg, args[1:], out); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(errOut, "siyu %s: %v\n", c.name, err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(errOut, "siyu: no command %q\n\n", args[0])
	usage(errOut)
	return 2
}

// explain answers who asks what a command does, and who gives words to one that takes
// none: whoever tries an option must not start a server by it.
func (c command) explain(args []string, out, errOut io.Writer) (done bool, code int) {
	asked := len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0])
	switch {
	case asked && c.usage != "":
		fmt.Fprintln(out, strings.TrimSpace(c.usage))
	case asked && c.args == "":
		fmt.Fprintf(out, "usage: siyu %s\n\n  %s\n\nIt takes no options; the environment says the rest.\n", c.name, c.text)
		variables(out)
	case len(args) > 0 && c.args == "":
		fmt.Fprintf(errOut, "siyu %s: it takes no options: %s\n", c.name, args[0])
		return true, 2
	default:
		return false, 0
	}
	return true, 0
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "siyu %s\n\nusage: siyu COMMAND\n\n", version())
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %-18s %s\n", c.name, c.args, c.text)
	}
}

func variables(w io.Writer) {
	fmt.Fprint(w, "\nenvironment:\n\n")
	for _, v := range config.Variables() {
		fmt.Fprintf(w, "  %s\n        %s", v.Name, v.Text)
		if v.Default != "" {
			fmt.Fprintf(w, " (default %s)", v.Default)
		}
		fmt.Fprintln(w)
	}
}

// version is the module's version or, in a checkout, the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v = s.Value[:12]
		}
	}
	return v + " " + info.GoVersion
}

// logger writes structured logs as configured.
func logger(cfg config.Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
