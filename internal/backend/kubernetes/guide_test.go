package kubernetes

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
)

// guide is the text of the guide for users.
func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../templates/guides/kubernetes.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var guideBlock = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// commands are the lines of the guide's shell blocks.
func commands(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, block := range guideBlock.FindAllStringSubmatch(guide(t), -1) {
		for line := range strings.Lines(block[2]) {
			line = strings.TrimSpace(line)
			if block[1] == "sh" && line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
	}
	return out
}

// TestGuideHasTheCommands proves that the guide installs what plans ask for, and nothing
// else.
func TestGuideHasTheCommands(t *testing.T) {
	t.Parallel()
	var asked []string
	for _, r := range requirements() {
		asked = append(asked, r.install)
	}
	had := commands(t)
	for _, list := range [][]string{asked, had} {
		slices.Sort(list)
	}
	if asked = slices.Compact(asked); !slices.Equal(asked, had) {
		t.Errorf("plans ask for\n%s\nand the guide has\n%s", strings.Join(asked, "\n"), strings.Join(had, "\n"))
	}
}

var (
	kserveChart = regexp.MustCompile(`helm install (\S+) oci://ghcr\.io/kserve/charts/(\S+) --version (\S+)[^&]*`)
	chartValue  = regexp.MustCompile(`--set kserve\.(\w+)\.(\w+)=`)
)

// TestGuideInstallsChartsThatExist holds the commands to KServe's own charts, which are
// called otherwise from version to version.
func TestGuideInstallsChartsThatExist(t *testing.T) {
	t.Parallel()
	module := kubetest.Module(t, "github.com/kserve/kserve")
	charts := kserveChart.FindAllStringSubmatch(strings.Join(commands(t), "\n"), -1)
	if len(charts) != 3 {
		t.Fatalf("%d charts of KServe: %q", len(charts), charts)
	}
	for _, chart := range charts {
		about, values := chartFile(t, module, chart[2], "Chart.yaml"), chartFile(t, module, chart[2], "values.yaml")
		if !strings.Contains(about, "\nversion: "+chart[3]+"\n") {
			t.Errorf("the chart %s is not of version %s:\n%s", chart[2], chart[3], about)
		}
		for _, set := range chartValue.FindAllStringSubmatch(chart[0], -1) {
			if !regexp.MustCompile(`(?ms)^  ` + set[1] + `:$.*^    ` + set[2] + `: `).MatchString(values) {
				t.Errorf("the chart %s has no value kserve.%s.%s", chart[2], set[1], set[2])
			}
		}
	}
}

func chartFile(t *testing.T, module, chart, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "charts", chart, file))
	if os.IsNotExist(err) && file == "values.yaml" {
		return "" // a chart of definitions alone
	}
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

var (
	guideSpan = regexp.MustCompile("`([^`]+)`")
	guideWord = regexp.MustCompile(`[\w./-]*\w[/]?`)
)

// othersWords are words of the guide that are of other people's programs, with the file
// of their makers that has them, where a module that tests have anyway has one.
func othersWords() map[string]struct{ module, file string } {
	const operator, amcfg = "github.com/prometheus-operator/prometheus-operator", "pkg/alertmanager/amcfg.go"
	const knative = "knative.dev/serving"
	return map[string]struct{ module, file string }{
		"SMTP smarthost is a mandatory field": {operator, amcfg},
		"smtp_smarthost":                      {operator, "pkg/alertmanager/types.go"},
		"smtp_from":                           {operator, "pkg/alertmanager/types.go"},
		"global":                              {operator, "pkg/alertmanager/types.go"},
		"config-observability":                {knative, "config/core/configmaps/observability.yaml"},
		"request-metrics-protocol":            {knative, "config/core/configmaps/observability.yaml"},
		"config-features":                     {knative, "config/core/configmaps/features.yaml"},
		"kubernetes.podspec-nodeselector":     {knative, "config/core/configmaps/features.yaml"},
		"kubernetes.podspec-affinity":         {knative, "config/core/configmaps/features.yaml"},
		"kubernetes.podspec-tolerations":      {knative, "config/core/configmaps/features.yaml"},
		"config-defaults":                     {knative, "config/core/configmaps/defaults.yaml"},
		"max-revision-timeout-seconds":        {knative, "config/core/configmaps/defaults.yaml"},
		"terraform destroy -refresh=false":    {},
	}
}

// TestGuideSpeaksOfWhatThereIs looks up every word that the guide sets as code: a name or
// a message that nothing has any more is one that readers look for in vain.
func TestGuideSpeaksOfWhatThereIs(t *testing.T) {
	t.Parallel()
	own := sources(t, "../..", "../../../modules", "../../../examples")
	own += sources(t, filepath.Join(kubetest.Module(t, "github.com/kserve/kserve"), "pkg/apis/serving/v1beta1")) // what overrides may have
	others := othersWords()
	prose := strings.ReplaceAll(guideBlock.ReplaceAllString(guide(t), ""), "\n  ", " ")
	for _, span := range guideSpan.FindAllStringSubmatch(prose, -1) {
		if where, ok := others[span[1]]; ok {
			if where.module != "" {
				has(t, filepath.Join(kubetest.Module(t, where.module), where.file), span[1])
			}
			continue
		}
		for _, word := range guideWord.FindAllString(span[1], -1) {
			if _, err := os.Stat(filepath.Join("../../..", word)); err != nil && !strings.Contains(own, lastOf(word)) {
				t.Errorf("the guide speaks of %s, and nothing here has %q", span[0], word)
			}
		}
	}
}

// lastOf is what a path of attributes leads to. Names that end in "name" stand for the
// names of users' objects.
func lastOf(word string) string {
	if before, named := strings.CutSuffix(word, "-name"); named {
		return `"` + before + `-"`
	}
	if !strings.Contains(word, "/") {
		word = word[strings.LastIndexByte(word, '.')+1:]
	}
	return strings.TrimPrefix(word, "/namespace/")
}

func has(t *testing.T, file, word string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
	} else if !strings.Contains(string(text), word) {
		t.Errorf("%s does not have %q", file, word)
	}
}

// sources is all of the code and the configurations below some folders, without tests.
func sources(t *testing.T, folders ...string) string {
	t.Helper()
	var out strings.Builder
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			ext := filepath.Ext(path)
			if err != nil || d.IsDir() || ext != ".go" && ext != ".tf" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			out.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
