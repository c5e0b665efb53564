package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// prices tells where the prices come from that estimates are made with.
func (g guide) prices() string {
	var all []string
	for _, f := range g.factories {
		if f.Catalogue == nil {
			continue
		}
		c := f.Catalogue()
		all = append(all, fmt.Sprintf("On `%s`: approximate prices on demand in %s, as of %s; other regions and agreements have others (%s).", f.Name, c.Region, c.Date, c.Source))
	}
	if len(all) == 0 {
		return "No backend has prices."
	}
	return strings.Join(all, " ")
}

// machinesAhead tells at plan which machines an endpoint gets and about what they
// cost, on backends that have a catalogue.
func machinesAhead(factories []mlops.Factory) func(*mlops.Checker, mlops.ModelEndpointSpec) map[string]tftypes.Value {
	return func(c *mlops.Checker, s mlops.ModelEndpointSpec) map[string]tftypes.Value {
		id, err := s.Environment.Parse()
		if err != nil || len(s.Variants) == 0 {
			return nil // not known yet
		}
		for _, f := range factories {
			if f.Name == id.Backend && f.Catalogue != nil {
				return machinesOf(f.Catalogue(), c, s)
			}
		}
		return nil
	}
}

func machinesOf(all mlops.Catalogue, c *mlops.Checker, s mlops.ModelEndpointSpec) map[string]tftypes.Value {
	names, values := map[string]string{}, map[string]tftypes.Value{}
	for name, v := range s.Variants {
		at := mlops.At("variants", mlops.Key(name))
		t, err := all.Hosting(v)
		if err != nil || !c.Known(at.With("compute"), at.With("scaling")) {
			return nil
		}
		names[name], values[name] = t, tftypes.NewValue(tftypes.String, t)
	}
	return map[string]tftypes.Value{
		"resolved":    tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, values),
		"monthly_usd": tftypes.NewValue(tftypes.Number, all.MonthlyUSD(s, names)),
	}
}
