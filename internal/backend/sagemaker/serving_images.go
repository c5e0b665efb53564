package sagemaker

import (
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// frameworkAccounts are the accounts that hold the images of scikit-learn and of
// XGBoost, by region. Source: image_uri_config/sklearn.json and xgboost.json of
// the SageMaker Python SDK, which agree.
func frameworkAccounts() map[string]string {
	return map[string]string{
		"af-south-1": "510948584623", "ap-east-1": "651117190479", "ap-northeast-1": "354813040037",
		"ap-northeast-2": "366743142698", "ap-northeast-3": "867004704886", "ap-south-1": "720646828776",
		"ap-south-2": "628508329040", "ap-southeast-1": "121021644041", "ap-southeast-2": "783357654285",
		"ap-southeast-3": "951798379941", "ap-southeast-4": "106583098589", "ca-central-1": "341280168497",
		"ca-west-1": "190319476487", "cn-north-1": "450853457545", "cn-northwest-1": "451049120500",
		"eu-central-1": "492215442770", "eu-central-2": "680994064768", "eu-north-1": "662702820516",
		"eu-south-1": "978288397137", "eu-south-2": "104374241257", "eu-west-1": "141502667606",
		"eu-west-2": "764974769150", "eu-west-3": "659782779980", "il-central-1": "898809789911",
		"me-central-1": "272398656194", "me-south-1": "801668240914", "sa-east-1": "737474898029",
		"us-east-1": "683313688378", "us-east-2": "257758044811", "us-gov-east-1": "237065988967",
		"us-gov-west-1": "414596584902", "us-west-1": "746614075791", "us-west-2": "246618743249",
	}
}

// The prebuilt images that serve. That of scikit-learn has Python 3.12, and serves
// whatever its packages can load.
const (
	sklearnImage = "sagemaker-scikit-learn:1.4-2-py312-cpu-py3"
	xgboostImage = "sagemaker-xgboost:3.0-5"
)

// servingImage is the image that serves a format in this region.
func (c *clients) servingImage(format string) (string, error) {
	image := sklearnImage
	if format == "xgboost" {
		image = xgboostImage
	}
	uri, known := c.imageOf(frameworkAccounts(), image)
	if !known {
		return "", mlops.InvalidField("format", "no image that serves %q is known in %s; give image", format, c.region)
	}
	return uri, nil
}

// imageOf is an image that AWS keeps in this region, in an account that differs by
// region; not known where none is listed.
func (c *clients) imageOf(accounts map[string]string, image string) (uri string, known bool) {
	account, known := accounts[c.region]
	return fmt.Sprintf("%s.dkr.ecr.%s.%s/%s", account, c.region, dnsSuffix(c.partition), image), known
}

// dnsSuffix is what the hosts of a partition end in.
func dnsSuffix(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
