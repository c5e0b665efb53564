// Package models pins AWS's published service models: tests read them from the
// module cache (models/apis/<service>/<version>/api-2.json). Nothing imports it.
module github.com/terraform-mlops/terraform-provider-mlops/internal/tools/aws-models

go 1.26

require github.com/aws/aws-sdk-go v1.55.8
