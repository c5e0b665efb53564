package sagemaker

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultMachine runs what asks for nothing.
const defaultMachine = "ml.m5.large"

//go:embed machines.csv
var machinesCSV []byte

// machines is the catalogue, read once.
var machines = sync.OnceValues(func() (mlops.Catalogue, error) { return readCatalogue(machinesCSV) })

// catalogue is what AWS has. The file is part of the program, and tests read it:
// what cannot be read leaves a catalogue without types, which refuses every ask.
func catalogue() mlops.Catalogue {
	c, err := machines()
	if err != nil {
		return mlops.Catalogue{}
	}
	return c
}

// readCatalogue reads the list of types and adds what may be named besides: types
// that the SDK knows and the list does not have, or not for that use. Asks do not
// resolve to those by themselves, since fewer regions have them.
func readCatalogue(text []byte) (mlops.Catalogue, error) {
	c := mlops.Catalogue{
		Default: defaultMachine, Region: "us-east-1", Date: "2025-06",
		Source: "https://aws.amazon.com/sagemaker/pricing", Serverless: serverlessSize,
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	header, err := r.Read()
	if err != nil {
		return c, err
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[name] = i
	}
	lines, err := r.ReadAll()
	if err != nil {
		return c, err
	}
	for _, line := range lines {
		t, err := machineOf(func(column string) string { return line[columns[column]] })
		if err != nil {
			return c, err
		}
		c.Types = append(c.Types, t)
	}
	c.Types = append(c.Types, namedOnly(c)...)
	return c, nil
}

// machineOf reads one line, by column.
func machineOf(cell func(string) string) (mlops.MachineType, error) {
	var wrong error
	number := func(column string) float64 {
		if cell(column) == "" {
			return 0
		}
		v, err := strconv.ParseFloat(cell(column), 64)
		if err != nil || v <= 0 {
			wrong = fmt.Errorf("%s of %s is %q", column, cell("name"), cell(column))
		}
		return v
	}
	gib := func(column string) mlops.Quantity { return mlops.Quantity(number(column) * (1 << 30)) }
	t := mlops.MachineType{
		Name: cell("name"), CPU: number("cpu"), Memory: gib("gib"), USDPerHour: number("usd"), Explicit: cell("explicit") != "",
	}
	if cell("accelerator") != "" {
		t.Accelerator = &mlops.Accelerator{Type: cell("accelerator"), Memory: gib("accelerator_gib"), Count: int64(number("accelerators"))}
	}
	for letter, use := range map[string]string{"h": mlops.UseHosting, "p": mlops.UseProcessing, "t": mlops.UseTraining} {
		if strings.Contains(cell("uses"), letter) {
			t.Uses = append(t.Uses, use)
		}
	}
	slices.Sort(t.Uses)
	return t, wrong
}

// namedOnly lists what the SDK knows and a catalogue does not have for that use.
func namedOnly(c mlops.Catalogue) []mlops.MachineType {
	var more []mlops.MachineType
	add := func(use, name string) {
		if _, ok := c.Lookup(use, name); ok {
			return
		}
		t := mlops.MachineType{Name: name}
		if i := slices.IndexFunc(c.Types, func(t mlops.MachineType) bool { return t.Name == name }); i >= 0 {
			t = c.Types[i]
		}
		t.Uses, t.Explicit = []string{use}, true
		more = append(more, t)
	}
	for _, name := range types.ProductionVariantInstanceType("").Values() {
		add(mlops.UseHosting, string(name))
	}
	for _, name := range types.ProcessingInstanceType("").Values() {
		add(mlops.UseProcessing, string(name))
	}
	for _, name := range types.TrainingInstanceType("").Values() {
		add(mlops.UseTraining, string(name))
	}
	return more
}
