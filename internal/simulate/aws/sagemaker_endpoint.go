package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// smServing is what only an endpoint has.
type smServing struct {
	config   *smObject // in force, as it was when it was taken: it may be gone since
	variants []*smVariant
	pending  *smRollout
	last     Params // the deployment configuration of the last update
}

// smVariant is a variant as it serves.
type smVariant struct {
	name, model             string
	shadow                  bool
	weight, desiredWeight   float64
	count, desiredCount     int64
	serverless              Params // nil with instances
	images                  []any
	managedScaling, routing Params
}

func (w *World) smEndpointHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateEndpoint":                     w.smCreateEndpoint,
		"DescribeEndpoint":                   w.smDescribeEndpoint,
		"ListEndpoints":                      w.smListEndpoints,
		"UpdateEndpoint":                     w.smUpdateEndpoint,
		"UpdateEndpointWeightsAndCapacities": w.smUpdateWeights,
		"DeleteEndpoint":                     w.smDeleteEndpoint,
	}
}

func (w *World) smCreateEndpoint(c *Call) (Params, error) {
	name := text(c.In, "EndpointName")
	arn := smARN(c, smEndpoint, name)
	if w.sm().objects[arn] != nil {
		// As users report it (sagemaker-python-sdk, issue 101).
		return nil, fault("ValidationException", "Cannot create already existing endpoint %q.", arn)
	}
	if err := smTagFault(c.In); err != nil {
		return nil, err
	}
	config, err := w.find(c, smConfig, text(c.In, "EndpointConfigName"))
	if err != nil {
		return nil, err
	}
	variants := w.smVariants(c, config)
	deployment := structure(c.In, "DeploymentConfig")
	if err := smDeploymentFault(deployment, variants); err != nil {
		return nil, err
	}
	if err := w.smServeLimit(c, config, variants, nil); err != nil {
		return nil, err
	}
	o := w.add(c, smEndpoint, name, arn, c.In)
	serving := &smServing{config: config, last: deployment, pending: &smRollout{config: config, variants: variants, started: c.Time}}
	o.detail = serving
	w.pass(o, "Creating", func(time.Time) {
		serving.pending, o.status = nil, "InService"
		if o.reason = w.smUnhealthy(variants); o.reason != "" {
			o.status = "Failed"
			return
		}
		serving.variants = variants
	})
	return Params{"EndpointArn": arn}, nil
}

// smVariants are the variants that a configuration asks for.
func (w *World) smVariants(c *Call, config *smObject) []*smVariant {
	var out []*smVariant
	for _, member := range []string{"ProductionVariants", "ShadowProductionVariants"} {
		for _, in := range structures(config.in, member) {
			v := &smVariant{
				name: text(in, "VariantName"), model: text(in, "ModelName"), shadow: member == "ShadowProductionVariants",
				count: number(in, "InitialInstanceCount", 0), weight: smNumber(in["InitialVariantWeight"]),
				serverless: structure(in, "ServerlessConfig"), managedScaling: structure(in, "ManagedInstanceScaling"), routing: structure(in, "RoutingConfig"),
			}
			v.desiredCount, v.desiredWeight = v.count, v.weight
			if model := w.sm().objects[smARN(c, smModel, v.model)]; model != nil {
				v.images = smImages(model, c.Time)
			}
			out = append(out, v)
		}
	}
	return out
}

// smImages are the images of a model as they were resolved when it was deployed.
func smImages(model *smObject, now time.Time) []any {
	var out []any
	for _, container := range smContainers(model.in) {
		image := text(container, "Image")
		if image == "" {
			continue
		}
		sum := sha256.Sum256([]byte(image))
		name, _, _ := strings.Cut(image, "@")
		if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
			name = name[:i]
		}
		out = append(out, Params{"SpecifiedImage": image, "ResolvedImage": name + "@sha256:" + hex.EncodeToString(sum[:]), "ResolutionTime": now})
	}
	return out
}

// smUnhealthy says why variants do not come up, or "".
func (w *World) smUnhealthy(variants []*smVariant) string {
	if w.sm().hooks.FailModel == nil {
		return ""
	}
	for _, v := range variants {
		if reason := w.sm().hooks.FailModel(v.model); reason != "" {
			return smShort(reason, 1024)
		}
	}
	return ""
}

func (w *World) smDescribeEndpoint(c *Call) (Params, error) {
	name := text(c.In, "EndpointName")
	o, err := w.find(c, smEndpoint, name)
	if err != nil {
		return nil, err
	}
	w.look(o, c.Time)
	if o, err = w.find(c, smEndpoint, name); err != nil { // it may have been the last look before it was gone
		return nil, err
	}
	return smEndpointView(o), nil
}

// smEndpointView is an endpoint as Describe shows it.
func smEndpointView(o *smObject) Params {
	serving, _ := o.detail.(*smServing)
	out := smEndpointCore(o)
	out["EndpointConfigName"] = serving.config.name
	if serving.last != nil {
		out["LastDeploymentConfig"] = serving.last
	}
	if p := serving.pending; p != nil {
		out["PendingDeploymentSummary"] = p.view()
	}
	return smJoin(out, serving.config.members("AsyncInferenceConfig", "ExplainerConfig"))
}

// smEndpointCore is what Describe and Search both show of an endpoint. While it is
// created it has no variants, as a recorded answer shows.
func smEndpointCore(o *smObject) Params {
	serving, _ := o.detail.(*smServing)
	out := smEndpointSummary(o)
	smSet(out, "FailureReason", o.reason)
	smShown(out, serving.variants, (*smVariant).view)
	capture := structure(serving.config.in, "DataCaptureConfig")
	if capture != nil && len(serving.variants) > 0 {
		status := map[bool]string{true: "Started", false: "Stopped"}[flag(capture, "EnableCapture")]
		out["DataCaptureConfig"] = Params{
			"EnableCapture": flag(capture, "EnableCapture"), "CaptureStatus": status, "KmsKeyId": text(capture, "KmsKeyId"),
			"CurrentSamplingPercentage": number(capture, "InitialSamplingPercentage", 0), "DestinationS3Uri": text(capture, "DestinationS3Uri"),
		}
	}
	return out
}

// smShown adds production and shadow variants to an answer.
func smShown(out Params, variants []*smVariant, show func(*smVariant) Params) {
	for _, v := range variants {
		member := map[bool]string{false: "ProductionVariants", true: "ShadowProductionVariants"}[v.shadow]
		shown, _ := out[member].([]any)
		out[member] = append(shown, show(v))
	}
}

// view is a variant as Describe shows it.
func (v *smVariant) view() Params {
	out := Params{"VariantName": v.name, "CurrentWeight": v.weight, "DesiredWeight": v.desiredWeight}
	if len(v.images) > 0 {
		out["DeployedImages"] = v.images
	}
	if v.managedScaling != nil {
		out["ManagedInstanceScaling"] = v.managedScaling
	}
	if v.routing != nil {
		out["RoutingConfig"] = v.routing
	}
	if v.serverless != nil {
		out["CurrentServerlessConfig"], out["DesiredServerlessConfig"] = v.serverless, v.serverless
		// A serverless variant counts no instances of its own.
		out["CurrentInstanceCount"], out["DesiredInstanceCount"] = 0, 0
		return out
	}
	out["CurrentInstanceCount"], out["DesiredInstanceCount"] = v.count, v.desiredCount
	return out
}

func smEndpointSummary(o *smObject) Params {
	return Params{
		"EndpointName": o.name, "EndpointArn": o.arn, "EndpointStatus": o.status, "CreationTime": o.created, "LastModifiedTime": o.modified,
	}
}

func (w *World) smListEndpoints(c *Call) (Params, error) {
	return smPage(c.In, "Endpoints", w.listed(c, smEndpoint, nil), smPageSize, smEndpointSummary)
}

// smSteady reports whether an endpoint is in a status in which it may be changed.
// In the others the service answers as users report it ("Cannot update in-progress
// endpoint"), to a delete too.
func smSteady(o *smObject) error {
	if slices.Contains([]string{"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}, o.status) {
		return fault("ValidationException", "Cannot update in-progress endpoint %q.", o.arn)
	}
	return nil
}

func (w *World) smDeleteEndpoint(c *Call) (Params, error) {
	o, err := w.find(c, smEndpoint, text(c.In, "EndpointName"))
	if err != nil {
		return nil, err
	}
	if err := smSteady(o); err != nil {
		return nil, err
	}
	for _, schedule := range w.all(c, smSchedule) {
		if w.smWatches(c, schedule) == o.name {
			// Developer guide, "Model Monitor": schedules are deleted before their endpoint.
			return nil, fault("ValidationException", "Endpoint %q has associated monitoring schedules and cannot be deleted.", o.arn)
		}
	}
	// The service removes what scales the endpoint (awslabs/stable-diffusion-aws-extension, issue 161).
	w.forgetScaling(o.region, o.name)
	w.pass(o, "Deleting", func(time.Time) { w.drop(o) })
	o.modified = c.Time
	return Params{}, nil
}

// variantExists reports whether "endpoint/<name>/variant/<name>" is a variant that
// serves.
func (w *World) variantExists(resourceID string) bool { return w.smVariantOf(resourceID) != nil }

// smVariantOf returns the variant that a resource of Application Auto Scaling is.
func (w *World) smVariantOf(resourceID string) *smVariant {
	parts := strings.Split(resourceID, "/")
	if len(parts) != 4 || parts[0] != "endpoint" || parts[2] != "variant" {
		return nil
	}
	for _, o := range w.sm().objects {
		serving, ok := o.detail.(*smServing)
		if !ok || o.name != parts[1] || o.status != "InService" {
			continue
		}
		for _, v := range serving.variants {
			if v.name == parts[3] {
				return v
			}
		}
	}
	return nil
}

// ScaleVariant sets a variant's number of instances, as an autoscaler would. It
// reports whether there is such a variant in service.
func (w *World) ScaleVariant(endpoint, variant string, instances int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.smVariantOf("endpoint/" + endpoint + "/variant/" + variant)
	if v == nil {
		return false
	}
	v.count, v.desiredCount = int64(instances), int64(instances)
	return true
}
