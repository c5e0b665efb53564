package aws

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

func (w *World) smConfigHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateEndpointConfig":   w.smCreateConfig,
		"DescribeEndpointConfig": w.smDescribeConfig,
		"ListEndpointConfigs":    w.smListConfigs,
		"DeleteEndpointConfig":   w.smDeleteConfig,
	}
}

func (w *World) smCreateConfig(c *Call) (Params, error) {
	name := text(c.In, "EndpointConfigName")
	arn := smARN(c, smConfig, name)
	if w.sm().objects[arn] != nil {
		// As users report it (awslabs/spot-tagging-bot, issue 2).
		return nil, fault("ValidationException", "Cannot create already existing endpoint configuration %q.", arn)
	}
	if err := w.smConfigFault(c); err != nil {
		return nil, err
	}
	in := maps.Clone(c.In)
	for _, member := range []string{"ProductionVariants", "ShadowProductionVariants"} {
		if variants := structures(in, member); len(variants) > 0 {
			in[member] = smWeighted(variants)
		}
	}
	w.add(c, smConfig, name, arn, in)
	return Params{"EndpointConfigArn": arn}, nil
}

// smWeighted adds the weight that a variant has unless told: 1 (API reference,
// ProductionVariant).
func smWeighted(variants []Params) []any {
	var out []any
	for _, variant := range variants {
		fresh := maps.Clone(variant)
		if _, given := fresh["InitialVariantWeight"]; !given {
			fresh["InitialVariantWeight"] = json.Number("1")
		}
		out = append(out, fresh)
	}
	return out
}

// smConfigFault refuses a configuration that no schema refuses.
func (w *World) smConfigFault(c *Call) error {
	if err := smTagFault(c.In); err != nil {
		return err
	}
	production, shadow := structures(c.In, "ProductionVariants"), structures(c.In, "ShadowProductionVariants")
	if err := w.smShadowFault(c, production, shadow); err != nil {
		return err
	}
	seen, serverless := map[string]bool{}, false
	for _, variant := range append(production, shadow...) {
		name := text(variant, "VariantName")
		if seen[name] {
			return fault("ValidationException", "Variant names must be unique, and %s is given more than once.", name)
		}
		seen[name] = true
		if err := w.smVariantFault(c, variant); err != nil {
			return err
		}
		serverless = serverless || structure(variant, "ServerlessConfig") != nil
	}
	return smServerlessFault(c.In, serverless, len(production)+len(shadow))
}

// smShadowFault refuses shadows of more than one variant (API reference,
// CreateEndpointConfig), and of those that have none (developer guide, "Shadow tests",
// exclusions).
func (w *World) smShadowFault(c *Call, production, shadow []Params) error {
	if len(shadow) == 0 {
		return nil
	}
	if len(shadow) != 1 || len(production) != 1 {
		return fault("ValidationException", "With ShadowProductionVariants only one production variant and one shadow variant can be specified.")
	}
	for _, variant := range append(slices.Clone(production), shadow...) {
		name, containers := text(variant, "VariantName"), []Params(nil)
		if model := w.sm().objects[smARN(c, smModel, text(variant, "ModelName"))]; model != nil {
			containers = smContainers(model.in)
		}
		multi := slices.ContainsFunc(containers, func(in Params) bool { return text(in, "Mode") == "MultiModel" })
		switch {
		case structure(variant, "ServerlessConfig") != nil, structure(c.In, "AsyncInferenceConfig") != nil:
			return fault("ValidationException", "ShadowProductionVariants are not supported for serverless and asynchronous endpoints.")
		case strings.HasPrefix(text(variant, "InstanceType"), "ml.inf1."):
			return fault("ValidationException", "ShadowProductionVariants are not supported on %s of variant %s.", text(variant, "InstanceType"), name)
		case len(containers) > 1 || multi:
			return fault("ValidationException", "ShadowProductionVariants are not supported for the containers of variant %s.", name)
		}
	}
	return nil
}

func (w *World) smVariantFault(c *Call, variant Params) error {
	name, model := text(variant, "VariantName"), text(variant, "ModelName")
	if model == "" && text(c.In, "ExecutionRoleArn") == "" {
		// Without a model the endpoint hosts inference components, and then needs
		// a role (API reference, CreateEndpointConfig).
		return fault("ValidationException", "ModelName must be specified for variant %s.", name)
	}
	if model != "" {
		if _, err := w.find(c, smModel, model); err != nil {
			return err
		}
	}
	serverless := structure(variant, "ServerlessConfig")
	instances := text(variant, "InstanceType") != "" && number(variant, "InitialInstanceCount", 0) > 0
	switch {
	case serverless == nil && !instances && structure(variant, "ManagedInstanceScaling") == nil:
		return fault("ValidationException", "InstanceType and InitialInstanceCount, or ServerlessConfig, must be specified for variant %s.", name)
	case serverless != nil && (text(variant, "InstanceType") != "" || variant["InitialInstanceCount"] != nil):
		return fault("ValidationException", "InstanceType and InitialInstanceCount cannot be specified together with ServerlessConfig for variant %s.", name)
	case serverless == nil:
		return nil
	}
	if err := smCapacityFault(variant, serverless); err != nil {
		return err
	}
	return w.smServerlessModelFault(c, model)
}

// smCapacityFault refuses a capacity that serverless variants cannot have.
func smCapacityFault(variant, serverless Params) error {
	if memory := number(serverless, "MemorySizeInMB", 0); memory%1024 != 0 {
		// API reference, ProductionVariantServerlessConfig: in steps of 1 GB.
		return fault("ValidationException", "MemorySizeInMB %d is not a multiple of 1024.", memory)
	}
	if number(serverless, "ProvisionedConcurrency", 0) > number(serverless, "MaxConcurrency", 0) {
		return fault("ValidationException", "ProvisionedConcurrency must be at most MaxConcurrency.")
	}
	if variant["VolumeSizeInGB"] != nil || variant["ContainerStartupHealthCheckTimeoutInSeconds"] != nil {
		// Settings of instances. No document says that they are refused here.
		return fault("ValidationException", "VolumeSizeInGB and ContainerStartupHealthCheckTimeoutInSeconds cannot be specified together with ServerlessConfig for variant %s.", text(variant, "VariantName"))
	}
	return nil
}

// smServerlessModelFault refuses models that serverless endpoints do not serve: in a
// network of their own (developer guide, "Serverless Inference", feature exclusions),
// of several containers (there too), and of data that are not one file (API reference,
// ContainerDefinition, ModelDataSource).
func (w *World) smServerlessModelFault(c *Call, name string) error {
	model := w.sm().objects[smARN(c, smModel, name)]
	if model == nil {
		return nil
	}
	containers := smContainers(model.in)
	switch {
	case structure(model.in, "VpcConfig") != nil, flag(model.in, "EnableNetworkIsolation"):
		return fault("ValidationException", "VPC configuration and network isolation are not supported for serverless endpoints.")
	case len(containers) > 1:
		return fault("ValidationException", "Inference pipelines are not supported for serverless endpoints.")
	}
	for _, container := range containers {
		if structure(container, "ModelDataSource") != nil || text(container, "Mode") == "MultiModel" {
			return fault("ValidationException", "ModelDataSource and multi-model containers are not supported for serverless endpoints.")
		}
	}
	return nil
}

// smServerlessFault refuses what serverless endpoints do not have (developer guide,
// "Serverless Inference", feature exclusions).
func smServerlessFault(in Params, serverless bool, variants int) error {
	switch {
	case !serverless:
		return nil
	case variants > 1:
		return fault("ValidationException", "Serverless endpoints support one production variant only.")
	case flag(structure(in, "DataCaptureConfig"), "EnableCapture"):
		return fault("ValidationException", "Data capture is not supported for serverless endpoints.")
	case structure(in, "AsyncInferenceConfig") != nil:
		return fault("ValidationException", "AsyncInferenceConfig is not supported for serverless endpoints.")
	case structure(in, "VpcConfig") != nil, flag(in, "EnableNetworkIsolation"):
		return fault("ValidationException", "VPC configuration and network isolation are not supported for serverless endpoints.")
	}
	return nil
}

func (w *World) smDescribeConfig(c *Call) (Params, error) {
	o, err := w.find(c, smConfig, text(c.In, "EndpointConfigName"))
	if err != nil {
		return nil, err
	}
	return smJoin(o.members(
		"ProductionVariants", "ShadowProductionVariants", "DataCaptureConfig", "KmsKeyId", "AsyncInferenceConfig", "ExplainerConfig", "ExecutionRoleArn", "VpcConfig",
	), Params{
		"EndpointConfigName": o.name, "EndpointConfigArn": o.arn, "CreationTime": o.created, "EnableNetworkIsolation": flag(o.in, "EnableNetworkIsolation"),
	}), nil
}

func (w *World) smListConfigs(c *Call) (Params, error) {
	return smPage(c.In, "EndpointConfigs", w.listed(c, smConfig, nil), smPageSize, func(o *smObject) Params {
		return Params{"EndpointConfigName": o.name, "EndpointConfigArn": o.arn, "CreationTime": o.created}
	})
}

// smDeleteConfig deletes a configuration, also one in use: AWS says that it must
// not be done (API reference, DeleteEndpointConfig) but does it, and the endpoint
// can then not be updated (terraform-provider-aws, issue 40048).
func (w *World) smDeleteConfig(c *Call) (Params, error) {
	o, err := w.find(c, smConfig, text(c.In, "EndpointConfigName"))
	if err != nil {
		return nil, err
	}
	w.drop(o)
	return Params{}, nil
}
