// Command check has the makers of Argo Workflows and Prometheus judge what was
// written for them, which a Kubernetes API server does not:
//
//	check workflow < objects.yaml
//	check rules    < rules.yaml
//
// It exits with 1 and says what is wrong, one finding a line, or with 0 and says
// nothing.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	checks := map[string]func([]byte) []error{"workflow": workflows, "rules": rules}
	if len(os.Args) != 2 || checks[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: check workflow|rules, with YAML as the input")
		os.Exit(2)
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	found := checks[os.Args[1]](input)
	for _, err := range found {
		fmt.Println(err)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}
