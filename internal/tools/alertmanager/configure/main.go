// Command configure is the Prometheus operator's part: it makes Alertmanager's and
// Prometheus' configurations of objects in one manifest, of AlertmanagerConfigs and the
// secrets that they name, or of ServiceMonitors.
//
//	configure alertmanager global.yml < objects.yaml > alertmanager.yml
//	configure prometheus              < objects.yaml > prometheus.yml
//
// global.yml is what the cluster's own configuration of Alertmanager has as "global".
// It exits with 1 and says why where the operator would refuse the objects.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/blang/semver/v4"
	"github.com/prometheus-operator/prometheus-operator/pkg/alertmanager"
	"github.com/prometheus-operator/prometheus-operator/pkg/alertmanager/validation/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	alpha "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	core "k8s.io/api/core/v1"
	kubernetes "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

// version is the Alertmanager that go.mod pins.
const version = "0.28.1"

// base is where an alert goes that no object has a route for.
const base = `
route: {receiver: "nowhere"}
receivers: [{name: "nowhere"}]
`

func main() {
	var configuration func(context.Context, objects) ([]byte, error)
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "alertmanager":
		configuration = forAlertmanager(args[1])
	case len(args) == 1 && args[0] == "prometheus":
		configuration = forPrometheus
	default:
		fmt.Fprintln(os.Stderr, "usage: configure alertmanager global.yml, or configure prometheus, with a manifest as the input")
		os.Exit(2)
	}
	if err := run(context.Background(), configuration, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, configuration func(context.Context, objects) ([]byte, error), in io.Reader, out io.Writer) error {
	all, err := read(in)
	if err != nil {
		return err
	}
	text, err := configuration(ctx, all)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// forAlertmanager makes Alertmanager's configuration, with what a file has as global.
func forAlertmanager(file string) func(context.Context, objects) ([]byte, error) {
	return func(ctx context.Context, all objects) ([]byte, error) {
		global, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return makeAlertmanager(ctx, all, base+string(global))
	}
}

func makeAlertmanager(ctx context.Context, all objects, own string) ([]byte, error) {
	client := fake.NewClientset()
	for _, s := range all.secrets {
		if err := client.Tracker().Add(s); err != nil {
			return nil, err
		}
	}
	store := assets.NewStoreBuilder(client.CoreV1(), client.CoreV1())
	builder := alertmanager.NewConfigBuilder(slog.New(slog.DiscardHandler), semver.MustParse(version), store, &monitoring.Alertmanager{})
	if err := builder.InitializeFromRawConfiguration([]byte(own)); err != nil {
		return nil, err
	}
	if err := builder.AddAlertmanagerConfigs(ctx, all.configs); err != nil {
		return nil, err
	}
	return builder.MarshalJSON() // of which the operator makes YAML
}

// forPrometheus makes Prometheus' configuration.
func forPrometheus(_ context.Context, all objects) ([]byte, error) {
	server := &monitoring.Prometheus{}
	server.Name, server.Namespace = "server", "monitoring"
	server.Spec.ScrapeInterval, server.Spec.EvaluationInterval = "30s", "30s"
	generator, err := prometheus.NewConfigGenerator(slog.New(slog.DiscardHandler), server)
	if err != nil {
		return nil, err
	}
	client := fake.NewClientset()
	store := assets.NewStoreBuilder(client.CoreV1(), client.CoreV1())
	return generator.GenerateServerConfiguration(server, all.monitors, nil, nil, nil, store, nil, nil, nil, nil)
}

// objects are those of a manifest, by namespace and name where the operator has them so.
type objects struct {
	configs  map[string]*alpha.AlertmanagerConfig
	monitors map[string]*monitoring.ServiceMonitor
	secrets  []*core.Secret
}

// read reads the objects of a manifest.
func read(in io.Reader) (objects, error) {
	all := objects{configs: map[string]*alpha.AlertmanagerConfig{}, monitors: map[string]*monitoring.ServiceMonitor{}}
	text, err := io.ReadAll(in)
	if err != nil {
		return all, err
	}
	documents := kubernetes.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if err := all.add(document); err != nil {
			return all, err
		}
	}
}

// add reads a document, and has the operator judge it.
func (all *objects) add(document []byte) error {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "AlertmanagerConfig":
		config := &alpha.AlertmanagerConfig{}
		if err := yaml.UnmarshalStrict(document, config); err != nil {
			return err
		}
		all.configs[config.Namespace+"/"+config.Name] = config
		return v1alpha1.ValidateAlertmanagerConfig(config)
	case "ServiceMonitor":
		monitor := &monitoring.ServiceMonitor{}
		if err := yaml.UnmarshalStrict(document, monitor); err != nil {
			return err
		}
		all.monitors[monitor.Namespace+"/"+monitor.Name] = monitor
		return nil
	case "Secret":
		return all.addSecret(document)
	case "":
		return nil
	default:
		return fmt.Errorf("a %s is no part of a configuration", kind.Kind)
	}
}

// addSecret reads a secret as an API server takes one in.
func (all *objects) addSecret(document []byte) error {
	secret := &core.Secret{}
	if err := yaml.UnmarshalStrict(document, secret); err != nil {
		return err
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	all.secrets = append(all.secrets, secret)
	return nil
}
