package kubetest

import (
	"context"
	_ "embed"
	"errors"
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

//go:embed testdata/storage.yaml
var storageClass string

// startNodes starts the scheduler and kwok, and waits until the nodes are ready, for
// which there are volumes.
func (c *Cluster) startNodes(ctx context.Context) error {
	var port string
	if err := freePorts(ctx, &port); err != nil {
		return err
	}
	if err := c.installStages(ctx); err != nil {
		return err
	}
	err := errors.Join(
		c.run(ctx, scheduler, command{path: c.programs.controlPlane(), args: []string{
			"kube-scheduler", "--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false",
			"--authentication-kubeconfig=" + c.Kubeconfig(), "--authorization-kubeconfig=" + c.Kubeconfig(),
			"--bind-address=127.0.0.1", "--secure-port=" + port, "--cert-dir=" + c.file("scheduler"),
		}}),
		c.run(ctx, kwok, command{path: c.programs.kwok(), args: []string{
			"--kubeconfig=" + c.Kubeconfig(), "--manage-all-nodes", "--enable-crds=Stage", "--node-lease-duration-seconds=40",
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
