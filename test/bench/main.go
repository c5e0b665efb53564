package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
)

func main() { os.Exit(start()) }

// start takes a role, if the arguments name one, or measures.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	ok := true
	if role, args := roleOf(os.Args); role != nil {
		err = role(ctx, args)
	} else {
		ok, err = bench(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || !ok {
		return 1
	}
	return 0
}

// options are the command's flags.
type options struct {
	binary, out string
	only        *regexp.Regexp
	short       bool
}

func parseFlags() (options, error) {
	binary := flag.String("binary", "bin/terraform-provider-mlops", "the built provider")
	out := flag.String("out", "", "file to write the figures to, as JSON")
	only := flag.String("only", ".*", "take only the measures whose whole names match this regular expression")
	short := flag.Bool("short", false, "a quick pass: fewer repetitions, no 3,000 resources, no quickstart")
	flag.Parse()
	pattern, err := regexp.Compile("^(?:" + *only + ")$")
	if err != nil {
		return options{}, fmt.Errorf("-only: %w", err)
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return options{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return options{}, fmt.Errorf("-binary: %w; build it with `make build`", err)
	}
	return options{binary: path, out: *out, only: pattern, short: *short}, nil
}

// bench takes the measures and reports whether all is within budget.
func bench(ctx context.Context) (ok bool, err error) {
	opts, err := parseFlags()
	if err != nil {
		return false, err
	}
	results, err := measureAll(ctx, opts)
	if err != nil {
		return false, err
	}
	if err := results.table(os.Stdout); err != nil {
		return false, err
	}
	if opts.out != "" {
		err = results.write(opts.out)
	}
	return results.ok(), err
}
