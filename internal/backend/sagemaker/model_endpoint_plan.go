package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// endpointServed is a version as a variant needs it.
type endpointServed struct {
	digest    string
	container types.ContainerDefinition
}

// endpointPlan is a change of an endpoint, thought through and not begun.
type endpointPlan struct {
	form   endpointForm
	before *endpointForm
	first  bool // see endpointExtra
	models []*sagemaker.CreateModelInput
	// archives are what the models need beside what the versions have.
	archives []modelArchive
	config   *sagemaker.CreateEndpointConfigInput // nil if that in force will do
	shadow   *sagemaker.CreateEndpointConfigInput // what comes before config, or nil
	tags     map[string]string                    // of the endpoint, with the record
	// tagsAlone says that nothing but what the tags hold is changed.
	tagsAlone bool
}

// endpointPlan works out what a spec needs on the platform.
func (k modelEndpointKind) endpointPlan(ctx context.Context, s scene, old endpointState, spec mlops.ModelEndpointSpec) (endpointPlan, error) {
	served, err := k.endpointVersions(ctx, s, old, spec)
	if err != nil {
		return endpointPlan{}, err
	}
	p, err := toEndpoint(s, spec, served)
	if err != nil {
		return endpointPlan{}, err
	}
	p.form.Revision = revisionOf(spec)
	p.first = !old.exists && s.blank != nil && *s.blank
	if err := p.follow(old); err != nil {
		return endpointPlan{}, err
	}
	if err := k.planShadow(ctx, s, old, &p); err != nil {
		return p, err
	}
	return p, k.tagEndpointPlan(s, spec, &p)
}

// follow takes over what a change inherits from what is in force.
func (p *endpointPlan) follow(old endpointState) error {
	former := old.inForce() // with the weights that are really in force
	if former == nil {
		return nil
	}
	serving := old.serving()
	before := *old.force()
	before.Since, before.Shadow = map[string]time.Time{}, ""
	for name, v := range serving {
		before.Since[name] = v.Since
	}
	p.before = &before
	if former.Core == p.form.Core {
		p.form.Config, p.config, p.models, p.archives = former.Config, nil, nil, nil
	} else if err := checkEndpointGuards(former, p.form.Spec); err != nil {
		return err
	}
	p.tagsAlone = old.standing() != nil && p.config == nil && sameScaling(former.Spec.Variants, p.form.Spec.Variants) &&
		(p.form.Spec.SmokeTest == nil || old.tags[tagEndpointPassed] == passedMark(p.form))
	p.form.Since = map[string]time.Time{}
	p.form.Previous = former.Previous
	for name, v := range p.form.Spec.Variants {
		if was, ok := serving[name]; ok && was.Version == v.Version && was.Traffic > 0 {
			p.form.Since[name] = was.Since
		}
	}
	if mlops.DigestOf(former.Spec.Variants) != mlops.DigestOf(p.form.Spec.Variants) {
		p.form.Previous = withoutSince(serving)
	}
	return nil
}

// withoutSince is what served before, of which it does not matter since when.
func withoutSince(serving map[string]mlops.Serving) map[string]mlops.Serving {
	out := map[string]mlops.Serving{}
	for name, v := range serving {
		v.Since = time.Time{}
		out[name] = v
	}
	return out
}

// sameScaling reports whether variants differ neither in their shares of the
// traffic nor in what scales them.
func sameScaling(old, fresh map[string]mlops.Variant) bool {
	return maps.EqualFunc(old, fresh, func(a, b mlops.Variant) bool {
		return a.Traffic == b.Traffic && endpointScale(a) == endpointScale(b)
	})
}

// tagEndpointPlan writes the tags of the endpoint and of its parts.
func (k modelEndpointKind) tagEndpointPlan(s scene, spec mlops.ModelEndpointSpec, p *endpointPlan) error {
	r, err := k.newRecord(s.id, spec)
	if err != nil {
		return err
	}
	asked := p.form
	asked.Spec = mlops.ModelEndpointSpec{}
	if r.Extra, err = json.Marshal(endpointExtra{Asked: asked, Before: p.before, First: p.first}); err != nil {
		return err
	}
	pieces, err := r.tags()
	if err != nil {
		return err
	}
	p.tags = k.tagsFor(s.place.spec, spec.Labels, pieces)
	if most := maxTags - reservedEndpointTags; len(p.tags) > most {
		return invalid(fmt.Errorf("the endpoint needs %d tags, its description among them, and AWS allows %d", len(p.tags), most))
	}
	if p.config != nil {
		p.config.Tags = sagemakerTags(p.tags)
	}
	if p.shadow != nil {
		p.shadow.Tags = sagemakerTags(p.tags)
	}
	for _, m := range p.models {
		m.Tags = sagemakerTags(withoutRecord(p.tags))
	}
	return nil
}

// reservedEndpointTags is how many tags follow the record: those that say how far
// a change has come, and the end of the record.
const reservedEndpointTags = 6

// toEndpoint is what a spec is on SageMaker: a model for each variant and a
// configuration, each named by its content.
func toEndpoint(s scene, spec mlops.ModelEndpointSpec, served map[string]endpointServed) (endpointPlan, error) {
	p := endpointPlan{form: endpointForm{Spec: spec, Types: map[string]string{}, Digests: map[string]string{}}}
	c := &sagemaker.CreateEndpointConfigInput{DataCaptureConfig: endpointCapture(s, spec.Capture)}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		v := spec.Variants[name]
		machine, err := catalogue().Hosting(v)
		if err != nil {
			return p, &mlops.Error{Code: mlops.Invalid, Field: mlops.At("variants", mlops.Key(name), "compute").String(), Err: err}
		}
		container := served[name].container
		if isServerless(v) {
			var archive modelArchive
			if container, archive = archived(container); archive.uri != "" {
				p.archives = append(p.archives, archive)
			}
		}
		model, err := toEndpointModel(s, spec, v, container)
		if err != nil {
			return p, err
		}
		p.models = append(p.models, model)
		p.form.Types[name], p.form.Digests[name] = machine, served[name].digest
		c.ProductionVariants = append(c.ProductionVariants, toEndpointVariant(name, v, machine, *model.ModelName))
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(p.form.Types)), hasLocalDisk) {
		c.KmsKeyId = optional(s.place.Key) // disks of the machine itself have AWS's own encryption, and take no key
	}
	if err := overrideConfig(c, spec); err != nil {
		return p, err
	}
	p.form.Core = endpointCore(*c)
	p.form.Config = endpointPrefix(s.id) + shortHash(mlops.DigestOf(c))
	c.EndpointConfigName = &p.form.Config
	p.config = c
	return p, nil
}

// endpointCore is the mark of a configuration without what can be changed in place:
// weights and numbers of instances.
func endpointCore(c sagemaker.CreateEndpointConfigInput) string {
	c.ProductionVariants = slices.Clone(c.ProductionVariants)
	for i := range c.ProductionVariants {
		c.ProductionVariants[i].InitialInstanceCount, c.ProductionVariants[i].InitialVariantWeight = nil, nil
	}
	return shortHash(mlops.DigestOf(c))
}

// longestPrefix leaves room for the mark of the content.
const longestPrefix = 40

// endpointPrefix is what the names of an endpoint's configurations begin with; the
// mark of their content follows.
func endpointPrefix(id mlops.ID) string { return nativeName(id, longestPrefix) + "-" }

// endpointModelPrefix is what the names of an endpoint's models begin with; the
// mark of their content follows. Endpoints share none: each removes its own.
func endpointModelPrefix(id mlops.ID) string { return "mlops-" + shortHash(string(id)) + "-" }

// toEndpointModel is the model of a variant.
func toEndpointModel(s scene, spec mlops.ModelEndpointSpec, v mlops.Variant, container types.ContainerDefinition) (*sagemaker.CreateModelInput, error) {
	container.Environment = maps.Clone(container.Environment)
	if container.Environment == nil {
		container.Environment = map[string]string{}
	}
	if spec.Timeout != 0 {
		// As AWS's own serving containers read it.
		container.Environment["SAGEMAKER_MODEL_SERVER_TIMEOUT"] = strconv.Itoa(int(time.Duration(spec.Timeout).Seconds()))
	}
	maps.Copy(container.Environment, v.Env)
	m := &sagemaker.CreateModelInput{PrimaryContainer: &container, ExecutionRoleArn: &s.place.Role}
	if s.place.Isolated {
		m.EnableNetworkIsolation = aws.Bool(true)
	}
	if len(s.place.Subnets) > 0 {
		m.VpcConfig = &types.VpcConfig{Subnets: s.place.Subnets, SecurityGroupIds: s.place.Groups}
	}
	err := overrideModel(m, spec)
	m.ModelName = aws.String(endpointModelPrefix(s.id) + shortHash(mlops.DigestOf(m)))
	return m, err
}

// defaultStartup is how long a server may take to answer its first health check.
const defaultStartup = 5 * time.Minute

// toEndpointVariant is a variant in a configuration.
func toEndpointVariant(name string, v mlops.Variant, machine, model string) types.ProductionVariant {
	out := types.ProductionVariant{VariantName: &name, ModelName: &model, InitialVariantWeight: aws.Float32(float32(v.Traffic))}
	if isServerless(v) {
		out.ServerlessConfig = toServerless(v)
		return out
	}
	out.InstanceType, out.InitialInstanceCount = types.ProductionVariantInstanceType(machine), endpointCount(endpointScale(v).least)
	out.ContainerStartupHealthCheckTimeoutInSeconds = aws.Int32(int32(v.Startup.Or(defaultStartup).Seconds()))
	if c := v.Compute; c != nil && c.Disk > 0 {
		out.VolumeSizeInGB = endpointCount(diskGB(c.Disk))
	}
	return out
}

// endpointCount is a count as the SDK takes it.
func endpointCount(n int64) *int32 { return aws.Int32(int32(min(max(n, 0), math.MaxInt32))) }

// diskGB is a size in whole gibibytes, which is what SageMaker calls GB.
func diskGB(q mlops.Quantity) int64 { return (int64(q) + 1<<30 - 1) >> 30 }

// endpointCapture keeps requests and answers below captures/ in the bucket.
func endpointCapture(s scene, c *mlops.Capture) *types.DataCaptureConfig {
	if c == nil {
		return nil
	}
	return &types.DataCaptureConfig{
		EnableCapture: aws.Bool(true), InitialSamplingPercentage: endpointCount(c.SamplePercent),
		DestinationS3Uri: aws.String(s.place.uri("captures/" + s.name)), KmsKeyId: optional(s.place.Key),
		CaptureOptions:           []types.CaptureOption{{CaptureMode: types.CaptureModeInput}, {CaptureMode: types.CaptureModeOutput}},
		CaptureContentTypeHeader: &types.CaptureContentTypeHeader{JsonContentTypes: []string{"application/json"}, CsvContentTypes: []string{"text/csv"}},
	}
}
