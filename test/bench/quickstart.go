package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// workplace is the quickstart's own directory.
const workplace = ".quickstart"

// measureQuickstart applies the quickstart twice, from nothing each time, and
// measures the second: the first fills the caches.
func measureQuickstart(ctx context.Context, s site) ([]result, error) {
	switch {
	case s.short:
		return nil, unavailableError("left out of a short pass")
	case exists(workplace):
		return nil, unavailableError("a quickstart is there already; `make quickstart-destroy` removes it")
	case !exists("GNUmakefile"):
		return nil, unavailableError("this is not the root of the checkout")
	}
	var took time.Duration
	for range 2 {
		begin := time.Now()
		err := makeTarget(ctx, "quickstart")
		took = time.Since(begin)
		if err := errors.Join(err, makeTarget(context.WithoutCancel(ctx), "quickstart-destroy")); err != nil {
			return nil, err
		}
	}
	return []result{atMost("quickstart with warm caches", took.Seconds(), "s", 60)}, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func makeTarget(ctx context.Context, name string) error {
	said, err := exec.CommandContext(ctx, "make", name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make %s: %w\n%s", name, err, said)
	}
	return nil
}
