package kubernetes

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The settings of an environment that monitors need.
const (
	targetMonitorImage = "monitor_image"
	targetFetchImage   = "fetch_image"
	targetPushgateway  = "pushgateway_url"
)

// publishedImage is the provider's own image, whose tags are its versions, and
// defaultFetchImage that of the program that fetches captures.
const (
	publishedImage    = "ghcr.io/terraform-mlops/terraform-provider-mlops"
	defaultFetchImage = "docker.io/rclone/rclone:1.76.0"
)

// monitorSettings describes them.
func monitorSettings() []mlops.Setting {
	return []mlops.Setting{
		{Name: targetMonitorImage, Doc: "Image of the jobs that monitors start: the provider's own. Default: `" + publishedImage + "` of the provider's version."},
		{Name: targetFetchImage, Doc: "Image with `sh` and rclone, by which these jobs fetch what was captured. Default: `" + defaultFetchImage + "`."},
		{Name: targetPushgateway, Doc: "URL of a Prometheus Pushgateway that these jobs push their figures to, from inside the cluster. Alerts of checks other than health go by these figures."},
	}
}

// checkMonitoring refuses settings of monitors that mean nothing.
func checkMonitoring(c *mlops.Checker, s mlops.Settings) {
	text := s.String(targetPushgateway)
	u, err := url.Parse(text)
	switch {
	case text == "":
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.Add(mlops.At(name, targetPushgateway), "Not a URL", "%q is no http or https URL.", text)
	case u.User != nil:
		c.Add(mlops.At(name, targetPushgateway), "Credentials in a URL", "The URL would be in the state with what is before the @; give one that needs none.")
	}
}

// pushgateway is where the job's figures are pushed, "" for nowhere.
func (l layout) pushgateway() string {
	return strings.TrimSuffix(l.spec.Target.Settings.String(targetPushgateway), "/")
}

// monitorImage is the image of jobs: the provider's own.
func (l layout) monitorImage(version string) string {
	return cmp.Or(l.spec.Target.Settings.String(targetMonitorImage), publishedImage+":"+strings.TrimPrefix(cmp.Or(version, "dev"), "v"))
}

// fetchImage is the image that fetches what they read.
func (l layout) fetchImage() string {
	return cmp.Or(l.spec.Target.Settings.String(targetFetchImage), defaultFetchImage)
}
