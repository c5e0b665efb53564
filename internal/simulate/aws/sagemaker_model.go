package aws

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

func (w *World) smModelHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateModel":   w.smCreateModel,
		"DescribeModel": w.smDescribeModel,
		"ListModels":    w.smListModels,
		"DeleteModel":   w.smDeleteModel,
	}
}

func (w *World) smCreateModel(c *Call) (Params, error) {
	name := text(c.In, "ModelName")
	arn := smARN(c, smModel, name)
	if w.sm().objects[arn] != nil {
		return nil, fault("ValidationException", "Cannot create already existing model %q.", arn)
	}
	if err := w.smModelFault(c); err != nil {
		return nil, err
	}
	in := maps.Clone(c.In)
	if primary := structure(in, "PrimaryContainer"); primary != nil {
		in["PrimaryContainer"] = smContainer(primary)
	}
	if containers := structures(in, "Containers"); len(containers) > 0 {
		var filled []any
		for _, container := range containers {
			filled = append(filled, smContainer(container))
		}
		in["Containers"] = filled
	}
	o := w.add(c, smModel, name, arn, in)
	o.status = "InService"
	return Params{"ModelArn": arn}, nil
}

// smContainer adds what the service adds to a container, as recorded answers of
// DescribeModel have it.
func smContainer(in Params) Params {
	out := maps.Clone(in)
	if text(out, "Mode") == "" {
		out["Mode"] = "SingleModel"
	}
	if structure(out, "Environment") == nil {
		out["Environment"] = Params{}
	}
	return out
}

// smContainers are all containers of a model's request.
func smContainers(in Params) []Params {
	if primary := structure(in, "PrimaryContainer"); primary != nil {
		return []Params{primary}
	}
	return structures(in, "Containers")
}

// smModelFault refuses a model that no schema refuses.
func (w *World) smModelFault(c *Call) error {
	containers := smContainers(c.In)
	switch {
	case structure(c.In, "PrimaryContainer") != nil && len(list(c.In, "Containers")) > 0:
		return fault("ValidationException", "Only one of PrimaryContainer and Containers may be specified.")
	case len(containers) == 0:
		return fault("ValidationException", "Either PrimaryContainer or Containers must be specified.")
	}
	if err := smTagFault(c.In); err != nil {
		return err
	}
	role := text(c.In, "ExecutionRoleArn")
	if role != "" && !w.smRole(role) {
		return w.smRoleFault(c.Region, role, containers)
	}
	for _, container := range containers {
		if err := w.smContainerFault(c, container); err != nil {
			return err
		}
	}
	return nil
}

// smRoleFault is how the service refuses a role that it cannot assume: where it
// needed the role to look at the model's data, it speaks of those, in the words
// that a user reports (philschmid/llm-sagemaker-sample, issue 2).
func (w *World) smRoleFault(region, role string, containers []Params) error {
	for _, container := range containers {
		if uri := smModelData(container); uri != "" {
			return fault("ValidationException", "Could not access model data at %s. Please ensure that the role %q exists and that its trust relationship policy allows the action \"sts:AssumeRole\" for the service principal \"sagemaker.amazonaws.com\". Also ensure that the role has \"s3:GetObject\" permissions and that the object is located in %s.", uri, role, region)
		}
	}
	return smNoRole(role)
}

func (w *World) smContainerFault(c *Call, container Params) error {
	name := text(container, "ModelPackageName")
	if name == "" && text(container, "Image") == "" {
		return fault("ValidationException", "Either Image or ModelPackageName must be specified for a container.")
	}
	if name == "" {
		if f := smImageFault(c.Region, text(container, "Image")); f != nil {
			return f
		}
		return w.modelDataFault(container)
	}
	p, err := w.find(c, smPackage, name)
	if err != nil {
		return err
	}
	if approval := text(p.in, "ModelApprovalStatus"); smVersion(p) > 0 && approval != "Approved" {
		// API reference, CreateModelPackage: the value must be Approved to deploy.
		return fault("ValidationException", "Cannot create a model from the model package %s with the approval status %s.", p.arn, approval)
	}
	for _, inner := range structures(structure(p.in, "InferenceSpecification"), "Containers") {
		if err := w.modelDataFault(inner); err != nil {
			return err
		}
	}
	return nil
}

// smModelData is where a container's model data are, or "".
func smModelData(container Params) string {
	if uri := text(container, "ModelDataUrl"); uri != "" {
		return uri
	}
	return text(structure(structure(container, "ModelDataSource"), "S3DataSource"), "S3Uri")
}

// modelDataFault refuses a container whose model data are not there.
func (w *World) modelDataFault(container Params) error {
	if text(container, "ModelDataUrl") != "" && structure(container, "ModelDataSource") != nil {
		return fault("ValidationException", "Only one of ModelDataUrl and ModelDataSource may be specified.")
	}
	uri := smModelData(container)
	source := structure(structure(container, "ModelDataSource"), "S3DataSource")
	if text(source, "S3DataType") == "S3Prefix" && !strings.HasSuffix(uri, "/") {
		// API reference, S3ModelDataSource: a prefix ends with a slash.
		return fault("ValidationException", "S3Uri %s must end with a forward slash for the S3 data type S3Prefix.", uri)
	}
	bucket, key := smLocation(uri)
	// The models of a multi-model container stand below its URL.
	folder := text(source, "S3DataType") == "S3Prefix" || text(container, "Mode") == "MultiModel"
	if uri == "" || w.objectExists(bucket, key) || (folder && w.smAnyObject(uri)) {
		return nil
	}
	return fault("ValidationException", "Could not find model data at %s.", uri)
}

func (w *World) smDescribeModel(c *Call) (Params, error) {
	o, err := w.find(c, smModel, text(c.In, "ModelName"))
	if err != nil {
		return nil, err
	}
	return smModelView(o), nil
}

// smModelView is a model as Describe shows it.
func smModelView(o *smObject) Params {
	return smJoin(o.members("PrimaryContainer", "Containers", "InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig"), Params{
		"ModelName": o.name, "ModelArn": o.arn, "CreationTime": o.created, "EnableNetworkIsolation": flag(o.in, "EnableNetworkIsolation"),
	})
}

func (w *World) smListModels(c *Call) (Params, error) {
	return smPage(c.In, "Models", w.listed(c, smModel, nil), smPageSize, func(o *smObject) Params {
		return Params{"ModelName": o.name, "ModelArn": o.arn, "CreationTime": o.created}
	})
}

// smDeleteModel deletes a model, also one that an endpoint serves: AWS lets that
// be, and says only that it must not be done (API reference, DeleteEndpointConfig).
func (w *World) smDeleteModel(c *Call) (Params, error) {
	o, err := w.find(c, smModel, text(c.In, "ModelName"))
	if err != nil {
		return nil, err
	}
	w.drop(o)
	return Params{}, nil
}

// smEndModel does what a Model or RegisterModel step does.
func (w *World) smEndModel(o *smObject, s *smStepRun, now time.Time) error {
	run, _ := o.detail.(*smRun)
	call := &Call{Service: "sagemaker", Region: o.region, Account: smAccountOf(o.arn), Time: now, In: maps.Clone(s.arguments)}
	if s.step.Type == "Model" {
		call.Operation, call.In["ModelName"] = "CreateModel", smMadeName(run, s)
		out, err := w.smCreateModel(call)
		if err != nil {
			return err
		}
		arn := text(out, "ModelArn")
		s.metadata, s.result = Params{"Model": Params{"Arn": arn}}, smModelView(w.sm().objects[arn])
		return nil
	}
	call.Operation = "CreateModelPackage"
	out, err := w.smCreatePackage(call)
	if err != nil {
		return fmt.Errorf("registering the model: %w", err)
	}
	arn := text(out, "ModelPackageArn")
	s.metadata, s.result = Params{"RegisterModel": Params{"Arn": arn}}, smPackageView(w.sm().objects[arn])
	return nil
}
