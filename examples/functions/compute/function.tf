locals {
  machine = provider::mlops::compute("sagemaker", "hosting", {
    accelerator_type = "nvidia-l4"
    memory           = "32Gi"
  })
}

output "machine" {
  # Such as: ml.g6.2xlarge, about 892 USD a month
  value = "${local.machine.type}, about ${floor(local.machine.usd_per_month)} USD a month"
}
