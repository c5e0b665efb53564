package sagemaker

// spelledCron is a schedule in five fields, where it goes by one of cron's names.
func spelledCron(cron string) string {
	switch cron {
	case "@hourly":
		return "0 * * * *"
	case "@daily", "@midnight":
		return "0 0 * * *"
	case "@weekly":
		return "0 0 * * 0"
	case "@monthly":
		return "0 0 1 * *"
	case "@yearly", "@annually":
		return "0 0 1 1 *"
	}
	return cron
}
