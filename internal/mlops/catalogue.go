package mlops

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// What machines are used for.
const (
	UseHosting    = "hosting"
	UseProcessing = "processing"
	UseTraining   = "training"
)

// hoursPerMonth is what a month is counted as where prices are estimated.
const hoursPerMonth = 730

// MachineType is one of a platform's types of machines.
type MachineType struct {
	Name        string
	Uses        []string     // what the platform offers it for, such as "hosting"
	CPU         float64      // cores; zero if that is not known
	Memory      Quantity     // zero if that is not known
	Accelerator *Accelerator // what is in it; its memory is that of each
	USDPerHour  float64      // approximate; zero if that is not known
	// Explicit types are never what an ask for cores and memory resolves to: it
	// has to name them, or their accelerator. They are those that not every
	// program runs on, and those whose cores are not there all the time.
	Explicit bool
}

// Catalogue is what a platform's machines are, and what they cost.
type Catalogue struct {
	// Types may list a name twice, for different uses.
	Types   []MachineType
	Default string // name of the type for who asks for nothing
	Region  string // of the prices
	Date    string // of the prices, such as "2025-06"
	Source  string // of the prices, for the docs
	// Serverless names what a variant with no least replica runs on, where that is no
	// machine of Types; nil where the platform has none such.
	Serverless func(*Compute) string
}

// Uses lists what the platform has machines for.
func (c Catalogue) Uses() []string {
	var all []string
	for _, t := range c.Types {
		all = append(all, t.Uses...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Lookup returns the type of that name for a use, if there is one.
func (c Catalogue) Lookup(use, name string) (MachineType, bool) {
	i := slices.IndexFunc(c.Types, func(t MachineType) bool { return t.Name == name && slices.Contains(t.Uses, use) })
	if i < 0 {
		return MachineType{}, false
	}
	return c.Types[i], true
}

// Resolve returns the type that an ask gets for a use: the one it names, else the
// cheapest that has all it asks for, and of equally cheap ones the first by name.
// Who asks for nothing gets the default. The error says what comes nearest.
func (c Catalogue) Resolve(use string, ask *Compute) (MachineType, error) {
	if ask == nil || ask.CPU == 0 && ask.Memory == 0 && ask.Accelerator == nil {
		name := c.Default
		if ask != nil && ask.Native != "" {
			name = ask.Native
		}
		return c.named(use, name)
	}
	offered := slices.DeleteFunc(c.offered(use), func(t MachineType) bool { return !t.suits(ask.Accelerator) })
	enough := slices.DeleteFunc(slices.Clone(offered), func(t MachineType) bool {
		return t.CPU < ask.CPU || t.Memory < ask.Memory || t.count() < ask.Accelerator.count()
	})
	if len(enough) == 0 {
		return MachineType{}, c.shortfall(use, ask, offered)
	}
	return slices.MinFunc(enough, func(a, b MachineType) int {
		return cmp.Or(cmp.Compare(a.USDPerHour, b.USDPerHour), cmp.Compare(a.Name, b.Name))
	}), nil
}

// Hosting is the name of what a variant of an endpoint runs on: of a machine type, or
// of what takes its place where the variant may have none.
func (c Catalogue) Hosting(v Variant) (string, error) {
	if least, _, _ := v.Scaling.Bounds(); least == 0 && c.Serverless != nil {
		return c.Serverless(v.Compute), nil
	}
	t, err := c.Resolve(UseHosting, v.Compute)
	return t.Name, err
}

// USDPerMonth is about what one machine of the type costs in a month of 730 hours,
// to the cent; zero if that is not known.
func (t MachineType) USDPerMonth() float64 {
	return math.Round(t.USDPerHour*hoursPerMonth*100) / 100
}

// MonthlyUSD is about what an endpoint's machines cost in a month at its least
// number of replicas, from the type of each variant. A variant that may have none
// costs nothing while nobody asks it. Nil if the price of one is not known.
func (c Catalogue) MonthlyUSD(spec ModelEndpointSpec, types map[string]string) *float64 {
	var hour float64
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) { // sums depend on the order
		least, _, _ := spec.Variants[name].Scaling.Bounds()
		if least == 0 {
			continue
		}
		t, ok := c.Lookup(UseHosting, types[name])
		if !ok || t.USDPerHour == 0 {
			return nil
		}
		hour += float64(least) * t.USDPerHour
	}
	month := MachineType{USDPerHour: hour}.USDPerMonth()
	return &month
}

func (c Catalogue) offered(use string) []MachineType {
	return slices.DeleteFunc(slices.Clone(c.Types), func(t MachineType) bool { return !slices.Contains(t.Uses, use) })
}

// named is the type of that name, or an error that says why there is none.
func (c Catalogue) named(use, name string) (MachineType, error) {
	if t, ok := c.Lookup(use, name); ok {
		return t, nil
	}
	var others, names []string
	for _, t := range c.Types {
		if t.Name == name {
			others = append(others, t.Uses...)
		}
		if slices.Contains(t.Uses, use) {
			names = append(names, t.Name)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		return MachineType{}, fmt.Errorf("machine type %q is not offered for %s, only for %s", name, use, strings.Join(slices.Compact(others), " and "))
	}
	return MachineType{}, errors.New(strings.TrimSuffix(fmt.Sprintf("there is no machine type %q for %s.%s", name, use, DidYouMean(name, names)), "."))
}

// shortfall says what an ask that no type meets comes nearest to. Suitable are the
// types that have the accelerator asked for, if any.
func (c Catalogue) shortfall(use string, ask *Compute, suitable []MachineType) error {
	if len(suitable) == 0 {
		return c.noAccelerator(use, ask.Accelerator)
	}
	largest := slices.MaxFunc(suitable, func(a, b MachineType) int {
		return cmp.Or(
			cmp.Compare(min(a.count(), ask.Accelerator.count()), min(b.count(), ask.Accelerator.count())),
			cmp.Compare(min(a.Memory, ask.Memory), min(b.Memory, ask.Memory)),
			cmp.Compare(min(a.CPU, ask.CPU), min(b.CPU, ask.CPU)),
			-cmp.Compare(a.USDPerHour, b.USDPerHour), cmp.Compare(b.Name, a.Name),
		)
	})
	return fmt.Errorf("no machine type for %s has %s; the nearest is %s, which has %s", use, ask.words(), largest.Name, largest.words())
}

func (c Catalogue) noAccelerator(use string, ask *Accelerator) error {
	var types []string
	var most Quantity
	for _, t := range c.offered(use) {
		if t.Accelerator != nil {
			types = append(types, t.Accelerator.Type)
		}
		if t.suits(&Accelerator{Type: ask.Type}) {
			most = max(most, t.Accelerator.Memory)
		}
	}
	slices.Sort(types)
	types = slices.Compact(types)
	switch {
	case len(types) == 0:
		return fmt.Errorf("no machine type for %s has accelerators", use)
	case most > 0:
		return fmt.Errorf("no machine type for %s has %s; the largest such has %s", use, ask.words(), most)
	}
	guess := strings.TrimSuffix(DidYouMean(ask.Type, types), ".")
	return fmt.Errorf("no machine type for %s has %s; there are %s.%s", use, ask.words(), strings.Join(types, ", "), guess)
}

// suits reports whether a type has what kind of accelerator is asked for, however
// many. Who asks for none gets none, and who does not say which gets one that any
// program for accelerators runs on.
func (t MachineType) suits(ask *Accelerator) bool {
	switch {
	case ask == nil:
		return t.Accelerator == nil && !t.Explicit
	case t.Accelerator == nil || t.Accelerator.Memory < ask.Memory:
		return false
	case ask.Type == "":
		return !t.Explicit
	}
	return t.Accelerator.Type == ask.Type
}

func (t MachineType) count() int64 { return t.Accelerator.count() }

// count is how many there are, or how many are asked for.
func (a *Accelerator) count() int64 {
	if a == nil {
		return 0
	}
	return max(1, a.Count)
}

// words describes a type as words describes an ask.
func (t MachineType) words() string {
	return (&Compute{CPU: t.CPU, Memory: t.Memory, Accelerator: t.Accelerator}).words()
}

// words describes an ask in a message.
func (a *Compute) words() string {
	var parts []string
	if a.CPU != 0 {
		parts = append(parts, fmt.Sprintf("%g CPUs", a.CPU))
	}
	if a.Memory != 0 {
		parts = append(parts, a.Memory.String()+" of memory")
	}
	if a.Accelerator != nil {
		parts = append(parts, a.Accelerator.words())
	}
	return strings.Join(parts, ", ")
}

func (a *Accelerator) words() string {
	text := fmt.Sprintf("%d × %s", a.count(), cmp.Or(a.Type, "accelerator"))
	if a.Memory != 0 {
		text += " of " + a.Memory.String()
	}
	return text
}
