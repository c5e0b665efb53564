package kubernetes

import (
	"errors"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// narrow has the API server's own priority and fairness take but a few requests of
// service accounts at a time, and refuse others with when to ask again.
const narrow = `
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: narrow}
spec: {type: Limited, limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: narrow}
spec:
  priorityLevelConfiguration: {name: narrow}
  matchingPrecedence: 2
  rules:
    - subjects: [{kind: Group, group: {name: "system:serviceaccounts"}}]
      resourceRules: [{verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"]}]
`

// TestPutOff proves that a server which has too much to do is asked again when it says,
// and that its answer then is the one that counts.
func TestPutOff(t *testing.T) {
	t.Parallel()
	var busy kubetest.Cluster
	t.Cleanup(func() {
		if err := busy.Close(); err != nil {
			t.Error(err)
		}
	})
	busy.Start(t)
	access := busy.As(t, `[{apiGroups: [""], resources: [namespaces, configmaps], verbs: [get, list]}]`)
	busy.Apply(t, "", narrow)
	b := open(mlops.Options{Owner: "us", Settings: mlops.Settings{
		settingHost: access.Host, settingToken: access.Token, settingCA: string(access.CA), settingCluster: testCluster,
	}})
	// Until the server has heard of it, it takes all: so ask until it has refused some.
	for range looks(2 * time.Minute) {
		if crowd(t, b); refused(t, busy.Access()) != "" {
			return
		}
	}
	t.Fatal("nothing was refused")
}

// crowd asks for many environments at once, none of which is there.
func crowd(t *testing.T, b *backend) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			_, err := b.Environments().Get(t.Context(), mlops.EnvironmentID(name, []string{testCluster}, "none-"+strconv.Itoa(i)))
			if !b.is(err, mlops.NotFound) {
				t.Errorf("got %v, want what the server says when it has time: there is none", err)
			}
		})
	}
	all.Wait()
}

var rejections = regexp.MustCompile(`(?m)^apiserver_flowcontrol_rejected_requests_total\{flow_schema="narrow".* (\S+)$`)

// refused is the server's own count of what it refused, as it writes it, "" for none.
func refused(t *testing.T, admin kubetest.Access) string {
	t.Helper()
	config := dynamic.ConfigFor(admin.Config())
	client, errClient := rest.HTTPClientFor(config)
	calls, err := rest.UnversionedRESTClientForConfigAndClient(config, client)
	if err := errors.Join(errClient, err); err != nil {
		t.Fatal(err)
	}
	text, err := calls.Get().AbsPath("/metrics").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	found := rejections.FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}
