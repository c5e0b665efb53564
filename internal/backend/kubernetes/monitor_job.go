package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The templates of a monitor's workflow, and the parameters that the job gives.
const (
	monitorGraph    = "DAG"
	monitorCheck    = "check"
	monitorRetrain  = "retrain"
	outputReport    = "report"
	outputVerdict   = "verdict"
	outputViolated  = "violated"
	volumeOfMonitor = "monitor"
	volumeOfCapture = "captures"
)

// Where the job's container has what it reads.
const (
	monitorFile   = "monitor.json" // key of the config map, too
	monitorFolder = "/mlops/monitor"
	captureFolder = "/mlops/captures"
	inputBaseline = "baseline"
	inputTruth    = "truth"
)

// longestCheck is after how many seconds a job is given up.
const longestCheck = 6 * 60 * 60

// monitorProgram is the provider's own program in its image.
const monitorProgram = "terraform-provider-mlops"

// planJob adds what a monitor needs for the checks that a job makes.
func (k monitorKind) planJob(ctx context.Context, s scene, plan *monitorPlan) error {
	in, err := k.inputs(ctx, s, &plan.told)
	if err != nil {
		return err
	}
	plan.baseline = in.status
	workflow, err := k.monitorWorkflow(s, plan.spec, in)
	if err != nil {
		return err
	}
	if o := plan.spec.OnViolation; o != nil {
		if plan.run, err = k.retrainingRun(ctx, s, *o); err != nil {
			return err
		}
		task, step, err := k.retraining(s, *o)
		if err != nil {
			return err
		}
		graph := workflow.Templates[0].DAG
		graph.Tasks = append(graph.Tasks, task)
		workflow.Templates = append(workflow.Templates, step)
		plan.parts = append(plan.parts, s.retrainingRights(plan.spec)...)
	}
	cron := cronOf(&plan.spec.Schedule)
	cron.Workflow = workflow
	cron.Metadata = map[string]any{"labels": s.jobLabels(), "annotations": map[string]string{noteID: string(s.id)}}
	plan.parts = append(plan.parts, s.component(s.monitorPart(kindCronWorkflow), map[string]any{"spec": cron}, plan.spec.Labels))
	return nil
}

// jobLabels are those of a monitor's jobs, and of their pods.
func (s scene) jobLabels() map[string]string {
	return labelsFor(s.spec, mlops.NounMonitor, s.id.Name(), nil)
}

// monitorWorkflow is the job of a monitor.
func (k monitorKind) monitorWorkflow(s scene, spec mlops.MonitorSpec, in jobInputs) (workflowSpec, error) {
	check := argoTemplate{
		Name: monitorCheck, Deadline: longestCheck, Inputs: &argoArguments{Artifacts: in.artifacts}, Outputs: s.jobOutputs(),
		Container: k.jobContainer(s, in), Before: []namedContainer{s.fetchCaptures(spec)},
		Volumes: []map[string]any{
			s.monitorVolume(),
			{"name": volumeOfCapture, "emptyDir": map[string]any{}},
			{"name": volumeOfOutputs, "emptyDir": map[string]any{}},
		},
	}
	graph := argoTemplate{Name: monitorGraph, DAG: &argoDAG{Tasks: []argoTask{{Name: monitorCheck, Template: monitorCheck}}}}
	out := workflowSpec{
		Entrypoint: monitorGraph, ServiceAccount: s.serviceAccount,
		PodMetadata: &argoMetadata{Labels: s.jobLabels()}, PodGC: map[string]string{"strategy": "OnWorkflowSuccess"},
		// The same user throughout: what the job writes is for its own user to read.
		Security: bareUser(),
	}
	if s.podSecurity == "restricted" {
		var err error
		if check.PodSpecPatch, err = barePatch([]string{"init", "fetch"}, []string{"main", "wait"}); err != nil {
			return out, err
		}
	}
	out.Templates = []argoTemplate{graph, check}
	return out, nil
}

// monitorVolume has what a monitor's jobs are told.
func (s scene) monitorVolume() map[string]any {
	return map[string]any{"name": volumeOfMonitor, "configMap": map[string]string{"name": s.monitorPart(kindConfigMap).name}}
}

// jobContainer makes the check.
func (k monitorKind) jobContainer(s scene, in jobInputs) *container {
	args := []string{"drift", "--monitor", path.Join(monitorFolder, monitorFile), "--id", string(s.id), "--captures", captureFolder}
	for _, a := range in.artifacts {
		args = append(args, "--"+a.Name, a.Path)
	}
	for _, o := range []string{outputReport, outputVerdict, outputViolated} {
		args = append(args, "--"+o, outputPath(o))
	}
	if url := s.pushgateway(); url != "" {
		args = append(args, "--push", url)
	}
	return &container{
		Image: s.monitorImage(k.options.Version), Command: []string{monitorProgram}, Args: args,
		Mounts: []volumeMount{
			{Name: volumeOfMonitor, Path: monitorFolder},
			{Name: volumeOfCapture, Path: captureFolder},
			{Name: volumeOfOutputs, Path: outputFolder},
		},
	}
}

// jobOutputs are what the job says of itself, and the report, which is kept in storage
// too.
func (s scene) jobOutputs() *argoArguments {
	out := &argoArguments{}
	for _, o := range []string{outputReport, outputVerdict, outputViolated} {
		none := ""
		out.Parameters = append(out.Parameters, argoParameter{Name: o, ValueFrom: &argoValueFrom{Path: outputPath(o), Default: &none}})
	}
	at, err := artifacts{layout: s.layout}.locate(s.storage.URI + "/" + path.Join("monitors", s.id.Name(), runVariable+".json"))
	if err == nil {
		out.Artifacts = []argoArtifact{{Name: outputReport, Path: outputPath(outputReport), Archive: asItIs(), argoLocation: at}}
	}
	return out
}

// rcloneRemote is the name of the place of captures to rclone, which reads what it is
// from the environment.
const rcloneRemote = "captures"

// fetchScript fetches what was captured lately. That nothing was is no failure.
const fetchScript = `rclone copy --use-server-modtime --max-age "$MAX_AGE" --include "$INCLUDE" "` + rcloneRemote + `:$FOLDER" ` + captureFolder +
	`; status=$?; [ "$status" -eq 3 ] || exit "$status"`

// fetchCaptures fetches what the servers of a monitor's endpoint captured within its
// window, with the times of the files, which Argo's artifacts have not: a capture says by
// nothing else when it was.
func (s scene) fetchCaptures(spec mlops.MonitorSpec) namedContainer {
	bucket, below := s.bucket()
	age := spec.Window.Or(mlops.DefaultWindow) + time.Hour
	if spec.ModelQuality != nil {
		age += time.Duration(spec.ModelQuality.Delay)
	}
	env := append(s.rclone(),
		envVar{Name: "FOLDER", Value: path.Join(bucket, below, s.namespace)},
		// KServe puts the path of a logger's storage below the server's own.
		envVar{Name: "INCLUDE", Value: fmt.Sprintf("/%s/*/captures/%s/**", s.capturing(spec.Endpoint.Name()), spec.Endpoint.Name())},
		envVar{Name: "MAX_AGE", Value: promDuration(age)}, envVar{Name: "RCLONE_CONFIG", Value: "/notfound"}, // which rclone takes for none
	)
	c := namedContainer{Name: "fetch"}
	c.Image, c.Command, c.Args, c.Env = s.fetchImage(), []string{"sh", "-c"}, []string{fetchScript}, env
	c.Mounts = []volumeMount{{Name: volumeOfCapture, Path: captureFolder}}
	return c
}

// capturing is a pattern of the names of an endpoint's inference services, as rclone reads
// it: one for each server, and in Knative mode one for all.
func (l layout) capturing(endpoint string) string {
	if l.knative() {
		return endpoint
	}
	return l.serverStem(endpoint) + "-??????????"
}

// rclone says where the environment's storage is.
func (s scene) rclone() []envVar {
	set := func(key, value string) envVar {
		return envVar{Name: "RCLONE_CONFIG_CAPTURES_" + key, Value: value}
	}
	secret := func(name, key string) envVar {
		return envVar{Name: name, ValueFrom: map[string]any{"secretKeyRef": secretKey{s.storage.Secret, key}}}
	}
	if s.storage.scheme() == "gs" {
		env := []envVar{set("TYPE", "google cloud storage"), set("BUCKET_POLICY_ONLY", "true")}
		if s.storage.Secret == "" {
			return append(env, set("ENV_AUTH", "true"))
		}
		return append(env, secret("RCLONE_CONFIG_CAPTURES_SERVICE_ACCOUNT_CREDENTIALS", keyOfGCS))
	}
	env := []envVar{set("TYPE", "s3"), set("ENV_AUTH", "true"), set("PROVIDER", "AWS")}
	if s.storage.Endpoint != "" {
		env = append(env[:2], set("PROVIDER", "Other"), set("ENDPOINT", s.storage.Endpoint))
	}
	if s.storage.Region != "" {
		env = append(env, set("REGION", s.storage.Region))
	}
	if s.storage.Secret == "" {
		return env
	}
	return append(env, secret(keyOfS3User, keyOfS3User), secret(keyOfS3Key, keyOfS3Key))
}

// barePatch is secure's patch of the containers that Argo adds to a pod, for one template:
// a container that the pod has not would be added by it.
func barePatch(before, beside []string) (string, error) {
	list := func(names []string) []map[string]any {
		out := []map[string]any{}
		for _, n := range names {
			out = append(out, map[string]any{"name": n, "securityContext": map[string]any{
				"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []string{"ALL"}},
			}})
		}
		return out
	}
	patch, err := json.Marshal(map[string]any{"initContainers": list(before), "containers": list(beside)})
	return string(patch), err
}

// bareUser is what the Pod Security Standard "restricted" asks of a pod.
func bareUser() map[string]any {
	return map[string]any{
		"runAsNonRoot": true, "runAsUser": podUser, "fsGroup": podUser, "seccompProfile": map[string]string{"type": "RuntimeDefault"},
	}
}
