package local

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// name is the backend's name, in IDs and in HCL.
const name = "local"

// The settings by name.
const (
	settingDirectory = "directory"
	settingPort      = "port"
	settingPython    = "python"
	settingSMTP      = "smtp_url"
)

// maxPort is the highest TCP port.
const maxPort = 65535

// settings describes the backend's object in the provider block.
func settings() []mlops.Setting {
	return []mlops.Setting{
		{
			Name: settingDirectory,
			Doc:  "Directory of the engine: its store, and the environments that bring no directory of their own. Default: `~/.mlops`. There is one engine per directory.",
			Env:  client.DirectoryVariable,
		},
		{
			Name: settingPort,
			Doc:  "Loopback port at which endpoints answer. Default: a free one, which the engine then keeps.",
			Type: mlops.IntSetting,
			Env:  client.PortVariable,
		},
		{
			Name: settingPython,
			Doc:  "Python interpreter for steps and model servers. Default: `python3` from the PATH.",
			Env:  client.PythonVariable,
		},
		{
			Name: settingSMTP,
			Doc: "Mail server for the alerts of monitors, `smtp://user:password@host:587?from=alerts@example.com`, or `smtps://` for TLS from the start. " +
				"The engine keeps it sealed.",
			Env:       client.MailServerVariable,
			Sensitive: true,
		},
	}
}

// target describes the backend's object in an environment.
func target() []mlops.Setting {
	return []mlops.Setting{{
		Name:    settingDirectory,
		Doc:     "Absolute path of a directory for the environment's files. What is there already is left alone. Default: one in the engine's directory.",
		Replace: true,
	}}
}

// options says which engine the settings mean.
func options(o mlops.Options) (client.Options, error) {
	c := client.Options{
		Directory:  o.Settings.String(settingDirectory),
		Port:       int(o.Settings.Int(settingPort)),
		Python:     o.Settings.String(settingPython),
		Version:    o.Version,
		Executable: os.Getenv(client.ExecutableVariable),
		Owner:      o.Owner,
		MailServer: o.Settings.String(settingSMTP),
	}
	if c.Port < 0 || c.Port > maxPort {
		return c, refuse(settingPort, "%d is no port; choose one from 1 to %d, or leave it out", c.Port, maxPort)
	}
	var err error
	if c.Directory, err = absolute(c.Directory); err != nil {
		return c, err
	}
	if c.Python, err = mlops.HomePath(name+"."+settingPython, c.Python); err != nil {
		return c, err
	}
	if strings.ContainsRune(c.Python, filepath.Separator) { // the engine has another working directory
		c.Python, err = filepath.Abs(c.Python)
	}
	return c, err
}

// absolute completes a directory.
func absolute(dir string) (string, error) {
	if dir == "" {
		return client.DefaultDirectory()
	}
	dir, err := mlops.HomePath(name+"."+settingDirectory, dir)
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}
