package kubetest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// startControllers starts the controller manager and waits until it works.
func (c *Cluster) startControllers(ctx context.Context) error {
	var port string
	err := freePorts(&port)
	if err != nil {
		return err
	}
	err = c.run(controllerManager, command{path: c.programs.controlPlane(), args: []string{
		"kube-controller-manager", "--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false",
		"--bind-address=127.0.0.1", "--secure-port=" + port, "--cert-dir=" + c.file("controller-manager"),
		"--service-account-private-key-file=" + c.file("accounts.key"), "--root-ca-file=" + c.file("ca.crt"),
	}})
	if err != nil {
		return err
	}
	return c.poll(ctx, controllerManager, func(ctx context.Context) (bool, error) {
		_, err := c.objects.get(ctx, Ref{Resource: "serviceaccounts", Namespace: "default", Name: "default"})
		return err == nil, c.processes[controllerManager].failure()
	})
}

//go:embed testdata/nodes.yaml
var nodes string

// startNodes starts the scheduler and kwok, and waits until the nodes are ready.
func (c *Cluster) startNodes(ctx context.Context) error {
	var port string
	if err := freePorts(&port); err != nil {
		return err
	}
	stages, err := stages(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(
		c.run(scheduler, command{path: c.programs.controlPlane(), args: []string{
			"kube-scheduler", "--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false",
			"--authentication-kubeconfig=" + c.Kubeconfig(), "--authorization-kubeconfig=" + c.Kubeconfig(),
			"--bind-address=127.0.0.1", "--secure-port=" + port, "--cert-dir=" + c.file("scheduler"),
		}}),
		c.run("kwok", command{path: c.programs.kwok(), args: append([]string{
			"--kubeconfig=" + c.Kubeconfig(), "--manage-all-nodes", "--node-lease-duration-seconds=40",
		}, stages...)}),
	)
	if err != nil {
		return err
	}
	applied, err := c.objects.applyAll(ctx, "", nodes)
	if err != nil {
		return err
	}
	for _, node := range applied {
		if err := c.ready(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) ready(ctx context.Context, node *unstructured.Unstructured) error {
	return c.poll(ctx, "node "+node.GetName(), func(ctx context.Context) (bool, error) {
		now, err := c.objects.get(ctx, Ref{Resource: "nodes", Name: node.GetName()})
		return err == nil && Condition(now, "Ready") == "True", errors.Join(err, c.processes["kwok"].failure())
	})
}

// stages returns kwok's flags for what happens to nodes and pods: kwok's own fast
// stages, and before them ours.
func stages(ctx context.Context) ([]string, error) {
	folders, err := modules(ctx)
	if err != nil {
		return nil, err
	}
	own, err := filepath.Abs(filepath.Join("testdata", "stages.yaml"))
	if err != nil {
		return nil, err
	}
	kwok := filepath.Join(folders["sigs.k8s.io/kwok"], "kustomize", "stage")
	out := []string{"--config=" + own}
	for _, file := range []string{
		"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
		"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
	} {
		out = append(out, fmt.Sprintf("--config=%s", filepath.Join(kwok, file)))
	}
	return out, nil
}
