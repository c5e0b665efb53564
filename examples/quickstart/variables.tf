variable "trees" {
  description = "How many trees the forest has. Change it and apply again: only what follows from it changes."
  type        = number
  default     = 100
}
