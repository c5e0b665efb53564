package checks

import (
	"fmt"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/drift"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// dataDrift compares the features' distributions.
func (x *Examination) dataDrift() mlops.CheckReport {
	d := x.spec.DataDrift
	columns := d.Features
	if len(columns) == 0 {
		for _, c := range x.base.features() {
			columns = append(columns, c.Name)
		}
	}
	return x.drifted(*d, columns)
}

// predictionDrift compares the predictions' distribution.
func (x *Examination) predictionDrift() mlops.CheckReport {
	last := x.base.columns[len(x.base.columns)-1]
	return x.drifted(*x.spec.PredictionDrift, []string{last.Name})
}

func (x *Examination) drifted(d mlops.DriftCheck, columns []string) mlops.CheckReport {
	r := mlops.CheckReport{Rows: x.rows, Features: []mlops.FeatureReport{}}
	var names []string
	var judged int64
	for _, result := range x.window.Compare(drift.Options{Statistic: d.Statistic, Threshold: d.Threshold, Columns: columns}) {
		f := mlops.FeatureReport{Name: result.Name, Statistic: result.Statistic, Violated: result.Drifted, Reason: result.Reason}
		if result.Judged {
			f.Value, f.PValue, f.Threshold = &result.Value, &result.PValue, &result.Threshold
			judged++
		}
		if result.Drifted {
			names = append(names, fmt.Sprintf("%s (%s %.3g, threshold %.3g)", result.Name, result.Statistic, result.Value, result.Threshold))
		}
		r.Features = append(r.Features, f)
	}
	share := percentOf(int64(len(names)), judged)
	return Finish(r, len(names) > 0 && share > valueOf(d.MaxDrifted), "drifted: "+Brief(names))
}

// Brief names a few.
func Brief(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func valueOf(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
