package mlops

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testCatalogue() Catalogue {
	const gib = 1 << 30
	l4 := func(count int64) *Accelerator { return &Accelerator{Type: "nvidia-l4", Memory: 24 * gib, Count: count} }
	both := []string{"hosting", "processing"}
	return Catalogue{Default: "m.large", Types: []MachineType{
		{Name: "m.large", Uses: both, CPU: 2, Memory: 8 * gib, USDPerHour: 0.12},
		{Name: "z.xlarge", Uses: both, CPU: 4, Memory: 16 * gib, USDPerHour: 0.24},
		{Name: "m.xlarge", Uses: both, CPU: 4, Memory: 16 * gib, USDPerHour: 0.24},
		{Name: "c.large", Uses: []string{"hosting"}, CPU: 2, Memory: 4 * gib, USDPerHour: 0.1},
		{Name: "arm.large", Uses: []string{"hosting"}, CPU: 2, Memory: 8 * gib, USDPerHour: 0.05, Explicit: true},
		{Name: "g.xlarge", Uses: []string{"hosting"}, CPU: 4, Memory: 16 * gib, USDPerHour: 1, Accelerator: l4(1)},
		{Name: "g.12xlarge", Uses: []string{"hosting"}, CPU: 48, Memory: 192 * gib, USDPerHour: 5, Accelerator: l4(4)},
		{Name: "p.xlarge", Uses: []string{"hosting"}, CPU: 8, Memory: 61 * gib, USDPerHour: 4, Accelerator: &Accelerator{Type: "nvidia-a100", Memory: 40 * gib, Count: 1}},
		{Name: "inf.xlarge", Uses: []string{"hosting"}, CPU: 4, Memory: 16 * gib, USDPerHour: 0.5, Explicit: true, Accelerator: &Accelerator{Type: "aws-inferentia2", Memory: 32 * gib, Count: 1}},
		{Name: "new.xlarge", Uses: both, Explicit: true},
	}}
}

func TestCatalogueResolve(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	gpu := func(kind string, memory Quantity, count int64) *Compute {
		return &Compute{Accelerator: &Accelerator{Type: kind, Memory: memory, Count: count}}
	}
	tests := []struct {
		name, use     string
		ask           *Compute
		want, refusal string
	}{
		{"nothing asked", "hosting", nil, "m.large", ""},
		{"an empty ask", "hosting", &Compute{}, "m.large", ""},
		{"disk and spot alone", "processing", &Compute{Disk: 1, Spot: true}, "m.large", ""},
		{"by name", "hosting", &Compute{Native: "z.xlarge"}, "z.xlarge", ""},
		{"by name, explicit", "hosting", &Compute{Native: "arm.large"}, "arm.large", ""},
		{"by name, without figures", "processing", &Compute{Native: "new.xlarge"}, "new.xlarge", ""},
		{"a fraction of a core", "hosting", &Compute{CPU: 0.5}, "c.large", ""},
		{"for another use", "processing", &Compute{CPU: 0.5}, "m.large", ""},
		{"exactly enough", "hosting", &Compute{CPU: 2, Memory: 8 * gib}, "m.large", ""},
		{"one byte more", "hosting", &Compute{CPU: 2, Memory: 8*gib + 1}, "m.xlarge", ""},
		{"of equal prices the first by name", "processing", &Compute{CPU: 3}, "m.xlarge", ""},
		{"no accelerator where none is asked for", "hosting", &Compute{CPU: 5}, "", "nearest is m.xlarge, which has 4 CPUs, 16Gi of memory"},
		{"an accelerator by type", "hosting", gpu("nvidia-l4", 0, 0), "g.xlarge", ""},
		{"an accelerator by memory", "hosting", gpu("", 30*gib, 1), "p.xlarge", ""},
		{"any accelerator is none that needs its own programs", "hosting", gpu("", 1, 1), "g.xlarge", ""},
		{"one that needs its own programs, by type", "hosting", gpu("aws-inferentia2", 0, 0), "inf.xlarge", ""},
		{"several", "hosting", gpu("nvidia-l4", 24*gib, 2), "g.12xlarge", ""},
		{"with cores", "hosting", &Compute{CPU: 8, Accelerator: &Accelerator{Type: "nvidia-l4"}}, "g.12xlarge", ""},
		{"no such name", "hosting", &Compute{Native: "m.larg"}, "", `no machine type "m.larg" for hosting. Did you mean "m.large"?`},
		{"not for this use", "processing", &Compute{Native: "c.large"}, "", "not offered for processing, only for hosting"},
		{"too many accelerators", "hosting", gpu("nvidia-l4", 0, 9), "", "has 9 × nvidia-l4; the nearest is g.12xlarge, which has 48 CPUs, 192Gi of memory, 4 × nvidia-l4 of 24Gi"},
		{"no such accelerator", "hosting", gpu("nvidia-l44", 0, 1), "", `there are aws-inferentia2, nvidia-a100, nvidia-l4. Did you mean "nvidia-l4"?`},
		{"too large an accelerator", "hosting", gpu("nvidia-l4", 25*gib, 1), "", "the largest such has 24Gi"},
		{"no accelerators for this use", "processing", gpu("nvidia-l4", 0, 1), "", "no machine type for processing has accelerators"},
		{"enough of all but memory", "hosting", &Compute{CPU: 2, Memory: 64 * gib}, "", "2 CPUs, 64Gi of memory; the nearest is m.xlarge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := testCatalogue().Resolve(tt.use, tt.ask)
			if tt.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refusal) {
					t.Errorf("got %s, error %v, want %q", got.Name, err, tt.refusal)
				}
				return
			}
			if err != nil || got.Name != tt.want {
				t.Errorf("got %s, %v, want %s", got.Name, err, tt.want)
			}
		})
	}
}

func TestCatalogueUses(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"hosting", "processing"}, testCatalogue().Uses()); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
	if _, ok := testCatalogue().Lookup("processing", "c.large"); ok {
		t.Error("a type is found for a use that it is not offered for")
	}
}

func TestCatalogueMonthlyUSD(t *testing.T) {
	t.Parallel()
	two, none := int64(2), int64(0)
	spec := ModelEndpointSpec{Variants: map[string]Variant{"a": {Scaling: &Scaling{Min: &two}}, "b": {}}}
	idle := ModelEndpointSpec{Variants: map[string]Variant{"a": {Scaling: &Scaling{Min: &none}}}}
	usd := func(v float64) *float64 { return &v }
	tests := []struct {
		name  string
		spec  ModelEndpointSpec
		types map[string]string
		want  *float64
	}{
		{"two and one", spec, map[string]string{"a": "m.large", "b": "c.large"}, usd(248.2)}, // 730 × (2 × 0.12 + 0.1)
		{"asleep", idle, map[string]string{"a": "m.large"}, usd(0)},
		{"no price", spec, map[string]string{"a": "m.large", "b": "new.xlarge"}, nil},
		{"no type", spec, map[string]string{"a": "m.large"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, testCatalogue().MonthlyUSD(tt.spec, tt.types)); diff != "" {
				t.Errorf("cost (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCatalogueHosting proves that a variant that may have no replica runs on no
// machine, where the platform has that, and costs nothing while it has none.
func TestCatalogueHosting(t *testing.T) {
	t.Parallel()
	scaled := func(least int64) Variant { return Variant{Scaling: &Scaling{Min: &least}} }
	serverless := testCatalogue()
	serverless.Serverless = func(*Compute) string { return "serverless" }
	for _, tt := range []struct {
		name string
		all  Catalogue
		v    Variant
		want string
		free bool
	}{
		{"one replica", serverless, scaled(1), "m.large", false},
		{"none, serverless", serverless, scaled(0), "serverless", true},
		{"none, on a machine", testCatalogue(), scaled(0), "m.large", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.all.Hosting(tt.v)
			if err != nil || got != tt.want {
				t.Errorf("Hosting() = %q, %v, want %q", got, err, tt.want)
			}
			month := tt.all.MonthlyUSD(ModelEndpointSpec{Variants: map[string]Variant{"a": tt.v}}, map[string]string{"a": got})
			if month == nil || (*month == 0) != tt.free {
				t.Errorf("MonthlyUSD() = %v, want free: %t", month, tt.free)
			}
		})
	}
}
