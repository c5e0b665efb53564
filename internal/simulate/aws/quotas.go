package aws

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// quotasState is what the service keeps: the values that were set, by the quota's
// name, in all regions.
type quotasState struct{ values map[string]float64 }

// quotaCodes are codes that users have published, by the quotas' names. Codes of
// other quotas are made up here: they look like AWS's, and are not.
func quotaCodes() map[string]string {
	return map[string]string{
		"ml.g5.xlarge for endpoint usage":                "L-1928E07B",
		"ml.g6.xlarge for endpoint usage":                "L-D470D954",
		"ml.g6e.xlarge for endpoint usage":               "L-B0729CB4",
		"ml.g5.48xlarge for endpoint usage":              "L-0100B823",
		"ml.m5.large for endpoint usage":                 "L-614B09FD",
		"ml.m5.xlarge for endpoint usage":                "L-2F737F8D",
		"ml.c5.large for endpoint usage":                 "L-4D27DFDD",
		"ml.m5.large for processing job usage":           "L-8541302D",
		"ml.m5.xlarge for processing job usage":          "L-0307F515",
		"ml.g4dn.xlarge for processing job usage":        "L-2F1EB012",
		"ml.t3.medium for processing job usage":          "L-0CE343FE",
		"ml.m5.large for training job usage":             "L-611FA074",
		"ml.g4dn.xlarge for training job usage":          "L-3F53BF0F",
		"ml.m5.large for spot training job usage":        "L-29688C85",
		"ml.m5.xlarge for spot training job usage":       "L-4CEE6BA6",
		"Number of instances across active endpoints":    "L-7A3DF611",
		"Number of instances across all processing jobs": "L-F311B08F",
		"Number of instances across all training jobs":   "L-00C91CB5",
	}
}

// quotaFamilies are families of instance types and how many of each type an
// account may have at first. AWS differs by account, region and type; none of
// the accelerated ones is what new accounts report.
func quotaFamilies() map[string]float64 {
	return map[string]float64{
		"ml.t2": 4, "ml.t3": 4, "ml.m5": 4, "ml.m6i": 4, "ml.m7i": 4, "ml.c5": 4, "ml.c6i": 4, "ml.c7i": 4, "ml.r5": 4,
		"ml.g4dn": 0, "ml.g5": 0, "ml.g6": 0, "ml.g6e": 0, "ml.p3": 0, "ml.p4d": 0, "ml.inf2": 0,
	}
}

func quotaSizes() []string {
	return []string{"medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"}
}

func quotaUses() []string {
	return []string{"endpoint usage", "processing job usage", "training job usage", "spot training job usage", "transform job usage"}
}

// quota is one quota of SageMaker.
type quota struct {
	name, code string
	value      float64
}

// sagemakerQuotas lists quotas in the order of their names.
func (w *World) sagemakerQuotas() []quota {
	all := map[string]float64{
		"Maximum number of instances per endpoint": 20, "Number of endpoints": 100,
		"Number of instances across active endpoints": 20, "Number of instances across all processing jobs": 20,
		"Number of instances across all training jobs": 20,
	}
	for family, value := range quotaFamilies() {
		for _, size := range quotaSizes() {
			for _, use := range quotaUses() {
				all[family+"."+size+" for "+use] = value
			}
		}
	}
	if w.quotas != nil {
		maps.Copy(all, w.quotas.values)
	}
	var out []quota
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, quota{name: name, code: cmp.Or(quotaCodes()[name], madeUpCode(name)), value: all[name]})
	}
	return out
}

func madeUpCode(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("L-%X", sum[:4])
}

// SetQuota changes, or adds, a quota of SageMaker.
func (w *World) SetQuota(name string, value float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quotas == nil {
		w.quotas = &quotasState{values: map[string]float64{}}
	}
	w.quotas.values[name] = value
}

func (w *World) quotasHandlers() map[string]Handler {
	return map[string]Handler{"ListServiceQuotas": w.quotasList, "GetServiceQuota": w.quotasGet, "GetAWSDefaultServiceQuota": w.quotasGet}
}

// quotaService refuses services whose quotas are not simulated.
func quotaService(c *Call) error {
	if code := text(c.In, "ServiceCode"); code != "sagemaker" {
		return s3Fault(http.StatusNotFound, "NoSuchResourceException", "The request failed because the specified service does not exist: %s", code)
	}
	return nil
}

func (q quota) view(c *Call) Params {
	out := Params{
		"ServiceCode": "sagemaker", "ServiceName": "Amazon SageMaker", "QuotaCode": q.code, "QuotaName": q.name,
		"QuotaArn": c.arn("servicequotas", "sagemaker/"+q.code), "Value": q.value, "Unit": "None",
		"Adjustable": true, "GlobalQuota": false, "QuotaAppliedAtLevel": "ACCOUNT",
	}
	if machine, ok := strings.CutSuffix(q.name, smEndpointUsage); ok {
		out["UsageMetric"] = Params{
			"MetricNamespace": usageNamespace, "MetricName": usageMetric, "MetricStatisticRecommendation": "Maximum",
			"MetricDimensions": Params{"Service": "SageMaker", "Type": "Resource", "Class": "None", "Resource": usageEndpoint + machine},
		}
	}
	return out
}

func (w *World) quotasList(c *Call) (Params, error) {
	if err := quotaService(c); err != nil {
		return nil, err
	}
	all := w.sagemakerQuotas()
	if code := text(c.In, "QuotaCode"); code != "" {
		all = slices.DeleteFunc(all, func(q quota) bool { return q.code != code })
	}
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(number(c.In, "MaxResults", 100)))
	if !ok {
		return nil, fault("InvalidPaginationTokenException", "The specified pagination token is not valid.")
	}
	shown := []any{}
	for _, q := range page {
		shown = append(shown, q.view(c))
	}
	out := Params{"Quotas": shown}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

func (w *World) quotasGet(c *Call) (Params, error) {
	if err := quotaService(c); err != nil {
		return nil, err
	}
	for _, q := range w.sagemakerQuotas() {
		if strings.EqualFold(q.code, text(c.In, "QuotaCode")) {
			return Params{"Quota": q.view(c)}, nil
		}
	}
	return nil, s3Fault(http.StatusNotFound, "NoSuchResourceException", "The request failed because the specified quota does not exist: %s", text(c.In, "QuotaCode"))
}
