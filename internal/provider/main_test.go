package provider

import (
	"fmt"
	"os"
	"testing"
)

// TestMain insists on acceptance tests where a machine runs the tests: left out
// by mistake there, they would seem to pass.
func TestMain(m *testing.M) {
	if os.Getenv("CI") == "true" && os.Getenv("TF_ACC") == "" {
		fmt.Fprintln(os.Stderr, "CI is true but TF_ACC is not set: the acceptance tests would not run")
		os.Exit(1)
	}
	if err := accAWS(); err != nil {
		panic(err)
	}
	// Whatever cluster the machine has access to is none of the tests' business.
	if err := os.Setenv("KUBECONFIG", os.DevNull); err != nil {
		panic(err)
	}
	code := accCluster.Run(m)
	if err := accMLflow.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
