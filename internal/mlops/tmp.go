package mlops
func checkRequirements(c *Checker, at Path, r []string) {}

