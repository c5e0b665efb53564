package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMultiply(t *testing.T) {
	t.Parallel()
	const sample = `{"version":4,"serial":3,"resources":[{"type":"x","name":"e00000","instances":[{"attributes":{"id":"local/bench/endpoints/e00000"}}]}]}`
	text, err := multiply([]byte(sample), 3)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version   int `json:"version"`
		Serial    int `json:"serial"`
		Resources []struct {
			Name      string `json:"name"`
			Instances []struct {
				Attributes map[string]string `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 4 || got.Serial != 3 || len(got.Resources) != 3 {
		t.Fatalf("got %+v", got)
	}
	for i, r := range got.Resources {
		name := fmt.Sprintf("e0000%d", i)
		if diff := cmp.Diff([]string{name, "local/bench/endpoints/" + name}, []string{r.Name, r.Instances[0].Attributes["id"]}); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMultiplyRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no state":       `nothing`,
		"no resources":   `{"version":4,"resources":[]}`,
		"another sample": `{"version":4,"resources":[{"name":"other"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := multiply([]byte(text), 2); err == nil {
				t.Error("no error")
			}
		})
	}
}
