package aws

// smStages is how many shifts of traffic a deployment has.
func smStages(deployment Params) int {
	routing := structure(structure(deployment, "BlueGreenUpdatePolicy"), "TrafficRoutingConfiguration")
	switch text(routing, "Type") {
	case "CANARY":
		return 2
	case "LINEAR":
		return smSteps(structure(routing, "LinearStepSize"))
	}
	if rolling := structure(deployment, "RollingUpdatePolicy"); rolling != nil {
		return smSteps(structure(rolling, "MaximumBatchSize"))
	}
	return 1
}

// smSteps is in how many steps of a size the whole capacity is reached; a size in
// instances is taken as half.
func smSteps(size Params) int {
	if percent := number(size, "Value", 100); text(size, "Type") == "CAPACITY_PERCENT" && percent > 0 {
		return int((100 + percent - 1) / percent)
	}
	return 2
}

// smDeploymentFault refuses a deployment configuration that no schema refuses. The
// bounds stand in the API reference (BlueGreenUpdatePolicy, TrafficRoutingConfig,
// RollingUpdatePolicy).
func smDeploymentFault(deployment Params, variants []*smVariant) error {
	if deployment == nil {
		return nil
	}
	blueGreen, rolling := structure(deployment, "BlueGreenUpdatePolicy"), structure(deployment, "RollingUpdatePolicy")
	if blueGreen != nil && rolling != nil {
		return fault("ValidationException", "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy may be specified.")
	}
	for _, v := range variants {
		if v.serverless != nil {
			// Developer guide, "Deployment guardrails".
			return fault("ValidationException", "DeploymentConfig is not supported for serverless endpoints.")
		}
	}
	if rolling != nil {
		return smRollingFault(rolling, variants)
	}
	if blueGreen == nil {
		return nil
	}
	routing := structure(blueGreen, "TrafficRoutingConfiguration")
	waits := number(blueGreen, "TerminationWaitInSeconds", 0) + number(routing, "WaitIntervalInSeconds", 0)*int64(smStages(deployment))
	if limit := number(blueGreen, "MaximumExecutionTimeoutInSeconds", 0); limit > 0 && limit <= waits {
		return fault("ValidationException", "MaximumExecutionTimeoutInSeconds %d must be larger than the total waiting time of %d seconds.", limit, waits)
	}
	return smRoutingFault(routing, variants)
}

func smRoutingFault(routing Params, variants []*smVariant) error {
	kind := text(routing, "Type")
	canary, step := structure(routing, "CanarySize"), structure(routing, "LinearStepSize")
	switch {
	case (kind == "CANARY") != (canary != nil):
		return fault("ValidationException", "CanarySize must be specified for traffic routing of type CANARY, and only then.")
	case (kind == "LINEAR") != (step != nil):
		return fault("ValidationException", "LinearStepSize must be specified for traffic routing of type LINEAR, and only then.")
	case kind == "CANARY":
		return smSizeFault("CanarySize", canary, 0, variants)
	case kind == "LINEAR":
		return smSizeFault("LinearStepSize", step, 10, variants)
	}
	return nil
}

func smRollingFault(rolling Params, variants []*smVariant) error {
	batch := structure(rolling, "MaximumBatchSize")
	if err := smSizeFault("MaximumBatchSize", batch, 5, variants); err != nil {
		return err
	}
	waits := number(rolling, "WaitIntervalInSeconds", 0) * int64(smSteps(batch))
	if limit := number(rolling, "MaximumExecutionTimeoutInSeconds", 0); limit > 0 && limit <= waits {
		return fault("ValidationException", "MaximumExecutionTimeoutInSeconds %d must be larger than the total waiting time of %d seconds.", limit, waits)
	}
	return nil
}

// smSizeFault refuses a size that is not between least and 50 percent of each
// variant's instances.
func smSizeFault(name string, size Params, least int64, variants []*smVariant) error {
	value := number(size, "Value", 0)
	if text(size, "Type") == "CAPACITY_PERCENT" {
		if value < least || value > 50 {
			return fault("ValidationException", "%s must be between %d%% and 50%% of the variant's total instance count, not %d%%.", name, max(least, 1), value)
		}
		return nil
	}
	for _, v := range variants {
		if !v.shadow && value*2 > v.count {
			return fault("ValidationException", "%s must be at most 50%% of the total instance count of variant %s: %d of %d.", name, v.name, value, v.count)
		}
	}
	return nil
}
