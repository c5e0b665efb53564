package kubernetes

import (
	"math"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// placeStep asks for what a step's machine has to have, and for the machine.
func placeStep(t *argoTemplate, c *container, compute *mlops.Compute) {
	if compute == nil {
		return
	}
	c.Resources = resourcesOf(*compute)
	t.NodeSelector, t.Affinity, t.Tolerations = nodesOf(*compute)
}

// resourcesOf is what a container asks for. Memory is also its limit, since what goes
// beyond would take it from others; CPUs are not.
func resourcesOf(c mlops.Compute) *containerResources {
	requests, limits := map[string]string{}, map[string]string{}
	if c.CPU > 0 {
		requests["cpu"] = cpus(c.CPU)
	}
	if c.Memory > 0 {
		requests["memory"], limits["memory"] = byteCount(c.Memory), byteCount(c.Memory)
	}
	if c.Disk > 0 {
		requests["ephemeral-storage"], limits["ephemeral-storage"] = byteCount(c.Disk), byteCount(c.Disk)
	}
	if a := c.Accelerator; a != nil {
		limits[deviceOf(a.Type)] = strconv.FormatInt(max(a.Count, 1), 10)
	}
	if len(requests)+len(limits) == 0 {
		return nil
	}
	return &containerResources{Requests: requests, Limits: limits}
}

// cpus are cores as the API server writes them.
func cpus(cores float64) string {
	milli := int64(math.Ceil(cores * 1000))
	if milli%1000 == 0 {
		return strconv.FormatInt(milli/1000, 10)
	}
	return strconv.FormatInt(milli, 10) + "m"
}

// byteCount is a number of bytes as the API server writes it.
func byteCount(q mlops.Quantity) string {
	for _, u := range []struct {
		bytes int64
		unit  string
	}{{1 << 40, "Ti"}, {1 << 30, "Gi"}, {1 << 20, "Mi"}, {1 << 10, "Ki"}} {
		if int64(q)%u.bytes == 0 {
			return strconv.FormatInt(int64(q)/u.bytes, 10) + u.unit
		}
	}
	return strconv.FormatInt(int64(q), 10)
}

// deviceOf is the resource that a type of accelerator is counted as, by who makes it.
func deviceOf(accelerator string) string {
	switch maker, _, _ := strings.Cut(accelerator, "-"); maker {
	case "amd":
		return "amd.com/gpu"
	case "intel":
		return "gpu.intel.com/i915"
	case "google", "tpu":
		return "google.com/tpu"
	}
	return "nvidia.com/gpu"
}

// The labels by which those who make nodes say what these are.
const (
	labelMachine       = "node.kubernetes.io/instance-type"
	labelGKEGPU        = "cloud.google.com/gke-accelerator"
	labelGPUProduct    = "nvidia.com/gpu.product"
	labelGPUMemory     = "nvidia.com/gpu.memory" // MiB
	labelKarpenterGPU  = "karpenter.k8s.aws/instance-gpu-name"
	labelKarpenterVRAM = "karpenter.k8s.aws/instance-gpu-memory" // MiB
)

// nodesOf says which nodes will do: of a machine type, with an accelerator of a type
// or a memory, by the labels of whichever platform has them. Capacity that may be taken
// away is preferred where it is asked for, and tolerated.
func nodesOf(c mlops.Compute) (selector map[string]string, affinity map[string]any, tolerations []map[string]string) {
	if c.Native != "" {
		selector = map[string]string{labelMachine: c.Native}
	}
	node := map[string]any{}
	if terms := acceleratorTerms(c.Accelerator); len(terms) > 0 {
		node["requiredDuringSchedulingIgnoredDuringExecution"] = map[string]any{"nodeSelectorTerms": terms}
	}
	if c.Accelerator != nil {
		tolerations = append(tolerations, map[string]string{"key": deviceOf(c.Accelerator.Type), "operator": "Exists"})
	}
	if c.Spot {
		var preferred []map[string]any
		for _, s := range spotLabels() {
			preferred = append(preferred, map[string]any{"weight": 100, "preference": isIn(s[0], s[1])})
			tolerations = append(tolerations, map[string]string{"key": s[0], "operator": "Exists"})
		}
		node["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
	}
	if len(node) > 0 {
		affinity = map[string]any{"nodeAffinity": node}
	}
	return selector, affinity, tolerations
}

// spotLabels are the labels of nodes that may be taken away, which are also their
// taints where they have any, with the values: of GKE, AKS, EKS and Karpenter.
func spotLabels() [][2]string {
	return [][2]string{
		{"cloud.google.com/gke-spot", "true"},
		{"kubernetes.azure.com/scalesetpriority", "spot"},
		{"eks.amazonaws.com/capacityType", "SPOT"},
		{"karpenter.sh/capacity-type", "spot"},
	}
}

// acceleratorTerms are ways to say that a node has an accelerator; one has to hold.
func acceleratorTerms(a *mlops.Accelerator) []map[string]any {
	switch {
	case a == nil:
		return nil
	case a.Type != "":
		_, model, _ := strings.Cut(a.Type, "-")
		names := gpuNames()[model]
		return []map[string]any{
			isIn(labelGKEGPU, append([]string{a.Type}, names.gke...)...),
			isIn(labelGPUProduct, append([]string{strings.ToUpper(a.Type)}, names.product...)...),
			isIn(labelKarpenterGPU, model),
		}
	}
	least := strconv.FormatInt(int64(a.Memory)*95/100>>20, 10) // vendors count what the driver leaves
	above := func(label string) map[string]any {
		return map[string]any{"matchExpressions": []map[string]any{{"key": label, "operator": "Gt", "values": []string{least}}}}
	}
	return []map[string]any{above(labelGPUMemory), above(labelKarpenterVRAM)}
}

// isIn is the condition that a node has a label with one of some values.
func isIn(label string, values ...string) map[string]any {
	return map[string]any{"matchExpressions": []map[string]any{{"key": label, "operator": "In", "values": values}}}
}

// gpuName is what a model of GPU is called by those who label nodes, where that is not
// the maker's name and the model's.
type gpuName struct{ gke, product []string }

// gpuNames are by model. Sources: GKE's list of GPU models; what NVIDIA's feature
// discovery takes from the driver, with hyphens for spaces.
func gpuNames() map[string]gpuName {
	return map[string]gpuName{
		"t4":   {[]string{"nvidia-tesla-t4"}, []string{"Tesla-T4"}},
		"v100": {[]string{"nvidia-tesla-v100"}, []string{"Tesla-V100-SXM2-16GB", "Tesla-V100-SXM2-32GB", "Tesla-V100-PCIE-16GB", "Tesla-V100-PCIE-32GB"}},
		"a100": {[]string{"nvidia-tesla-a100", "nvidia-a100-80gb"}, []string{"NVIDIA-A100-SXM4-40GB", "NVIDIA-A100-PCIE-40GB", "NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-80GB-PCIe"}},
		"h100": {[]string{"nvidia-h100-80gb", "nvidia-h100-mega-80gb"}, []string{"NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-PCIe", "NVIDIA-H100-NVL"}},
		"h200": {[]string{"nvidia-h200-141gb"}, []string{"NVIDIA-H200-NVL"}},
	}
}
