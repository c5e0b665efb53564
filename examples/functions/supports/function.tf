output "scales_to_zero" {
  # The features and the backends' answers are in the guide on portability.
  value = provider::mlops::supports("local", "model_endpoint.variants.scaling.min")
}
