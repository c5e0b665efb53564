package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sampleName is the one object that is really applied. All names have the same
// length, so that they can take its place.
const sampleName = "e00000"

func memberName(i int) string { return fmt.Sprintf("e%05d", i) }

// stack is a configuration of many like objects with the state that an apply
// would have left. Each has a block of its own: Terraform's time for a count or
// for_each grows with the square of its length, which is not what is measured.
type stack struct {
	head  string                   // of the configuration
	block func(name string) string // of one object
}

// write writes a configuration of n objects into a directory.
func (s stack) write(dir string, n int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(s.head)
	for i := range n {
		text.WriteString(s.block(memberName(i)))
	}
	return os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text.String()), 0o600)
}

// state is a state file, as far as copying objects needs to know it.
type state map[string]json.RawMessage

// copyState writes the state of n objects into a directory, all made from the
// one in the state of another directory.
func copyState(from, to string, n int) error {
	text, err := os.ReadFile(filepath.Join(from, "terraform.tfstate"))
	if err != nil {
		return err
	}
	if text, err = multiply(text, n); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "terraform.tfstate"), text, 0o600)
}

// multiply turns a state of the sample into one of n objects.
func multiply(text []byte, n int) ([]byte, error) {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read the sample's state: %w", err)
	}
	var resources []json.RawMessage
	if err := json.Unmarshal(s["resources"], &resources); err != nil {
		return nil, fmt.Errorf("read the sample's state: %w", err)
	}
	if len(resources) != 1 || !bytes.Contains(resources[0], []byte(sampleName)) {
		return nil, fmt.Errorf("the sample's state has %d resources, not the sample alone", len(resources))
	}
	all := make([]json.RawMessage, n)
	for i := range all {
		all[i] = bytes.ReplaceAll(resources[0], []byte(sampleName), []byte(memberName(i)))
	}
	joined, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	s["resources"] = joined
	return json.Marshal(s)
}

// likes is a stack of terraform_data that hold what the endpoints hold.
func likes(l *lab) stack {
	return stack{block: func(name string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" %q {\n  input = {%s  }\n}\n", name, endpointArguments(l, name))
	}}
}

// bares is a stack of terraform_data that hold a word.
func bares() stack {
	return stack{block: func(name string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" %q {\n  input = %q\n}\n", name, name)
	}}
}

// providerHead is what a configuration with objects of ours begins with.
const providerHead = "terraform {\n  required_providers {\n    mlops = { source = \"terraform-mlops/mlops\" }\n  }\n}\n"

// endpoints is a stack of endpoints as users write them, all of one version.
func endpoints(l *lab) stack {
	return stack{
		head: providerHead,
		block: func(name string) string {
			return fmt.Sprintf("\nresource \"mlops_model_endpoint\" %q {%s}\n", name, endpointArguments(l, name))
		},
	}
}

// endpointArguments are those of an endpoint as users write it.
func endpointArguments(l *lab, name string) string {
	const arguments = `
  environment = "%[2]s"
  name        = "%[1]s"
  variants = {
    main = {
      version = "%[3]s"
      traffic = 100
      compute = { cpu = 1, memory = "1Gi" }
      scaling = { min = 0, max = 4, target = { concurrency = 8 } }
    }
  }
  rollout    = { strategy = "all_at_once" }
  capture    = { sample_percent = 100 }
  smoke_test = { request = jsonencode({ instances = [] }), expect_status = 200 }
`
	return fmt.Sprintf(arguments, name, l.environment, l.version)
}
