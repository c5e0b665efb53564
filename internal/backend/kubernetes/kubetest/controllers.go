package kubetest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
)

// startControllers starts the controller manager and waits until it works.
func (c *Cluster) startControllers(ctx context.Context) error {
	var port string
	err := freePorts(ctx, &port)
	if err != nil {
		return err
	}
	err = c.run(ctx, controllerManager, command{path: c.programs.controlPlane(), args: []string{
		"kube-controller-manager", "--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false",
		"--bind-address=127.0.0.1", "--secure-port=" + port, "--cert-dir=" + c.file("controller-manager"),
		"--enable-hostpath-provisioner", // folders that nothing is written to, since no container runs
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

// LastWords are the log of every container, none of which runs.
const LastWords = "nobody ran this, so this is what it said"

// logsOfPods has kwok, as the kubelet of its nodes, give the same log for all.
const logsOfPods = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: all}
spec: {logs: [{logsFile: %s}]}
`

//go:embed testdata/storage.yaml
var storageClass string

// startNodes starts the scheduler and kwok, and waits until the nodes are ready, for
// which there are volumes.
func (c *Cluster) startNodes(ctx context.Context) error {
	var port, kubelet string
	if err := freePorts(ctx, &port, &kubelet); err != nil {
		return err
	}
	if err := c.installStages(ctx); err != nil {
		return err
	}
	err := errors.Join(
		c.write("pod.log", []byte("2026-01-01T00:00:00.000000000Z stderr F "+LastWords+"\n")), // as a container runtime writes it
		c.write("kwok.yaml", fmt.Appendf(nil, logsOfPods, c.file("pod.log"))),
		c.run(ctx, scheduler, command{path: c.programs.controlPlane(), args: []string{
			"kube-scheduler", "--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false",
			"--authentication-kubeconfig=" + c.Kubeconfig(), "--authorization-kubeconfig=" + c.Kubeconfig(),
			"--bind-address=127.0.0.1", "--secure-port=" + port, "--cert-dir=" + c.file("scheduler"),
		}}),
		c.run(ctx, kwok, command{path: c.programs.kwok(), args: []string{
			"--kubeconfig=" + c.Kubeconfig(), "--manage-all-nodes", "--enable-crds=Stage", "--node-lease-duration-seconds=40",
			"--config=" + c.file("kwok.yaml"), "--node-ip=127.0.0.1", "--node-port=" + kubelet, "--server-address=127.0.0.1:" + kubelet,
			"--tls-cert-file=" + c.file("serving/tls.crt"), "--tls-private-key-file=" + c.file("serving/tls.key"),
		}}),
	)
	if err != nil {
		return err
	}
	if _, err := c.objects.applyAll(ctx, "", storageClass); err != nil {
		return err
	}
	applied, err := c.objects.applyAll(ctx, "", nodes)
	if err != nil {
		return err
	}
	for _, node := range applied {
		if err := c.nodeReady(ctx, node.GetName()); err != nil {
			return err
		}
	}
	return c.play.start(ctx, c.objects)
}

func (c *Cluster) nodeReady(ctx context.Context, name string) error {
	return c.poll(ctx, "node "+name, func(ctx context.Context) (bool, error) {
		now, err := c.objects.get(ctx, Ref{Resource: "nodes", Name: name})
		return err == nil && Condition(now, "Ready") == "True", errors.Join(err, c.processes[kwok].failure())
	})
}
