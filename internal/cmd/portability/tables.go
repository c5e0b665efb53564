package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// matrix is the table of features by backends.
func matrix(factories []mlops.Factory) string {
	head := []string{"Feature", "What it is"}
	for _, f := range factories {
		head = append(head, "`"+f.Name+"`")
	}
	rows := [][]string{}
	for _, feature := range mlops.Features() {
		row := []string{"`" + string(feature.Feature) + "`", feature.Summary}
		for _, f := range factories {
			row = append(row, word(f.Capabilities.Features[feature.Feature].Support))
		}
		rows = append(rows, row)
	}
	return table(head, rows)
}

// word is an answer as the matrix shows it.
func word(s mlops.Support) string {
	switch s {
	case mlops.Native:
		return "yes"
	case mlops.Emulated:
		return "emulated"
	default:
		return "no"
	}
}

// notes tells how emulated features are done, and what to use instead of those
// that are missing.
func notes(factories []mlops.Factory) string {
	var b strings.Builder
	for _, f := range factories {
		fmt.Fprintf(&b, "### `%s`\n\n%s\n\n", f.Name, f.Summary)
		for _, feature := range mlops.Features() {
			answer := f.Capabilities.Features[feature.Feature]
			if answer.Note != "" {
				fmt.Fprintf(&b, "- `%s` (%s): %s\n", feature.Feature, answer.Support, answer.Note)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// names is the table of what each backend allows as a name.
func names(factories []mlops.Factory) string {
	rows := [][]string{}
	for _, noun := range mlops.Nouns() {
		if noun == mlops.NounPipelineRun || noun == mlops.NounModelVersion {
			continue // the backend names these itself
		}
		for _, f := range factories {
			rule := f.Capabilities.NameRule(noun)
			rows = append(rows, []string{"`mlops_" + string(noun) + "`", "`" + f.Name + "`", rule.Form, strconv.Itoa(rule.Max)})
		}
	}
	return table([]string{"Resource", "Backend", "Allowed", "Longest"}, rows)
}

// table writes a Markdown table.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	line(strings.Split(strings.Repeat("--- ", len(head)-1)+"---", " "))
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
