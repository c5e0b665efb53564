// Command configure is the Prometheus operator's part in the way of an alert: it
// makes Alertmanager's configuration of AlertmanagerConfigs and the secrets that they
// name, all of them in one manifest.
//
//	configure < objects.yaml > alertmanager.yml
//
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
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	configs, secrets, err := read(in)
	if err != nil {
		return err
	}
	client := fake.NewClientset()
	for _, s := range secrets {
		if err := client.Tracker().Add(s); err != nil {
			return err
		}
	}
	store := assets.NewStoreBuilder(client.CoreV1(), client.CoreV1())
	builder := alertmanager.NewConfigBuilder(slog.New(slog.DiscardHandler), semver.MustParse(version), store, &monitoring.Alertmanager{})
	if err := builder.InitializeFromRawConfiguration([]byte(base)); err != nil {
		return err
	}
	if err := builder.AddAlertmanagerConfigs(ctx, configs); err != nil {
		return err
	}
	text, err := builder.MarshalJSON() // of which the operator makes YAML
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// read returns the objects of a manifest: configurations by namespace and name, and
// secrets.
func read(in io.Reader) (map[string]*alpha.AlertmanagerConfig, []*core.Secret, error) {
	configs := map[string]*alpha.AlertmanagerConfig{}
	var secrets []*core.Secret
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, nil, err
	}
	documents := kubernetes.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return configs, secrets, nil
		}
		if err != nil {
			return nil, nil, err
		}
		config, secret, err := one(document)
		if err != nil {
			return nil, nil, err
		}
		if config != nil {
			configs[config.Namespace+"/"+config.Name] = config
		}
		if secret != nil {
			secrets = append(secrets, secret)
		}
	}
}

// one reads a document: a configuration, which is judged, or a secret.
func one(document []byte) (*alpha.AlertmanagerConfig, *core.Secret, error) {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return nil, nil, err
	}
	switch kind.Kind {
	case "AlertmanagerConfig":
		config := &alpha.AlertmanagerConfig{}
		if err := yaml.UnmarshalStrict(document, config); err != nil {
			return nil, nil, err
		}
		return config, nil, v1alpha1.ValidateAlertmanagerConfig(config)
	case "Secret":
		secret := &core.Secret{}
		if err := yaml.UnmarshalStrict(document, secret); err != nil {
			return nil, nil, err
		}
		// What an API server does when a secret is written.
		for key, value := range secret.StringData {
			secret.Data = merged(secret.Data, key, []byte(value))
		}
		return nil, secret, nil
	case "":
		return nil, nil, nil
	default:
		return nil, nil, fmt.Errorf("a %s is no part of Alertmanager's configuration", kind.Kind)
	}
}

func merged(into map[string][]byte, key string, value []byte) map[string][]byte {
	if into == nil {
		into = map[string][]byte{}
	}
	into[key] = value
	return into
}
