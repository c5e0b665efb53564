package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// check makes a monitor's check now and shows what it found.
func (c command) check(ctx context.Context, args []string) int {
	set, directory := c.flags("check", "Makes a monitor's check now, whatever its schedule, and shows the report.")
	monitor := set.String("monitor", "", "`ID` of the monitor, such as local/churn-dev/monitors/churn")
	asJSON := set.Bool("json", false, "print the report as JSON")
	if status, ok := c.parse(set, args, directory); !ok {
		return status
	}
	id := mlops.ID(*monitor)
	if _, err := id.ParseAs(mlops.NounMonitor); err != nil {
		_, _ = fmt.Fprintf(c.err, "-monitor: %s\n", err)
		return exitUsage
	}
	engine, err := client.New(client.Options{Directory: *directory, Version: c.version})
	if err != nil {
		return c.fail(err)
	}
	defer func() { _ = engine.Close() }()
	report, err := engine.Monitors().Check(ctx, id)
	if err != nil {
		return c.fail(err)
	}
	if *asJSON {
		e := json.NewEncoder(c.out)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		err = showReport(c.out, report)
	}
	if err != nil {
		return c.fail(err)
	}
	return exitOK
}

// showReport writes a report for people: each check, and the figures that
// violate it.
func showReport(w io.Writer, r mlops.MonitorReport) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "%s\t%s\t%d rows\n", r.Monitor, r.State, r.Rows)
	for _, kind := range mlops.MonitorChecks() {
		check, made := r.Checks[kind]
		if !made {
			continue
		}
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\n", kind, check.State, check.Reason)
	}
	return t.Flush() // which has the first error of all
}
