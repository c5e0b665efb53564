package kubernetes

// The kinds of Argo Workflows.
const (
	kindWorkflowTemplate kind = "argoproj.io/v1alpha1/WorkflowTemplate"
	kindCronWorkflow     kind = "argoproj.io/v1alpha1/CronWorkflow"
	kindWorkflow         kind = "argoproj.io/v1alpha1/Workflow"
)

// workflowSpec is what the provider says of a WorkflowTemplate, or of a workflow that
// runs one. Source: Argo Workflows' field reference.
type workflowSpec struct {
	Entrypoint     string            `json:"entrypoint,omitempty"`
	Arguments      *argoArguments    `json:"arguments,omitempty"`
	Templates      []argoTemplate    `json:"templates,omitempty"`
	TemplateRef    *workflowRef      `json:"workflowTemplateRef,omitempty"`
	ServiceAccount string            `json:"serviceAccountName,omitempty"`
	Parallelism    int64             `json:"parallelism,omitempty"`
	PodMetadata    *argoMetadata     `json:"podMetadata,omitempty"`
	PodGC          map[string]string `json:"podGC,omitempty"`
	Security       map[string]any    `json:"securityContext,omitempty"`
	PodSpecPatch   string            `json:"podSpecPatch,omitempty"`
	Claims         []volumeClaim     `json:"volumeClaimTemplates,omitempty"`
	ClaimGC        map[string]string `json:"volumeClaimGC,omitempty"`
}

type workflowRef struct {
	Name string `json:"name"`
}

type argoMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// argoArguments are arguments, inputs or outputs.
type argoArguments struct {
	Parameters []argoParameter `json:"parameters,omitempty"`
	Artifacts  []argoArtifact  `json:"artifacts,omitempty"`
}

type argoParameter struct {
	Name        string         `json:"name"`
	Value       *string        `json:"value,omitempty"`
	ValueFrom   *argoValueFrom `json:"valueFrom,omitempty"`
	Description string         `json:"description,omitempty"`
}

type argoValueFrom struct {
	Path    string  `json:"path"`
	Default *string `json:"default,omitempty"`
}

// argoTemplate is a step, or the graph of all.
type argoTemplate struct {
	Name         string              `json:"name"`
	Metadata     *argoMetadata       `json:"metadata,omitempty"`
	Inputs       *argoArguments      `json:"inputs,omitempty"`
	Outputs      *argoArguments      `json:"outputs,omitempty"`
	DAG          *argoDAG            `json:"dag,omitempty"`
	Container    *container          `json:"container,omitempty"`
	Script       *container          `json:"script,omitempty"`
	Before       []namedContainer    `json:"initContainers,omitempty"`
	Volumes      []map[string]any    `json:"volumes,omitempty"`
	Deadline     int64               `json:"activeDeadlineSeconds,omitempty"`
	Retry        *argoRetry          `json:"retryStrategy,omitempty"`
	Memoize      *argoMemoize        `json:"memoize,omitempty"`
	NodeSelector map[string]string   `json:"nodeSelector,omitempty"`
	Affinity     map[string]any      `json:"affinity,omitempty"`
	Tolerations  []map[string]string `json:"tolerations,omitempty"`
	Security     map[string]any      `json:"securityContext,omitempty"`    // instead of the workflow's
	Account      string              `json:"serviceAccountName,omitempty"` // instead of the workflow's
	PodSpecPatch string              `json:"podSpecPatch,omitempty"`
}

// namedContainer is a container beside the main one.
type namedContainer struct {
	container

	Name string `json:"name"`
}

type argoDAG struct {
	Tasks []argoTask `json:"tasks"`
}

type argoTask struct {
	Name         string         `json:"name"`
	Template     string         `json:"template"`
	Dependencies []string       `json:"dependencies,omitempty"`
	Depends      string         `json:"depends,omitempty"` // instead of dependencies
	When         string         `json:"when,omitempty"`
	Arguments    *argoArguments `json:"arguments,omitempty"`
}

// container is a container, or a script with its source.
type container struct {
	Image     string              `json:"image"`
	Command   []string            `json:"command,omitempty"`
	Args      []string            `json:"args,omitempty"`
	Source    string              `json:"source,omitempty"`
	Env       []envVar            `json:"env,omitempty"`
	Resources *containerResources `json:"resources,omitempty"`
	Mounts    []volumeMount       `json:"volumeMounts,omitempty"`
	Security  map[string]any      `json:"securityContext,omitempty"`
}

type envVar struct {
	Name      string         `json:"name"`
	Value     string         `json:"value,omitempty"`
	ValueFrom map[string]any `json:"valueFrom,omitempty"`
}

type volumeMount struct {
	Name string `json:"name"`
	Path string `json:"mountPath"`
}

// containerResources are quantities by name.
type containerResources struct {
	Requests map[string]string `json:"requests,omitempty"`
	Limits   map[string]string `json:"limits,omitempty"`
}

type argoRetry struct {
	Limit      string       `json:"limit"`
	Policy     string       `json:"retryPolicy"`
	Expression string       `json:"expression,omitempty"` // that must hold, too
	Backoff    *argoBackoff `json:"backoff,omitempty"`
}

type argoBackoff struct {
	Duration string `json:"duration"`
	Factor   string `json:"factor"`
	Cap      string `json:"cap,omitempty"`
}

type argoMemoize struct {
	Key    string         `json:"key"`
	MaxAge string         `json:"maxAge"`
	Cache  map[string]any `json:"cache"`
}

// argoArtifact is bytes with the place where they are kept, or where they come from.
type argoArtifact struct {
	argoLocation

	Name    string         `json:"name"`
	Path    string         `json:"path,omitempty"`
	From    string         `json:"from,omitempty"`
	Archive map[string]any `json:"archive,omitempty"`

	Optional bool `json:"optional,omitempty"` // of an input: it may not be there
}

// argoLocation is one of several kinds of place; none for what comes from elsewhere.
type argoLocation struct {
	HTTP  *argoHTTP  `json:"http,omitempty"`
	S3    *argoS3    `json:"s3,omitempty"`
	GCS   *argoGCS   `json:"gcs,omitempty"`
	Azure *argoAzure `json:"azure,omitempty"`
}

type argoHTTP struct {
	URL  string         `json:"url"`
	Auth map[string]any `json:"auth,omitempty"`
}

type argoS3 struct {
	Endpoint       string     `json:"endpoint"`
	Bucket         string     `json:"bucket"`
	Key            string     `json:"key"`
	Region         string     `json:"region,omitempty"`
	Insecure       bool       `json:"insecure,omitempty"`
	AccessKey      *secretKey `json:"accessKeySecret,omitempty"`
	SecretKey      *secretKey `json:"secretKeySecret,omitempty"`
	UseCredentials bool       `json:"useSDKCreds,omitempty"`
}

type argoGCS struct {
	Bucket     string     `json:"bucket"`
	Key        string     `json:"key"`
	AccountKey *secretKey `json:"serviceAccountKeySecret,omitempty"`
}

type argoAzure struct {
	Endpoint       string     `json:"endpoint"`
	Container      string     `json:"container"`
	Blob           string     `json:"blob"`
	AccountKey     *secretKey `json:"accountKeySecret,omitempty"`
	UseCredentials bool       `json:"useSDKCreds,omitempty"`
}

// secretKey names a value of a Secret of the namespace.
type secretKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// workflowStatus is what Argo's controller says of a workflow.
type workflowStatus struct {
	Phase      string                `json:"phase"`
	Message    string                `json:"message"`
	StartedAt  string                `json:"startedAt"`
	FinishedAt string                `json:"finishedAt"`
	Nodes      map[string]nodeStatus `json:"nodes"`
	Compressed string                `json:"compressedNodes"` // nodes, where they are too large
	Offloaded  string                `json:"offloadNodeStatusVersion"`
}

// nodeStatus is what became of a step, of one attempt at it, or of the graph.
type nodeStatus struct {
	ID           string        `json:"id"`
	Name         string        `json:"displayName"`
	Type         string        `json:"type"`
	TemplateName string        `json:"templateName"`
	Phase        string        `json:"phase"`
	Message      string        `json:"message"`
	StartedAt    string        `json:"startedAt"`
	FinishedAt   string        `json:"finishedAt"`
	Children     []string      `json:"children"`
	Outputs      argoArguments `json:"outputs"`
	Memoization  struct {
		Hit bool `json:"hit"`
	} `json:"memoizationStatus"`
}
