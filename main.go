// Command terraform-provider-mlops is the provider, run by Terraform; with the
// argument "engine" the embedded engine, run by the provider or by hand; and with
// "drift" and "retrain" the steps of a monitor's job, run on a cluster.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/driftjob"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/provider"
)

// version is set at build time.
var version = "dev"

func main() {
	stderr := os.Stderr // which later is Terraform's
	ctx, first := context.Background(), slices.Concat(os.Args, []string{""})[1]
	switch command := backend.Commands()[first]; {
	case first == "engine":
		os.Exit(engine.Command(ctx, os.Args[2:], version))
	case first == "drift":
		os.Exit(driftjob.Command(ctx, os.Args[2:]))
	case command != nil:
		os.Exit(command(ctx, os.Args[2:]))
	}
	debug := flag.Bool("debug", false, "wait for a debugger and print how to attach to the provider")
	flag.Parse()
	if err := provider.Serve(version, backend.All(), *debug); err != nil {
		fmt.Fprintln(stderr, "terraform-provider-mlops:", err)
		os.Exit(1)
	}
}
