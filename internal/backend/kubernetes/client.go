package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// agent names the provider to API servers: as the field manager, in user agents, and
// as what manages an object.
const agent = "terraform-provider-mlops"

// patience is how long one call may take.
const patience = time.Minute

// cluster is one API server, as one set of credentials sees it. The client library
// repeats calls that the server puts off, after the pause that the server asks for.
type cluster struct {
	name    string
	host    string
	objects dynamic.Interface
	calls   rest.Interface // for what is no object: what is installed, logs
	force   bool           // whether fields of other managers are taken over

	mu        sync.Mutex
	installed map[capability]installation
}

// open makes the backend. Nothing is asked of a cluster yet.
func open(o mlops.Options) *backend {
	return &backend{options: o, clusters: map[string]*cluster{}, namespaces: map[mlops.ID]whereabouts{}}
}

// in returns the cluster that an ID names.
func (b *backend) in(id mlops.ID) (*cluster, error) {
	of, err := clusterOf(id)
	if err != nil {
		return nil, err
	}
	return b.named(of)
}

// named returns a cluster by the name that IDs have for it.
func (b *backend) named(of string) (*cluster, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.clusters[of]; ok {
		return c, nil
	}
	c, err := b.connect(of)
	if err == nil {
		b.clusters[of] = c
	}
	return c, err
}

// connect reads the configuration of one cluster.
func (b *backend) connect(of string) (*cluster, error) {
	s := b.options.Settings
	config, err := configOf(s, of)
	if err != nil {
		return nil, err
	}
	config.UserAgent = agent + "/" + cmp.Or(b.options.Version, "dev")
	config.QPS = float32(cmp.Or(s.Int(settingQPS), defaultQPS))
	config.Burst = int(cmp.Or(s.Int(settingBurst), defaultBurst))
	config.Timeout = patience
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return patient{next} })
	if p := s.String(settingProxy); p != "" {
		proxy, err := url.Parse(p)
		if err != nil {
			return nil, refuseSetting(settingProxy, "%q is no URL of a proxy: %w", p, err)
		}
		config.Proxy = http.ProxyURL(proxy)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("the configuration of the cluster %q: %w", of, invalid(err))
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("the configuration of the cluster %q: %w", of, invalid(err))
	}
	calls, err := rest.UnversionedRESTClientForConfigAndClient(dynamic.ConfigFor(config), client)
	if err != nil {
		return nil, fmt.Errorf("the configuration of the cluster %q: %w", of, invalid(err))
	}
	return &cluster{name: of, host: config.Host, objects: objects, calls: calls, force: s.Bool(settingForce), installed: map[capability]installation{}}, nil
}

// configOf is the configuration that reaches a cluster: the provider's own settings
// where they name it, or a context of the kubeconfig.
func configOf(s mlops.Settings, of string) (*rest.Config, error) {
	if of == direct(s) {
		return directConfig(s)
	}
	rules, err := kubeconfigs(s)
	if err != nil {
		return nil, err
	}
	context := cmp.Or(s.Map(settingClusters)[of], of)
	if err := checkContext(rules, context); err != nil {
		return nil, refuseSetting(settingCluster, "no way to the cluster %q: %w", of, err)
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if err != nil {
		return nil, refuseSetting(settingCluster, "no way to the cluster %q: %w", of, err)
	}
	return config, nil
}

// checkContext insists on a context of the kubeconfig, and says which there are.
func checkContext(rules *clientcmd.ClientConfigLoadingRules, context string) error {
	files := strings.Join(rules.GetLoadingPrecedence(), ", ")
	all, err := rules.Load()
	if err != nil {
		return err
	}
	if len(all.Contexts) == 0 {
		return fmt.Errorf("there is no kubeconfig with a context at %s; set kubernetes.config_path of the provider, or KUBECONFIG, or reach an API server by kubernetes.host", files)
	}
	if all.Contexts[context] == nil {
		known := slices.Sorted(maps.Keys(all.Contexts))
		return fmt.Errorf("the kubeconfig at %s has no context %q; it has %s.%s", files, context, strings.Join(known, ", "), mlops.DidYouMean(context, known))
	}
	return nil
}

// kubeconfigs says which kubeconfig files there are to read.
func kubeconfigs(s mlops.Settings) (*clientcmd.ClientConfigLoadingRules, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // KUBECONFIG, or the one at home
	path, err := mlops.HomePath(name+"."+settingConfigPath, s.String(settingConfigPath))
	if err != nil {
		return nil, err
	}
	if path != "" {
		rules.ExplicitPath = path
	}
	paths, err := configPaths(s)
	if err == nil && len(paths) > 0 {
		rules.ExplicitPath, rules.Precedence = "", paths
	}
	return rules, err
}

// configPaths are the kubeconfig files to merge: those given, or those in the variable,
// which lists them as PATH does.
func configPaths(s mlops.Settings) ([]string, error) {
	paths := slices.Clone(s.List(settingConfigPaths))
	if len(paths) == 0 && s.String(settingConfigPath) == "" {
		paths = filepath.SplitList(os.Getenv("KUBE_CONFIG_PATHS"))
	}
	for i, path := range paths {
		var err error
		if paths[i], err = mlops.HomePath(name+"."+settingConfigPaths, path); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// directConfig reaches the cluster of the provider's own settings.
func directConfig(s mlops.Settings) (*rest.Config, error) {
	if s.Bool(settingInCluster) {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, refuseSetting(settingInCluster, "this is no pod with a service account: %w", err)
		}
		return config, nil
	}
	config := &rest.Config{
		Host: s.String(settingHost), BearerToken: s.String(settingToken),
		TLSClientConfig: rest.TLSClientConfig{
			Insecure: s.Bool(settingInsecure), ServerName: s.String(settingServerName),
			CAData: []byte(s.String(settingCA)), CertData: []byte(s.String(settingCertificate)), KeyData: []byte(s.String(settingKey)),
		},
	}
	return config, nil
}

// raw reads a path of the API server.
func (c *cluster) raw(ctx context.Context, path string) ([]byte, error) {
	return c.calls.Get().AbsPath(path).Do(ctx).Raw()
}
