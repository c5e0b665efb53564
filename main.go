// Command terraform-provider-mlops is the provider, run by Terraform, and with
// the argument "engine" the embedded engine, run by the provider or by hand.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/provider"
)

// version is set at build time.
var version = "dev"

func main() {
	stderr := os.Stderr // which later is Terraform's
	if len(os.Args) > 1 && os.Args[1] == "engine" {
		os.Exit(engine.Command(context.Background(), os.Args[2:], version))
	}
	debug := flag.Bool("debug", false, "wait for a debugger and print how to attach to the provider")
	flag.Parse()
	if err := provider.Serve(version, backend.All(), *debug); err != nil {
		fmt.Fprintln(stderr, "terraform-provider-mlops:", err)
		os.Exit(1)
	}
}
