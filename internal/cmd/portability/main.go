package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The lines of the guide that are replaced.
const (
	matrixMark = "<!-- portability: matrix -->"
	notesMark  = "<!-- portability: notes -->"
	namesMark  = "<!-- portability: names -->"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: portability <guide.md>")
		os.Exit(2)
	}
	if err := fill(os.Args[1], backend.All()); err != nil {
		fmt.Fprintln(os.Stderr, "portability:", err)
		os.Exit(1)
	}
}

// fill replaces the marks in a file. A missing mark is an error.
func fill(path string, factories []mlops.Factory) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	guide, err := replaceMarks(string(text), factories)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(guide), 0o644) //nolint:gosec // a page of documentation is for everybody
}

func replaceMarks(guide string, factories []mlops.Factory) (string, error) {
	for mark, text := range map[string]string{
		matrixMark: matrix(factories),
		notesMark:  notes(factories),
		namesMark:  names(factories),
	} {
		if !strings.Contains(guide, mark) {
			return "", fmt.Errorf("the mark %q is not there", mark)
		}
		guide = strings.Replace(guide, mark, strings.TrimSpace(text), 1)
	}
	return guide, nil
}
