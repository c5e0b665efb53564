package memory

import "github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"

// name is the backend's name, in IDs and in HCL.
const name = "memory"

// settingLooks is the provider setting that overrides Config.Looks.
const settingLooks = "looks"

// Config says how a Platform behaves.
type Config struct {
	// Looks is for how many looks an object stays pending after each change, and
	// visible after its deletion. Zero settles everything at once.
	Looks int
}

// settings describes the backend's object in the provider block.
func settings() []mlops.Setting {
	return []mlops.Setting{{
		Name: settingLooks,
		Doc:  "For how many looks an object stays pending after each change.",
		Type: mlops.IntSetting,
		Env:  "MLOPS_MEMORY_LOOKS",
	}}
}

// target describes the backend's object in an environment.
func target() []mlops.Setting {
	return []mlops.Setting{
		{Name: "zone", Doc: "Where the environment pretends to be. Changing it replaces the environment.", Replace: true},
		{Name: "note", Doc: "A remark that is kept with the environment."},
	}
}
